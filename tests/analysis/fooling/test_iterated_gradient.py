"""Steps by hand: the paper's number of them, restarts, momentum image by image."""

import numpy as np
import pytest

import keras_classics as kc
from analysis.fooling.fooling_networks import BOUNDS, answers, fooling, linear, network, pictures
from keras_classics.analysis.fooling import iterated_gradient

HALF = np.full((1, 2, 2, 1), 128, "float32")


@pytest.mark.parametrize("epsilon, steps", [(1, 2), (4, 5), (8, 10), (16, 20), (32, 36)])
def test_bim_makes_the_papers_number_of_steps(monkeypatch, epsilon, steps):
    """min(epsilon + 4, 1.25 epsilon), of one 8-bit step each, whatever the units."""
    made = []

    def counted(*arguments, **options):
        made.append(arguments[5:7])
        return HALF

    monkeypatch.setattr(iterated_gradient, "ascended", counted)
    model = linear(np.eye(4)[:, :2])
    fooling.bim(model, HALF, epsilon=epsilon, bounds=(0, 255))
    fooling.bim(model, HALF / 255, epsilon=epsilon / 255, bounds=(0, 1))
    assert made[0] == (1.0, steps) and made[1] == (pytest.approx(1 / 255), steps)
    # Nor does float32 round a step more to them.
    fooling.bim(model, HALF / 300, epsilon=epsilon * 0.9 / 255, bounds=(0, 0.9))
    assert made[2][1] == steps


def test_steps_of_a_linear_model_by_hand():
    """Each along the sign, cut to the ball and then to the bounds."""
    weights = np.array([[1.0, 0.0], [-1.0, 0.0], [0.5, 0.0], [0.0, 0.0]])
    images = np.array([0.5, 0.5, 0.02, 0.5], "float32").reshape(1, 2, 2, 1)
    found = fooling.bim(
        linear(weights), images, [0], epsilon=0.1, bounds=(0, 1), step=0.04, steps=2
    )
    np.testing.assert_allclose(found.ravel(), [0.42, 0.58, 0.0, 0.5], atol=1e-6)
    found = fooling.bim(
        linear(weights), images, [0], epsilon=0.1, bounds=(0, 1), step=0.04, steps=9
    )
    np.testing.assert_allclose(found.ravel(), [0.4, 0.6, 0.0, 0.5], atol=1e-6)


def test_each_image_keeps_the_restart_that_fooled_or_else_the_greatest_loss(monkeypatch):
    """Of a model whose logits are the pixels, all images of class 0."""
    fools, near, far = [0.0, 0.1, -9, -9], [0.1, 0, 0, 0], [3.0, 0, 0, 0]
    # The odds against the class are greater where it wins over three than where it loses to one.
    starts = iter(np.array([[fools, near, near, far], [near, fools, far, near]], "float32"))

    def one_start(request, start, rows, *arguments, **options):
        return next(starts)[rows].reshape(-1, 2, 2, 1)

    monkeypatch.setattr(iterated_gradient, "ascended", one_start)
    images = np.zeros((4, 2, 2, 1), "float32")
    found = fooling.pgd(linear(np.eye(4)), images, [0] * 4, epsilon=1, bounds=(-9, 9), restarts=2)
    np.testing.assert_array_equal(
        found.reshape(4, 4), np.array([fools, fools, near, near], "float32")
    )


def ascent_by_hand(weights, images, labels, size, step, steps, norm="linf", momentum=None):
    """In NumPy, on the odds against a class of a model that is linear; no bounds are met."""
    place = origin = images.reshape(len(images), -1).astype("float64")
    total = np.zeros_like(place)
    for _ in range(steps):
        chances = np.exp(place @ weights)
        chances[np.arange(len(labels)), labels] = 0
        chances /= chances.sum(axis=1, keepdims=True)
        gradient = chances @ weights.T - weights.T[labels]
        if momentum is not None:
            total = momentum * total + gradient / np.abs(gradient).sum(axis=1, keepdims=True)
            gradient = total
        if norm == "linf":
            place = origin + np.clip(place + step * np.sign(gradient) - origin, -size, size)
        else:
            length = np.linalg.norm(gradient, axis=1, keepdims=True)
            moved = place + step * gradient / length - origin
            far = np.linalg.norm(moved, axis=1, keepdims=True)
            place = origin + moved * np.minimum(1, size / far)
    return place.reshape(images.shape)


def test_ascents_by_hand():
    """PGD's steps of 2.5 epsilon / steps, MI-FGSM's of epsilon / steps along what has gathered."""
    draw = np.random.default_rng(3)
    weights = 4 * draw.normal(size=(4, 5))
    images = draw.normal(size=(20, 2, 2, 1)).astype("float32")
    labels = answers(linear(weights), images)
    options = dict(epsilon=1.5, bounds=(-99, 99), steps=8)
    given = linear(weights), images, labels
    for norm in ("linf", "l2"):
        found = fooling.pgd(*given, norm=norm, random_start=False, **options)
        expected = ascent_by_hand(weights, images, labels, 1.5, 2.5 * 1.5 / 8, 8, norm)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    by_momentum = [
        ascent_by_hand(weights, images, labels, 1.5, 1.5 / 8, 8, momentum=kept)
        for kept in (1.0, 0.5)
    ]
    for expected, kept in zip(by_momentum, (1.0, 0.5), strict=True):
        found = fooling.mi_fgsm(*given, momentum=kept, **options)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    # What has gathered is something else than the last gradient.
    assert np.abs(by_momentum[0] - by_momentum[1]).max() > 0.1


def test_restarts_from_one_place_are_refused_and_the_remedy_works():
    model, (images, labels) = network(), pictures(4)
    options = dict(epsilon=5, bounds=BOUNDS, restarts=2, steps=2)
    with pytest.raises(kc.InputError, match="random_start=False.*Leave random_start out"):
        fooling.pgd(model, images, labels, random_start=False, **options)
    fooling.pgd(model, images, labels, **options)


def test_momentum_of_one_image_knows_nothing_of_the_others():
    model, (images, labels) = network(), pictures(6)
    whole = fooling.mi_fgsm(model, images, labels, epsilon=10, bounds=BOUNDS)
    single = [
        fooling.mi_fgsm(model, images[n : n + 1], labels[n : n + 1], epsilon=10, bounds=BOUNDS)
        for n in range(6)
    ]
    np.testing.assert_allclose(whole, np.concatenate(single), atol=1e-3)


def test_a_seed_is_a_result():
    model, (images, labels) = network(), pictures(6)
    options = dict(epsilon=10, bounds=BOUNDS, steps=3)
    first, again, other = (
        fooling.pgd(model, images, labels, seed=seed, **options) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_least_likely_class_is_the_target():
    model, (images, _) = network(), pictures()
    least = np.asarray(model.predict_on_batch(images)).argmin(axis=1)
    found = fooling.least_likely(model, images, epsilon=200, bounds=BOUNDS, step=8, steps=40)
    assert (answers(model, found) == least).mean() > 0.9
