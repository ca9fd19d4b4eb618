"""Does a map lie on the object? The pointing game and the energy game against true boxes.

Zhang, Lin, Brandt, Shen, Sclaroff, "Top-down neural attention by excitation backprop", ECCV 2016
(arXiv:1608.00507); Wang et al., "Score-CAM", CVPR Workshops 2020 (arXiv:1910.01279).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError

# What a map is compared with: boxes for each map, as many as it has, or padded with empty ones.
Boxes = np.ndarray | Sequence[np.ndarray]


@checked
def pointing_game(maps: ArrayLike, boxes: Boxes, tolerance: float = 15) -> np.ndarray:
    """Does the highest point of each map lie in a box of the object it was made for?

    The accuracy of the pointing game is the mean of the hits of a class, then of the classes. Where
    several pixels are highest they share the hit, so that a flat map gets what chance would.

    Args:
        maps: `(batch, height, width)`.
        boxes: For each map `(objects, 4)`, or `(4,)` for one, as `(ymin, xmin, ymax, xmax)` in
            pixels of the map, far edges exclusive; boxes without area, such as the padding of
            `scenes`, are passed over.
        tolerance: Pixels by which the point may miss the box. The usual 15 are for photographs of
            some 500 pixels.

    Returns:
        float64 `(batch,)`: 1 for a hit, 0 for a miss, a share for a tie.

    Raises:
        InputError: The shapes do not fit, the tolerance is negative, a map is not finite or has no
            box.
    """
    maps, boxes = _checked(maps, boxes)
    if tolerance < 0:
        raise InputError(
            f"tolerance={tolerance} was given", "0 and above", "Give a distance in pixels."
        )
    hits = np.empty(len(maps))
    for number, (each, own) in enumerate(zip(maps, boxes, strict=True)):
        points = np.argwhere(each == each.max())
        starts, ends = _pixels(own)
        # From each point to the first and last pixel of each box, 0 between them.
        away = np.maximum(starts - points[:, None], points[:, None] - (ends - 1)).clip(0)
        distances = np.sqrt(np.square(away).sum(axis=-1)).min(axis=1)
        hits[number] = np.mean(distances <= tolerance)
    return hits


@checked
def energy_game(maps: ArrayLike, boxes: Boxes) -> np.ndarray:
    """How much of each map lies in the boxes of the object it was made for.

    Args:
        maps: `(batch, height, width)`; what is negative counts as 0.
        boxes: As in `pointing_game`; where boxes reach over each other, their pixels count once.

    Returns:
        float64 `(batch,)`: sum of the map in the boxes by its whole sum, 0 to 1; 0 for a map that
        marks nothing.

    Raises:
        InputError: The shapes do not fit, or a map is not finite or has no box.
    """
    maps, boxes = _checked(maps, boxes)
    energy = np.maximum(maps, 0)
    inside = np.stack([_inside(own, maps.shape[1:]) for own in boxes])
    total = energy.sum(axis=(1, 2))
    found = np.where(inside, energy, 0).sum(axis=(1, 2))
    return np.divide(found, total, out=np.zeros(len(maps)), where=total > 0)


@checked
def centre_maps(count: int, height: int, width: int) -> np.ndarray:
    """Maps that have seen nothing and point to the centre: what every method has to beat.

    Objects tend to lie in the middle of pictures, so the centre is a better guess than chance.

    Args:
        count: Number of maps.
        height: Their height.
        width: Their width.

    Returns:
        float32 `(count, height, width)`: a Gaussian with a deviation of a quarter of each side.
    """
    rows, columns = (
        np.exp(-0.5 * np.square((np.arange(side) - (side - 1) / 2) / (side / 4)))
        for side in (height, width)
    )
    return np.repeat(np.outer(rows, columns)[None].astype("float32"), count, axis=0)


def _checked(maps: ArrayLike, boxes: Boxes) -> tuple[np.ndarray, list[np.ndarray]]:
    """Maps in float64, and the boxes of each that have an area."""
    maps = finite_maps(maps)
    boxes = [np.asarray(own, "float64").reshape(-1, 4) for own in boxes]
    full = [own[(own[:, 2] > own[:, 0]) & (own[:, 3] > own[:, 1])] for own in boxes]
    if len(full) != len(maps) or not all(map(len, full)):
        raise InputError(
            f"{len(full)} lists of boxes were given for {len(maps)} maps, "
            f"{sum(not len(own) for own in full)} of them without a box",
            "a list for each map, with one box (ymin, xmin, ymax, xmax) or more",
            "Leave out the pictures without the object.",
        )
    return maps, full


def finite_maps(maps: ArrayLike) -> np.ndarray:
    """Maps in float64.

    Raises:
        InputError: They have another number of axes than three, no pixels, or values that are not
            finite.
    """
    maps = np.asarray(maps, "float64")
    if maps.ndim != 3 or 0 in maps.shape or not np.isfinite(maps).all():
        raise InputError(
            f"Maps of shape {maps.shape}, {np.count_nonzero(~np.isfinite(maps))} of their "
            "values not finite, were given",
            "finite maps of shape (batch, height, width)",
            "Pass what kc.analysis.cam returns.",
        )
    return maps


def _pixels(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First row and column of each box `(objects, 2)`, and those after the last."""
    # A pixel belongs to a box when its centre does; every box has one.
    starts, ends = np.ceil(boxes[:, :2] - 0.5), np.ceil(boxes[:, 2:] - 0.5)
    return starts, np.maximum(ends, starts + 1)


def _inside(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Whether each pixel lies in any of the boxes."""
    inside = np.zeros(shape, bool)
    starts, ends = (corners.clip(0).astype(int) for corners in _pixels(boxes))
    for (top, left), (bottom, right) in zip(starts, ends, strict=True):
        inside[top:bottom, left:right] = True
    return inside
