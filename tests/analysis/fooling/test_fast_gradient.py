"""FGSM by hand, in three norms; what a model prepares within itself; certain models."""

import keras
import numpy as np
import pytest
from keras import layers

from analysis.fooling.fooling_networks import answers, built, fooling, linear, network, pictures
from keras_classics.analysis.fooling.attack_request import AttackRequest

WEIGHTS = np.array([[1.0, -1.0], [2.0, 0.0], [-3.0, 0.5], [0.0, 0.0]])
HALF = np.full((1, 2, 2, 1), 0.5, "float32")


@pytest.mark.parametrize(
    "norm, expected",
    [
        ("linf", [-0.1, -0.1, 0.1, 0.0]),
        ("l2", -0.1 * np.array([2.0, 2.0, -3.5, 0.0]) / np.sqrt(4 + 4 + 12.25)),
        ("l1", [0.0, 0.0, 0.1, 0.0]),
    ],
)
@pytest.mark.parametrize("head", [None, "softmax"])
def test_of_a_linear_model_it_is_the_weights(norm, expected, head):
    """Of two classes the gradient is along the difference of the columns."""
    model = linear(WEIGHTS, head=head)
    found = fooling.fgsm(model, HALF, [0], epsilon=0.1, bounds=(0, 1), norm=norm)
    np.testing.assert_allclose((found - HALF).reshape(-1), expected, atol=1e-7)
    other = fooling.fgsm(model, HALF, [1], epsilon=0.1, bounds=(0, 1), norm=norm, targets=None)
    np.testing.assert_allclose((other - HALF).reshape(-1), -np.asarray(expected), atol=1e-7)


def test_one_unit_is_fooled_as_two_are():
    """Its logit is that of class 1 over class 0."""
    one = linear((WEIGHTS[:, 1] - WEIGHTS[:, 0])[:, None], head="sigmoid")
    for label in (0, 1):
        pair = [
            fooling.fgsm(model, HALF, [label], epsilon=0.2, bounds=(0, 1))
            for model in (one, linear(WEIGHTS, head="softmax"))
        ]
        np.testing.assert_array_equal(*pair)
    logits = AttackRequest(one, HALF, None, bounds=(0, 1)).logits(HALF)[0]
    assert logits[1] - logits[0] == pytest.approx(HALF.ravel() @ (WEIGHTS[:, 1] - WEIGHTS[:, 0]))


def test_in_l1_a_step_is_worth_its_length_times_the_largest_gradient():
    model = linear(np.random.default_rng(0).normal(size=(4, 2)))
    weights = np.asarray(model.layers[-1].kernel)
    change = (fooling.fgsm(model, HALF, [1], epsilon=0.3, bounds=(0, 1), norm="l1") - HALF).ravel()
    gradient = weights[:, 0] - weights[:, 1]
    assert np.abs(change).sum() == pytest.approx(0.3)
    assert change @ gradient == pytest.approx(0.3 * np.abs(gradient).max(), rel=1e-5)


def test_what_a_model_does_to_pictures_first_is_differentiated_through():
    """255ths and parts of one are the same attack, also behind channels that are scaled apart."""
    inside = keras.Input((6, 6, 3))
    x = layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.04, 0.09, 0.01])(inside)
    x = layers.Conv2D(4, 3, activation="tanh")(x)
    parts = keras.Model(inside, layers.Dense(3, "softmax")(layers.Flatten()(x)))
    image = keras.Input((6, 6, 3))
    bytes_of = keras.Model(image, parts(layers.Rescaling(1 / 255)(image)))
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3)).astype("float32")
    one = fooling.fgsm(parts, images / 255, epsilon=8 / 255, bounds=(0, 1))
    other = fooling.fgsm(bytes_of, images, epsilon=8, bounds=(0, 255))
    np.testing.assert_allclose(other / 255, one, atol=1e-6)


def test_a_certain_softmax_is_fooled_like_its_logits():
    """With logits of hundreds no probability has a gradient in float32; their odds have."""
    images, labels = pictures()
    models = [network(head=head, scale=100) for head in ("softmax", None)]
    options = dict(epsilon=30, bounds=(0, 255))
    found = [fooling.fgsm(model, images, labels, **options) for model in models]
    np.testing.assert_array_equal(found[0], found[1])
    assert (answers(models[0], found[0]) != labels).mean() > 0.5


@pytest.mark.parametrize("scale", [1e-20, 1e-10, 1.0])
def test_small_logits_take_steps_of_the_same_length(scale):
    images, labels = pictures(4)
    model = network(head=None, scale=scale)
    found = fooling.fgsm(model, images, labels, epsilon=3, bounds=(-50, 300), norm="l2")
    length = np.sqrt(((found - images) ** 2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(length, 3, rtol=1e-4)


def test_without_labels_it_is_the_predicted_class():
    images, _ = pictures()
    model = network()
    expected = fooling.fgsm(model, images, answers(model, images), epsilon=5, bounds=(0, 255))
    np.testing.assert_array_equal(fooling.fgsm(model, images, epsilon=5, bounds=(0, 255)), expected)


def test_mixed_precision_gives_finite_pictures():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = built()
    finally:
        keras.config.set_dtype_policy("float32")
    images, labels = pictures()
    found = fooling.fgsm(model, images, labels, epsilon=20, bounds=(0, 255))
    assert np.isfinite(found).all() and (answers(model, found) != labels).any()
