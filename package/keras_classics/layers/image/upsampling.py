"""Upsampling that the layer after it turns into any interpolation, and maps laid on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_whole, is_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor, Whole
from keras_classics.layers.image.image_layer import ImageLayer
from keras_classics.layers.image.picture_scales import interpolated_shares


@registered
class ZeroInterleaving2D(ImageLayer):
    """Makes maps larger by zeros: each value stands top left in a square of them.

    Saxena, Verbeek, "Convolutional neural fabrics", NIPS 2016, where squares are 2x2. With a
    convolution after it, it is a transposed convolution of that stride: bilinear or
    nearest-neighbour upsampling, or what it learns. Input `(batch, height, width, channels)`,
    output `(batch, factor * height, factor * width, channels)`.

    Args:
        factor: Side of the squares.
    """

    @checked
    def __init__(self, factor: Whole = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = check_whole("factor", factor)

    def call(self, inputs: Tensor) -> Tensor:
        """Zeros right of each value, then below each row."""
        batch, height, width, channels = ops.shape(inputs)
        more = [(0, 0)] * (len(inputs.shape) - 1) + [(0, channels * (self.factor - 1))]
        # Rows lie in memory one after the other, pixels within rows, channels within pixels.
        rows = ops.reshape(ops.pad(inputs, more), (batch, height, self.factor * width * channels))
        below = [(0, 0), (0, 0), (0, (self.factor - 1) * self.factor * width * channels)]
        rows = ops.pad(rows, below)
        return ops.reshape(rows, (batch, self.factor * height, self.factor * width, channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The height and the width times the factor."""
        batch, height, width, channels = input_shape
        larger = [None if side is None else self.factor * side for side in (height, width)]
        return (batch, *larger, channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}


@registered
class ResizeToReference(ImageLayer):
    """A map, resized bilinearly to the height and width of another, or a share of them.

    Called on two maps `(batch, height, width, channels)`, the one that is resized and the one whose
    height and width count. Where it is made smaller all of it counts, as with antialiasing.

    Args:
        factor: Share of the other's height and width, rounded, at least one pixel.
    """

    # Of logits it makes logits.
    mixes_values = True

    @checked
    def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = check_positive("factor", factor)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The resized map."""
        x, reference = inputs
        rows, columns = (
            interpolated_shares(before, self._side(side))
            for before, side in zip(ops.shape(x)[1:3], ops.shape(reference)[1:3], strict=True)
        )
        # Keras's resize wants to know sizes while a graph is made.
        resized = ops.einsum("ih,bhwc->biwc", rows, ops.cast(x, "float32"))
        resized = ops.einsum("jw,biwc->bijc", columns, resized)
        return ops.cast(resized, self.compute_dtype)

    def _side(self, side: Any) -> Any:
        if isinstance(side, int):
            return max(1, round(side * self.factor))
        scaled = ops.round(ops.cast(side, "float32") * self.factor)
        return ops.maximum(1, ops.cast(scaled, "int32"))

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Batch and channels of the first, height and width by the second."""
        (batch, _, _, channels), (_, *sides, _) = input_shape
        made = [None if side is None else max(1, round(side * self.factor)) for side in sides]
        return (batch, *made, channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}


@registered
class CropToReference(ImageLayer):
    """A window of a map, as high and wide as another map, whatever the sizes are at run time.

    Called on two maps `(batch, height, width, channels)`, the one that is cut and the one whose
    height and width count. Where the window reaches beyond the map, its border goes on there.

    Args:
        offset: Row and column of the window's corner in the map, which may be negative.
    """

    # Of logits it makes logits.
    mixes_values = True

    @checked
    def __init__(self, offset: Sequence[int] = (0, 0), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(offset) != 2 or not all(is_whole(each) for each in offset):
            raise InputError(
                f"offset={offset!r} was given",
                "two whole numbers, row and column",
                "Give for example offset=(0, 0).",
            )
        self.offset = (int(offset[0]), int(offset[1]))

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The window."""
        x, reference = inputs
        for axis, start in zip((1, 2), self.offset, strict=True):
            have, wanted = ops.shape(x)[axis], ops.shape(reference)[axis]
            if isinstance(have, int) and isinstance(wanted, int):
                if 0 <= start <= have - wanted:
                    ends = (slice(None),) * axis
                    x = x[(*ends, slice(start, start + wanted))]
                    continue
            places = ops.clip(ops.arange(start, start + wanted, dtype="int32"), 0, have - 1)
            x = ops.take(x, places, axis=axis)
        return x

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Batch and channels of the first, height and width of the second."""
        (batch, _, _, channels), (_, height, width, _) = input_shape
        return (batch, height, width, channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "offset": list(self.offset)}
