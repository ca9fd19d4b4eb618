"""ODS and OIS of outlines as the Berkeley benchmark counts them, and AP.

Martin, Fowlkes, Malik, PAMI 2004; Arbelaez et al., PAMI 2011: said outlines are thinned, cut at
many thresholds, and matched one to one with the drawn ones within a share of the diagonal. ODS is
the greatest F with one threshold for all pictures, OIS with one for each, AP the mean over recalls
of 0 to 1 of the greatest precision at that recall or beyond, as PASCAL VOC counts it. The
benchmark's program draws straight lines between the thresholds and takes 0 where none of them
reaches: less, and nothing at all for maps of 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError, check_overlap
from keras_classics.data.pictures.formats.mask_files import IGNORED

_DIGITS = 9


@checked
def boundary_figures(
    truth: Sequence[np.ndarray],
    probabilities: Sequence[np.ndarray],
    *,
    thresholds: Count = 33,
    tolerance: float = 0.0075,
    thin: bool = True,
) -> dict[str, float]:
    """ODS, OIS and AP.

    Matches are made nearest first. Where hands shake by all of the tolerance that finds nine tenths
    of what the benchmark's assignment does, and as many where they do not.

    Args:
        truth: Of each picture a map `(height, width)`, 1 of outlines, 255 of what does not count.
        probabilities: Of each, `(height, width)`, 0 to 1; 2 x 2 pixels at least.
        thresholds: How many, evenly between 0 and 1; 99 in the benchmark.
        tolerance: Greatest distance as a share of the diagonal.
        thin: Whether to keep of each outline its ridge only, of the drawn ones too, whose steps
            are two pixels wide: what is said as it was drawn is right. False if that was done.

    Returns:
        `"ODS"`, `"OIS"`, `"AP"`, and `"threshold"`, that of ODS; NaN where nothing was drawn.

    Raises:
        InputError: Maps do not fit each other, or have other values.

    Example:
        ```python
        truth = np.zeros((16, 16), "uint8")
        truth[8] = 1
        said = np.where(truth, 0.9, 0.1)
        kc.training.boundary_figures([truth], [said])["ODS"]  # 1.0
        ```
    """
    tolerance = check_overlap("tolerance", tolerance)
    cuts = np.arange(1, thresholds + 1) / (thresholds + 1)
    counts = np.zeros((len(truth), thresholds, 4))
    if len(truth) != len(probabilities):
        raise _unfit(f"{len(truth)} maps and {len(probabilities)} answers were given")
    for number, (drawn, said) in enumerate(zip(truth, probabilities, strict=True)):
        drawn, said = np.asarray(drawn), np.asarray(said, "float64")
        if drawn.ndim != 2 or drawn.shape != said.shape or not drawn.size:
            raise _unfit(f"Picture {number} has a map {drawn.shape} and an answer {said.shape}")
        _check_values(number, drawn, said)
        true = drawn == 1
        if thin:
            said, true = thin_outlines(said), thin_outlines(true) > 0
        reach = tolerance * math.hypot(*drawn.shape)
        for row, cut in enumerate(cuts):
            found = (said >= cut) & (drawn != IGNORED)
            matched = _matches(found, true, reach)
            counts[number, row] = matched, found.sum(), matched, true.sum()
    if not counts[:, 0, 3].sum():
        return dict.fromkeys(("ODS", "OIS", "AP", "threshold"), float("nan"))
    whole = _f(counts.sum(axis=0))
    # Of equal thresholds the one that says least: in a picture without outlines all are equal.
    best = thresholds - 1 - _f(counts)[:, ::-1].argmax(axis=1)
    each = counts[np.arange(len(truth)), best].sum(axis=0)
    return {
        "ODS": float(whole.max()),
        "OIS": float(_f(each)),
        "AP": _average_precision(counts.sum(axis=0)),
        "threshold": float(cuts[whole.argmax()]),
    }


@checked
def thin_outlines(probabilities: np.ndarray) -> np.ndarray:
    """Keep what is greatest across the outline that it is on, as Dollar and Zitnick (2013) do.

    Args:
        probabilities: `(height, width)`.

    Returns:
        The same with 0 beside ridges.

    Raises:
        InputError: It is no map of 2 x 2 pixels or more, or has numbers that are not finite.
    """
    values = np.asarray(probabilities, "float64")
    if not np.isfinite(values).all():
        raise _unfit(f"A map with {np.count_nonzero(~np.isfinite(values))} values not finite")
    if values.ndim != 2 or min(values.shape) < 2:
        raise _unfit(f"A map of shape {values.shape} was given")
    smooth = _blurred(values)
    # Where two directions are alike, as at corners, a rounding would choose between them.
    if greatest := np.abs(smooth).max():
        smooth = np.round(smooth / greatest, _DIGITS)
    down, right = np.gradient(smooth)
    twice_down, mixed = np.gradient(down)
    twice_right = np.gradient(right)[1]
    # Across a ridge it bends down most: the direction of the Hessian's lesser eigenvalue.
    angle = 0.5 * np.arctan2(2 * mixed, twice_right - twice_down)
    across_y, across_x = np.cos(angle), -np.sin(angle)
    rows, columns = np.mgrid[: values.shape[0], : values.shape[1]]
    sides = [
        _between(smooth, rows + sign * across_y, columns + sign * across_x) for sign in (1, -1)
    ]
    ridge = (smooth >= sides[0]) & (smooth >= sides[1])
    return np.where(ridge, values, 0.0)


def _blurred(values: np.ndarray) -> np.ndarray:
    """Twice a kernel of 1, 2, 1 along each axis."""
    for axis in (0, 0, 1, 1):
        ends = [(1, 1) if each == axis else (0, 0) for each in range(2)]
        padded = np.pad(values, ends, mode="edge")
        parts = [np.take(padded, range(n, n + values.shape[axis]), axis=axis) for n in range(3)]
        values = (parts[0] + 2 * parts[1] + parts[2]) / 4
    return values


def _between(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Values between pixels, bilinearly; beyond the border those on it."""
    height, width = values.shape
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, over = rows - top, columns - left
    upper = (1 - over) * values[top, left] + over * values[top, right]
    lower = (1 - over) * values[bottom, left] + over * values[bottom, right]
    return (1 - down) * upper + down * lower


def _matches(said: np.ndarray, drawn: np.ndarray, reach: float) -> int:
    """How many pixels of two maps can be matched one to one, nearest first."""
    far = math.floor(reach)
    steps = [
        (y, x) for y in range(-far, far + 1) for x in range(-far, far + 1)
        if y * y + x * x <= reach * reach
    ]  # fmt: skip
    said, drawn, count = said.copy(), np.pad(drawn, far), 0
    height, width = said.shape
    for y, x in sorted(steps, key=lambda step: step[0] ** 2 + step[1] ** 2):
        window = drawn[far + y : far + y + height, far + x : far + x + width]
        both = said & window
        count += int(both.sum())
        said &= ~both
        window &= ~both
    return count


def _f(counts: np.ndarray) -> np.ndarray:
    precision = counts[..., 0] / np.maximum(counts[..., 1], 1)
    recall = counts[..., 2] / np.maximum(counts[..., 3], 1)
    return np.asarray(2 * precision * recall / np.maximum(precision + recall, 1e-12))


def _average_precision(counts: np.ndarray) -> float:
    """Mean over recalls of 0 to 1 of the greatest precision at that recall or a greater one."""
    precision = counts[:, 0] / np.maximum(counts[:, 1], 1)
    recall = counts[:, 2] / np.maximum(counts[:, 3], 1)
    found = [
        precision[recall >= least - 1e-12].max(initial=0.0) for least in np.linspace(0, 1, 101)
    ]
    return float(np.mean(found))


def _check_values(number: int, drawn: np.ndarray, said: np.ndarray) -> None:
    if wrong := sorted(set(np.unique(drawn).tolist()) - {0, 1, IGNORED}):
        raise _unfit(f"The map of picture {number} has the values {wrong[:5]}")
    if not (np.isfinite(said).all() and said.min() >= 0 and said.max() <= 1):
        raise _unfit(f"The answer for picture {number} goes from {said.min()} to {said.max()}")


def _unfit(given: str) -> InputError:
    return InputError(
        given,
        f"maps of 0, 1 for outlines and {IGNORED} for what does not count, and probabilities of 0 "
        "to 1, both (height, width) of the same pictures",
        "Give kc.data.boundary_map(mask), and the sigmoid of what the network says last.",
    )
