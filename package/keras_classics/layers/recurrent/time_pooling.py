"""One vector for a whole sequence, or for each of its segments; padding does not count.

Keras's own `GlobalAveragePooling1D` is the mean over the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.registration import registered
from keras_classics.core.types import Shape, Tensor


@registered
class SumOverTime(keras.layers.Layer):
    """The sum over the steps of `(batch, time, features)` that the mask leaves."""

    # What `core.graphs.model_ends` asks: the layer multiplies, or adds up, and does nothing after.
    linear_output = True

    @checked
    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """`(batch, features)`."""
        if mask is not None:
            inputs = inputs * ops.cast(mask, inputs.dtype)[..., None]
        return ops.sum(inputs, axis=1)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        """None, as there are no steps left."""
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Without the axis of time."""
        return (input_shape[0], *input_shape[2:])


@registered
class SegmentMean(keras.layers.Layer):
    """The mean over the steps of each segment.

    Input: `(batch, time, features)`, and of every step the number of its segment, int
    `(batch, time)`, from 1 on and 0 outside all. Output: `(batch, time, features)`, of which row
    `n - 1` is segment `n` and the rows without a segment are zero and masked.
    """

    def build(self, input_shape: Sequence[Shape]) -> None:
        """No weights."""
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The means."""
        sequence, segments = inputs
        members = ops.cast(self._members(segments), sequence.dtype)
        # Shares, as a sum over many steps is more than half precision holds.
        shares = members / ops.maximum(ops.sum(members, axis=-1, keepdims=True), 1)
        return ops.matmul(shares, sequence)

    def compute_mask(self, inputs: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
        """True where there is a segment."""
        return ops.any(self._members(inputs[1]), axis=-1)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The sequence's."""
        return input_shape[0]

    def _members(self, segments: Tensor) -> Tensor:
        """For each segment, its steps."""
        segments = ops.cast(segments, "int32")
        # Counted by a sum, as this also runs on symbols, whose time is unknown.
        numbers = ops.cumsum(ops.ones_like(segments), axis=1)
        return ops.equal(ops.expand_dims(segments, 1), ops.expand_dims(numbers, 2))
