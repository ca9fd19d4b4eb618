"""Sliding windows, the baseline of proposals, and how good proposals are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import (
    NO_CLASS,
    Truth,
    as_boxes,
    check_labels,
    check_proposals,
)
from keras_classics.boxes.overlap import overlap
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import (
    InputError,
    check_overlap,
    check_pair,
    check_positive,
    check_whole,
)

_MOST_WINDOWS = 10_000_000


@checked
def sliding_windows(
    size: tuple[int, int],
    *,
    sides: Sequence[float] = (32, 64, 128, 256),
    aspects: Sequence[float] = (0.5, 1.0, 2.0),
    step: float = 0.5,
) -> np.ndarray:
    """A grid of windows over a picture.

    Args:
        size: Height and width of the picture.
        sides: Square roots of the windows' areas, in pixels; larger than the picture are cut.
        aspects: Widths over heights.
        step: From window to window, as a share of the window's side.

    Returns:
        float32 `(n, 4)`, `(ymin, xmin, ymax, xmax)` within the picture, no two equal; the picture
        itself is one of them.

    Raises:
        InputError: A size, aspect or step is not positive, or there would be more windows than
            anybody asks for: ten million.
    """
    step = check_positive("step", step)
    size = check_pair("size", size)
    found, count = [np.array([[0.0, 0.0, *size]])], 1
    for side in sides:
        for aspect in aspects:
            aspect = check_positive("aspects", aspect)
            area = check_positive("sides", side)
            height = min(float(size[0]), area / aspect**0.5)
            width = min(float(size[1]), area * aspect**0.5)
            steps = [
                1 + np.ceil((whole - part) / (step * part))
                for whole, part in zip(size, (height, width), strict=True)
            ]
            count += steps[0] * steps[1]
            if count > _MOST_WINDOWS:
                raise InputError(
                    f"sides={side:g} and step={step:g} make {count:.0f} windows or more in a "
                    f"picture of {size[0]} x {size[1]} pixels",
                    f"up to {_MOST_WINDOWS} windows",
                    "Give larger sides or steps, such as sides=(32, 64) and step=0.5.",
                )
            tops, lefts = (
                np.linspace(0.0, whole - part, int(number))
                for whole, part, number in zip(size, (height, width), steps, strict=True)
            )
            y, x = (each.ravel() for each in np.meshgrid(tops, lefts, indexing="ij"))
            found.append(np.stack([y, x, y + height, x + width], axis=1))
    return np.unique(np.concatenate(found).round(3), axis=0).astype("float32")


class ProposalQuality(NamedTuple):
    """How good proposals are.

    Attributes:
        recall: Share of the true boxes that some proposal overlaps by a threshold.
        mabo: Mean over classes of the mean over their boxes of the best overlap (MABO).
        by_class: float64 `(classes,)`, that mean of each class, NaN without a box.
        mean_count: Proposals for a picture, in the mean.
    """

    recall: float
    mabo: float
    by_class: np.ndarray
    mean_count: float


@checked
def proposal_quality(
    proposals: Sequence[ArrayLike],
    truths: Sequence[Truth],
    classes: Whole,
    *,
    threshold: float = 0.5,
) -> ProposalQuality:
    """Recall and mean average best overlap (Uijlings et al. 2013).

    Args:
        proposals: `(n, 4)` for each picture.
        truths: What is there; what is difficult, a crowd or of no class does not count.
        classes: Number of classes.
        threshold: The overlap from which a box is found.

    Raises:
        InputError: Not equally many of both, or no picture, a class beyond those there are, or the
            threshold is no overlap.
    """
    check_proposals(proposals, len(truths), least=1)
    classes = check_whole("classes", classes)
    for there in truths:
        check_labels("true box", there.box_labels, classes, NO_CLASS)
    threshold = check_overlap("threshold", threshold)
    best, labels = [np.zeros(0)], [np.zeros(0, "int64")]
    for boxes, there in zip(proposals, truths, strict=True):
        counted = ~there.difficult & ~there.crowd & (there.box_labels >= 0)
        shared = overlap(there.boxes[counted], as_boxes(boxes))
        best.append(shared.max(axis=1, initial=0.0))
        labels.append(there.box_labels[counted])
    overlaps, owners = np.concatenate(best), np.concatenate(labels)
    by_class = np.array(
        [
            overlaps[owners == label].mean() if (owners == label).any() else np.nan
            for label in range(classes)
        ]
    )
    known = by_class[~np.isnan(by_class)]
    return ProposalQuality(
        float((overlaps >= threshold).mean()) if len(overlaps) else float("nan"),
        float(known.mean()) if len(known) else float("nan"),
        by_class,
        float(np.mean([len(as_boxes(boxes)) for boxes in proposals])),
    )
