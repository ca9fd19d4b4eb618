"""Regions cut out of a picture and brought to one size, with what lies around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import as_boxes
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.pictures import check_picture
from keras_classics.core.resizing import resize_windows

# Pixels of 227 around a box, in R-CNN.
CONTEXT = 16
_LARGEST = 4096


@checked
def warp_regions(
    image: np.ndarray,
    boxes: ArrayLike,
    size: Whole = 227,
    *,
    context: Whole = CONTEXT,
    square: bool = False,
) -> np.ndarray:
    """Cut regions out of a picture and bring each to one size, with some pixels around it.

    The box fills the middle of the result, `size - 2 * context` high and wide; around it is what
    lies around it in the picture, and the picture's mean colour beyond the border.

    Args:
        image: uint8 `(height, width, 3)`, or `(height, width, 1)`.
        boxes: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        size: Side of the results.
        context: Pixels of the results on each side of the box; 16 of 227 in the paper.
        square: Whether to take the tightest square around a box, so that shapes are kept; the paper
            found it worse than stretching the box itself.

    Returns:
        float32 `(n, size, size, 3)`, or 1, 0 to 255.

    Raises:
        InputError: The size is beyond 4,096, the context leaves nothing of the box, a box has no
            area or lies far beyond the picture, or the picture is none, or not of bytes.
    """
    size, context = check_whole("size", size), check_whole("context", context, 0)
    if size > _LARGEST:
        raise InputError(
            f"size={size} was given",
            f"up to {_LARGEST}, larger than what networks take",
            "Give the side that the network takes.",
        )
    regions = as_boxes(boxes)
    check_picture(image, (1, 3))
    # Else a picture would be surrounded by more than memory holds.
    near = max(image.shape[:2])
    if len(regions) and (regions.min() < -near or regions.max() > 2 * near):
        raise InputError(
            f"Boxes from {regions.min():g} to {regions.max():g} were given for a picture "
            f"{image.shape[:2]}",
            "boxes in the picture, or beyond it by no more than its longer side",
            "Cut them: numpy.clip(boxes, 0, [height, width, height, width]).",
        )
    sides = regions[:, 2:] - regions[:, :2]
    if 2 * context >= size or (sides <= 0).any():
        raise InputError(
            f"size={size}, context={context} and {len(regions)} boxes with a least side of "
            f"{sides.min(initial=np.inf):g} were given",
            "a size above twice the context, and boxes with an area",
            "Give a smaller context, and leave out boxes without area.",
        )
    if square:
        sides = np.repeat(sides.max(axis=1, keepdims=True), 2, axis=1)
    # What the whole result covers in the picture.
    reach = sides * (size / (size - 2 * context)) / 2
    middle = (regions[:, :2] + regions[:, 2:]) / 2
    first, last = middle - reach, middle + reach
    beyond = np.concatenate([-first, last - np.array(image.shape[:2])])
    margin = int(np.ceil(max(0.0, beyond.max(initial=0.0)))) + 1
    mean = image.reshape(-1, image.shape[2]).mean(axis=0)
    height, width, channels = image.shape
    padded = np.empty((height + 2 * margin, width + 2 * margin, channels), "float32")
    padded[:] = mean
    padded[margin : margin + height, margin : margin + width] = image
    return resize_windows(padded, np.concatenate([first, last], axis=1) + margin, size, size)
