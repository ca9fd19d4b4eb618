"""`adapt_channels`: grey pictures give equal outputs, more channels equal expectations."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from models.image.test_families import pictures, small

# Stems of all kinds: padded or not, grouped later, without biases, behind dropout or a resizing.
COLOUR = [
    "alexnet", "densenet_40_k12_cifar", "googlenet", "highway_19_cifar", "nin_cifar",
    "resnet_20_cifar", "road_alexnet", "squeezenet_1_1", "vgg_c",
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
    with pytest.raises(kc.InputError, match="networks of which only kernels do"):
        kc.transfer.adapt_channels(normed, 4)
