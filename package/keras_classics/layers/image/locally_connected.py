"""Convolutions that do not share their kernel between positions."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Initializer, Regularizer, Sizes, Tensor
from keras_classics.layers.image.convolution import ConvolutionLayer, same_margins


@registered
class LocallyConnected2D(ConvolutionLayer):
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
        **kwargs: What else Keras's `Conv2D` takes but for groups: `dilation_rate`,
            `bias_regularizer`, `kernel_constraint`, `bias_constraint`.

    Raises:
        InputError: An argument is not admitted, the input's size is unknown or smaller than the
            kernel.
    """

    @checked
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
        super().__init__(
            check_whole("filters", filters),
            kernel_size,
            strides,
            padding,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )

    def build(self, input_shape: Sizes) -> None:
        """A kernel and a bias for each position."""
        _, rows, columns, _ = self.compute_output_shape(input_shape)
        if not (rows and columns):
            raise InputError(
                f"An input of {tuple(input_shape[1:])} was given to {self.name!r}",
                f"a known height and width, of at least {self.window} without padding",
                "Give the model's input a size, or choose a smaller kernel.",
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
            name="kernel",
            **self.kernel_rules(),
        )
        self.add_bias((rows, columns, self.filters))

    def call(self, inputs: Tensor) -> Tensor:
        """Multiply the patch under each position by the position's kernel."""
        rows, columns, *_ = self.kernel.shape
        kernel = ops.reshape(self.kernel, (rows, columns, -1, self.filters))
        outputs = ops.einsum("bhwk,hwkf->bhwf", self._patches(inputs), kernel)
        return self.finished(outputs)

    def _patches(self, inputs: Tensor) -> Tensor:
        """What each position sees, `(batch, rows, columns, height * width * channels)`."""
        rows, columns, *_ = self.kernel.shape
        if self.padding == "same":
            around = same_margins(inputs.shape[1:3], self.window, self.strides)
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
                for top in range(0, self.window[0], self.dilation_rate[0])
                for left in range(0, self.window[1], self.dilation_rate[1])
            ],
            axis=-1,
        )

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Each weight of the kernels is used once."""
        return math.prod(self.kernel.shape)
