"""Frames as a batch of pictures, and back: time folded into the batch."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.registration import registered
from keras_classics.core.types import Shape, Tensor


@registered
class FoldTime(keras.layers.Layer):
    """Clips `(batch, time, ...)` to frames `(batch * time, ...)`.

    The numbers are those of `keras.layers.TimeDistributed`, which repeats a network for each
    frame, but for batch normalisation in training: here it sees all frames of the batch.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """One axis less."""
        return ops.reshape(inputs, (-1, *inputs.shape[2:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The batch is as many times as long."""
        return (None, *input_shape[2:])


@registered
class UnfoldTime(keras.layers.Layer):
    """What was made of frames `(batch * time, ...)`, and the clips: `(batch, time, ...)`."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """As many steps as the clips have."""
        frames, clips = inputs
        return ops.reshape(frames, (-1, ops.shape(clips)[1], *frames.shape[1:]))

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """One axis more."""
        frames, clips = input_shape
        return (clips[0], clips[1], *frames[1:])


@registered
class FrameDifferences(keras.layers.Layer):
    """Each frame less the one before: `(batch, time - 1, ...)`.

    Of one frame alone nothing has moved: its difference is zero, `(batch, 1, ...)`.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """One step fewer, at least one."""
        steps: Any = ops.shape(inputs)[1]
        steps = max(steps - 1, 1) if isinstance(steps, int) else ops.maximum(steps - 1, 1)
        moved = inputs[:, 1:] - inputs[:, :-1]
        still = ops.zeros_like(inputs[:, :1])
        return ops.concatenate([moved, still], axis=1)[:, :steps]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One step fewer, at least one."""
        time: Any = input_shape[1]
        return (input_shape[0], None if time is None else max(time - 1, 1), *input_shape[2:])


@registered
class MiddleFrame(keras.layers.Layer):
    """The frame in the middle, `(batch, ...)`."""

    def call(self, inputs: Tensor) -> Tensor:
        """Of an even number the later one."""
        return ops.take(inputs, ops.shape(inputs)[1] // 2, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Without the time."""
        return (input_shape[0], *input_shape[2:])
