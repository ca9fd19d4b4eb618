"""Layers that know the numbers of their file will have few bits.

Weights and inputs are rounded as the file will round them (Keras's `fake_quant_with_min_max_vars`),
and gradients pass through the rounding as if it were not there, where nothing is cut off. Jacob et
al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
CVPR 2018, arXiv:1712.05877.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Sizes, Tensor, Whole

# Of the range seen so far, what a batch in training leaves.
MOMENTUM = 0.99
# Ranges are no narrower, so that there is something to divide by.
_NARROWEST = 1e-6


class _FakeQuant(keras.layers.Layer):
    """Rounding of inputs and kernel: mixed into a layer that has both, before it."""

    @checked
    def __init__(self, *args: Any, bits: Whole = 8, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bits = check_whole("bits", bits, 2)

    def build(self, input_shape: Sizes) -> None:
        """The layer's own weights and the range `(2,)` of its inputs."""
        super().build(input_shape)
        # In half precision too: beside large inputs the least would be lost.
        self.range = self.add_weight(
            (2,), "zeros", dtype="float32", trainable=False, autocast=False, name="range"
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """What the layer computes, of rounded numbers."""
        if training:
            low, high = ops.min(inputs), ops.max(inputs)
            seen = ops.cast(ops.stack([ops.minimum(low, 0.0), ops.maximum(high, 0.0)]), "float32")
            self.range.assign(MOMENTUM * self.range + (1 - MOMENTUM) * seen)
        low, high = self.range[0], ops.maximum(self.range[1], self.range[0] + _NARROWEST)
        return super().call(_rounded(inputs, low, high, self.bits))

    @property
    def kernel(self) -> Tensor:
        """The kernel as it is multiplied: each filter rounded within its own largest number."""
        kernel = super().kernel
        axes = list(range(len(kernel.shape) - 1))
        most = ops.stop_gradient(ops.max(ops.abs(kernel), axis=axes))
        most = ops.maximum(most, _NARROWEST)
        return _rounded(kernel, -most, most, self.bits, narrow_range=True, axis=-1)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """All weights: Keras's layers of this kind know only of their own, and read `kernel`."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """What `save_own_variables` has written."""
        keras.layers.Layer.load_own_variables(self, store)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "bits": self.bits}


@registered
class FakeQuantConv2D(_FakeQuant, keras.layers.Conv2D):
    """`keras.layers.Conv2D` of inputs and kernels that are rounded.

    Args:
        *args: As for `keras.layers.Conv2D`.
        bits: Of the numbers.
        **kwargs: As for `keras.layers.Conv2D`.
    """


@registered
class FakeQuantDense(_FakeQuant, keras.layers.Dense):
    """`keras.layers.Dense` of inputs and kernels that are rounded.

    Args:
        *args: As for `keras.layers.Dense`.
        bits: Of the numbers.
        **kwargs: As for `keras.layers.Dense`.
    """


def _rounded(
    x: Tensor, low: Tensor, high: Tensor, bits: int, narrow_range: bool = False, axis: Any = None
) -> Tensor:
    low, high = (ops.cast(end, "float32") for end in (low, high))
    found = keras.quantizers.fake_quant_with_min_max_vars(
        ops.cast(x, "float32"), low, high, num_bits=bits, narrow_range=narrow_range, axis=axis
    )
    return ops.cast(found, x.dtype)
