"""Layers of DiracNets: convolutions that are near the identity by their parametrisation."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.graphs.variables import value_of
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Initializer, Shape, Sizes, Tensor
from keras_classics.layers.image.convolution import ConvolutionLayer
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class DiracConv2D(ConvolutionLayer):
    """Convolution with the kernel `alpha * identity + beta * kernel / ||kernel||`.

    Zagoruyko, Komodakis, "DiracNets: training very deep neural networks without skip-connections",
    arXiv:1706.00388. The identity (Dirac) kernel is 1 at the centre where output and input channel
    have the same index; the norm is taken over each output filter. The paper's has stride 1 and no
    bias. Input `(batch, height, width, channels)`, output `(batch, height', width', filters)`.

    Args:
        filters: Channels of the output.
        kernel_size: Side of the kernel, or its height and width, odd.
        scale: `"channel"` gives every output channel its alpha and beta (version 2),
            `"layer"` one of each to the layer (version 1).
        alpha: Initial value of the identity's scale.
        beta: Initial value of the kernel's scale.
        kernel_initializer: Initialiser of the kernel.
        strides: Step in both directions, or down and to the right.
        padding: `"same"` for zeros around, which keeps the size, or `"valid"`.
        use_bias: Whether there is a bias.
        **kwargs: What else Keras's `Conv2D` takes but for groups: `dilation_rate`, `activation`,
            `bias_initializer`, regularisers, constraints. Those of the kernel are about the
            weight, whose length the layer does not see.

    Raises:
        InputError: `kernel_size` is even, `scale` unknown, or another argument not admitted.

    Example:
        ```python
        layer = kc.layers.DiracConv2D(16, beta=0.0)
        x = np.random.default_rng(0).normal(size=(1, 6, 6, 16)).astype("float32")
        np.allclose(layer(x), x)  # True: it starts as the identity
        ```
    """

    @checked
    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int] = 3,
        scale: str = "channel",
        alpha: float = 1.0,
        beta: float = 0.1,
        kernel_initializer: Initializer = "he_normal",
        *,
        strides: int | tuple[int, int] = 1,
        padding: str = "same",
        use_bias: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            check_whole("filters", filters),
            kernel_size,
            strides,
            padding,
            kernel_initializer=kernel_initializer,
            use_bias=use_bias,
            **kwargs,
        )
        if any(size % 2 == 0 for size in self.kernel_size):
            raise InputError(
                f"kernel_size={kernel_size} was given",
                "odd numbers, because the identity sits in the centre",
                "Use 3, the paper's.",
            )
        check_choice("scale", scale, ("channel", "layer"))
        self.scale = scale
        self.initial_alpha = alpha
        self.initial_beta = beta

    def build(self, input_shape: Sizes) -> None:
        """The kernel, the two scales and the bias."""
        self.check_maps(input_shape)
        # Not cast to half precision, where a small filter's norm would be that of zeros.
        add_weight = partial(self.add_weight, autocast=False)
        self.kernel = add_weight(
            shape=(*self.kernel_size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
            **self.kernel_rules(),
        )
        scales = (self.filters,) if self.scale == "channel" else ()
        constant = keras.initializers.Constant
        self.alpha = add_weight(scales, constant(self.initial_alpha), name="alpha")
        self.beta = add_weight(scales, constant(self.initial_beta), name="beta")
        self.add_bias((self.filters,))

    def effective_kernel(self) -> Tensor:
        """The kernel the convolution uses, `(rows, columns, channels, filters)`."""
        kernel = value_of(self.kernel)
        channels, filters = kernel.shape[2:]
        around = [(size // 2, size // 2) for size in self.kernel_size]
        identity = ops.reshape(
            ops.eye(channels, filters, dtype=kernel.dtype), (1, 1, channels, filters)
        )
        identity = ops.pad(identity, [*around, (0, 0), (0, 0)])
        squares = ops.sum(ops.square(kernel), axis=(0, 1, 2), keepdims=True)
        # The floor only matters for a filter of zeros, which has no direction.
        unit = kernel * ops.rsqrt(ops.maximum(squares, 1e-24))
        return self.alpha * identity + self.beta * unit

    def call(self, inputs: Tensor) -> Tensor:
        """Assemble the kernel and convolve."""
        kernel = ops.cast(self.effective_kernel(), self.compute_dtype)
        return self.finished(self.convolved(inputs, kernel))

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Those of a convolution; assembling the kernel is not counted."""
        return output_shape[1] * output_shape[2] * math.prod(self.kernel.shape)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "alpha": self.initial_alpha,
            "beta": self.initial_beta,
        }


@registered
class NCReLU(ImageLayer):
    """Positive part and negative part side by side: `concatenate(max(x, 0), min(x, 0))`.

    Input `(..., channels)`, output `(..., 2 * channels)`; the two halves add up to the input.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Split by sign."""
        return ops.concatenate([ops.maximum(inputs, 0), ops.minimum(inputs, 0)], axis=-1)

    def compute_output_shape(self, input_shape: Sizes) -> Shape:
        """Twice the channels."""
        return (*input_shape[:-1], 2 * input_shape[-1])
