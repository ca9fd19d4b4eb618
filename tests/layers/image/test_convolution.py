"""Our convolutions take what Keras's take, and do with it what Keras's do."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.graphs.model_ends import read_end
from keras_classics.layers import (
    BinaryConv2D,
    BinaryDense,
    ConnectionTableConv2D,
    ConvHighway,
    DiracConv2D,
    Highway,
    LocallyConnected2D,
    StackedConv2D,
)
from support import run_on

SIDES = (7, 6)
MAPS = np.random.default_rng(5).normal(size=(2, *SIDES, 3)).astype("float32")
TABLE = [[0, 1, 2]] * 4
# Each with the arguments that make it a plain convolution with the kernel `plain` reads.
KINDS = {
    "binary": lambda size=3, **more: BinaryConv2D(
        4, size, **{"binarize": "weights", "padding": "valid", **more}
    ),
    "local": lambda size=3, **more: LocallyConnected2D(4, size, **more),
    "table": lambda size=3, **more: ConnectionTableConv2D(TABLE, size, **more),
    "dirac": lambda size=3, **more: DiracConv2D(
        4, size, **{"padding": "valid", "use_bias": True, **more}
    ),
}
FORMS = [
    {},
    {"padding": "same"},
    {"padding": "VALID"},
    {"padding": "Same", "strides": 2},
    {"strides": (2, 1)},
    {"strides": (1, 3), "padding": "SAME", "size": (3, 5)},
    {"dilation_rate": 2},
    {"dilation_rate": (1, 2), "padding": "same"},
    {"data_format": "channels_last", "size": (1, 3), "activation": "relu"},
    {"use_bias": False, "kernel_initializer": "ones"},
    {"bias_initializer": keras.initializers.Constant(0.3), "activation": "tanh"},
]


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def plain(layer):
    """The kernel `(rows, columns, channels, filters)` the layer convolves with."""
    if isinstance(layer, BinaryConv2D):
        signs, scales = map(array, layer.binary_kernel())
        return signs * scales
    if isinstance(layer, DiracConv2D):
        return array(layer.effective_kernel())
    kernel = array(layer.kernel)
    if isinstance(layer, LocallyConnected2D):
        layer.kernel.assign(np.broadcast_to(kernel[0, 0], kernel.shape))
        return kernel[0, 0]
    dense = kernel.reshape(*kernel.shape[:2], 4, 3)
    return dense.swapaxes(-1, -2)


@pytest.mark.parametrize("form", FORMS, ids="-".join)
@pytest.mark.parametrize("kind", KINDS)
def test_with_what_keras_takes_it_does_what_keras_does(kind, form):
    layer = KINDS[kind](**form)
    outputs = keras.ops.shape(layer(keras.Input(MAPS.shape[1:])))
    form = dict(form)
    theirs = keras.layers.Conv2D(4, form.pop("size", 3), **form)
    theirs.build(MAPS.shape)
    bias = [array(layer.bias)[..., :].reshape(-1, 4)[0]] if layer.use_bias else []
    theirs.set_weights([plain(layer), *bias])
    expected = array(theirs(MAPS))
    np.testing.assert_allclose(array(layer(MAPS)), expected, atol=1e-5)
    assert outputs[1:] == expected.shape[1:]
    assert layer.compute_output_shape((None, *MAPS.shape[1:])) == (None, *expected.shape[1:])
    config = layer.get_config()
    assert type(layer).from_config(json.loads(json.dumps(config))).get_config() == config


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.slow
def test_and_so_on_the_other_engines(backend):
    run_on(
        backend,
        "from layers.image import test_convolution as t\n"
        "for kind in t.KINDS:\n"
        "    for form in t.FORMS:\n"
        "        t.test_with_what_keras_takes_it_does_what_keras_does(kind, form)",
    )


@pytest.mark.parametrize(
    "strides, dilation_rate, padding",
    [(2, 1, "same"), ((1, 2), 1, "valid"), (1, 2, "same"), (1, (2, 1), None), (2, 1, 2)],
)
def test_signs_and_scales_of_inputs_are_padded_alike(strides, dilation_rate, padding):
    more = {"strides": strides, "dilation_rate": dilation_rate, "padding": padding}
    layer = BinaryConv2D(4, (3, 2), activation="relu", bias_initializer="normal", **more)
    found = array(layer(MAPS))
    packed = kc.compression.PackedLayer.of(layer)(MAPS)
    np.testing.assert_allclose(packed, found, atol=1e-5)
    # K of an output is the mean of what it sees, zeros around included.
    means = np.abs(MAPS).mean(axis=-1, keepdims=True)
    box = keras.ops.ones((3, 2, 1, 1)) / 6
    if isinstance(padding, str):
        scales = keras.ops.conv(means, box, strides, padding, dilation_rate=dilation_rate)
    else:
        margins = [(2, 2)] * 2 if padding else [(5 // 2,) * 2, (1, 1)]
        means = np.pad(means, [(0, 0), *margins, (0, 0)])
        scales = keras.ops.conv(means, box, strides, "valid", dilation_rate=dilation_rate)
    np.testing.assert_allclose(array(layer.input_scales(MAPS)), array(scales), atol=1e-6)


RULED = {
    **KINDS,
    "stacked": lambda **more: StackedConv2D(2, **more),
    "highway": lambda **more: Highway(**more),
    "conv_highway": lambda **more: ConvHighway(**more),
    "binary_dense": lambda **more: BinaryDense(4, **more),
}


@pytest.mark.parametrize("kind", RULED)
def test_regularisers_count_and_constraints_hold(kind):
    layer = RULED[kind](
        kernel_regularizer=keras.regularizers.L2(0.5),
        bias_regularizer="l1",
        kernel_constraint=keras.constraints.NonNeg(),
        bias_constraint="non_neg",
    )
    model = keras.Sequential([keras.Input(MAPS.shape[1:]), layer])
    kernels = [array(w) for w in layer.weights if w.name.endswith("kernel")]
    biases = [array(w) for w in layer.weights if w.name.endswith("bias")]
    expected = sum(0.5 * np.square(w).sum() for w in kernels)
    expected += sum(0.01 * np.abs(w).sum() for w in biases)
    np.testing.assert_allclose(sum(map(float, layer.losses)), expected, rtol=1e-4)
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(MAPS, np.full(model.compute_output_shape(MAPS.shape), -3.0))
    ruled = [w for w in layer.weights if w.name.endswith(("kernel", "bias"))]
    assert len(ruled) == len(kernels) + len(biases) and kernels and biases
    assert min(array(w).min() for w in ruled) >= 0
    config = layer.get_config()
    assert type(layer).from_config(json.loads(json.dumps(config))).get_config() == config


def test_a_stack_without_biases_is_one_with_biases_of_zero():
    with_bias, without = StackedConv2D(3), StackedConv2D(3, use_bias=False)
    found = with_bias(MAPS)
    without.build(MAPS.shape)
    without.set_weights(with_bias.get_weights()[:1])
    np.testing.assert_array_equal(array(without(MAPS)), array(found))


@pytest.mark.parametrize("kind", KINDS)
def test_an_end_with_softmax_is_read_as_that_of_keras(kind):
    image = keras.Input(MAPS.shape[1:])
    layer = KINDS[kind](SIDES, activation="softmax") if kind != "dirac" else None
    layer = layer or KINDS[kind]((7, 5), activation="softmax")
    end = read_end(layer(image))
    assert end.kind == "softmax"
    logits = array(end.linear(MAPS))
    np.testing.assert_allclose(array(keras.ops.softmax(logits)), array(layer(MAPS)), atol=1e-6)


def test_a_stack_has_its_activation_inside_too_and_no_logits():
    image = keras.Input(MAPS.shape[1:])
    assert read_end(StackedConv2D(2, activation="softmax")(image)).kind == "unknown"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"strides": 0}, "strides=0 was given"),
        ({"strides": (2, 0)}, r"strides=\(2, 0\) was given"),
        ({"dilation_rate": 0}, "dilation_rate=0 was given"),
        ({"strides": 2, "dilation_rate": 2}, "one of them above 1"),
        ({"padding": "full"}, "padding='full' was given.*'valid', 'same'"),
        ({"data_format": "channels_first"}, "data_format='channels_first'.*moveaxis"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(kind, bad, message):
    with pytest.raises(kc.InputError, match=message):
        KINDS[kind](**bad)


@pytest.mark.parametrize("kind", KINDS)
def test_maps_smaller_than_the_kernel_are_refused_and_the_remedy_works(kind):
    with pytest.raises(kc.InputError, match="of at least|at least"):
        KINDS[kind]()(np.ones((1, 2, 5, 3), "float32"))
    assert KINDS[kind](padding="same")(np.ones((1, 2, 5, 3), "float32")).shape == (1, 2, 5, 4)


def test_center_clamp_is_a_constraint_already():
    with pytest.raises(kc.InputError, match="Leave kernel_constraint out"):
        BinaryConv2D(4, center_clamp=True, kernel_constraint="non_neg")


@pytest.mark.parametrize("row", [[0, 0], [0, -1], [0, 1.0]])
def test_a_link_is_named_once_and_by_a_whole_number(row):
    with pytest.raises(
        kc.InputError, match="different input maps.*Name each input map once|each a whole number"
    ):
        ConnectionTableConv2D([row], 3)


def test_a_table_may_be_an_array():
    layer = ConnectionTableConv2D(np.array([[0, 1], [1, 2]]), 3)
    assert json.loads(json.dumps(layer.get_config()))["table"] == [[0, 1], [1, 2]]
