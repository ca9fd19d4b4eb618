"""Shortcuts of residual networks that have no weights."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class ZeroPaddedShortcut(ImageLayer):
    """Option A of the ResNet paper: keep every `strides`-th pixel, append channels of zeros.

    Input `(batch, height, width, channels)`, output
    `(batch, ceil(height / strides), ceil(width / strides), filters)`.

    Args:
        filters: Channels of the output, not fewer than the input's.
        strides: Step in both directions.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, filters: int, strides: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = check_whole("filters", filters)
        self.strides = check_whole("strides", strides)

    def call(self, inputs: Tensor) -> Tensor:
        """Subsample and pad."""
        kept = inputs[:, :: self.strides, :: self.strides, :]
        missing = self.filters - inputs.shape[-1]
        return ops.pad(kept, [(0, 0), (0, 0), (0, 0), (0, missing)])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Subsampled size, `filters` channels."""
        batch, height, width, _ = input_shape
        kept = [None if side is None else -(-side // self.strides) for side in (height, width)]
        return (batch, *kept, self.filters)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}
