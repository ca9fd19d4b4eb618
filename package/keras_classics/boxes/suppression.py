"""Non-maximum suppression: of boxes that say the same, the surest stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import as_boxes
from keras_classics.boxes.overlap import overlap
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import InputError, check_probability, check_whole, explain


@checked
def suppress(
    boxes: ArrayLike,
    scores: ArrayLike,
    classes: ArrayLike | None = None,
    *,
    threshold: float = 0.3,
    most: Whole | None = None,
    least_score: float = -np.inf,
) -> np.ndarray:
    """Greedy non-maximum suppression, class by class.

    The surest box stays, and those of its class that overlap it by more than the threshold go;
    then the surest of the rest, and so on (Girshick et al. 2014, with 0.3). An overlap of exactly
    the threshold stays. Of equal scores the first one given goes first, so that the outcome is
    always the same. Half precision is computed in double, as all is.

    Args:
        boxes: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        scores: `(n,)`.
        classes: `(n,)` whole numbers; None where all are of one.
        threshold: The overlap (intersection over union) that is still admitted, 0 to 1.
        most: How many stay at most, over all classes; None for any number.
        least_score: Boxes of lower scores are left out from the start.

    Returns:
        int64, the numbers of the boxes that stay, surest first.

    Raises:
        InputError: Shapes do not fit, a score is not finite, or the threshold is no overlap.
    """
    boxes, scores = as_boxes(boxes), np.asarray(scores, "float64")
    labels = np.zeros(len(boxes), "int64") if classes is None else np.asarray(classes)
    threshold = check_probability("threshold", threshold)
    if most is not None:
        most = check_whole("most", most)
    if scores.shape != (len(boxes),) or labels.shape != scores.shape or np.isnan(scores).any():
        raise InputError(
            explain(
                f"{len(boxes)} boxes, scores {scores.shape} and classes {labels.shape} were given",
                "one score, which is a number, and one class for each box",
                "Give as many of each.",
            )
        )
    kept = []
    for label in np.unique(labels):
        members = np.flatnonzero((labels == label) & (scores >= least_score))
        members = members[np.argsort(-scores[members], kind="stable")]
        kept.append(members[_survivors(boxes[members], threshold, most)])
    found = np.sort(np.concatenate(kept)) if kept else np.zeros(0, "int64")
    # Sorted by number before, which is the order among equal scores.
    return found[np.argsort(-scores[found], kind="stable")][:most]


def _survivors(boxes: np.ndarray, threshold: float, most: int | None) -> list[int]:
    """Places of the boxes that stay, of boxes of one class that are sorted, surest first."""
    places, stay = np.arange(len(boxes)), list[int]()
    while len(places) and (most is None or len(stay) < most):
        first, places = places[0], places[1:]
        stay.append(int(first))
        places = places[overlap(boxes[first][None], boxes[places])[0] <= threshold]
    return stay
