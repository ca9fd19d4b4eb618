"""A stack of convolutions is the chain of single ones, in a graph that does not grow."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.layers import CircularPadding2D, StackedConv2D
from support import check_layer

DEPTH, CHANNELS = 7, 3


def normal(*shape, scale=1.0):
    draws = np.random.default_rng(8).normal(scale=scale, size=shape)
    return draws.astype("float32")


IMAGES = normal(2, 6, 5, CHANNELS)


@pytest.mark.parametrize(
    "layer",
    [
        StackedConv2D(5),
        StackedConv2D(4, 5, "same", "elu", kernel_initializer=keras.initializers.RandomNormal()),
        StackedConv2D(1, recompute=False),
    ],
    ids=lambda layer: layer.name,
)
def test_contract(layer):
    np.testing.assert_array_equal(check_layer(layer, IMAGES).shape, IMAGES.shape)


def test_contract_of_circular_padding():
    expected = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="wrap")
    np.testing.assert_array_equal(check_layer(CircularPadding2D(2), IMAGES), expected)


def single_layers(padding, activation, size=3):
    x = image = keras.Input(IMAGES.shape[1:])
    for _ in range(DEPTH):
        if padding == "circular":
            x = CircularPadding2D(size // 2)(x)
        mode = "valid" if padding == "circular" else "same"
        x = keras.layers.Conv2D(CHANNELS, size, padding=mode, activation=activation)(x)
    return keras.Model(image, x)


def after_a_step(model, weights):
    """Outputs, and the gradients as one step of plain descent shows them."""
    model.set_weights(weights)
    outputs = model.predict_on_batch(IMAGES)
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(IMAGES, normal(*IMAGES.shape)[::-1])
    return outputs, [old - new for old, new in zip(weights, model.get_weights(), strict=True)]


@pytest.mark.parametrize(
    ("padding", "activation", "size"),
    [("circular", "tanh", 3), ("same", "relu", 5), ("circular", "gelu", 5), ("same", "linear", 1)],
)
def test_contract_is_that_of_single_layers(padding, activation, size):
    kernels = normal(DEPTH, size, size, CHANNELS, CHANNELS, scale=0.75 / size)
    biases = normal(DEPTH, CHANNELS, scale=0.1)
    pairs = [weight for pair in zip(kernels, biases, strict=True) for weight in pair]
    expected, gradients = after_a_step(single_layers(padding, activation, size), pairs)
    padded = (6 + size - 1) * (5 + size - 1)
    two_layers = 2 * 4 * CHANNELS * (padded + 6 * 5) / 1e6
    for options in ({"recompute": False}, {}, {"memory": 1.01 * two_layers}):
        image = keras.Input(IMAGES.shape[1:])
        stack = StackedConv2D(DEPTH, size, padding, activation, **options)(image)
        outputs, found = after_a_step(keras.Model(image, stack), [kernels, biases])
        np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=2e-6)
        np.testing.assert_allclose(found[0], np.stack(gradients[::2]), rtol=1e-5, atol=2e-6)
        np.testing.assert_allclose(found[1], np.stack(gradients[1::2]), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("size", "dtype", "kept"), [(1.0, "float32", 1), (2.5, "float32", 2), (2.5, "float16", 5)]
)
def test_memory_is_that_of_padded_inputs_and_outputs(size, dtype, kept, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "keras_classics.layers.image.stacked.convolution_chain",
        lambda x, *_, kept, **__: (asked.append(kept), x)[1],
    )
    # Numbers of four bytes: 8 by 7 with the border, 6 by 5 without.
    megabytes = size * 4 * CHANNELS * (8 * 7 + 6 * 5) / 1e6
    for recompute in (True, False):
        StackedConv2D(9, memory=megabytes, recompute=recompute, dtype=dtype)(IMAGES)
    assert asked == [kept, 9]
    StackedConv2D(1, memory=1.0)(IMAGES)
    assert asked[-1] == 1


def test_memory_asks_for_a_known_size():
    with pytest.raises(ValueError, match=r"memory=1.0 was given for images of \(None, None, 3\)"):
        StackedConv2D(4, memory=1.0)(keras.Input((None, None, CHANNELS)))
    StackedConv2D(4, memory=None)(keras.Input((None, None, CHANNELS)))


@pytest.mark.parametrize("recompute", [False, True])
def test_the_graph_of_a_training_step_does_not_grow_with_the_depth(recompute):
    import tensorflow as tf

    def operations(depth):
        layer = StackedConv2D(depth, recompute=recompute)
        layer.build((None, 4, 4, 2))

        @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 2))])
        def step(images):
            with tf.GradientTape() as tape:
                outputs = layer(images)
            return tape.gradient(outputs, [weight.value for weight in layer.weights])

        graph = step.get_concrete_function().graph.as_graph_def()
        return len(graph.node) + sum(len(f.node_def) for f in graph.library.function)

    # Neither depth is a multiple of its segment, so both end in a rest.
    assert operations(10) == operations(1000)


def test_images_of_a_size_known_only_at_run_time():
    image = keras.Input((None, None, CHANNELS))
    layer = StackedConv2D(4)
    model = keras.Model(image, layer(image))
    for height, width in ((3, 4), (6, 5)):
        images = normal(2, height, width, CHANNELS)
        np.testing.assert_allclose(model.predict_on_batch(images), layer(images), atol=1e-6)


def test_costs_are_those_of_single_layers():
    image = keras.Input(IMAGES.shape[1:])
    stack = keras.Model(image, StackedConv2D(DEPTH)(image))
    chain = single_layers("circular", "tanh")
    assert kc.analysis.multiply_adds(stack) == kc.analysis.multiply_adds(chain)
    assert kc.analysis.trainable_parameters(stack) == kc.analysis.trainable_parameters(chain)


def test_keras_is_told_not_to_compile_it_with_xla_on_tensorflow():
    assert StackedConv2D(2).supports_jit is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "depth=0"),
        ({"depth": 2, "memory": 0.0}, "memory=0.0.*positive"),
        ({"depth": 2, "kernel_size": 4}, "kernel_size=4.*odd"),
        ({"depth": 2, "padding": "valid"}, "padding='valid'.*'circular', 'same'"),
    ],
)
def test_what_is_not_admitted_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StackedConv2D(**arguments)
