"""Movements from a plan: a two-joint arm that reaches for a point, and a pen that writes a digit.

Both can be done in several ways: an arm may bend either way, and a pen slants as it likes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count, Index
from keras_classics.core.errors import InputError

# Both parts of the arm are 1 long; the point stays off the shoulder and off full stretch.
_NEAREST, _FARTHEST = 0.6, 1.8
# An arm at rest hangs a little bent, alike to both ways of bending.
REST = (-np.pi / 2, 0.0)
# Angles of a step are small beside 1, which networks like better.
STEP_SCALE = 10.0

# Strokes of the digits in a box of 1 x 2, y upwards, each a line through points.
_STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [[(0.5, 2), (0, 1.5), (0, 0.5), (0.5, 0), (1, 0.5), (1, 1.5), (0.5, 2)]],
    1: [[(0.2, 1.6), (0.6, 2), (0.6, 0)]],
    2: [[(0, 1.6), (0.5, 2), (1, 1.5), (0, 0), (1, 0)]],
    3: [[(0, 1.8), (0.5, 2), (1, 1.5), (0.4, 1.1), (1, 0.6), (0.5, 0), (0, 0.2)]],
    4: [[(0.6, 2), (0, 0.7), (1, 0.7)], [(0.7, 1.2), (0.7, 0)]],
    5: [[(0.1, 2), (0.1, 1.1), (0.6, 1.3), (1, 0.7), (0.6, 0), (0, 0.2)], [(0.1, 2), (0.9, 2)]],
    6: [[(0.8, 2), (0.1, 1), (0.1, 0.3), (0.5, 0), (1, 0.5), (0.6, 1), (0.1, 0.7)]],
    7: [[(0, 2), (1, 2), (0.3, 0)], [(0.2, 1), (0.9, 1)]],
    8: [[(0.9, 1.7), (0.5, 2), (0.1, 1.5), (0.9, 0.6), (0.5, 0), (0.1, 0.5), (0.9, 1.7)]],
    9: [[(0.9, 1.4), (0.5, 2), (0.1, 1.5), (0.4, 1.1), (0.9, 1.4), (0.7, 0)]],
}


class Trajectories(NamedTuple):
    """Movements and what they are for.

    Attributes:
        vectors: The goals, float32 `(count, features)`.
        steps: What is done at each step, float32 `(count, steps, outputs)`.
    """

    vectors: np.ndarray
    steps: np.ndarray


@checked
def arm_reaches(count: Count, *, steps: Count = 20, seed: Index = 0) -> Trajectories:
    """Reaches of an arm of two parts of length 1, with the elbow to either side.

    The angles move from rest to the goal with the least jerk (Flash, Hogan 1985).

    Args:
        count: Number of movements.
        steps: Steps of each.
        seed: Chooses goals and sides.

    Returns:
        Goals `(x, y)` of the hand; steps are the changes of both angles, times `STEP_SCALE`.
        `hand_positions` tells where they lead.

    Example:
        ```python
        reaches = kc.data.arm_reaches(5, steps=8)
        reaches.vectors.shape, reaches.steps.shape  # (5, 2), (5, 8, 2)
        kc.data.hand_positions(reaches.steps)[:, -1]  # reaches.vectors: the hand arrives
        ```
    """
    rng = np.random.default_rng(seed)
    distance = rng.uniform(_NEAREST, _FARTHEST, count)
    # Before the body, so that no movement turns all the way round.
    bearing = rng.uniform(-np.pi, 0, count)
    goals = distance[:, None] * np.stack([np.cos(bearing), np.sin(bearing)], axis=1)
    elbow = rng.choice([-1.0, 1.0], count) * np.arccos(distance**2 / 2 - 1)
    ends = np.stack([bearing - elbow / 2, elbow], axis=1)
    time = np.linspace(0, 1, steps + 1)
    course = 10 * time**3 - 15 * time**4 + 6 * time**5
    changes = np.diff(course)[None, :, None] * (ends - REST)[:, None]
    return Trajectories(goals.astype("float32"), (STEP_SCALE * changes).astype("float32"))


@checked
def hand_positions(steps: np.ndarray) -> np.ndarray:
    """Where the hand is after each step of an arm from rest.

    Args:
        steps: As `arm_reaches` gives them, `(count, steps, 2)`.

    Returns:
        `(x, y)` after each step, `(count, steps, 2)`; each part of the arm is 1 long.

    Raises:
        InputError: They have another shape.

    Example:
        ```python
        reaches = kc.data.arm_reaches(5, steps=8)
        hand = kc.data.hand_positions(reaches.steps)  # (5, 8, 2)
        np.allclose(hand[:, -1], reaches.vectors, atol=1e-5)  # True
        ```
    """
    if steps.ndim != 3 or steps.shape[2] != 2:
        raise InputError(
            f"Steps of shape {steps.shape} were given",
            "(count, steps, 2)",
            "Give the steps of kc.data.arm_reaches.",
        )
    angles = np.asarray(REST) + np.cumsum(np.asarray(steps, "float64"), axis=1) / STEP_SCALE
    upper, lower = angles[..., 0], angles.sum(axis=-1)
    return np.stack([np.cos(upper) + np.cos(lower), np.sin(upper) + np.sin(lower)], axis=-1)


@checked
def pen_digits(count: Count, *, steps: Count = 40, seed: Index = 0) -> Trajectories:
    """Digits written by a pen, each slanted and stretched a little differently.

    Args:
        count: Number of digits.
        steps: Steps of each, evenly along its strokes and the ways between them.
        seed: Chooses digits and how they are written.

    Returns:
        The digits one-hot `(count, 10)`; steps `(dx, dy, up)`, times `STEP_SCALE`, where `up` is 1
        for a step with the pen off the paper.

    Example:
        ```python
        digits = kc.data.pen_digits(5)
        digits.vectors.argmax(-1)  # [8, 6, 5, 2, 3]
        digits.steps.shape  # (5, 40, 3)
        ```
    """
    rng = np.random.default_rng(seed)
    digits = rng.integers(10, size=count)
    tables = {digit: _even_steps(digit, steps) for digit in range(10)}
    written = np.stack([tables[digit] for digit in digits])
    slant, wide, high = rng.normal((0.1, 1.0, 1.0), (0.1, 0.08, 0.08), (count, 3)).T[..., None]
    across, down = written[..., 0] * wide, written[..., 1] * high
    written[..., 0], written[..., 1] = across + slant * down, down
    written[..., :2] *= STEP_SCALE
    return Trajectories(np.eye(10, dtype="float32")[digits], written.astype("float32"))


def _even_steps(digit: int, steps: int) -> np.ndarray:
    """`(steps, 3)`: ways of equal length along the strokes, with the pen up between them."""
    points: list[tuple[float, float]] = []
    up: list[float] = []
    for stroke in _STROKES[digit]:
        points += stroke
        up += [1.0] + [0.0] * (len(stroke) - 1)
    corners = np.array(points)
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    at = np.concatenate([[0], np.cumsum(lengths)])
    ends = np.linspace(0, at[-1], steps + 1)
    places = np.stack([np.interp(ends, at, corners[:, axis]) for axis in (0, 1)], axis=1)
    middles = (ends[1:] + ends[:-1]) / 2
    lifted = np.array(up)[np.searchsorted(at, middles)]
    return np.column_stack([np.diff(places, axis=0), lifted])
