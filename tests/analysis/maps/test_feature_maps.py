"""Feature maps are what sub-models give, and by default the ends of the stages."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc


def network():
    """Two sizes, the smaller one within a nested model."""
    inner = keras.Sequential(
        [keras.Input((4, 4, 3)), layers.Conv2D(5, 3, padding="same"), layers.ReLU(name="top")],
        name="inner",
    )
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(3, 1, name="early")(image)
    x = layers.Conv2D(3, 1, activation="relu", name="late")(x)
    x = layers.GlobalAveragePooling2D()(inner(layers.MaxPooling2D()(x)))
    return keras.Model(image, layers.Dense(2, "softmax")(x))


def test_by_default_they_are_the_last_of_each_size():
    model = network()
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 2)).astype("float32")
    feature_maps = kc.analysis.FeatureMaps(model)
    assert feature_maps.layers == ["late", "inner/top"]
    late, top = feature_maps(images)
    early = keras.Model(model.input, model.get_layer("late").output)
    np.testing.assert_allclose(late, early.predict_on_batch(images), atol=1e-6)
    pooled = late.reshape(3, 4, 2, 4, 2, 3).max(axis=(2, 4))
    np.testing.assert_allclose(
        top, model.get_layer("inner").predict_on_batch(pooled), rtol=1e-5, atol=1e-6
    )
    # The weights of now, though compiled before.
    model.get_layer("late").kernel.assign(np.zeros((1, 1, 3, 3)))
    assert not feature_maps(images)[0].any()


def test_layers_that_are_not_there_and_models_without_maps():
    with pytest.raises(kc.InputError, match="'lat'.*Did you mean 'late'"):
        kc.analysis.FeatureMaps(network(), ["lat"])
    image = keras.Input((4, 4, 1))
    flat = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    with pytest.raises(kc.InputError, match="no feature map.*network of convolutions"):
        kc.analysis.FeatureMaps(flat)
