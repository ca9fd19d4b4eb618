"""Non-maximum suppression: of boxes that say the same, the surest stays."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import as_boxes, as_column
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import check_probability, check_whole


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
    always the same. It is TensorFlow's where Keras runs on that, in single precision, and in double
    elsewhere; half precision is computed so too.

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
        InputError: Shapes do not fit, a score is not finite, a class no whole number, or the
            threshold no overlap.

    Example:
        ```python
        boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]]
        kc.boxes.suppress(boxes, [0.8, 0.9, 0.3], threshold=0.5)  # [1, 2], best first
        ```
    """
    boxes = as_boxes(boxes)
    scores = as_column("scores", scores, "float64", len(boxes))
    labels = None if classes is None else as_column("classes", classes, "int64", len(boxes))
    threshold = check_probability("threshold", threshold)
    if most is not None:
        most = check_whole("most", most)
    # Of equal scores the first one given.
    order = np.argsort(-scores, kind="stable")
    order = order[: np.count_nonzero(scores >= least_score)]
    if labels is None:
        return order[_survivors(boxes[order], threshold, most)]
    stay = np.zeros(len(boxes), bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        stay[members[_survivors(boxes[members], threshold, most)]] = True
    return order[stay[order]][:most]


def _survivors(boxes: np.ndarray, threshold: float, most: int | None) -> np.ndarray:
    """Places of the boxes that stay, of boxes of one class that are sorted, surest first."""
    count = len(boxes) if most is None else min(most, len(boxes))
    if len(boxes) > 1 and (tensorflow := _tensorflow()):
        # The same search in C++; what counts is the order, which falls.
        order = np.arange(len(boxes), 0, -1, dtype="float32")
        found = tensorflow.image.non_max_suppression(
            boxes.astype("float32"), order, count, threshold
        )
        return found.numpy()
    ymin, xmin, ymax, xmax = np.ascontiguousarray(boxes.T)
    areas = (ymax - ymin) * (xmax - xmin)
    places, stay = np.arange(len(boxes)), list[int]()
    while len(places) and len(stay) < count:
        first, places = places[0], places[1:]
        stay.append(int(first))
        height = np.minimum(ymax[places], ymax[first]) - np.maximum(ymin[places], ymin[first])
        width = np.minimum(xmax[places], xmax[first]) - np.maximum(xmin[places], xmin[first])
        shared = np.maximum(height, 0.0) * np.maximum(width, 0.0)
        union = areas[places] + areas[first] - shared
        # As a product: of boxes without area the quotient is none.
        places = places[shared <= threshold * union]
    return np.array(stay, "int64")


def _tensorflow() -> Any:
    """TensorFlow, where Keras runs on it already."""
    keras = sys.modules.get("keras")
    running = keras is not None and keras.backend.backend() == "tensorflow"
    return sys.modules.get("tensorflow") if running else None
