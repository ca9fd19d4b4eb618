"""One vector for a whole sequence, or for each of its segments; padding does not count.

Keras's own `GlobalAveragePooling1D` is the mean over the steps.
"""

from __future__ import annotations

import keras
from keras import ops

from keras_classics.core.registration import registered


@registered
class SumOverTime(keras.layers.Layer):
    """The sum over the steps of `(batch, time, features)` that the mask leaves."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        """`(batch, features)`."""
        if mask is not None:
            inputs = inputs * ops.cast(mask, inputs.dtype)[..., None]
        return ops.sum(inputs, axis=1)

    def compute_mask(self, inputs, mask=None):
        """None, as there are no steps left."""
        return None

    def compute_output_shape(self, input_shape):
        """Without the axis of time."""
        return (input_shape[0], *input_shape[2:])


@registered
class SegmentMean(keras.layers.Layer):
    """The mean over the steps of each segment.

    Input: `(batch, time, features)`, and of every step the number of its segment, int
    `(batch, time)`, from 1 on and 0 outside all. Output: `(batch, time, features)`, of which row
    `n - 1` is segment `n` and the rows without a segment are zero and masked.
    """

    def build(self, input_shape):
        """No weights."""
        self.built = True

    def call(self, inputs):
        """The means."""
        sequence, segments = inputs
        numbers = ops.arange(1, ops.shape(sequence)[1] + 1, dtype="int32")
        members = ops.cast(segments, "int32")[:, None, :] == numbers[:, None]
        members = ops.cast(members, sequence.dtype)
        counts = ops.sum(members, axis=-1, keepdims=True)
        return ops.matmul(members, sequence) / ops.maximum(counts, 1)

    def compute_mask(self, inputs, mask=None):
        """True where there is a segment."""
        segments = ops.cast(inputs[1], "int32")
        numbers = ops.arange(1, ops.shape(segments)[1] + 1, dtype="int32")
        return ops.any(segments[:, None, :] == numbers[:, None], axis=-1)

    def compute_output_shape(self, input_shape):
        """The sequence's."""
        return input_shape[0]
