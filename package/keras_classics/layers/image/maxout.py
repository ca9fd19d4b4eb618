"""Maxout: the activation is the largest of a few linear pieces, and so is itself learnt."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Sizes, Tensor


@registered
class Maxout(keras.layers.Layer):
    """Maximum over groups of neighbouring channels (Goodfellow et al., ICML 2013).

    After a dense or convolution layer with `units * pieces` outputs this is the paper's
    `h_i = max_j (w_ij x + b_ij)`. Input `(..., units * pieces)`, output `(..., units)`.

    Args:
        pieces: Number of linear pieces of a unit.

    Raises:
        InputError: The input's channels are no multiple of `pieces`.

    Example:
        ```python
        hidden = keras.Sequential([keras.layers.Dense(16 * 5), kc.layers.Maxout(5)])
        hidden(np.zeros((2, 64))).shape  # (2, 16)
        ```
    """

    @checked
    def __init__(self, pieces: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.pieces = check_whole("pieces", pieces)

    def build(self, input_shape: Shape) -> None:
        """Check the number of channels."""
        channels = input_shape[-1]
        if channels is None or channels % self.pieces:
            raise InputError(
                f"An input of {channels} channels was given to {self.name!r}",
                f"a multiple of its {self.pieces} pieces",
                "Give the layer before it units * pieces outputs.",
            )

    def call(self, inputs: Tensor) -> Tensor:
        """Group and take maxima."""
        shape = ops.shape(inputs)
        grouped = (*shape[:-1], inputs.shape[-1] // self.pieces, self.pieces)
        return ops.max(ops.reshape(inputs, grouped), axis=-1)

    def compute_output_shape(self, input_shape: Sizes) -> Shape:
        """Channels divided by the number of pieces."""
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "pieces": self.pieces}
