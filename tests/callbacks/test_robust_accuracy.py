"""The accuracy under attack is measured epoch by epoch, and its collapse told."""

import warnings
from importlib import import_module

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

LABELS = np.arange(20, dtype="int32") % 2
# The first value tells the classes far apart, the others hardly.
IMAGES = np.where(LABELS[:, None, None, None], [0.8, 0.51, 0.51, 0.51], [0.2, 0.49, 0.49, 0.49])
IMAGES = IMAGES.astype("float32")
# Weights by which both are right on the images as they are.
SURE = [np.float32([[-1, 1], [0, 0], [0, 0], [0, 0]]), np.float32([0.5, -0.5])]
TORN = [np.float32([[0, 0], [-9, 9], [-9, 9], [-9, 9]]), np.float32([13.5, -13.5])]
UNIT = dict(epsilon=0.1, bounds=(0, 1))


def network():
    image = keras.Input((1, 1, 4))
    return keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(image)))


def trained(weights, **options):
    """A training that leads through given weights, whatever it learns; history and warnings."""
    model = kc.training.AdversarialModel(network(), method="fast", **UNIT)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")

    def placed(epoch, logs):
        model.set_weights(weights[epoch])

    places = keras.callbacks.LambdaCallback(on_epoch_end=placed)
    watch = kc.callbacks.RobustAccuracy(IMAGES, LABELS, **options)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = model.fit(
            IMAGES, LABELS, epochs=len(weights), verbose=0, callbacks=[places, watch]
        ).history
    return history["robust_accuracy"], [str(each.message) for each in told]


def test_a_collapse_ends_the_training_and_is_told():
    found, told = trained([SURE, TORN, SURE])
    assert found == [1.0, 0.0]
    (sentence,) = [each for each in told if "PGD" in each]
    assert "from 100.0% to 0.0% by epoch 2" in sentence and "the training ends" in sentence
    found, told = trained([SURE, TORN, SURE], stop=False)
    assert found == [1.0, 0.0, 1.0] and not any("training ends" in each for each in told)


def test_a_fall_in_small_steps_is_one_below_the_best(monkeypatch):
    module = import_module("keras_classics.callbacks.robust_accuracy")
    shares = iter([1.0, 0.85, 0.7])

    def one(request, images):
        return np.arange(20) >= round(20 * next(shares))

    monkeypatch.setattr(module.AttackRequest, "fooled", one)
    monkeypatch.setattr(module, "pgd", lambda *given, **options: IMAGES)
    found, told = trained([SURE] * 3)
    assert found == [1.0, 0.85, 0.7]
    assert [each for each in told if "from 100.0% to 70.0% by epoch 3" in each]


def test_a_smaller_fall_is_none():
    found, told = trained([SURE, TORN], drop=1.0)
    assert found == [1.0, 0.0] and not any("PGD" in each for each in told)


def test_a_plain_model_needs_size_and_bounds():
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    watch = kc.callbacks.RobustAccuracy(IMAGES, LABELS)
    with pytest.raises(kc.InputError, match="does not say how far"):
        model.fit(IMAGES, LABELS, verbose=0, callbacks=[watch])
    watch = kc.callbacks.RobustAccuracy(IMAGES, LABELS, **UNIT)
    model.set_weights(SURE)
    model.optimizer.learning_rate = 0.0
    history = model.fit(IMAGES, LABELS, verbose=0, callbacks=[watch]).history
    assert history["robust_accuracy"] == [1.0]
