"""Integrated gradients and SmoothGrad, where the gradients are known and where they must add up."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from analysis.maps.cam_networks import FORMS, IMAGES, network


def model_of(power):
    """A score that is linear in the pixels, or in their squares."""
    image = keras.Input((3, 4, 2))
    x = image if power == 1 else layers.Multiply()([image, image])
    return keras.Model(image, layers.Dense(3, "softmax")(layers.Flatten()(x)))


def weights(model, classes):
    kernel = keras.ops.convert_to_numpy(model.layers[-1].kernel).reshape(3, 4, 2, 3)
    return np.moveaxis(kernel[..., classes], -1, 0)


def pictures():
    return np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("baseline", ["black", "mean", 0.25])
def test_parts_are_exact_where_the_gradient_is_linear(power, baseline):
    model, images, classes = model_of(power), pictures(), [2, 0]
    start = {"black": 0.0, "mean": images.mean(axis=(1, 2), keepdims=True)}.get(baseline, 0.25)
    found = kc.analysis.integrated_gradients(
        model, images, target=classes, baseline=baseline, steps=3, batch_size=4
    )
    expected = weights(model, classes) * (images**power - np.power(start, power))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("head", ["softmax", None])
def test_parts_add_up_to_the_difference_of_logits_to_one_percent(form, head):
    model, logits = network(form, head), network(form, None)
    explainer = kc.analysis.IntegratedGradients(model, steps=4, most_steps=2048)
    found = explainer(IMAGES, target=[0, 1, 2, 3, 0])
    both = (logits.predict_on_batch(x) for x in (IMAGES, np.zeros_like(IMAGES)))
    difference = np.subtract(*both)[np.arange(5), [0, 1, 2, 3, 0]]
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), difference, rtol=0.0101)
    assert explainer.gaps.shape == (5,) and explainer.gaps.max() <= 0.01


def test_steps_are_doubled_until_the_parts_add_up_and_the_rest_is_told():
    model = network()
    coarse, fine = (
        kc.analysis.IntegratedGradients(model, steps=1, most_steps=most) for most in (1, 1024)
    )
    coarse(IMAGES), fine(IMAGES)
    assert coarse.gaps.max() > 0.01 >= fine.gaps.max()


def test_noise_changes_no_constant_gradient_and_shifts_a_linear_one_by_its_mean():
    images = pictures()
    constant = model_of(1)
    found = kc.analysis.smooth_grad(constant, images, target=[2, 0], samples=7)
    np.testing.assert_allclose(found, weights(constant, [2, 0]), rtol=1e-5)
    model = model_of(2)
    span = np.ptp(images, axis=(1, 2, 3)).reshape(2, 1, 1, 1)
    draws = np.random.default_rng(5).normal(size=(8, 3, 4, 2))
    expected = 2 * weights(model, [2, 0]) * (images + 0.2 * span * draws.mean(axis=0))
    found = kc.analysis.smooth_grad(
        model, images, target=[2, 0], samples=8, noise=0.2, seed=5, batch_size=4
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_one_seed_gives_the_same_bits_and_any_batch_size_the_same_numbers():
    model = network()
    make = {"samples": 6, "seed": 3}
    first, second = (kc.analysis.smooth_grad(model, IMAGES, **make) for _ in range(2))
    np.testing.assert_array_equal(second, first)
    for size in (1, 4, 8):
        found = kc.analysis.smooth_grad(model, IMAGES, batch_size=size, **make)
        np.testing.assert_allclose(found, first, atol=1e-6)
    other = kc.analysis.smooth_grad(model, IMAGES, samples=6, seed=4)
    assert np.abs(other - first).max() > 1e-3


def test_the_class_is_that_of_the_whole_image():
    """Grey on the way to it may be of another class, and noise too."""
    model = network()
    answers = model.predict_on_batch(IMAGES).argmax(axis=1)
    for method in (kc.analysis.integrated_gradients, kc.analysis.smooth_grad):
        own = method(model, IMAGES)
        np.testing.assert_allclose(own, method(model, IMAGES, target=answers), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: kc.analysis.smooth_grad(m, pictures(), noise=0), "noise=0.*positive.*0.15"),
        (lambda m: kc.analysis.smooth_grad(m, pictures(), samples=0), "samples=0"),
        (lambda m: kc.analysis.integrated_gradients(m, pictures(), baseline="grey"), "baseline"),
        (
            lambda m: kc.analysis.integrated_gradients(m, pictures(), most_steps=8),
            "most_steps=8.*Pass most_steps=32",
        ),
        (
            lambda m: kc.analysis.integrated_gradients(m, pictures(), baseline=np.zeros(5)),
            r"baseline of shape \(5,\)",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(kc.InputError, match=message):
        make(model_of(1))
