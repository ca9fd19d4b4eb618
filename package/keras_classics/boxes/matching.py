"""Which true box a proposal belongs to, and which proposals a network learns from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import as_boxes
from keras_classics.boxes.overlap import overlap
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import InputError, check_overlap, check_probability, check_whole


class Matches(NamedTuple):
    """Of each proposal, the true box that it overlaps most (-1 where there is none), and how far.

    Attributes:
        truth: int64 `(n,)`.
        overlap: float64 `(n,)`, intersection over union.
    """

    truth: np.ndarray
    overlap: np.ndarray


@checked
def match(proposals: ArrayLike, truths: ArrayLike) -> Matches:
    """Give each proposal the true box it overlaps most, of equal ones the first.

    Args:
        proposals: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        truths: `(m, 4)` likewise, perhaps none.
    """
    proposals, truths = as_boxes(proposals), as_boxes(truths)
    if not len(truths):
        return Matches(np.full(len(proposals), -1), np.zeros(len(proposals)))
    found = overlap(proposals, truths)
    best = found.argmax(axis=1)
    most = found[np.arange(len(proposals)), best]
    return Matches(np.where(most > 0, best, -1), most)


@checked
def sample_regions(
    overlaps: ArrayLike,
    count: Whole,
    rng: np.random.Generator,
    *,
    positive: float = 0.5,
    background: tuple[float, float] = (0.0, 0.5),
    positive_share: float = 0.25,
) -> np.ndarray:
    """Draw the proposals of one picture that a network learns from.

    A quarter show something (Girshick et al. 2014: 32 of 128; Girshick 2015: 16 of 64), in the mean
    where that is no whole number, and the rest is background. Where there are too few of the one
    kind the other fills up, and where there are too few of both some are drawn more than once, so
    that the number is always the same.

    Args:
        overlaps: `(n,)`, of each proposal with the true box it overlaps most, as `match` tells.
        count: How many are drawn.
        rng: Draws them.
        positive: From this overlap on a proposal shows something.
        background: Least and end of the overlaps of background; Fast R-CNN takes `(0.1, 0.5)`.
        positive_share: The greatest share that shows something.

    Returns:
        int64 `(count,)`, numbers of proposals, those that show something first.

    Raises:
        InputError: There is no proposal of either kind, or an overlap is none.
    """
    count = check_whole("count", count)
    share = check_probability("positive_share", positive_share)
    positive = check_overlap("positive", positive)
    if not 0 <= background[0] < background[1] <= 1:
        raise InputError(
            f"background={tuple(background)} was given",
            "a least overlap and a higher end, within 0 to 1",
            "Give (0.0, 0.5), or (0.1, 0.5) as Fast R-CNN.",
        )
    found = np.asarray(overlaps, "float64")
    shows = np.flatnonzero(found >= positive)
    empty = np.flatnonzero((found >= background[0]) & (found < background[1]))
    if not len(shows) + len(empty):
        raise InputError(
            f"None of {len(found)} proposals overlaps a true box by {positive} or more, or by "
            f"{background[0]} to below {background[1]}",
            "one proposal or more of either kind",
            "Give more proposals, or admit lower overlaps: background=(0.0, 0.5).",
        )
    quota = share * count
    # Of few regions a quarter is no whole number: as many as are right in the mean.
    shown = int(quota) + (quota % 1 > 0 and rng.random() < quota % 1)
    least = max(shown, count - len(empty))
    wanted = min(least, len(shows)) if len(empty) else count
    chosen = [_draw(shows, wanted, rng), _draw(empty, count - wanted, rng)]
    return np.concatenate(chosen)


def _draw(numbers: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Some of the numbers, each once before any is drawn twice."""
    drawn = [rng.permutation(numbers) for _ in range(-(-count // max(1, len(numbers))))]
    return np.concatenate([numbers[:0], *drawn])[:count]
