"""A classifier that slides says at every place what the classifier says of the window there."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc


def unpadded(*head):
    keras.utils.set_random_seed(3)
    body = [
        keras.Input((14, 12, 2)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(5, 3, bias_initializer="glorot_uniform"),
    ]  # fmt: skip
    return keras.Sequential([*body, *head])


HEADS = {
    "dense": [
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(7, "relu"), layers.BatchNormalization(),
        layers.Dense(3, "softmax", use_bias=False),
    ],
    "average": [layers.GlobalAveragePooling2D(), layers.Dense(3), layers.Activation("sigmoid")],
    "maximum": [layers.GlobalMaxPooling2D(), layers.Dense(3)],
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_each_answer_is_the_classifiers_for_its_window(head):
    model = unpadded(*HEADS[head])
    picture = np.random.default_rng(0).normal(size=(1, 21, 16, 2)).astype("float32")
    found = np.asarray(kc.models.convolutional_form(model)(picture))
    # The pool takes steps of two: rows 0, 2, 4, 6 and columns 0, 2, 4.
    assert found.shape == (1, 4, 3, 3)
    for row, column in np.ndindex(4, 3):
        window = picture[:, 2 * row : 2 * row + 14, 2 * column : 2 * column + 12]
        np.testing.assert_allclose(found[:, row, column], model(window), atol=1e-5)


def test_vgg_says_of_a_picture_of_its_own_size_what_it_said_as_a_classifier():
    keras.utils.set_random_seed(0)
    model = kc.models.VGG16(width=0.05, dense_units=8, classes=5, input_shape=(64, 96, 3))
    pictures = np.random.default_rng(0).normal(size=(2, 64, 96, 3)).astype("float32")
    form = kc.models.convolutional_form(model)
    assert [form.get_layer(f"head_dense{n}").kernel_size for n in (1, 2)] == [(2, 3), (1, 1)]
    np.testing.assert_allclose(form(pictures)[:, 0, 0], model(pictures), atol=1e-4)
    assert form(np.zeros((1, 100, 130, 3))).shape == (1, 2, 2, 5)
    same = kc.models.convolutional_form(model, padding="same")
    assert same(np.zeros((1, 100, 130, 3))).shape == (1, 3, 4, 5)


def test_what_cannot_slide_is_refused():
    shaped = unpadded(layers.Reshape((-1, 5)), layers.Flatten(), layers.Dense(2))
    with pytest.raises(kc.InputError, match="Reshape, which cannot be moved over a map"):
        kc.models.convolutional_form(shaped)
    normed = unpadded(layers.Flatten(), layers.BatchNormalization(), layers.Dense(2))
    with pytest.raises(kc.InputError, match="BatchNormalization"):
        kc.models.convolutional_form(normed)
    for along in (layers.Activation("softmax"), layers.Softmax(axis=1)):
        shared = unpadded(layers.Flatten(), along, layers.Dense(2))
        with pytest.raises(kc.InputError, match="activation|softmax"):
            kc.models.convolutional_form(shared)
    with pytest.raises(kc.InputError, match="of one picture"):
        kc.models.convolutional_form(kc.models.MLPMNIST())
    anyone = keras.Sequential(
        [keras.Input((None, None, 1)), layers.GlobalMaxPooling2D(), layers.Dense(2)]
    )
    with pytest.raises(kc.InputError, match="input_shape="):
        kc.models.convolutional_form(anyone)
