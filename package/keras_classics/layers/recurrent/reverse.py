"""Sequences back to front, padding left where it is."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import LARGEST, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor


@registered
class ReverseSequence(keras.layers.Layer):
    """Reverses the valid steps of sequences that are padded on the right.

    Sutskever, Vinyals, Le (NeurIPS 2014, arXiv:1409.3215) feed the source this way, which brings
    its first words close to the first words of the translation. Applied twice it changes nothing.

    Input ids `(batch, time)` or features `(batch, time, features)`; output of the same shape.
    Which steps are valid is told by the mask (Keras's own, or given as `mask`, bool
    `(batch, time)`); ids without one are valid where they differ from `pad`, and features without
    one are valid throughout.

    Args:
        pad: Id of padding.

    Raises:
        InputError: It is no id.
    """

    @checked
    def __init__(self, pad: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.pad = check_whole("pad", pad, -LARGEST)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The reversed sequences."""
        if mask is None and len(inputs.shape) == 3:
            return ops.flip(inputs, axis=1)
        valid = ops.cast(inputs != self.pad if mask is None else mask, "int32")
        positions = ops.arange(ops.shape(inputs)[1], dtype="int32")
        mirrored = ops.sum(valid, axis=1, keepdims=True) - 1 - positions
        source = ops.where(mirrored >= 0, mirrored, positions)
        if len(inputs.shape) == 3:
            source = source[:, :, None]
        return ops.take_along_axis(inputs, source, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's."""
        return input_shape

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "pad": self.pad}
