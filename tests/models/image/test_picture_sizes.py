"""The smallest picture of the card is large enough, and features come from any size and channels."""

import keras
import numpy as np
import pytest

import keras_classics as kc

SMALL = {
    "alexnet": {"width": 0.05, "dense_units": 8},
    "alexnet_owt": {"width": 0.05, "dense_units": 8},
    "bwn_alexnet": {"width": 0.05, "dense_units": 8},
    "xnor_alexnet": {"width": 0.05, "dense_units": 8},
    "zfnet": {"width": 0.05, "dense_units": 8},
    "squeezenet_1_0": {"width": 0.1},
    "squeezenet_1_1": {"width": 0.1},
    "nin_cifar": {"width": 0.05},
    "nin_imagenet": {"width": 0.05},
    "googlenet": {"width": 0.05},
    "googlenet_bn": {"width": 0.05},
    "inception_v4": {"width": 0.05, "repeats": (1, 0, 0)},
    "inception_resnet_v1": {"width": 0.05, "repeats": (1, 0, 0)},
    "inception_resnet_v2_released": {"width": 0.05, "repeats": (0, 0, 0)},
    "maxout_cifar": {"width": 0.05, "units": 4},
    "fractalnet_20_cifar": {"width": 0.05, "columns": 2},
}


@pytest.mark.parametrize("name", SMALL)
def test_the_smallest_size_is_enough_and_a_pixel_less_is_not(name):
    smallest = kc.card(name).smallest_size
    model = kc.create_model(name, input_shape=(smallest, smallest, 3), classes=4, **SMALL[name])
    assert model(np.zeros((1, smallest, smallest, 3))).shape == (1, 4)
    with pytest.raises(ValueError, match=f"at least {smallest}"):
        kc.create_model(name, input_shape=(smallest - 1, smallest, 3), **SMALL[name])


@pytest.mark.parametrize("name", SMALL)
def test_a_pixel_less_leaves_nothing_to_pool(name, monkeypatch):
    # Without the card's check some layer would have an empty output, or Keras refuse to build it.
    side = kc.card(name).smallest_size - 1
    monkeypatch.setattr("keras_classics.core.cards.image_builder._check_size", lambda *_: None)
    with pytest.raises(ValueError, match="empty|dimension size|negative"):
        model = kc.create_model(name, input_shape=(side, side, 3), include_top=False, **SMALL[name])
        if any(0 in layer.output.shape[1:] for layer in model.layers):
            raise ValueError("empty")


@pytest.mark.parametrize("name", SMALL)
def test_features_of_any_size_and_channels(name):
    model = kc.create_model(name, include_top=False, input_shape=(None, None, 2), **SMALL[name])
    for height, width in ((80, 97), (96, 83)):
        features = model(np.zeros((1, height, width, 2)))
        known = kc.create_model(
            name, include_top=False, input_shape=(height, width, 2), **SMALL[name]
        )
        assert tuple(features.shape[1:]) == known.output_shape[1:]
        keras.utils.clear_session()
