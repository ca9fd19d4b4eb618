"""`adapt_channels`: grey pictures give equal outputs, more channels equal expectations."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from models.image.test_families import pictures, small

# Stems of all kinds: padded or not, grouped later, without biases, behind dropout or a resizing.
COLOUR = [
    "alexnet", "densenet_40_k12_cifar", "googlenet", "highway_19_cifar", "nin_cifar",
    "resnet_20_cifar", "road_alexnet", "squeezenet_1_1", "vgg_c", "fractalnet_20_cifar",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def forget_models():
    yield
    keras.utils.clear_session(free_memory=True)


@pytest.mark.parametrize("name", COLOUR)
def test_a_grey_picture_gives_what_it_gives_in_three_equal_channels(name):
    model = small(name)
    grey = kc.transfer.adapt_channels(model, 1)
    x = pictures(grey)
    assert x.shape[-1] == 1
    np.testing.assert_allclose(grey(x), model(np.repeat(x, 3, -1)), atol=2e-5)


@pytest.mark.parametrize("channels", [2, 4, 13])
def test_more_channels_repeat_the_kernels_in_turn(channels):
    model = small("resnet_18")
    wide = kc.transfer.adapt_channels(model, channels)
    old, new = (np.asarray(m.get_layer("stem_conv").kernel) for m in (model, wide))
    for channel in range(channels):
        np.testing.assert_allclose(
            new[:, :, channel], old[:, :, channel % 3] * 3 / channels, rtol=1e-6
        )
    assert wide.input_shape == (None, 32, 32, channels)
    for layer, source in zip(wide.layers, model.layers, strict=True):
        assert layer.name == source.name
        if layer.name != "stem_conv":
            for ours, theirs in zip(layer.get_weights(), source.get_weights(), strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_whole_repeats_of_equal_channels_change_nothing():
    model = small("vgg_c")
    x = np.repeat(pictures(kc.transfer.adapt_channels(model, 1)), 6, -1)
    np.testing.assert_allclose(
        kc.transfer.adapt_channels(model, 6)(x), model(x[..., :3]), atol=1e-5
    )


def test_grey_networks_become_colour_networks():
    model = small("lenet_5_modern")
    x = pictures(model)
    colour = kc.transfer.adapt_channels(model, 3)
    np.testing.assert_allclose(colour(np.repeat(x, 3, -1)), model(x), atol=1e-5)


def test_the_new_weights_are_its_own():
    model = small("resnet_18")
    wide = kc.transfer.adapt_channels(model, 4)
    wide.get_layer("predictions").kernel.assign_add(np.ones((16, 4)))
    assert not np.array_equal(*(m.get_layer("predictions").kernel for m in (model, wide)))


def test_what_cannot_be_adapted_is_refused():
    with pytest.raises(kc.InputError, match="channels=0 was given"):
        kc.transfer.adapt_channels(small("resnet_18"), 0)
    with pytest.raises(kc.InputError, match="models of one picture"):
        kc.transfer.adapt_channels(small("mlp_skip_mnist"), 1)
    image = keras.Input((8, 8, 3))
    normed = keras.Model(image, keras.layers.BatchNormalization()(image))
    with pytest.raises(kc.InputError, match="a BatchNormalization, depends on the channels"):
        kc.transfer.adapt_channels(normed, 4)


def separable(first, size=(9, 8)):
    """Two convolutions, the first of another kind, with weights of a size that shows."""
    image = keras.Input((*size, 3))
    x = layers.ZeroPadding2D()(layers.Rescaling(0.5, 0.1)(image))
    x = layers.Conv2D(4, 3, activation="relu")(first(x))
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    draw = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(draw.normal(size=weight.shape))
    return model


FIRST = {
    "separable": lambda: layers.SeparableConv2D(5, 3),
    "separable, two each": lambda: layers.SeparableConv2D(5, 3, depth_multiplier=2, strides=2),
    "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
    "grouped": lambda: layers.Conv2D(6, 3, groups=3),
    "transposed": lambda: layers.Conv2DTranspose(4, 3, strides=2),
    "strided": lambda: layers.Conv2D(4, 3, strides=2, use_bias=False),
}


@pytest.mark.parametrize("name", FIRST)
def test_grey_pictures_give_the_same_behind_every_kind_of_convolution(name):
    model = separable(FIRST[name]())
    grey = kc.transfer.adapt_channels(model, 1)
    x = np.random.default_rng(0).normal(size=(2, 9, 8, 1)).astype("float32")
    np.testing.assert_allclose(grey(x), model(np.repeat(x, 3, -1)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["separable", "separable, two each", "transposed", "strided"])
def test_channels_repeated_in_turn_give_the_same_behind_every_kind(name):
    model = separable(FIRST[name]())
    x = np.random.default_rng(0).normal(size=(2, 9, 8, 3)).astype("float32")
    six = kc.transfer.adapt_channels(model, 6)
    np.testing.assert_allclose(six(np.tile(x, 2)), model(x), rtol=1e-4, atol=1e-4)
    # Five of them: by hand, each with the filters of its own colour times 3 / 5.
    five = kc.transfer.adapt_channels(model, 5)
    layer = next(x for x in model.layers if isinstance(x, type(FIRST[name]())))
    first, second = (
        keras.Model(each.input, each.get_layer(layer.name).output) for each in (model, five)
    )
    drawn = np.random.default_rng(1).normal(size=(1, 9, 8, 5)).astype("float32")
    bias = layer.bias if layer.use_bias else 0
    zero = np.asarray(first(np.full((1, 9, 8, 3), -0.2, "float32"))) - bias
    folded = np.full((1, 9, 8, 3), -0.2, "float32")
    parts = 0
    for channel in range(5):
        alone = folded.copy()
        alone[..., channel % 3] = drawn[..., channel]
        parts = parts + np.asarray(first(alone)) - bias - zero
    # A picture of -0.2 is zero once rescaled, but not in the padding, which is zero already.
    np.testing.assert_allclose(zero, 0, atol=1e-5)
    np.testing.assert_allclose(second(drawn), parts * 3 / 5 + bias, rtol=1e-3, atol=1e-4)


def test_what_depends_on_the_channels_in_another_way_is_refused():
    cases = {
        "DepthwiseConv2D": layers.DepthwiseConv2D(3),
        "Conv2D": layers.Conv2D(6, 3, groups=3),
        "BatchNormalization": layers.BatchNormalization(),
        "Rescaling": layers.Rescaling([1.0, 2.0, 3.0]),
        "LayerNormalization": layers.LayerNormalization(),
        "LocalResponseNormalization": kc.layers.LocalResponseNormalization(),
        "BinaryConv2D": kc.layers.BinaryConv2D(4, 3, binarize="weights"),
    }
    for kind, first in cases.items():
        with pytest.raises(kc.InputError, match=f"a {kind}, depends on the channels"):
            kc.transfer.adapt_channels(separable(first), 4)
    with pytest.raises(kc.InputError, match="a LocalResponseNormalization, depends"):
        kc.transfer.adapt_channels(separable(kc.layers.LocalResponseNormalization()), 1)
    # A picture that is read again where it is joined with features.
    image = keras.Input((8, 8, 3))
    x = layers.Concatenate()([image, layers.Conv2D(2, 3, padding="same")(image)])
    with pytest.raises(kc.InputError, match="a Concatenate, depends on the channels"):
        kc.transfer.adapt_channels(keras.Model(image, layers.Conv2D(2, 3)(x)), 1)
    shared = layers.Conv2D(3, 3)
    with pytest.raises(kc.InputError, match="called on the picture and on something else"):
        kc.transfer.adapt_channels(keras.Model(image, shared(shared(image))), 1)


def test_nested_and_sequential_models_are_adapted_within():
    """Keras's own guide to transfer learning: preprocessing and a nested trunk."""
    preparation = keras.Sequential(
        [keras.Input((9, 8, 3)), layers.RandomFlip(), layers.Rescaling(2.0, -1.0)],
        name="preparation",
    )
    trunk = keras.Sequential(
        [keras.Input((9, 8, 3)), layers.SeparableConv2D(4, 3), layers.ReLU()], name="trunk"
    )
    model = keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            preparation,
            trunk,
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    x = np.random.default_rng(0).normal(size=(2, 9, 8, 1)).astype("float32")
    grey = kc.transfer.adapt_channels(model, 1)
    assert [layer.name for layer in grey.layers[1:]] == [layer.name for layer in model.layers]
    # Asked as at inference: Keras's random layers flip in a plain call.
    expected = model.predict(np.repeat(x, 3, -1), verbose=0)
    np.testing.assert_allclose(grey.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)
    grey.get_layer("trunk").layers[1].pointwise_kernel.assign_add(
        keras.ops.ones_like(grey.get_layer("trunk").layers[1].pointwise_kernel)
    )
    assert not np.allclose(grey.predict(x, verbose=0), expected)
    np.testing.assert_array_equal(model.predict(np.repeat(x, 3, -1), verbose=0), expected)


def test_inputs_keep_their_structure():
    image = keras.Input((8, 8, 3), name="image")
    output = layers.Conv2D(2, 3)(image)
    for inputs in ([image], {"image": image}):
        grey = kc.transfer.adapt_channels(keras.Model(inputs, output), 1)
        assert keras.tree.map_structure(lambda x: x.shape[-1], grey.input) == (
            keras.tree.map_structure(lambda _: 1, inputs)
        )
