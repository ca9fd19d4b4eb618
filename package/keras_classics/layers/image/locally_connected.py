"""Convolutions that do not share their kernel between positions."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_classics.core.errors import InputError, check_choice, check_pair, check_whole, explain
from keras_classics.core.registration import registered
from keras_classics.core.types import (
    Activation,
    Config,
    Initializer,
    Regularizer,
    Shape,
    Sizes,
    Tensor,
)
from keras_classics.initializers import own_draw
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class LocallyConnected2D(ImageLayer):
    """Convolution with a kernel, and a bias, for every position of the output.

    As in Keras 2, and in Taigman et al., "DeepFace", CVPR 2014: for images whose parts stand at
    known places. The input's height and width must be known, since the weights depend on them.
    Input `(batch, height, width, channels)`, output `(batch, rows, columns, filters)`, with rows
    and columns as a convolution has them.

    The kernel is `(rows, columns, kernel height, kernel width, channels, filters)`, the bias
    `(rows, columns, filters)`.

    Args:
        filters: Channels of the output.
        kernel_size: Side of the square kernels, or their height and width.
        strides: Step in both directions, or down and to the right.
        padding: `"valid"`, or `"same"` for zeros around, as in `Conv2D`.
        activation: Activation of the output.
        use_bias: Whether there are biases.
        kernel_initializer: Initialiser of the kernels. It draws them side by side, as a kernel
            `(kernel height, kernel width, channels, rows * columns * filters)`: the fan-in is that
            of one position, a fan-out would count all of them.
        bias_initializer: Initialiser of the biases.
        kernel_regularizer: Regulariser of the kernels.

    Raises:
        InputError: `padding` is unknown, the input's size is unknown or smaller than the kernel.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        activation: Activation = "linear",
        use_bias: bool = True,
        kernel_initializer: Initializer = "he_normal",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("padding", padding, ("valid", "same"))
        self.filters = check_whole("filters", filters)
        # Lists, as JSON gives them back.
        self.kernel_size = list(check_pair("kernel_size", kernel_size))
        self.strides = list(check_pair("strides", strides))
        self.padding = padding
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape: Sizes) -> None:
        """A kernel and a bias for each position."""
        _, rows, columns, _ = self.compute_output_shape(input_shape)
        if not (rows and columns):
            raise InputError(
                explain(
                    f"An input of {tuple(input_shape[1:])} was given to {self.name!r}",
                    f"a known height and width, of at least {self.kernel_size} without padding",
                    "Give the model's input a size, or choose a smaller kernel.",
                )
            )
        kernel = (*self.kernel_size, input_shape[-1], rows, columns, self.filters)

        def side_by_side(shape: Sizes, dtype: str | None = None) -> Tensor:
            drawn = self.kernel_initializer(
                (*kernel[:3], rows * columns * self.filters), dtype=dtype
            )
            return ops.transpose(ops.reshape(drawn, kernel), (3, 4, 0, 1, 2, 5))

        self.kernel = self.add_weight(
            (rows, columns, *kernel[:3], self.filters),
            side_by_side,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        if self.use_bias:
            draw = own_draw(self.bias_initializer, "bias")
            self.bias = self.add_weight((rows, columns, self.filters), draw, name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        """Multiply the patch under each position by the position's kernel."""
        rows, columns, *_ = self.kernel.shape
        kernel = ops.reshape(self.kernel, (rows, columns, -1, self.filters))
        outputs = ops.einsum("bhwk,hwkf->bhwf", self._patches(inputs), kernel)
        return self.activation(outputs + self.bias if self.use_bias else outputs)

    def _patches(self, inputs: Tensor) -> Tensor:
        """What each position sees, `(batch, rows, columns, height * width * channels)`."""
        rows, columns, *_ = self.kernel.shape
        if self.padding == "same":
            missing = [
                max(0, (positions - 1) * step + size - side)
                for positions, step, size, side in zip(
                    (rows, columns), self.strides, self.kernel_size, inputs.shape[1:3], strict=True
                )
            ]
            around = [(amount // 2, amount - amount // 2) for amount in missing]
            inputs = ops.pad(inputs, [(0, 0), *around, (0, 0)])
        down, right = self.strides
        # Slices, not ops.image.extract_patches: that convolves with an identity of k k channels
        # by k k channels, more work than the layer's own.
        return ops.concatenate(
            [
                inputs[
                    :,
                    top : top + (rows - 1) * down + 1 : down,
                    left : left + (columns - 1) * right + 1 : right,
                ]
                for top in range(self.kernel_size[0])
                for left in range(self.kernel_size[1])
            ],
            axis=-1,
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Sizes of a convolution; unknown ones stay unknown."""
        batch, *sides, _ = input_shape
        lost = self.kernel_size if self.padding == "valid" else (1, 1)
        positions = [
            None if side is None else max(0, -(-(side - size + 1) // step))
            for side, size, step in zip(sides, lost, self.strides, strict=True)
        ]
        return (batch, *positions, self.filters)

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Each weight of the kernels is used once."""
        return math.prod(self.kernel.shape)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
