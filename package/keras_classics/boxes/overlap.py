"""How far boxes cover each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import as_boxes, box_areas
from keras_classics.core.arguments import checked


@checked
def overlap(boxes: ArrayLike, others: ArrayLike) -> np.ndarray:
    """Intersection over union of every box with every other, in float64.

    `keras.utils.bounding_boxes.compute_iou` computes the same in float32 and adds 1e-7 below the
    fraction bar, for losses; what is compared with a threshold wants the exact quotient.

    Args:
        boxes: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        others: `(m, 4)` likewise.

    Returns:
        `(n, m)`, 0 to 1; 0 of two boxes without area.

    Raises:
        InputError: Boxes have another shape, are not finite, or end before they begin.

    Example:
        ```python
        kc.boxes.overlap([[0, 0, 10, 10]], [[0, 0, 10, 5], [20, 20, 30, 30]])  # [[0.5, 0.0]]
        ```
    """
    boxes, others = as_boxes(boxes), as_boxes(others)
    shared = intersection(boxes, others)
    union = box_areas(boxes)[:, None] + box_areas(others) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


@checked
def coverage(boxes: ArrayLike, others: ArrayLike) -> np.ndarray:
    """Which share of every box lies in every other: what is asked of crowds and DontCare regions.

    Args:
        boxes: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        others: `(m, 4)` likewise.

    Returns:
        `(n, m)`, 0 to 1; 0 of a box without area.

    Raises:
        InputError: As of `overlap`.
    """
    boxes, others = as_boxes(boxes), as_boxes(others)
    shared = intersection(boxes, others)
    areas = np.broadcast_to(box_areas(boxes)[:, None], shared.shape)
    return np.divide(shared, areas, out=np.zeros_like(shared), where=areas > 0)


def intersection(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Common area `(n, m)` of every box `(n, 4)` with every other `(m, 4)`, both float64."""
    height = np.minimum(boxes[:, None, 2], others[:, 2]) - np.maximum(
        boxes[:, None, 0], others[:, 0]
    )
    width = np.minimum(boxes[:, None, 3], others[:, 3]) - np.maximum(
        boxes[:, None, 1], others[:, 1]
    )
    return np.maximum(height, 0.0) * np.maximum(width, 0.0)
