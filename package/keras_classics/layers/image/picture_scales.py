"""A picture at several scales: resized with its boxes, and each box looked at in one of them.

He et al., "Spatial pyramid pooling in deep convolutional networks for visual recognition", ECCV
2014: the picture is resized until its shorter side is 480, 576, 688, 864 and 1200, and a window is
described in the scale in which it has nearest to 224 x 224 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor, Whole
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class ShorterSide(ImageLayer):
    """Resizes pictures until their shorter side has so many pixels, and boxes along with them.

    Called on pictures `(batch, height, width, channels)` and boxes `(batch, boxes, 4)`, `(ymin,
    xmin, ymax, xmax)` in pixels of the pictures; gives both, the ratio of the sides kept but for
    the rounding to whole pixels, half of one upwards. Bilinear, without aliasing, as
    `keras.ops.image.resize`; also where sizes are known only when there are pictures.

    Args:
        pixels: Of the shorter side.

    Raises:
        InputError: It is no positive whole number.
    """

    @checked
    def __init__(self, pixels: Whole, **kwargs: Any) -> None:
        # Half precision has no numbers for the far corners of a picture.
        super().__init__(autocast=False, **kwargs)
        self.pixels = check_whole("pixels", pixels)

    def call(self, images: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Resize both."""
        before = tuple(ops.shape(images)[1:3])
        sides = tuple(zip(before, self._sizes(before), strict=True))
        rows, columns = (interpolated_shares(*each) for each in sides)
        # Keras's resize wants to know sizes while a graph is made.
        resized = ops.einsum("ih,bhwc->biwc", rows, ops.cast(images, "float32"))
        resized = ops.einsum("jw,biwc->bijc", columns, resized)
        factors = [ops.cast(new, "float32") / ops.cast(old, "float32") for old, new in sides]
        moved = ops.cast(boxes, "float32") * ops.stack(factors * 2)
        return ops.cast(resized, self.compute_dtype), moved

    def compute_output_shape(self, images_shape: Shape, boxes_shape: Shape) -> tuple[Shape, Shape]:
        """Sides where they are known, and as many boxes."""
        batch, height, width, channels = images_shape
        known = height is not None and width is not None
        sides = self._sizes((height, width)) if known else (None, None)
        return (batch, *sides, channels), tuple(boxes_shape)

    def _sizes(self, sides: tuple[Any, Any]) -> tuple[Any, Any]:
        """The new height and width: numbers where these are, else tensors."""
        whole = all(isinstance(side, int) for side in sides)
        shorter = min(sides) if whole else ops.minimum(*sides)
        # In whole numbers, so that it does not depend on what is known of a size, or when.
        height, width = ((2 * side * self.pixels + shorter) // (2 * shorter) for side in sides)
        return height, width

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "pixels": self.pixels}


def interpolated_shares(before: Tensor, after: Tensor) -> Tensor:
    """What each of so many pixels after has of those before, `(after, before)`, in shares.

    Args:
        before: A side of the picture, a number or a tensor.
        after: The same side of the resized one.
    """
    step = ops.cast(before, "float32") / ops.cast(after, "float32")
    centres = (ops.arange(after, dtype="float32") + 0.5) * step - 0.5
    apart = ops.absolute(centres[:, None] - ops.arange(before, dtype="float32"))
    # Where a picture shrinks, as wide as what one pixel covers: so nothing is skipped.
    shares = ops.maximum(1.0 - apart / ops.maximum(step, 1.0), 0.0)
    return shares / ops.sum(shares, axis=1, keepdims=True)


@registered
class NearestScale(ImageLayer):
    """Of boxes at several scales those of the scale in which their area is nearest to a square.

    Called on a list of the same boxes `(batch, boxes, 4)` in pixels of each scale; gives, of each
    box, its corners in the scale chosen, float32 `(batch, boxes, 4)`, and the number of the scale,
    int32 `(batch, boxes)`. Of scales equally near it takes the first.

    Args:
        window: Side of the square in pixels; 224 in the paper.

    Raises:
        InputError: It is no positive whole number, or there are no boxes.
    """

    @checked
    def __init__(self, window: Whole = 224, **kwargs: Any) -> None:
        # Half precision has no numbers for the far corners of a picture.
        super().__init__(autocast=False, **kwargs)
        self.window = check_whole("window", window)

    def call(self, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Choose the scale of each box."""
        if not isinstance(boxes, (list, tuple)) or not boxes:
            raise InputError(
                f"{type(boxes).__name__} was given",
                "a list of boxes (batch, boxes, 4), one tensor for each scale",
                "Give [boxes] where there is one scale.",
            )
        scales = [ops.cast(each, "float32") for each in boxes]
        distances = []
        for each in scales:
            sides = each[..., 2:] - each[..., :2]
            distances.append(ops.absolute(sides[..., 0] * sides[..., 1] - self.window**2))
        nearest = ops.cast(ops.argmin(ops.stack(distances), axis=0), "int32")
        found = scales[0]
        for number, each in enumerate(scales[1:], start=1):
            found = ops.where(nearest[..., None] == number, each, found)
        return found, nearest

    def compute_output_spec(
        self, boxes: Sequence[Tensor]
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Boxes and numbers, which have types of their own."""
        shape = tuple(boxes[0].shape)
        return keras.KerasTensor(shape, "float32"), keras.KerasTensor(shape[:-1], "int32")

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "window": self.window}
