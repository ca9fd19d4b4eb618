"""Recurrent networks by topology: formulas of parameters, padding, training, files."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_gradients, check_round_trip

DRAW = np.random.default_rng(8)
I, H, K, V = 3, 4, 5, 6  # noqa: E741 - input, units, outputs, vocabulary, as the reference has them
VECTORS = DRAW.normal(size=(2, I)).astype("float32")
SEQUENCES = DRAW.normal(size=(2, 4, I)).astype("float32")
WRITTEN = DRAW.normal(size=(2, 5, K)).astype("float32")
IDS = np.array([[1, 2, 5, 3], [4, 1, 3, 2]])

INPUTS = {
    "one_to_one": VECTORS,
    "one_to_many": {"vector": VECTORS, "target_in": WRITTEN},
    "many_to_one": SEQUENCES,
    "many_to_many": SEQUENCES,
    "encoder_decoder": {"source": SEQUENCES, "target_in": WRITTEN},
}
SHAPES = {
    "one_to_one": (2, K),
    "one_to_many": (2, 5, K),
    "many_to_one": (2, K),
    "many_to_many": (2, 4, K),
    "encoder_decoder": (2, 5, K),
}


def small(topology="many_to_one", **options):
    return kc.models.rnn(topology, **{"outputs": K, "units": H, "input_size": I, **options})


@pytest.mark.parametrize(
    ("topology", "options"),
    [
        ("one_to_one", {"layers": 2, "shortcut": "residual"}),
        ("one_to_many", {"cell": "lstm", "layers": 2}),
        ("one_to_many", {"cell": "jordan"}),
        ("many_to_one", {"cell": "elman", "layers": 2, "shortcut": "highway"}),
        ("many_to_many", {"cell": "jordan", "layers": 2, "hidden_feedback": True}),
        ("many_to_many", {"layers": 2, "bidirectional": True, "learned_initial_state": True}),
        ("many_to_many", {"cell": "highway", "transition_depth": 2}),
        ("encoder_decoder", {"cell": "lstm_peephole", "bidirectional": True}),
        ("encoder_decoder", {"cell": "jordan"}),
    ],
    ids=str,
)
def test_topologies_train_and_reload(topology, options, tmp_path):
    keras.utils.set_random_seed(3)
    model = small(topology, **options)
    output = model.predict_on_batch(INPUTS[topology])
    assert output.shape == SHAPES[topology]
    np.testing.assert_allclose(output.sum(axis=-1), 1, atol=1e-5)
    check_round_trip(model, INPUTS[topology], tmp_path)
    check_gradients(model, INPUTS[topology], output.shape)


ELMAN, LSTM = H * (I + H + 1), 4 * H * (I + H + 1)
HEAD = K * (H + 1)


@pytest.mark.parametrize(
    ("topology", "options", "count"),
    [
        ("one_to_one", {}, H * (I + 1) + HEAD),
        ("many_to_one", {"cell": "elman"}, ELMAN + HEAD),
        ("many_to_many", {"cell": "elman"}, ELMAN + HEAD),
        ("many_to_many", {"cell": "elman", "learned_initial_state": True}, ELMAN + H + HEAD),
        ("many_to_many", {"cell": "jordan"}, H * (I + K + 1) + HEAD),
        ("many_to_many", {"cell": "jordan", "hidden_feedback": True}, H * (I + H + K + 1) + HEAD),
        ("many_to_one", {"cell": "lstm"}, LSTM + HEAD),
        ("many_to_one", {"cell": "lstm", "layers": 3}, LSTM + 2 * 4 * H * (2 * H + 1) + HEAD),
        ("many_to_one", {"cell": "lstm", "bidirectional": True}, 2 * LSTM + K * (2 * H + 1)),
        ("many_to_many", {"cell": "elman", "transition_depth": 3}, ELMAN + 2 * H * (H + 1) + HEAD),
        ("many_to_many", {"cell": "multiplicative", "factors": 2},
         2 * (I + 2 * H) + H * (I + 1) + HEAD),
        ("one_to_many", {"cell": "elman"}, H * (I + 1) + H * (K + H + 1) + HEAD),
        ("encoder_decoder", {"cell": "elman"}, ELMAN + H * (K + H + 1) + HEAD),
        ("many_to_one", {"cell": "elman", "vocabulary_size": V, "input_size": None},
         H * (V + H + 1) + HEAD),
        ("many_to_one",
         {"cell": "elman", "vocabulary_size": V, "input_size": None, "embedding_size": 2},
         V * 2 + H * (2 + H + 1) + HEAD),
    ],
)  # fmt: skip
def test_parameters_follow_the_references_formulas(topology, options, count):
    assert small(topology, **options).count_params() == count


def test_the_network_that_brought_ctc_has_its_papers_weights():
    # Graves, Fernandez, Gomez, Schmidhuber 2006, on TIMIT: 61 phones and the blank.
    model = kc.models.rnn(
        "many_to_many", outputs=62, input_size=26, cell="lstm_peephole", units=100,
        bidirectional=True,
    )  # fmt: skip
    assert model.count_params() == 114_662


def pad(inputs, length):
    """More steps on the right: id 0, or zeros."""
    widths = [(0, 0), (0, length)] + [(0, 0)] * (inputs.ndim - 2)
    return np.pad(inputs, widths)


@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize("topology", ["many_to_one", "encoder_decoder", "many_to_many"])
def test_padding_changes_nothing(topology, ids):
    options = {"input_size": None, "vocabulary_size": V} if ids else {}
    model = small(
        topology, cell="lstm", layers=2, bidirectional=True, shortcut="highway", padded=True,
        learned_initial_state=True, **options,
    )  # fmt: skip
    inputs = IDS if ids else SEQUENCES
    padded = pad(inputs, 3)
    if topology == "encoder_decoder":
        target = IDS % K if ids else WRITTEN
        inputs, padded = ({"source": x, "target_in": target} for x in (inputs, padded))
    output, longer = (np.asarray(model(x)) for x in (inputs, padded))
    longer = longer[:, : output.shape[1]] if output.ndim == 3 else longer
    np.testing.assert_allclose(longer, output, atol=1e-6)


def test_what_is_padded_has_no_loss():
    model = small("many_to_many", padded=True)
    model.compile("sgd", "mse")
    inputs, targets = pad(SEQUENCES, 2), np.zeros((2, 6, K), "float32")
    behind, before = targets.copy(), targets.copy()
    behind[:, 4:], before[:, 3] = 9.0, 9.0
    loss, same, other = (model.evaluate(inputs, y, verbose=0) for y in (targets, behind, before))
    assert same == pytest.approx(loss, rel=1e-6) and other > 2 * loss


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru_course"])
def test_a_summary_is_what_both_directions_have_at_their_ends(cell):
    model = small(cell=cell, bidirectional=True)
    plain = small("many_to_many", cell=cell, bidirectional=True, output_activation=None)
    plain.set_weights(model.get_weights())
    steps = keras.Model(plain.input, plain.get_layer("recurrent_1").output[0])(SEQUENCES)
    ends = np.concatenate([steps[:, -1, :H], steps[:, 0, H:]], axis=-1)
    np.testing.assert_allclose(model(SEQUENCES), model.get_layer("predictions")(ends), atol=1e-6)


def test_shortcuts_sum_the_layers():
    model = small("many_to_many", layers=3, shortcut="residual", output_activation=None)
    read, total = SEQUENCES, 0
    for level in (1, 2, 3):
        total = total + model.get_layer(f"recurrent_{level}")(read)[0]
        read = total
    expected = model.get_layer("predictions")(total)
    np.testing.assert_allclose(model(SEQUENCES), expected, atol=1e-5)


@pytest.mark.parametrize("shortcut", ["residual", "highway"])
def test_shortcuts_are_around_the_last_step_too(shortcut):
    options = {"cell": "lstm", "layers": 3, "shortcut": shortcut}
    once, always = small("many_to_one", **options), small("many_to_many", **options)
    once.set_weights(always.get_weights())
    np.testing.assert_allclose(once(SEQUENCES), always(SEQUENCES)[:, -1], atol=1e-6)


def test_one_to_one_is_an_elman_network_at_its_first_step():
    still, moving = small("one_to_one"), small("many_to_one", cell="elman")
    kernel, bias, *head = still.get_weights()
    moving.set_weights([kernel, moving.get_weights()[1], bias, *head])
    np.testing.assert_allclose(still(VECTORS), moving(VECTORS[:, None]), atol=1e-6)


def test_a_vector_starts_every_state_through_a_tanh_layer_of_its_own():
    model = small("one_to_many", cell="lstm", output_activation=None)
    states = []
    for number in (1, 2):
        kernel, bias = model.get_layer(f"start_{number}").get_weights()
        states.append(np.tanh(VECTORS @ kernel + bias))
    written = model.get_layer("recurrent_1")(WRITTEN, initial_state=states)[0]
    expected = model.get_layer("predictions")(written)
    np.testing.assert_allclose(model(INPUTS["one_to_many"]), expected, atol=1e-6)


def test_a_decoder_starts_where_the_encoder_ended():
    model = small("encoder_decoder", cell="elman", output_activation=None)
    end = model.get_layer("encoder_recurrent_1")(SEQUENCES)[0][:, -1]
    written = model.get_layer("decoder_recurrent_1")(WRITTEN, initial_state=[end])[0]
    expected = model.get_layer("predictions")(written)
    inputs = INPUTS["encoder_decoder"]
    np.testing.assert_allclose(model(inputs), expected, atol=1e-6)


def test_irnn_starts_as_the_identity():
    model = small(cell="elman", initializer="irnn", units=50)
    kernel, recurrent, bias, *_ = model.get_weights()
    np.testing.assert_array_equal(recurrent, np.eye(50))
    np.testing.assert_array_equal(bias, 0)
    assert 0.0008 < kernel.std() < 0.0012
    assert model.get_layer("recurrent_1").activation is keras.activations.relu


@pytest.mark.parametrize("cell", ["lstm", "multiplicative_lstm", "gru", "jordan"])
def test_uniform_weights_are_all_small_and_all_different(cell):
    model = small(
        "many_to_many", cell=cell, units=30, initializer="uniform", input_size=None,
        vocabulary_size=V, embedding_size=8,
    )  # fmt: skip
    weights = np.concatenate([weight.ravel() for weight in model.get_weights()])
    assert 0.079 < np.abs(weights).max() <= 0.08
    assert len(np.unique(weights)) > 0.98 * len(weights)


def test_orthogonal_recurrence_keeps_lengths():
    recurrent = small(cell="elman").get_weights()[1]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(H), atol=1e-6)


def test_factors_of_one_hot_inputs_have_unit_variance():
    model = small(cell="multiplicative", units=300, input_size=None, vocabulary_size=V)
    (factors,) = [w for w in model.weights if w.name == "factor_kernel"]
    assert 0.9 < np.asarray(factors).std() < 1.1


@pytest.mark.parametrize("topology", ["one_to_one", "many_to_one"])
def test_dropout_lies_between_layers_and_before_the_output(topology):
    model = small(topology, layers=3, dropout=0.5)
    drops = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert {drop.rate for drop in drops} == {0.5}
    below = {drop.name: drop.input._keras_history.operation.name for drop in drops}
    body = "dense" if topology == "one_to_one" else "recurrent"
    assert below == {
        "dropout_1": f"{body}_1", "dropout_2": f"{body}_2", "head_dropout": f"{body}_3",
    }  # fmt: skip
    assert all(x.cell.recurrent_dropout == 0 for x in model.layers if hasattr(x, "cell"))


def test_it_learns_to_remember_the_first_step():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).integers(1, 4, size=(192, 6))
    model = kc.models.rnn(
        "many_to_one", outputs=4, vocabulary_size=4, cell="lstm", units=16, padded=True
    )
    model.compile(
        keras.optimizers.Adam(0.03),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.fit(x, x[:, 0], epochs=12, batch_size=32, verbose=0)
    accuracy = model.evaluate(x, x[:, 0], verbose=0)[1]
    assert accuracy > 0.95


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"topology": "seq2seq"}, "topology='seq2seq'.*Give the one that is meant; encoder_deco"),
        ({"cell": "rnn"}, "cell='rnn' was given"),
        ({"units": 0}, "units=0 was given"),
        ({"input_size": None}, "Allowed: input_size or vocabulary_size"),
        ({"vocabulary_size": 9}, "Allowed: input_size or vocabulary_size"),
        ({"topology": "one_to_one", "vocabulary_size": 9}, "Allowed: input_size. Pass"),
        ({"topology": "one_to_many", "input_size": None}, "input_size and vocabulary_size"),
        ({"embedding_size": 3}, "Only ids are embedded"),
        ({"topology": "one_to_many", "bidirectional": True}, "bidirectional=True was given"),
        ({"topology": "one_to_many", "learned_initial_state": True}, "learned_initial_state=True"),
        ({"cell": "jordan", "bidirectional": True}, "bidirectional=True was given"),
        ({"cell": "jordan", "shortcut": "residual"}, "shortcut='residual' was given"),
        ({"cell": "lstm", "transition_depth": 2}, "'lstm' was given.*transition_depth"),
        ({"cell": "elman", "transition_depth": 0}, "transition_depth=0"),
        ({"initializer": "irnn"}, "initializer='irnn' was given"),
    ],
)
def test_bad_arguments_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_sizes_may_be_numpys():
    size = np.int64(3)
    models = [
        kc.models.rnn(
            "many_to_many", outputs=size, input_size=size, units=size, layers=np.int64(1)
        ),
        kc.models.tagger(classes=size, vocabulary_size=np.int64(5), units=size),
        kc.models.sequence_classifier(classes=size, vocabulary_size=np.int64(5), units=size),
        kc.models.language_model(np.int64(5), size, np.int64(1)),
        kc.models.ctc_recognizer(
            input_shape=(16, None, 1), labels=size, filters=[size] * 2, units=size
        ),
        kc.models.translator(np.int64(5), np.int64(6), units=size, encoder_units=np.int64(4)),
    ]
    for model in models:
        keras.Model.from_config(model.get_config())


@pytest.mark.parametrize("bad", [0, -1, 2.5, "3", True])
def test_what_is_no_size_is_refused(bad):
    for make in (
        lambda: kc.models.rnn("many_to_many", outputs=2, input_size=3, units=bad),
        lambda: kc.models.tagger(classes=bad, vocabulary_size=5),
        lambda: kc.models.language_model(5, bad),
        lambda: kc.models.ctc_recognizer(input_shape=(16, None, 1), labels=2, filters=[bad]),
        lambda: kc.models.translator(5, 6, units=bad),
    ):
        with pytest.raises(kc.InputError, match="was given. Allowed: .*whole"):
            make()
