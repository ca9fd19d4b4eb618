"""Movements lead where their plans say."""

import numpy as np
import pytest

import keras_classics as kc


def test_every_reach_ends_at_its_goal_from_rest_on_both_sides():
    goals, steps = kc.data.arm_reaches(200, steps=15, seed=3)
    hands = kc.data.hand_positions(steps)
    np.testing.assert_allclose(hands[:, -1], goals, atol=1e-5)
    # The least jerk: slow at both ends, fastest in the middle.
    speed = np.abs(steps[:, :, 1]).mean(axis=0)
    assert speed[0] < 0.1 * speed[7] and speed[-1] < 0.1 * speed[7]
    bent_left = steps[:, :, 1].sum(axis=1) > 0
    assert 0.4 < bent_left.mean() < 0.6
    again = kc.data.arm_reaches(200, steps=15, seed=3)
    np.testing.assert_array_equal(again.steps, steps)


def test_digits_are_strokes_with_the_pen_up_between():
    digits, steps = kc.data.pen_digits(300, steps=40)
    assert steps.shape == (300, 40, 3) and digits.shape == (300, 10)
    lifted = steps[..., 2].sum(axis=1)
    numbers = digits.argmax(axis=1)
    # 4, 5 and 7 have two strokes.
    assert set(numbers[lifted > 0]) == {4, 5, 7}
    # 0 and 8 end where they began.
    closed = np.abs(steps[..., :2].sum(axis=1)).max(axis=1) < 1e-4
    assert set(numbers[closed]) == {0, 8} and closed[np.isin(numbers, [0, 8])].all()


def test_a_drawing_needs_something_to_draw(tmp_path):
    digits, steps = kc.data.pen_digits(7)
    places = np.cumsum(steps[..., :2], axis=1)
    kc.analysis.draw_trajectories(
        tmp_path / "pen.png", places, list("abcdefg"), lifted=steps[..., 2] > 0.5
    )
    assert (tmp_path / "pen.png").stat().st_size > 1000
    with pytest.raises(kc.InputError, match="sample_trajectories"):
        kc.analysis.draw_trajectories(tmp_path / "none.png", [])
