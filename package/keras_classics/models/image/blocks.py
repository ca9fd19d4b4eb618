"""The blocks all convolutional families are made of, with the package's conventions.

Strided kernels are padded symmetrically, as Caffe and Torch do, and then applied without padding;
Keras's `"same"` would pad one side more. Batch normalisation has the constants the papers' code
used (epsilon 1e-5, momentum 0.9), which are not Keras's defaults.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from keras_classics.core.types import Initializer, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.pooling import PaddedMaxPooling2D


def he_normal(fan: str = "fan_in") -> keras.initializers.Initializer:
    """The initialiser of He et al. 2015: untruncated, variance 2 / fan.

    Args:
        fan: `"fan_in"` as in the paper, `"fan_out"` as in Torch's residual networks.
    """
    return keras.initializers.VarianceScaling(2.0, fan, "untruncated_normal")


def convolution(
    x: Tensor,
    filters: int,
    kernel_size: int,
    strides: int = 1,
    *,
    name: str,
    padding: int | None = None,
    use_bias: bool = False,
    fan: str = "fan_in",
    kernel_initializer: Initializer = None,
    **arguments: Any,
) -> Tensor:
    """Convolution padded on every side: by half its kernel, or by `padding`.

    The kernel starts by a `kernel_initializer`, `he_normal(fan)` by default, with a draw of its
    own.
    """
    amount, mode = kernel_size // 2 if padding is None else padding, "valid"
    if strides == 1 and kernel_size == 2 * amount + 1:
        mode = "same"
    else:
        x = zero_padded(x, amount, name=f"{name}_pad")
    return layers.Conv2D(
        filters,
        kernel_size,
        strides,
        mode,
        use_bias=use_bias,
        kernel_initializer=own_draw(kernel_initializer or he_normal(fan), name),
        name=name,
        **arguments,
    )(x)


def zero_padded(x: Tensor, amount: int, *, name: str) -> Tensor:
    """Zeros on every side; nothing for an amount of 0."""
    return layers.ZeroPadding2D(amount, name=name)(x) if amount else x


def max_pooling(
    x: Tensor, size: int, strides: int, *, name: str, padding: int = 0, ceil_mode: bool = False
) -> Tensor:
    """Maximum pooling with Torch's padding and rounding."""
    if padding or ceil_mode:
        return PaddedMaxPooling2D(size, strides, padding, ceil_mode, name=name)(x)
    return layers.MaxPooling2D(size, strides, name=name)(x)


def normalization(x: Tensor, *, name: str, epsilon: float = 1e-5, affine: bool = True) -> Tensor:
    """Batch normalisation with the papers' constants; not `affine`, without scale and shift."""
    return layers.BatchNormalization(
        momentum=0.9, epsilon=epsilon, center=affine, scale=affine, name=name
    )(x)


def relu(x: Tensor, *, name: str) -> Tensor:
    """Rectifier."""
    return layers.ReLU(name=name)(x)


def norm_relu(x: Tensor, *, name: str, index: int | str = "", epsilon: float = 1e-5) -> Tensor:
    """Batch normalisation and rectifier, as they stand before a convolution (pre-activation)."""
    x = normalization(x, name=f"{name}_norm{index}", epsilon=epsilon)
    return relu(x, name=f"{name}_relu{index}")
