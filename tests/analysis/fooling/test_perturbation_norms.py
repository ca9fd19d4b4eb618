"""Lengths, steps and projections against other ways to them."""

import numpy as np
import pytest

from keras_classics.analysis.fooling.perturbation_norms import (
    dual,
    lengths,
    steepest,
    to_plane,
    uniform,
    within,
)

DRAW = np.random.default_rng(0)
GRADIENTS = DRAW.normal(size=(20, 3, 4, 2))


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_steepest_step_has_length_one_and_the_dual_norms_rise(norm):
    steps = steepest(GRADIENTS, norm)
    np.testing.assert_allclose(lengths(steps, norm), 1)
    rises = (steps * GRADIENTS).reshape(20, -1).sum(axis=1)
    np.testing.assert_allclose(rises, lengths(GRADIENTS, dual(norm)))
    # As many random steps of that length do not rise as far.
    other = DRAW.normal(size=GRADIENTS.shape)
    other /= lengths(other, norm)[:, None, None, None]
    assert ((other * GRADIENTS).reshape(20, -1).sum(axis=1) < rises).all()


def test_values_of_equal_gradients_share_a_step_in_l1():
    np.testing.assert_array_equal(steepest(np.array([[2.0, -2, 1]]), "l1"), [[0.5, -0.5, 0]])


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("scale", [0.0, 1e-200, 1e-30, 1e30])
def test_steps_are_numbers_whatever_the_gradients(norm, scale):
    steps = steepest(scale * GRADIENTS, norm)
    np.testing.assert_allclose(lengths(steps, norm), 1.0 if scale else 0.0)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_ball_holds_what_is_in_it_and_cuts_the_rest(norm):
    inside = uniform(DRAW, (500, 3, 2), norm, 2.0)
    assert lengths(inside, norm).max() <= 2
    np.testing.assert_array_equal(within(inside, norm, 2.0), inside)
    np.testing.assert_allclose(lengths(within(50 * inside, norm, 2.0), norm).max(), 2.0)
    # Uniform in a ball of 6 dimensions: half of it lies beyond this radius.
    if norm == "l2":
        assert (lengths(inside, "l2") > 2 * 0.5 ** (1 / 6)).mean() == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_way_to_a_plane_within_a_box_is_the_shortest(norm, sign):
    """Against a search for the multiplier of the constraint by halving."""
    images, normals = DRAW.uniform(0, 1, (40, 7)), DRAW.normal(size=(40, 7))
    normals[:, 3] = 0
    rises = sign * DRAW.uniform(0, 1.2, 40)
    found = to_plane(images, normals, rises, norm, (np.zeros((1, 1)), np.ones((1, 1))))
    assert (images + found).min() >= -1e-12 and (images + found).max() <= 1 + 1e-12
    for image, normal, rise, step in zip(images, normals, rises, found, strict=True):
        direction = np.sign(rise) * normal
        room = np.where(direction > 0, 1 - image, image)
        low, high = 0.0, 1e6

        def moved(height, direction=direction, room=room):
            slope = np.sign(direction) if norm == "linf" else direction
            return np.clip(height * slope, -room, room)

        for _ in range(200):
            half = (low + high) / 2
            low, high = (half, high) if moved(half) @ direction < abs(rise) else (low, half)
        np.testing.assert_allclose(step, moved(high), atol=1e-6)
        reachable = np.abs(direction) @ room
        assert step @ normal == pytest.approx(np.sign(rise) * min(abs(rise), reachable), abs=1e-9)
