"""Grids along wavefronts: equal to the double loop, to the reference's figures and to 1-D layers."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from keras_classics.layers import MultiDimensionalLSTM, MultiDimensionalRNN
from support import check_layer

DRAW = np.random.default_rng(3)
GRIDS = DRAW.normal(size=(2, 3, 4, 5)).astype("float32")
FORMS = [
    (MultiDimensionalRNN, {}),
    (MultiDimensionalLSTM, {"forget_bias": 1.0}),
    (MultiDimensionalLSTM, {"leaky": True, "peepholes": True}),
]
RELU = {"activation": "relu"}
on_tensorflow = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="elsewhere training walks as inference does"
)


@pytest.mark.parametrize(
    ("form", "directions", "merge_mode"),
    list(zip(FORMS, (1, 2, 4), ("concat", "sum", "concat"), strict=True)),
)
def test_contract(form, directions, merge_mode):
    layer, options = form
    check_layer(layer(3, directions, merge_mode, **options), GRIDS)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(layer, grids):
    """The papers' equations in NumPy, for every direction and option."""
    kernels, recurrents, biases, *peepholes = layer.get_weights()
    maps = []
    # From the corner a direction starts in, rows and columns are read as if from the upper left.
    for direction, (down, right) in enumerate([(1, 1), (-1, -1), (1, -1), (-1, 1)]):
        if direction == layer.directions:
            break
        h = np.zeros((len(grids), grids.shape[1] + 1, grids.shape[2] + 1, layer.units))
        c = np.zeros_like(h)
        for i, j in np.ndindex(*grids.shape[1:3]):
            sums = grids[:, ::down, ::right][:, i, j] @ kernels[direction] + biases[direction]
            sums += np.concatenate([h[:, i, j + 1], h[:, i + 1, j]], 1) @ recurrents[direction]
            if isinstance(layer, MultiDimensionalRNN):
                h[:, i + 1, j + 1] = layer.activation(sums)
                continue
            above, left = c[:, i, j + 1], c[:, i + 1, j]
            into, forget_above, forget_left, candidate, out = np.split(sums, 5, axis=1)
            p = peepholes[0][direction] if peepholes else np.zeros((4, layer.units))
            into = sigmoid(into + p[0] * (above + left))
            forget_above = sigmoid(forget_above + p[1] * above)
            forget_left = sigmoid(forget_left + p[2] * left)
            carried = forget_above * above + forget_left * left
            if layer.leaky:
                carried *= (1 - into) / (forget_above + forget_left)
            new = into * np.tanh(candidate) + carried
            c[:, i + 1, j + 1] = new
            h[:, i + 1, j + 1] = sigmoid(out + p[3] * new) * np.tanh(new)
        maps.append(h[:, 1:, 1:][:, ::down, ::right])
    return sum(maps) if layer.merge_mode == "sum" else np.concatenate(maps, axis=-1)


@pytest.mark.parametrize(
    ("form", "options"),
    [
        (MultiDimensionalRNN, {}),
        (MultiDimensionalRNN, {"activation": "relu", "directions": 4, "merge_mode": "sum"}),
        (MultiDimensionalLSTM, {}),
        (MultiDimensionalLSTM, {"peepholes": True}),
        (MultiDimensionalLSTM, {"leaky": True}),
        (MultiDimensionalLSTM, {"leaky": True, "peepholes": True, "directions": 2}),
        (MultiDimensionalLSTM, {"directions": 4}),
        (MultiDimensionalLSTM, {"directions": 2, "merge_mode": "sum"}),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_every_option_is_the_papers_equation(form, options, training):
    layer = drawn(form, options)
    found = ops.convert_to_numpy(layer(GRIDS.astype("float64"), training=training))
    np.testing.assert_allclose(found, by_hand(layer, GRIDS.astype("float64")), atol=1e-12)


def test_the_forget_bias_is_that_of_both_forget_gates():
    layer = MultiDimensionalLSTM(2, directions=2, forget_bias=1.5, bias_initializer="ones")
    layer.build(GRIDS.shape)
    np.testing.assert_array_equal(layer.bias, [[1, 1, 2.5, 2.5, 2.5, 2.5, 1, 1, 1, 1]] * 2)


def double_loop(layer, grids):
    """One cell after the other; the input is multiplied beforehand, as it is in the layer.

    A library may round a row of a product, or an element of a vector, by where it lies in its
    array, so a cell stands here in the row where its diagonal would have it, among zeros.
    """
    batch, rows, columns, _ = grids.shape
    flat = ops.reshape(grids, (1, -1, grids.shape[-1]))
    affine = ops.matmul(flat, layer.kernel) + layer.bias[:, None]
    affine = ops.reshape(affine, (batch, rows, columns, affine.shape[-1]))
    zero = [ops.zeros((batch, layer.units), "float64")] * layer.states
    states = {}

    def placed(values, i):
        row = ops.reshape(ops.one_hot(i, rows, dtype="float64"), (1, rows, 1))
        return ops.reshape(values[:, None] * row, (1, batch * rows, -1))

    def taken(values, i):
        return ops.reshape(values, (batch, rows, -1))[:, i]

    for i in range(rows):
        for j in range(columns):
            above = [placed(state, i) for state in states.get((i - 1, j), zero)]
            left = [placed(state, i) for state in states.get((i, j - 1), zero)]
            neighbours = ops.concatenate([above[0], left[0]], axis=-1)
            sums = placed(affine[:, i, j], i) + ops.matmul(neighbours, layer.recurrent_kernel)
            new = layer.step(sums, above[1:], left[1:], *layer.step_weights)
            states[i, j] = [taken(state, i) for state in new]
    return outputs_of(states, rows, columns)


def outputs_of(states, rows, columns):
    outputs = [[states[i, j][0] for j in range(columns)] for i in range(rows)]
    return ops.stack([ops.stack(row, axis=1) for row in outputs], axis=1)


def training_double_loop(layer, grids):
    """The same, where input and neighbours are multiplied at once, among the cells of a diagonal."""
    batch, rows, columns, _ = grids.shape
    kernel = ops.concatenate([layer.kernel[0], layer.recurrent_kernel[0]])
    weights = [weight[0] for weight in layer.step_weights]
    zero = [ops.zeros((batch, layer.units), "float64")] * layer.states
    states = {}
    for i in range(rows):
        for j in range(columns):
            first, end = max(0, i + j + 1 - columns), min(rows, i + j + 1)
            borders = (((i - first) * batch, (end - i - 1) * batch), (0, 0))
            above, left = states.get((i - 1, j), zero), states.get((i, j - 1), zero)
            operand = ops.concatenate([grids[:, i, j], above[0], left[0]], axis=-1)
            above, left = (
                [ops.pad(state, borders) for state in cells[1:]] for cells in (above, left)
            )
            sums = ops.matmul(ops.pad(operand, borders), kernel) + layer.bias[0]
            new = layer.step(sums, above, left, *weights)
            states[i, j] = [state[borders[0][0] :][:batch] for state in new]
    return outputs_of(states, rows, columns)


@pytest.mark.parametrize(("form", "options"), FORMS)
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 1, 6), (3, 6, 1), (2, 4, 7), (2, 7, 4)])
def test_wavefronts_equal_the_double_loop_exactly(form, options, shape):
    layer = form(4, dtype="float64", **options)
    grids = ops.convert_to_tensor(DRAW.normal(size=(*shape, 5)))
    np.testing.assert_array_equal(layer(grids), double_loop(layer, grids))
    if keras.config.backend() == "tensorflow":
        trained = layer(grids, training=True)
        np.testing.assert_array_equal(trained, training_double_loop(layer, grids))


def gradients(layer, function):
    """Of a mixture of the outputs, by the grids and all weights."""
    import tensorflow as tf

    grids = tf.constant(GRIDS, "float64")
    with tf.GradientTape() as tape:
        tape.watch(grids)
        total = tf.reduce_sum(tf.sin(3 * function(grids)))
    return tape.gradient(total, [grids, *(weight.value for weight in layer.trainable_variables)])


def drawn(form, options, **more):
    """A layer in double precision, no weight of which is zero."""
    layer = form(4, dtype="float64", **options, **more)
    layer.build(GRIDS.shape)
    layer.set_weights([DRAW.normal(size=w.shape, scale=0.5) for w in layer.get_weights()])
    return layer


@on_tensorflow
@pytest.mark.parametrize(("form", "options"), [*FORMS, (MultiDimensionalRNN, RELU)])
@pytest.mark.parametrize("graph", [False, True])
def test_gradients_while_training_are_the_double_loops(form, options, graph):
    import tensorflow as tf

    layer = drawn(form, options)
    differentiate = partial(gradients, layer, partial(layer, training=True))
    found = (tf.function(differentiate, autograph=False) if graph else differentiate)()
    expected = gradients(layer, partial(double_loop, layer))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@on_tensorflow
@pytest.mark.parametrize(("form", "options"), FORMS)
@pytest.mark.parametrize("directions", [2, 4])
def test_every_direction_has_its_gradient_while_training(form, options, directions):
    layer = drawn(form, options, directions=directions)
    found, expected = (
        gradients(layer, partial(layer, training=training)) for training in (True, False)
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@on_tensorflow
def test_a_gradient_of_a_gradient_is_refused_while_training():
    import tensorflow as tf

    layer, grids = drawn(*FORMS[1]), tf.constant(GRIDS, "float64")
    with tf.GradientTape() as outer:
        outer.watch(grids)
        with tf.GradientTape() as inner:
            inner.watch(grids)
            total = tf.reduce_sum(layer(grids, training=True))
        slope = tf.reduce_sum(inner.gradient(total, grids) ** 2)
    with pytest.raises(LookupError, match="training=False"):
        outer.gradient(slope, grids)


@on_tensorflow
def test_a_compiled_layer_has_its_gradient_taken_outside():
    import tensorflow as tf

    layer, grids = drawn(*FORMS[1]), tf.constant(GRIDS, "float64")
    compiled = tf.function(partial(layer, training=True), autograph=False)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(grids)
        total = tf.reduce_sum(tf.sin(3 * compiled(grids)))
    expected = gradients(layer, partial(layer, training=True))[0]
    for _ in range(2):
        np.testing.assert_allclose(tape.gradient(total, grids), expected, rtol=0, atol=1e-12)


@on_tensorflow
@pytest.mark.slow
def test_xla_compiles_training():
    losses = []
    for compiled in (False, True):
        keras.utils.set_random_seed(2)
        image = keras.Input(GRIDS.shape[1:])
        model = keras.Model(image, MultiDimensionalLSTM(3, 2, peepholes=True)(image))
        model.compile("sgd", "mse", jit_compile=compiled)
        losses.append([model.train_on_batch(GRIDS, np.ones((2, 3, 4, 6))) for _ in range(3)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


def sines(rows, columns, shift):
    """The reference's weights."""
    i, j = np.ogrid[:rows, :columns]
    return 0.5 * np.sin(1 + 0.7 * i + 1.3 * j + shift)


GRID = np.array([[[[1], [-0.5], [0.25]], [[0.75], [-1], [0.5]]]])


def reference(layer, gates, bias):
    """Give a layer of two units the reference's weights; returns its output on the grid."""
    layer.build(GRID.shape)
    width = 2 * gates
    recurrent = np.concatenate([sines(2, width, 0.3), sines(2, width, 0.6)])
    layer.set_weights([sines(1, width, 0)[None], recurrent[None], np.array(bias, float)[None]])
    return ops.convert_to_numpy(layer(GRID))[0]


def test_rnn_gives_the_references_figures():
    h = reference(MultiDimensionalRNN(2, dtype="float64"), 1, [0.1, -0.2])
    np.testing.assert_allclose(h[1, 2], [0.21844887, 0.12410535], atol=1e-8)
    np.testing.assert_allclose(h.sum(), 1.3558664632753605, rtol=1e-12)


def test_lstm_gives_the_references_figures():
    layer = MultiDimensionalLSTM(2, dtype="float64")
    h = reference(layer, 5, [0, 0, 1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_allclose(h[1, 2], [0.11528611, -0.10263183], atol=1e-8)
    np.testing.assert_allclose(h.sum(), 0.05494469832753618, rtol=1e-12)


def test_parameters_are_the_papers():
    units, features = 7, 5
    lstm = MultiDimensionalLSTM(units)
    lstm.build((None, 3, 4, features))
    assert lstm.count_params() == 5 * units * (features + 2 * units + 1)
    four = MultiDimensionalLSTM(units, directions=4, peepholes=True)
    four.build((None, 3, 4, features))
    assert four.count_params() == 4 * (5 * units * (features + 2 * units + 1) + 4 * units)


def test_one_row_is_the_one_dimensional_layer():
    row = DRAW.normal(size=(2, 1, 6, 5)).astype("float32")
    grid, line = MultiDimensionalRNN(4), keras.layers.SimpleRNN(4, return_sequences=True)
    grid.build(row.shape)
    line.build(row[:, 0].shape)
    kernel, recurrent, bias = (weight[0] for weight in grid.get_weights())
    line.set_weights([kernel, recurrent[4:], bias])
    np.testing.assert_allclose(grid(row)[:, 0], line(row[:, 0]), atol=1e-6)


def test_transposed_grid_with_exchanged_neighbours_gives_the_transposed_output():
    layer, twin = MultiDimensionalRNN(4), MultiDimensionalRNN(4)
    layer.build(GRIDS.shape)
    twin.build(GRIDS.shape)
    kernel, recurrent, bias = layer.get_weights()
    twin.set_weights([kernel, np.roll(recurrent, 4, axis=1), bias])
    transposed = twin(GRIDS.transpose(0, 2, 1, 3))
    np.testing.assert_allclose(ops.transpose(transposed, (0, 2, 1, 3)), layer(GRIDS), atol=1e-6)


@pytest.mark.parametrize("corner", range(4))
def test_each_direction_sees_its_own_quadrant(corner):
    layer = MultiDimensionalLSTM(2, directions=4)
    plain = np.zeros((1, 5, 5, 1), "float32")
    touched = plain.copy()
    touched[0, 2, 2] = 1
    change = np.abs(layer(touched) - layer(plain))[0, :, :, 2 * corner : 2 * corner + 2].sum(-1) > 0
    rows, columns = [(1, 1), (-1, -1), (1, -1), (-1, 1)][corner]
    expected = np.zeros((5, 5), bool)
    expected[2:, 2:] = True
    np.testing.assert_array_equal(change, expected[::rows, ::columns])


def test_leaky_cells_stay_within_one_where_the_papers_grow():
    grids = np.ones((1, 12, 12, 1), "float32")
    states = {}
    for leaky in (False, True):
        layer = MultiDimensionalLSTM(1, leaky=leaky)
        layer.build(grids.shape)
        kernel, recurrent, bias = layer.get_weights()
        # Every gate open: each path through the grid adds one.
        bias[:] = 20 if not leaky else [[0, 20, 20, 20, 20]]
        layer.set_weights([0 * kernel, 0 * recurrent, bias])
        seen = []
        step = layer.step
        layer.step = lambda *given, step=step, seen=seen: seen.append(step(*given)) or seen[-1]
        layer(grids)
        states[leaky] = max(float(ops.max(new[1])) for new in seen)
    assert states[False] > 1e5
    assert states[True] <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"units": 0}, "units=0"), ({"units": 2, "directions": 3}, "directions=3"),
     ({"units": 2, "merge_mode": "mean"}, "merge_mode='mean'")],
)  # fmt: skip
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultiDimensionalRNN(**arguments)


def test_grids_of_unknown_size_are_refused():
    with pytest.raises(ValueError, match="only the batch unknown"):
        MultiDimensionalRNN(2)(keras.Input((None, 4, 1)))


def test_lstm_has_the_references_memory():
    layer = MultiDimensionalLSTM(2, dtype="float64")
    reference(layer, 5, [0, 0, 1, 1, 1, 1, 0, 0, 0, 0])
    states = {}
    for i, j in np.ndindex(GRID.shape[1:3]):
        above, left = (
            states.get(place, [np.zeros((1, 1, 2))] * 2) for place in ((i - 1, j), (i, j - 1))
        )
        neighbours = np.concatenate([above[0], left[0]], axis=-1)
        affine = ops.matmul(GRID[:, i, j][None], layer.kernel) + layer.bias[:, None]
        affine = affine + ops.matmul(neighbours, layer.recurrent_kernel)
        states[i, j] = layer.step(affine, above[1:], left[1:])
    np.testing.assert_allclose(states[1, 2][1][0, 0], [0.27284475, -0.20404953], atol=1e-8)
