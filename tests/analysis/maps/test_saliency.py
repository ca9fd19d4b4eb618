"""Saliency is the gradient of the logit, colours taken together."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc


def linear(activation=None, dtype="float32"):
    """A classifier whose gradients are its weights."""
    image = keras.Input((3, 4, 2), dtype=dtype)
    return keras.Model(image, layers.Dense(3, activation)(layers.Flatten()(image)))


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_of_a_linear_model_it_is_the_weights(activation):
    model = linear(activation)
    images = 50 * np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
    weights = np.abs(keras.ops.convert_to_numpy(model.layers[-1].kernel)).reshape(3, 4, 2, 3)
    expected = weights.max(axis=2)
    found = kc.analysis.saliency(model, images, target=[2, 0])
    np.testing.assert_allclose(found, np.stack([expected[..., 2], expected[..., 0]]), rtol=1e-5)
    answers = model.predict_on_batch(images).argmax(axis=1)
    found = kc.analysis.saliency(model, images)
    np.testing.assert_allclose(found, np.moveaxis(expected[..., answers], -1, 0), rtol=1e-5)


def test_images_of_whole_numbers_have_no_gradient():
    with pytest.raises(kc.InputError, match="takes uint8 as .*float32"):
        kc.analysis.Saliency(linear(dtype="uint8"))


@pytest.mark.parametrize("method", [kc.analysis.saliency, kc.analysis.cam])
def test_outputs_without_classes_or_gradient_are_refused_and_the_remedies_work(method):
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    p = keras.layers.Dense(3, "softmax")(x)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    one = keras.Model(image, p[:, 1])
    with pytest.raises(kc.InputError, match=r"float32 \(None,\).*Pass target=lambda outputs"):
        method(one, images)
    assert method(one, images, target=lambda outputs: outputs).shape == (2, 8, 8)
    for whole in (keras.ops.argmax(p, axis=-1), keras.ops.cast(100 * p, "int32")):
        # With a function as target the map would be zero everywhere.
        for target in (None, lambda outputs: keras.ops.sum(outputs[..., None], -1)):
            with pytest.raises(kc.InputError, match=r"is int32 .*Explain keras.Model\(model.inpu"):
                method(keras.Model(image, whole), images, target=target)
    assert method(keras.Model(image, p), images).shape == (2, 8, 8)
