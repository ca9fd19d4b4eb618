"""Borders that a map's own values are mirrored into."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor, Whole
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class ReflectionPadding2D(ImageLayer):
    """Pads maps by mirroring them at their edge, whose own row and column stand once.

    Input `(batch, height, width, channels)`, output with `2 * padding` more rows and columns. A map
    smaller than the border is mirrored again at the other edge; a single pixel is repeated.

    Args:
        padding: Rows and columns on each side.
    """

    @checked
    def __init__(self, padding: Whole = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = check_whole("padding", padding)

    def call(self, inputs: Tensor) -> Tensor:
        """The larger map."""
        x = inputs
        for axis in (1, 2):
            side = ops.shape(x)[axis]
            # A mirrored map repeats after two of its lengths less both edges; one pixel at once.
            period = ops.maximum(2 * (side - 1), 1)
            # Both ways from the first alike; ONNX's remainders of numbers below 0 are others.
            places = ops.abs(ops.arange(-self.padding, side + self.padding, dtype="int32")) % period
            x = ops.take(x, ops.minimum(places, period - places), axis=axis)
        return x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Height and width with the border."""
        batch, height, width, channels = input_shape
        larger = [None if side is None else side + 2 * self.padding for side in (height, width)]
        return (batch, *larger, channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}
