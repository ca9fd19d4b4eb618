"""Learning forward in time against backpropagation through time."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_classics.layers import recurrent_layer
from keras_classics.training import ForwardTrainer

CELLS = {
    "elman": lambda units: layers.SimpleRNN(units, dtype="float64"),
    "lstm": lambda units: layers.LSTM(units, dtype="float64"),
    "gru": lambda units: layers.GRU(units, reset_after=False, dtype="float64"),
    "gru_reset_after": lambda units: layers.GRU(units, dtype="float64"),
    "elman without bias": lambda units: layers.SimpleRNN(units, use_bias=False, dtype="float64"),
    "gru_course": lambda units: recurrent_layer("gru_course", units, dtype="float64"),
    "lstm_no_forget": lambda units: recurrent_layer("lstm_no_forget", units, dtype="float64"),
    "lstm_coupled": lambda units: recurrent_layer("lstm_coupled", units, dtype="float64"),
    "lstm_peephole": lambda units: recurrent_layer("lstm_peephole", units, dtype="float64"),
    "coupled peepholes": lambda units: recurrent_layer(
        "lstm_coupled", units, peepholes=True, dtype="float64"
    ),
}
# In these a step connects units not only through the recurrent product.
RESET_FIRST = {"gru", "gru_course"}
DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(2, 7, 3)), DRAW.normal(size=(2, 7, 2))


def trainer(cell, method="rtrl", units=4, **arguments):
    keras.utils.set_random_seed(3)
    layer = CELLS[cell](units)
    layer.build(X.shape)
    for weight in layer.trainable_variables:
        weight.assign(weight + 0.3 * np.random.default_rng(1).normal(size=weight.shape))
    readout = layers.Dense(2, dtype="float64")
    return layer, ForwardTrainer(layer.cell, readout, method=method, **arguments)


def through_time(layer, readout, x=X, y=Y):
    """The same gradient by backpropagation, with TensorFlow's tape."""
    import tensorflow as tf

    layer.return_sequences = True
    with tf.GradientTape() as tape:
        outputs = readout(layer(x))
        loss = tf.reduce_sum(tf.reduce_mean((outputs - y) ** 2, axis=(0, 2)))
    variables = [*layer.trainable_variables, *readout.trainable_variables]
    return float(loss), tape.gradient(loss, [v.value for v in variables])


@pytest.mark.parametrize("cell", CELLS)
def test_rtrl_is_backpropagation_through_time(cell):
    layer, forward = trainer(cell)
    loss, gradients = forward.gradients(X, Y)
    expected_loss, expected = through_time(layer, forward.readout)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for gradient, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, other, atol=1e-12)


def own_pattern(cell, layer):
    """Which state a weight moves within a step: its unit's own; all by a reset before a product."""
    states, gates = 1 + ("lstm" in cell or "peephole" in cell), layer.cell.units * np.arange(9)
    columns = []
    for weight in layer.trainable_variables:
        place = np.arange(np.prod(weight.shape)) % weight.shape[-1]
        own = place % 4 == np.arange(4)[:, None]
        columns.append(own | (cell in RESET_FIRST) & (gates[1] <= place) & (place < gates[2]))
    return np.tile(np.concatenate(columns, axis=1), (states, 1))


def snap1_by_hand(cell, x, y):
    """The gradient with the whole Jacobian of the Keras cell, cut to the pattern at every step."""
    import tensorflow as tf

    layer, forward = trainer(cell)
    forward.readout.build((None, 4))
    weights = [v.value for v in layer.trainable_variables]
    keep = own_pattern(cell, layer)
    influence, gradient = np.zeros(keep.shape), 0
    states = [tf.zeros((1, 4), "float64") for _ in range(len(keep) // 4)]
    for t in range(x.shape[1]):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(states)
            output, new = layer.cell(x[:, t], states)
            loss = tf.reduce_mean((forward.readout(output) - y[:, t]) ** 2)
            whole = tf.concat(new, axis=1)[0]

        def jacobian(variables, tape=tape, whole=whole):
            found = tape.jacobian(
                whole, variables, experimental_use_pfor=False,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )  # fmt: skip
            return np.concatenate([np.reshape(part, (len(keep), -1)) for part in found], axis=1)

        influence = keep * (jacobian(states) @ influence + jacobian(weights))
        by_output = np.ravel(tape.gradient(loss, output))
        gradient = gradient + by_output @ influence[:4]
        states = new
    return gradient


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("inputs", ["normal", "one-hot"])
def test_snap1_cuts_every_step_to_the_pattern_of_one(cell, inputs):
    x = X[:1] if inputs == "normal" else np.eye(3)[[0, 2, 1, 0, 0, 1, 2]][None]
    _, sparse = trainer(cell, "snap1")
    gradients = np.concatenate([np.ravel(g) for g in sparse.gradients(x, Y[:1])[1][:-2]])
    np.testing.assert_allclose(gradients, snap1_by_hand(cell, x, Y[:1]), atol=1e-12)


@pytest.mark.parametrize("cell", ["elman", "gru_reset_after", "coupled peepholes"])
def test_snap1_stores_one_unit_in_each(cell):
    _, exact = trainer(cell)
    _, sparse = trainer(cell, "snap1")
    for learner in (exact, sparse):
        learner.gradients(X[:, :1], Y[:, :1])
    stored = [np.prod(part.shape) for part in sparse.influence]
    whole = [np.prod(part.shape) for part in exact.influence]
    assert [4 * size for size in stored] == whole


@pytest.mark.parametrize("cell", CELLS)
def test_snap1_of_a_single_unit_is_exact(cell):
    _, exact = trainer(cell, units=1)
    _, sparse = trainer(cell, "snap1", units=1)
    for one, other in zip(exact.gradients(X, Y)[1], sparse.gradients(X, Y)[1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_snap1_keeps_what_rtrl_has_where_one_step_reaches():
    # By hand for two steps of an Elman cell: the old influence times the unit's own loop.
    layer, sparse = trainer("elman", "snap1")
    _, exact = trainer("elman")
    sparse.gradients(X[:, :2], Y[:, :2])
    exact.gradients(X[:, :2], Y[:, :2])
    batch, units, features = 2, 4, 3
    dense = np.reshape(exact.influence[0], (batch, units, features, 1, units))
    first = ForwardTrainer(layer.cell, exact.readout)
    first.gradients(X[:, :1], Y[:, :1])
    h1 = np.asarray(first.states)[:, 0]
    h2 = np.asarray(exact.states)[:, 0]
    loops = np.diag(np.asarray(layer.trainable_variables[1]))
    for unit in range(units):
        own = (1 - h2[:, unit] ** 2)[:, None] * (
            loops[unit] * (1 - h1[:, unit] ** 2)[:, None] * X[:, 0] + X[:, 1]
        )
        np.testing.assert_allclose(sparse.influence[0][:, 0, :, 0, unit], own, atol=1e-12)
        np.testing.assert_allclose(dense[:, unit, :, 0, unit], own, atol=1e-12)


@pytest.mark.parametrize("cell", ["elman", "gru", "gru_course", "lstm_coupled", "lstm_peephole"])
def test_uoro_is_unbiased(cell):
    # Many copies of one sequence in a batch draw their signs on their own: their mean is close.
    copies = 2000
    x, y = np.repeat(X[:1, :4], copies, axis=0), np.repeat(Y[:1, :4], copies, axis=0)
    _, exact = trainer(cell)
    _, noisy = trainer(cell, "uoro", seed=5)
    right = np.concatenate([np.ravel(g) for g in exact.gradients(X[:1, :4], Y[:1, :4])[1]])
    near = np.concatenate([np.ravel(g) for g in noisy.gradients(x, y)[1]])
    one = np.concatenate([np.ravel(g) for g in noisy.gradients(x[:1], y[:1])[1]])
    assert np.linalg.norm(near - right) < 0.1 * np.linalg.norm(right)
    assert np.linalg.norm(one - right) > 0.1 * np.linalg.norm(right)


@pytest.mark.parametrize(
    ("method", "update", "batch_size"),
    [("rtrl", "step", 1), ("rtrl", "sequence", 4), ("snap1", "step", 4), ("uoro", "sequence", 8)],
)
def test_every_mode_learns_to_remember(method, update, batch_size):
    # The answer is the sign seen two steps before.
    signs = np.random.default_rng(2).choice([-1.0, 1.0], size=(8, 6, 1))
    targets = np.concatenate([np.zeros((8, 2, 1)), signs[:, :-2]], axis=1)
    keras.utils.set_random_seed(4)
    forward = ForwardTrainer(
        layers.GRU(6).cell, layers.Dense(1), optimizer=keras.optimizers.Adam(0.02),
        method=method, update=update, seed=1,
    )  # fmt: skip
    losses = forward.fit(signs, targets, epochs=4, batch_size=batch_size)
    assert losses[-1] < losses[0]


def test_a_reset_row_starts_anew_and_others_go_on():
    _, forward = trainer("lstm")
    forward.gradients(X, Y)
    before = [np.asarray(forward.states), *map(np.asarray, forward.influence)]
    forward.reset([True, False])
    for old, new in zip(before, [forward.states, *forward.influence], strict=True):
        assert not np.asarray(new)[0].any()
        np.testing.assert_array_equal(np.asarray(new)[1], old[1])


def test_other_cells_are_refused():
    with pytest.raises(ValueError, match="StackedRNNCells.*Allowed: SimpleRNNCell"):
        ForwardTrainer(layers.StackedRNNCells([layers.GRUCell(2)]), layers.Dense(1)).step(
            X[:, 0], Y[:, 0]
        )


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("multiplicative_lstm", {}, "MultiplicativeLSTMCell.*Allowed:.*LSTMVariantCell"),
        ("lstm_peephole", {"projection": 2}, "projection=2.*Allowed: projection=None"),
    ],
)
def test_cells_that_mix_units_elsewhere_are_refused(cell, options, message):
    refused = recurrent_layer(cell, 4, **options).cell
    with pytest.raises(ValueError, match=message):
        ForwardTrainer(refused, layers.Dense(2)).step(X[:, 0], Y[:, 0])


def test_the_optimizer_is_traced_once_and_moves_as_it_does_alone():
    layer, forward = trainer("elman", optimizer=keras.optimizers.Adam(0.01))
    alone, other = trainer("elman", optimizer=keras.optimizers.Adam(0.01))
    applied, apply = [], forward.optimizer.apply
    forward.optimizer.apply = lambda *arguments: applied.append(1) or apply(*arguments)
    for _ in range(3):
        forward.optimizer.learning_rate = other.optimizer.learning_rate = 0.01 / (1 + len(applied))
        forward.update = other.update = "sequence"
        forward.fit(X, Y, batch_size=2)
        _, gradients = other.gradients(X, Y)
        other.optimizer.apply(gradients, other.trainable_variables)
    assert len(applied) == 1
    for ours, theirs in zip(forward.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
