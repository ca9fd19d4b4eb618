"""Sequences of different lengths in one batch: what lies behind the end changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.ctc_probabilities import BLANK, NEVER
from keras_classics.core.errors import check_positive, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Sizes, Tensor


@registered
class ValidSteps(keras.layers.Layer):
    """Sets the steps behind the end of sequences to zero.

    Input: a sequence `(batch, time, ...)` and lengths `(batch,)`, whole numbers. Output: the
    sequence, of the same shape.

    Args:
        stride: Steps of the original sequence, in which the lengths are told, for each step here;
            a rest is cut off, as pooling without padding does.
        masked: Tell Keras's mask to the layers that follow.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, stride: int = 1, masked: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.stride = check_whole("stride", stride)
        self.masked = masked

    def build(self, input_shape: Sizes) -> None:
        """No weights."""
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The sequence with zeros behind its end."""
        sequence, _ = inputs
        valid = self._valid(inputs)
        valid = ops.reshape(valid, (*ops.shape(valid), *(1,) * (len(sequence.shape) - 2)))
        return ops.where(valid, sequence, ops.zeros_like(sequence))

    def compute_mask(self, inputs: Sequence[Tensor], mask: Tensor | None = None) -> Tensor | None:
        """True before the end."""
        return self._valid(inputs) if self.masked else None

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The sequence's."""
        return input_shape[0]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "stride": self.stride, "masked": self.masked}

    def _valid(self, inputs: Sequence[Tensor]) -> Tensor:
        sequence, lengths = inputs
        # Counted by a sum, as this also runs on symbols, whose time is unknown.
        first = sequence[(slice(None), slice(None), *(0,) * (len(sequence.shape) - 2))]
        numbers = ops.cumsum(ops.ones_like(first, dtype="int32"), axis=1)
        return numbers <= ops.expand_dims(ops.cast(lengths, "int32") // self.stride, 1)


@registered
class NormalizedSteps(ValidSteps):
    """Each feature less its mean over the steps of its sequence, over its deviation there.

    Of a recording this takes away how loud it is and what a microphone does to each band. Input as
    of `ValidSteps`, and output, of the same shape, zero behind the end. Computed in float32: sums
    over many steps are more than half precision holds.

    Args:
        least: What deviations are made up to, smoothly: `x / sqrt(variance + least^2)`. A feature
            that hardly changes stays small.
        **kwargs: `stride` and `masked`, as of `ValidSteps`.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, least: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.least = check_positive("least", least)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The sequence, mean 0 and deviation 1 in each feature."""
        steps = ops.cast(super().call(inputs), "float32")
        valid = ops.cast(self._valid(inputs), "float32")
        valid = ops.reshape(valid, (*ops.shape(valid), *(1,) * (len(steps.shape) - 2)))
        shares = valid / ops.maximum(ops.sum(valid, axis=1, keepdims=True), 1)
        apart = (steps - ops.sum(steps * shares, axis=1, keepdims=True)) * valid
        variance = ops.sum(ops.square(apart) * shares, axis=1, keepdims=True)
        return ops.cast(apart / ops.sqrt(variance + self.least**2), inputs[0].dtype)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "least": self.least}


@registered
class BlankPadding(keras.layers.Layer):
    """Makes the blank certain at padded steps: logits for CTC that tell where they end.

    Logits `(batch, steps, labels + 1)` in and out. A certain blank changes no labelling and no
    probability, so decoders and losses that know no lengths are right too; Keras's mask ends here.
    """

    @checked
    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The logits, where there is a mask only before the end."""
        if mask is None:
            return inputs
        numbers = ops.arange(inputs.shape[-1], dtype="int32")
        certain = ops.cast(ops.where(numbers == BLANK, 0.0, NEVER), inputs.dtype)
        return ops.where(mask[..., None], inputs, certain)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        """None: a loss would take the mean over steps otherwise."""
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's."""
        return input_shape
