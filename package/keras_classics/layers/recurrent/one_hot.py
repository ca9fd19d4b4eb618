"""Ids as one-hot vectors."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor


@registered
class OneHot(keras.layers.Layer):
    """Ids `(...)` to one-hot vectors `(..., size)`: an embedding that is not learned.

    Args:
        size: Number of ids.
        mask_zero: Whether id 0 is padding, masked as `keras.layers.Embedding` does.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, size: int, mask_zero: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = check_whole("size", size)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero

    def call(self, inputs: Tensor) -> Tensor:
        """One at the id, zero elsewhere."""
        return ops.one_hot(ops.cast(inputs, "int32"), self.size, dtype=self.compute_dtype)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        """False at id 0."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One axis more."""
        return (*input_shape, self.size)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size, "mask_zero": self.mask_zero}
