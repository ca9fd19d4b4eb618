"""Recurrent cells: the reference's figures, parameter counts, and numpy's step by step."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from keras_classics.layers import LearnedInitialState, OneHot, recurrent_layer
from keras_classics.layers.recurrent.by_name import RECURRENT_LAYERS
from support import check_layer, check_round_trip

DRAW = np.random.default_rng(4)
SEQUENCES = DRAW.normal(size=(2, 4, 3)).astype("float32")
FORMS = [
    ("deep_transition", {"depth": 3}),
    ("gru_course", {}),
    ("highway", {"depth": 2}),
    ("jordan", {"outputs": 2}),
    ("jordan", {"outputs": 2, "hidden_feedback": True, "output_activation": "softmax"}),
    ("lstm_coupled", {"peepholes": True}),
    ("lstm_no_forget", {"projection": 3}),
    ("lstm_peephole", {}),
    ("multiplicative", {"factors": 4}),
    ("multiplicative_lstm", {"factors": 4, "forget": "coupled"}),
]


@pytest.mark.parametrize(("cell", "options"), FORMS, ids=lambda value: str(value))
def test_contract(cell, options):
    check_layer(recurrent_layer(cell, 5, **options), SEQUENCES)


def test_contract_of_one_hot():
    check_layer(OneHot(4), np.array([[0, 3, 1]], "int32"))


def test_one_hot_vectors_mask_what_is_padding_only_where_asked():
    ids = np.array([[2, 0, 1], [0, 0, 3]])
    np.testing.assert_array_equal(OneHot(4)(ids), np.eye(4)[ids])
    np.testing.assert_array_equal(OneHot(4, mask_zero=True).compute_mask(ids), ids != 0)
    assert OneHot(4).compute_mask(ids) is None


def test_contract_of_a_learned_state_under_recurrence():
    keras.utils.set_random_seed(1)
    sequence = keras.Input((None, 3))
    states = LearnedInitialState([5, 5])(sequence)
    output = keras.layers.LSTM(5)(sequence, initial_state=states)
    model = keras.Model(sequence, output)
    started = keras.layers.LSTM(5)
    started.build(SEQUENCES.shape)
    started.set_weights(model.layers[-1].get_weights())
    expected = ops.convert_to_numpy(started(SEQUENCES))
    np.testing.assert_allclose(model.predict_on_batch(SEQUENCES), expected, atol=1e-6)
    vectors = [DRAW.normal(size=5).astype("float32") for _ in range(2)]
    model.layers[1].set_weights(vectors)
    states = [ops.convert_to_tensor(np.stack([vector, vector])) for vector in vectors]
    expected = ops.convert_to_numpy(started(SEQUENCES, initial_state=states))
    np.testing.assert_allclose(model.predict_on_batch(SEQUENCES), expected, atol=1e-6)


def sines(rows, columns, shift):
    """The reference's weights."""
    i, j = np.ogrid[:rows, :columns]
    return 0.5 * np.sin(1 + 0.7 * i + 1.3 * j + shift)


STEPS = np.array([[[1, -0.5], [0.25, 0.75], [-1, 0.5]]])
LSTM_BIAS = [0, 0, 1, 1, 0, 0, 0, 0]
INPUT_BIAS = [0.1, -0.1, 0.2, 0, -0.2, 0.05]
RECURRENT_BIAS = [0.05, 0.02, -0.03, 0.04, 0.1, -0.1]
BLOCKS = {"input": 0, "forget": 1, "candidate": 2, "output": 3}


def plain(gates, bias, *more):
    return [sines(2, 2 * gates, 0), sines(2, 2 * gates, 0.3), np.array(bias, float), *more]


def without_forget_gate():
    """The reference's fused weights of the LSTM, the forget gate's columns left out."""
    keep = [0, 1, 4, 5, 6, 7]
    return [weight[..., keep] for weight in plain(4, LSTM_BIAS)]


GOLDEN = {
    "elman": (
        plain(1, [0.1, -0.2]),
        [[0.26624623, 0.13671121], [0.64546501, 0.00397548], [0.23545769, -0.35531800]],
        None,
    ),
    "lstm": (
        plain(4, LSTM_BIAS),
        [[-0.05749776, 0.06437216], [0.03680450, 0.12013010], [0.06765581, 0.08962834]],
        [0.16294423, 0.18192772],
    ),
    "lstm_no_forget": (
        without_forget_gate(),
        [[-0.05749776, 0.06437216], [0.01881226, 0.13599757], [0.06211848, 0.14311479]],
        [0.14991020, 0.29572495],
    ),
    "lstm_peephole": (
        plain(4, LSTM_BIAS, np.array([[0.1, 0.2], [0.3, -0.1], [-0.2, 0.4]])),
        [[-0.05798296, 0.06615685], [0.03682791, 0.13069364], [0.06758631, 0.09236222]],
        [0.16622256, 0.18134216],
    ),
    "gru_reset_after": (
        plain(3, [INPUT_BIAS, RECURRENT_BIAS]),
        [[-0.13442457, 0.10311986], [-0.06512255, 0.26702070], [0.00886157, -0.01658474]],
        None,
    ),
    "gru": (
        plain(3, INPUT_BIAS),
        [[-0.15907264, 0.12187569], [-0.09405953, 0.29431531], [-0.02332848, 0.02597532]],
        None,
    ),
    "gru_course": (
        plain(3, INPUT_BIAS),
        [[-0.20896781, 0.15455874], [-0.06231042, 0.30660161], [-0.00377860, 0.13997972]],
        None,
    ),
    "multiplicative": (
        # W_hx, W_hf, b, W_fx, W_fh
        [sines(2, 2, 0.9), sines(3, 2, 0.6), np.array([0.1, -0.2]), sines(2, 3, 0), sines(2, 3, 0.3)],
        [[0.41718146, -0.05718308], [0.43225445, -0.44613725], [-0.25731844, -0.32000821]],
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("cell", GOLDEN)
def test_cells_give_the_references_figures(cell):
    weights, expected, memory = GOLDEN[cell]
    options = {"factors": 3} if cell == "multiplicative" else {}
    layer = recurrent_layer(cell, 2, return_state=True, dtype="float64", **options)
    layer.build(STEPS.shape)
    layer.set_weights(weights)
    outputs, *states = layer(STEPS)
    np.testing.assert_allclose(outputs[0], expected, atol=1.1e-8)
    if memory is not None:
        np.testing.assert_allclose(states[1][0], memory, atol=1.1e-8)


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru", "gru_course"])
def test_masked_steps_repeat_in_one_direction_and_are_zero_in_two(cell):
    mask = np.array([[True, True, False, False], [True, True, True, False]])
    once = ops.convert_to_numpy(recurrent_layer(cell, 5)(SEQUENCES, mask=mask))
    both = keras.layers.Bidirectional(recurrent_layer(cell, 5))
    both = ops.convert_to_numpy(both(SEQUENCES, mask=mask))
    np.testing.assert_array_equal(once[0, 2:], once[0, [1, 1]])
    np.testing.assert_array_equal(once[1, 3], once[1, 2])
    np.testing.assert_array_equal(both.any(axis=-1), mask)


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru", "gru_course"])
def test_going_backwards_returns_the_last_step_first(cell):
    forwards, backwards = recurrent_layer(cell, 5), recurrent_layer(cell, 5, go_backwards=True)
    forwards.build(SEQUENCES.shape)
    backwards.build(SEQUENCES.shape)
    backwards.set_weights(forwards.get_weights())
    expected = ops.convert_to_numpy(forwards(SEQUENCES[:, ::-1]))
    np.testing.assert_allclose(backwards(SEQUENCES), expected, atol=1e-6)


I, H, K, F, P = 6, 5, 4, 3, 2  # noqa: E741 - the reference's letters
COUNTS = [
    ("deep_transition", {"depth": 3}, H * (I + H + 1) + 2 * H * (H + 1)),
    ("elman", {}, H * (I + H + 1)),
    ("gru", {}, 3 * H * (I + H + 1)),
    ("gru_course", {}, 3 * H * (I + H + 1)),
    ("gru_reset_after", {}, 3 * H * (I + H + 2)),
    ("highway", {"depth": 3}, 2 * I * H + 6 * H * (H + 1)),
    ("jordan", {"outputs": K}, H * (I + K + 1) + K * (H + 1)),
    ("jordan", {"outputs": K, "hidden_feedback": True}, H * (I + H + K + 1) + K * (H + 1)),
    ("lstm", {}, 4 * H * (I + H + 1)),
    ("lstm_coupled", {}, 3 * H * (I + H + 1)),
    ("lstm_no_forget", {}, 3 * H * (I + H + 1)),
    ("lstm_peephole", {}, 4 * H * (I + H + 1) + 3 * H),
    ("lstm_peephole", {"projection": P}, 4 * H * (I + P + 1) + 3 * H + H * P),
    ("multiplicative", {"factors": F}, F * (I + 2 * H) + H * (I + 1)),
    ("multiplicative_lstm", {"factors": F}, 4 * H * (I + F + 1) + F * (I + H)),
]


@pytest.mark.parametrize(("cell", "options", "count"), COUNTS, ids=lambda value: str(value))
def test_parameters_follow_the_references_formula(cell, options, count):
    layer = recurrent_layer(cell, H, **options)
    layer.build((None, None, I))
    assert layer.count_params() == count


@pytest.mark.parametrize(
    ("cell", "count"),
    [("elman", 524_800), ("lstm", 2_099_200), ("gru", 1_574_400), ("gru_reset_after", 1_575_936)],
)
def test_parameters_of_512_units_on_512_features(cell, count):
    layer = recurrent_layer(cell, 512)
    layer.build((None, None, 512))
    assert layer.count_params() == count


def built(layer):
    """A layer with weights of which none is zero, so that a bias left out is noticed."""
    layer.build((None, None, 3))
    layer.set_weights([DRAW.normal(size=weight.shape) for weight in layer.weights])
    return layer, {weight.name: np.asarray(weight) for weight in layer.weights}


def cell_of(name, units=5, **options):
    return built(recurrent_layer(name, units, dtype="float64", **options))


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def hard_sigmoid(values):
    return np.clip(values / 6 + 0.5, 0, 1)


def softsign(values):
    return values / (1 + np.abs(values))


# Activations no cell has by default.
OTHERS = {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}
X = DRAW.normal(size=(2, 4, 3))


@pytest.mark.parametrize("hidden_feedback", [False, True])
def test_output_feedback_is_jordans_recurrence(hidden_feedback):
    options = {"activation": "softsign", "output_activation": "hard_sigmoid"}
    layer, w = cell_of("jordan", outputs=2, hidden_feedback=hidden_feedback, **options)
    y, h = np.zeros((2, 2)), np.zeros((2, 5))
    for t in range(4):
        a = w["bias"] + y @ w["feedback_kernel"] + X[:, t] @ w["kernel"]
        h = softsign(a + (h @ w["recurrent_kernel"] if hidden_feedback else 0))
        y = hard_sigmoid(h @ w["output_kernel"] + w["output_bias"])
        np.testing.assert_allclose(layer(X)[:, t], y, atol=1e-12)


def test_with_its_own_outputs_fed_output_feedback_needs_no_recurrence():
    layer, w = cell_of("jordan", outputs=2)
    outputs = np.asarray(layer(X))
    before = np.concatenate([np.zeros((2, 1, 2)), outputs[:, :-1]], axis=1)
    hidden = np.tanh(w["bias"] + before @ w["feedback_kernel"] + X @ w["kernel"])
    parallel = sigmoid(hidden @ w["output_kernel"] + w["output_bias"])
    np.testing.assert_allclose(parallel, outputs, atol=1e-12)


@pytest.mark.parametrize("forget", ["gate", "none", "coupled"])
@pytest.mark.parametrize("peepholes", [False, True])
@pytest.mark.parametrize("projection", [None, 2])
@pytest.mark.parametrize("factors", [None, 4])
def test_every_lstm_is_its_papers_equation(forget, peepholes, projection, factors):
    options = {"forget": forget, "peepholes": peepholes, "projection": projection, **OTHERS}
    kind = kc.layers.LSTMVariantCell
    if factors:
        kind, options = kc.layers.MultiplicativeLSTMCell, {"factors": factors, **options}
    cell = kind(5, dtype="float64", **options)
    layer, w = built(keras.layers.RNN(cell, return_sequences=True, dtype="float64"))
    h, c, outputs = np.zeros((2, projection or 5)), np.zeros((2, 5)), np.asarray(layer(X))
    blocks = {"gate": "ifgo", "none": "igo", "coupled": "fgo"}[forget]
    peeps = dict(zip(blocks.replace("g", ""), w.get("peephole_kernel", ()), strict=False))
    for t in range(4):
        if factors:
            h = (X[:, t] @ w["factor_kernel"]) * (h @ w["factor_recurrent_kernel"])
        total = X[:, t] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
        sums = dict(zip(blocks, np.split(total, len(blocks), axis=-1), strict=True))
        f = hard_sigmoid(sums["f"] + peeps.get("f", 0) * c) if "f" in sums else 1
        i = hard_sigmoid(sums["i"] + peeps.get("i", 0) * c) if "i" in sums else 1 - f
        c = f * c + i * softsign(sums["g"])
        h = hard_sigmoid(sums["o"] + peeps.get("o", 0) * c) * softsign(c)
        h = h @ w["projection_kernel"] if projection else h
        np.testing.assert_allclose(outputs[:, t], h, atol=1e-12)


def test_the_courses_gru_is_the_courses_equation():
    layer, w = cell_of("gru_course", **OTHERS)
    h = np.zeros((2, 5))
    for t in range(4):
        entering = X[:, t] @ w["kernel"] + w["bias"]
        z, r = np.split(entering[:, :10] + h @ w["recurrent_kernel"][:, :10], 2, axis=-1)
        z, r = hard_sigmoid(z), hard_sigmoid(r)
        candidate = softsign(entering[:, 10:] + (r * h) @ w["recurrent_kernel"][:, 10:])
        h = (1 - z) * h + z * candidate
        np.testing.assert_allclose(layer(X)[:, t], h, atol=1e-12)


def test_the_plain_variant_is_keras_lstm():
    plain = keras.layers.LSTM(5, return_sequences=True, dtype="float64")
    variant = keras.layers.RNN(
        kc.layers.LSTMVariantCell(5, dtype="float64"), return_sequences=True, dtype="float64"
    )
    plain.build(X.shape)
    variant.build(X.shape)
    np.testing.assert_array_equal(variant.get_weights()[2], plain.get_weights()[2])
    variant.set_weights(plain.get_weights())
    np.testing.assert_allclose(variant(X), plain(X), atol=1e-12)


def test_an_input_chooses_the_transition_of_a_multiplicative_rnn():
    layer, w = cell_of("multiplicative", factors=4, activation="softsign")
    state = DRAW.normal(size=(2, 5))
    transition = np.einsum(
        "hf,bf,fu->bhu", w["factor_recurrent_kernel"], X[:, 0] @ w["factor_kernel"],
        w["recurrent_kernel"],
    )  # fmt: skip
    moved = np.einsum("bh,bhu->bu", state, transition)
    expected = softsign(moved + X[:, 0] @ w["kernel"] + w["bias"])
    output, _ = layer.cell(ops.convert_to_tensor(X[:, 0]), [ops.convert_to_tensor(state)])
    np.testing.assert_allclose(output, expected, atol=1e-12)


def test_highway_carries_or_transforms_at_every_depth():
    layer, w = cell_of("highway", depth=2, **OTHERS)
    s = np.zeros((2, 5))
    for t in range(4):
        for depth in (1, 2):
            total = s @ w[f"recurrent_kernel_{depth}"] + w[f"bias_{depth}"]
            total = total + X[:, t] @ w["kernel"] if depth == 1 else total
            h, gate = softsign(total[:, :5]), hard_sigmoid(total[:, 5:])
            s = gate * h + (1 - gate) * s
        np.testing.assert_allclose(layer(X)[:, t], s, atol=1e-12)


def test_deep_transition_passes_all_layers_in_a_step():
    layer, w = cell_of("deep_transition", depth=2, activation="softsign")
    h = np.zeros((2, 5))
    for t in range(4):
        h = softsign(X[:, t] @ w["kernel"] + h @ w["recurrent_kernel_1"] + w["bias_1"])
        h = softsign(h @ w["recurrent_kernel_2"] + w["bias_2"])
        np.testing.assert_allclose(layer(X)[:, t], h, atol=1e-12)


def test_gates_start_where_they_should():
    cells = {}
    for name in ("lstm_coupled", "lstm_peephole", "highway"):
        layer = recurrent_layer(name, 2)
        layer.build((None, None, 3))
        cells[name] = layer.get_weights()[2]
    np.testing.assert_array_equal(cells["lstm_coupled"], [1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(cells["lstm_peephole"], LSTM_BIAS)
    np.testing.assert_array_equal(cells["highway"], [0, 0, -2, -2])
    plain = kc.layers.LSTMVariantCell(2, unit_forget_bias=False, bias_initializer="ones")
    plain.build((None, 3))
    np.testing.assert_array_equal(plain.bias, [1] * 8)
    ones = kc.layers.LSTMVariantCell(2, bias_initializer=keras.initializers.Constant(0.5))
    ones.build((None, 3))
    np.testing.assert_array_equal(ones.bias, [0.5, 0.5, 1, 1, 0.5, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("cell", ["jordan", "lstm_peephole", "multiplicative"])
def test_padded_steps_change_nothing(cell):
    layer = recurrent_layer(cell, 5, return_state=True)
    mask = np.array([[True, True, False, False], [True] * 4])
    padded = layer(SEQUENCES, mask=mask)
    short = layer(SEQUENCES[:1, :2])
    for with_padding, without in zip(padded[1:], short[1:], strict=True):
        np.testing.assert_allclose(with_padding[:1], without, atol=1e-6)


def test_cells_are_saved_with_the_model(tmp_path):
    sequence = keras.Input((None, 3))
    read = sequence
    for cell, options in FORMS:
        read = recurrent_layer(cell, 3, **options)(read)
    check_round_trip(keras.Model(sequence, read), SEQUENCES, tmp_path)


@pytest.mark.parametrize("cell", RECURRENT_LAYERS)
def test_every_cell_can_decode(cell):
    decoder = kc.layers.RecurrentDecoder(7, 4, cell)
    encoded = DRAW.normal(size=(2, 3)).astype("float32")
    tokens = np.array([[1, 2, 3], [4, 5, 6]])
    logits = decoder(tokens, encoded)
    state = decoder.initial_state(encoded)
    for t in range(3):
        stepped, state = decoder.step(tokens[:, t], state)
        np.testing.assert_allclose(stepped, logits[:, t], atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "arguments", "message"),
    [
        ("lstn", {"units": 3}, "cell='lstn' was given.*'lstm_peephole'"),
        ("jordan", {"units": 0}, "units=0 was given.*whole number"),
        ("jordan", {"units": 3, "outputs": 2.5}, "outputs=2.5 was given"),
        ("highway", {"units": 3, "depth": 0}, "depth=0 was given"),
        ("lstm_peephole", {"units": 3, "forget": "tied"}, "forget='tied'.*'coupled'"),
        ("lstm_coupled", {"units": 3, "projection": -1}, "projection=-1"),
        ("multiplicative", {"units": 3, "factors": True}, "factors=True"),
    ],
)
def test_bad_arguments_are_explained(cell, arguments, message):
    with pytest.raises(ValueError, match=message):
        recurrent_layer(cell, **arguments)
