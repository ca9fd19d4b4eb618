"""Upsampling that the layer after it turns into any interpolation."""

from __future__ import annotations

from keras import ops

from keras_classics.core.registration import registered
from keras_classics.core.types import Shape, Tensor
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class ZeroInterleaving2D(ImageLayer):
    """Doubles height and width: each value stands top left in a 2x2 square of zeros.

    Saxena, Verbeek, "Convolutional neural fabrics", NIPS 2016. A 3x3 convolution after it can be
    bilinear or nearest-neighbour upsampling, or what it learns. Input
    `(batch, height, width, channels)`, output `(batch, 2 * height, 2 * width, channels)`.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Zeros right of each value, then below each row."""
        batch, height, width, channels = ops.shape(inputs)
        # Rows lie in memory one after the other, pixels within rows, channels within pixels.
        pairs = ops.concatenate([inputs, ops.zeros_like(inputs)], axis=-1)
        rows = ops.reshape(pairs, (batch, height, 2 * width * channels))
        rows = ops.concatenate([rows, ops.zeros_like(rows)], axis=-1)
        return ops.reshape(rows, (batch, 2 * height, 2 * width, channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Twice the height and the width."""
        batch, height, width, channels = input_shape
        doubled = [None if side is None else 2 * side for side in (height, width)]
        return (batch, *doubled, channels)
