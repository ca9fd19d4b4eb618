"""A first state that is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_wholes
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Sizes, Tensor


@registered
class LearnedInitialState(keras.layers.Layer):
    """The states a recurrent layer starts from, as weights; zero before training.

    Input is the sequence that will be read, `(batch, time, ...)`, of which only the batch matters;
    output a list of `(batch, width)`.

    Args:
        widths: Width of each state.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, widths: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.widths = list(check_wholes("widths", widths))
        self.supports_masking = True

    def build(self, input_shape: Sizes) -> None:
        """One vector for each state."""
        self.vectors = [
            self.add_weight((width,), "zeros", name=f"state_{number}")
            for number, width in enumerate(self.widths, 1)
        ]

    def call(self, inputs: Tensor) -> list[Tensor]:
        """Each vector, once for each sequence."""
        batch = ops.shape(inputs)[0]
        return [
            ops.broadcast_to(ops.cast(vector, self.compute_dtype), (batch, width))
            for vector, width in zip(self.vectors, self.widths, strict=True)
        ]

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> list[None]:
        """States have no steps to mask."""
        return [None for _ in self.widths]

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        """`(batch, width)` for each state."""
        return [(input_shape[0], width) for width in self.widths]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "widths": self.widths}
