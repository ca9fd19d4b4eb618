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


def test_each_image_keeps_the_restart_that_fooled(monkeypatch):
    """The first start fools the model on one image only, the second on the other only."""
    weights = np.array([[1.0, -1.0]] * 4)
    model, images = linear(weights), np.full((2, 2, 2, 1), 0.6, "float32")
    low, high = np.zeros((1, 2, 2, 1), "float32") - 0.2, images[:1] + 0.1
    starts = iter([np.concatenate([low, high]), np.concatenate([high, low])])

    def one_start(request, start, rows, *arguments, **options):
        return next(starts)[rows]

    monkeypatch.setattr(iterated_gradient, "ascended", one_start)
    found = fooling.pgd(model, images, [0, 0], epsilon=1, bounds=(-1, 1), restarts=2)
    assert (answers(model, found) == 1).all()


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
