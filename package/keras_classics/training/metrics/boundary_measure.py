"""How near the outlines of a segmentation come to the true ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_overlap
from keras_classics.core.types import Count
from keras_classics.data.pictures.formats.mask_files import IGNORED
from keras_classics.training.metrics.mask_pairs import mask_pairs


@checked
def boundary_f(
    truth: Sequence[np.ndarray] | np.ndarray,
    answers: Sequence[np.ndarray] | np.ndarray,
    classes: Count,
    *,
    tolerance: float = 0.0075,
    ignore: int | None = IGNORED,
) -> float:
    """Mean F of the outlines of classes.

    Csurka, Larlus, Perronnin, "What is a good evaluation measure for semantic segmentation?",
    BMVC 2013: for each class of a picture, precision is the share of the pixels of the said outline
    that lie within a distance of the true one, recall the share of the true outline within that of
    the said one, and F their harmonic mean; the mean is over the classes that are true there, then
    over pictures.

    Args:
        truth: Masks, whole numbers `(height, width)` each.
        answers: Likewise, what was said.
        classes: Number of classes.
        tolerance: The distance as a share of the picture's diagonal, rounded up to whole pixels.
        ignore: Label of pixels that are neither true nor wrong; outlines in and beside them do not
            count. None where there are none.

    Returns:
        0 to 1; NaN where no true class has an outline.

    Raises:
        InputError: Masks do not fit each other, or a label is none of the classes.

    Example:
        ```python
        truth = np.zeros((20, 20), int)
        truth[5:15, 5:15] = 1
        print(kc.training.boundary_f([truth], [np.roll(truth, 3)], 2))
        ```
    """
    tolerance = check_overlap("tolerance", tolerance)
    scores = []
    for true, said, _ in mask_pairs(truth, answers, classes, ignore):
        found = class_scores(true, said, classes, tolerance, ignore)
        known = [score for score in found if score is not None]
        if known:
            scores.append(sum(known) / len(known))
    return float(np.mean(scores)) if scores else float("nan")


def class_scores(
    true: np.ndarray, said: np.ndarray, classes: int, tolerance: float, ignore: int | None
) -> list[float | None]:
    """F of the outlines of each class of a picture, None of those that have no true one.

    Args:
        true: Whole numbers `(height, width)`.
        said: Likewise.
        classes: Number of classes.
        tolerance: As for `boundary_f`.
        ignore: As for `boundary_f`.

    Raises:
        InputError: It is not of two axes.
    """
    if true.ndim != 2:
        raise InputError(
            f"Masks of shape {true.shape} were given", "(height, width)", "Give one for a picture."
        )
    distance = math.ceil(tolerance * math.hypot(*true.shape))
    counted = np.ones(true.shape, bool) if ignore is None else ~within(true == ignore, 1)
    return [
        _score(outline(true == each) & counted, outline(said == each) & counted, distance)
        for each in range(classes)
    ]


def outline(region: np.ndarray) -> np.ndarray:
    """Pixels of a region beside which something else begins; the picture's edge is no outline.

    So an outline of two classes is two pixels wide, one of each; in `kc.data.boundary_map`, which
    knows no classes, it is one.

    Args:
        region: bool `(height, width)`.
    """
    padded = np.pad(region, 1, mode="edge")
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return region & ~inside


def within(pixels: np.ndarray, distance: float) -> np.ndarray:
    """Which places lie within a distance of some pixels.

    Args:
        pixels: bool `(height, width)`.
        distance: In pixels, between centres.
    """
    height, width = pixels.shape
    reach = min(math.floor(distance), height - 1)
    near = np.zeros_like(pixels)
    columns = np.arange(width)
    before = np.pad(np.cumsum(pixels, axis=1), ((0, 0), (1, 0)))
    for down in range(-reach, reach + 1):
        side = math.floor(math.sqrt(distance * distance - down * down))
        start, end = np.maximum(columns - side, 0), np.minimum(columns + side + 1, width)
        row = before[:, end] > before[:, start]
        source = slice(max(0, -down), min(height, height - down))
        target = slice(max(0, down), min(height, height + down))
        near[target] |= row[source]
    return near


def _score(true: np.ndarray, said: np.ndarray, distance: int) -> float | None:
    """F of two outlines, None where there is no true one."""
    if not true.any():
        return None
    if not said.any():
        return 0.0
    precision = within(true, distance)[said].mean()
    recall = within(said, distance)[true].mean()
    return float(2 * precision * recall / max(precision + recall, 1e-12))
