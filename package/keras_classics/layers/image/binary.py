"""Layers that compute with signs: of their weights, or of their weights and inputs.

Rastegari, Ordonez, Redmon, Farhadi, "XNOR-Net: ImageNet classification using binary convolutional
neural networks", ECCV 2016. A filter `W` becomes `alpha * sign(W)` with `alpha = mean |W|`, the
best such approximation. The real weights are stored, receive the gradient and are turned into
signs again at every use. The sign of 0 is +1.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.graphs.variables import value_of
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Initializer, Shape, Sizes, Tensor
from keras_classics.layers.image.convolution import ConvolutionLayer
from keras_classics.layers.kernel_layer import KernelLayer

# Steepness of `swish_sign`, the one its paper trains with most.
SWISH_BETA = 5.0
# No filter's scale is smaller, so that a filter of zeros still learns.
SMALLEST_SCALE = 1e-20


def _swish_slope(x: Tensor) -> Tensor:
    z = SWISH_BETA * x
    s = ops.sigmoid(z)
    return 2 * SWISH_BETA * s * (1 - s) * (2 + z * (1 - 2 * s))


# What stands in for the derivative of the sign, which is 0 wherever it exists.
SLOPES = {
    "clipped_identity": lambda x: ops.cast(ops.abs(x) <= 1, x.dtype),
    "approx_sign": lambda x: ops.maximum(2 - 2 * ops.abs(x), 0),
    "swish_sign": _swish_slope,
}


@checked
def binary_sign(x: Tensor, estimator: str = "clipped_identity") -> Tensor:
    """Sign with a derivative that lets gradients through, +1 at 0.

    Args:
        x: Tensor of any shape.
        estimator: What stands in for the derivative. `"clipped_identity"`: 1 for `|x| <= 1`
            (straight-through; Rastegari et al. 2016). `"approx_sign"`: `max(0, 2 - 2 |x|)`, from a
            piecewise polynomial (Liu et al., "Bi-Real Net", ECCV 2018). `"swish_sign"`: the
            derivative of `2 s(bx) (1 + bx (1 - s(bx))) - 1` with the sigmoid `s` and `b = 5`
            (Darabi et al., "Regularized binary network training", 2018).

    Returns:
        -1 and +1, in the shape and type of `x`.

    Raises:
        InputError: The estimator is unknown.
    """
    check_choice("estimator", estimator, tuple(SLOPES))
    x = ops.convert_to_tensor(x)
    return _with_slope(_sign(x), x, SLOPES[estimator](x))


def _sign(x: Tensor) -> Tensor:
    return 2 * ops.cast(x >= 0, x.dtype) - 1


def _with_slope(value: Tensor, x: Tensor, slope: Tensor) -> Tensor:
    """`value` to the last bit, whose derivative with respect to `x` is `slope`."""
    return ops.stop_gradient(value) + ops.stop_gradient(slope) * (x - ops.stop_gradient(x))


def centered_and_clamped(kernel: Tensor) -> Tensor:
    """Each filter less its mean over the input channels, then limited to [-1, 1]."""
    return ops.clip(kernel - ops.mean(kernel, axis=-2, keepdims=True), -1, 1)


class BinaryLayer(KernelLayer):
    """What the binary layers share: signs, scales and gradients.

    With respect to a weight the gradient is the paper's, the one with respect to the approximated
    weight `alpha * sign(W)` times `1 / n + alpha * 1[|W| <= 1]`, `n` being the weights of a filter.

    Args:
        binarize: `"weights"` (Binary-Weight-Network) or `"weights_and_inputs"` (XNOR-Net).
        input_scale: With binary inputs, multiply by the scales of the inputs (the paper's K): the
            mean magnitude of what each output sees. The authors' code leaves them out. They are
            differentiated like any other product.
        estimator: Derivative of the inputs' sign, see `binary_sign`.
        center_clamp: Train as the authors' code does: after every update each filter is centred
            across the input channels and limited to [-1, 1], and its gradient is multiplied by
            `n (1 - 1 / channels)`, without weights that reached a limit in the second term.
        kernel_initializer: Initialiser of the real weights.
        **kwargs: The other arguments of Keras's layers with a kernel: `activation`, `use_bias`,
            `bias_initializer`, regularisers and constraints. Those of the kernel are about the
            real weights.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(
        self,
        *,
        binarize: str = "weights_and_inputs",
        input_scale: bool = True,
        estimator: str = "clipped_identity",
        center_clamp: bool = False,
        kernel_initializer: Initializer = "he_normal",
        **kwargs: Any,
    ):
        super().__init__(kernel_initializer=kernel_initializer, **kwargs)
        check_choice("binarize", binarize, ("weights", "weights_and_inputs"))
        check_choice("estimator", estimator, tuple(SLOPES))
        self.binarize = binarize
        self.input_scale = input_scale
        self.estimator = estimator
        self.center_clamp = center_clamp
        if center_clamp and self.kernel_constraint is not None:
            raise InputError(
                f"kernel_constraint and center_clamp=True were given to {self.name!r}",
                "one of them: center_clamp is a constraint of the kernel",
                "Leave kernel_constraint out.",
            )

    @property
    def binary_inputs(self) -> bool:
        """Whether the inputs become signs too."""
        return self.binarize == "weights_and_inputs"

    def add_kernel(self, shape: Sizes) -> None:
        """The real weights `(..., channels, filters)` and the bias."""
        if self.center_clamp and shape[-2] == 1:
            raise InputError(
                f"center_clamp=True was given to {self.name!r}, which has one input channel",
                "two or more, because centring leaves nothing of one",
                "Leave center_clamp out.",
            )
        # Not cast to half precision, which would ruin means over thousands of weights.
        rules = self.kernel_rules()
        if self.center_clamp:
            rules["constraint"] = centered_and_clamped
        self.kernel = self.add_weight(
            shape=shape, initializer=self._first_kernel, autocast=False, name="kernel", **rules
        )
        self.add_bias(shape[-1:])

    def _first_kernel(self, shape: Sizes, dtype: str) -> Tensor:
        kernel = self.kernel_initializer(shape, dtype=dtype)
        return centered_and_clamped(kernel) if self.center_clamp else kernel

    def binary_kernel(self) -> tuple[Tensor, Tensor]:
        """Signs of the weights, `(..., channels, filters)`, and alpha, `(filters,)`."""
        kernel = value_of(self.kernel)
        channels, weights = kernel.shape[-2], math.prod(kernel.shape[:-1])
        magnitude = ops.abs(kernel)
        mean = ops.mean(magnitude, axis=tuple(range(len(kernel.shape) - 1)))
        scales = ops.stop_gradient(ops.maximum(mean, SMALLEST_SCALE))
        inside, factor = magnitude <= 1, 1.0
        if self.center_clamp:
            inside, factor = magnitude < 1, weights * (1 - 1 / channels)
        slope = factor * (1 / weights + scales * ops.cast(inside, kernel.dtype))
        # The scales multiply the output, and the gradient before it comes here.
        signs = _with_slope(_sign(kernel), kernel, slope / scales)
        return ops.cast(signs, self.compute_dtype), ops.cast(scales, self.compute_dtype)

    def call(self, inputs: Tensor) -> Tensor:
        """Product of signs, then the scales, the bias and the activation."""
        signs, scales = self.binary_kernel()
        if not self.binary_inputs:
            outputs = self.product(inputs, signs) * scales
        else:
            outputs = self.product(binary_sign(inputs, self.estimator), signs) * scales
            if self.input_scale:
                outputs = outputs * self.input_scales(inputs)
        return self.finished(outputs)

    def product(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The layer's product of inputs and kernel, without scales and bias."""
        raise NotImplementedError

    def input_scales(self, inputs: Tensor) -> Tensor:
        """The paper's K, one for each position of the output: `(..., 1)`."""
        raise NotImplementedError

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Those of the same layer with real weights, which here are additions or XNORs."""
        return math.prod(output_shape[1:-1]) * math.prod(self.kernel.shape)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "binarize": self.binarize,
            "input_scale": self.input_scale,
            "estimator": self.estimator,
            "center_clamp": self.center_clamp,
        }


@registered
class BinaryConv2D(ConvolutionLayer, BinaryLayer):
    """Convolution with binary weights, or with binary weights and inputs.

    Rastegari et al., "XNOR-Net", ECCV 2016. `conv(sign(I), sign(W)) * alpha * K + bias`, where `K`
    is the mean of `|I|` over the window and its channels; with binary weights only,
    `conv(I, sign(W)) * alpha + bias`. Input `(batch, height, width, channels)`, output
    `(batch, height', width', filters)`.

    The padding is put around the signs, not around the inputs: it is a third value, 0, that adds
    nothing to the product, and counts as 0 in `K`.

    Args:
        filters: Channels of the output.
        kernel_size: Side of the kernel, or its height and width.
        strides: Step in both directions, or down and to the right.
        padding: Zeros on every side; half the kernel by default. Or `"valid"` for none and `"same"`
            for as many as Keras's convolutions put there.
        **kwargs: Arguments of all binary layers, `binarize`, `input_scale`, `estimator` and
            `center_clamp`, see `BinaryLayer`; and what Keras's `Conv2D` takes but for groups:
            `dilation_rate`, `activation`, `use_bias`, initialisers, regularisers, constraints.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        layer = kc.layers.BinaryConv2D(16, 3, binarize="weights")
        layer(np.zeros((2, 32, 32, 3))).shape  # (2, 32, 32, 16)
        ```
    """

    @checked
    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int] = 3,
        strides: int | tuple[int, int] = 1,
        padding: int | str | None = None,
        **kwargs: Any,
    ):
        filters = check_whole("filters", filters)
        super().__init__(filters, kernel_size, strides, padding, **kwargs)

    def checked_padding(self, padding: Any) -> Any:
        """Zeros on every side, None, `"valid"` or `"same"`."""
        if isinstance(padding, str):
            return super().checked_padding(padding)
        remedy = "Leave padding out for half the kernel on every side, or pass 0 for none."
        return None if padding is None else check_whole("padding", padding, 0, remedy)

    @property
    def margins(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Zeros above and below, left and right; None for `"same"`, which asks for the size."""
        return None if self.padding == "same" else self._own_margins()

    def _own_margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Zeros of every padding but `"same"`."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        rows, columns = (
            size // 2 if self.padding is None else self.padding for size in self.window
        )
        return (rows, rows), (columns, columns)

    def build(self, input_shape: Sizes) -> None:
        """The real weights and the bias."""
        self.check_maps(input_shape)
        self.add_kernel((*self.kernel_size, input_shape[-1], self.filters))

    def product(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Convolution."""
        return self.convolved(inputs, kernel)

    def convolved(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The convolution, with the layer's own paddings too."""
        if isinstance(self.padding, str):
            return super().convolved(inputs, kernel)
        margins = self._own_margins()
        if any(map(sum, margins)):
            inputs = ops.pad(inputs, [(0, 0), *margins, (0, 0)])
        return ops.conv(inputs, kernel, self.strides, "valid", dilation_rate=self.dilation_rate)

    def input_scales(self, inputs: Tensor) -> Tensor:
        """Mean magnitude of each window: `(batch, height', width', 1)`."""
        mean = ops.mean(ops.abs(inputs), axis=-1, keepdims=True)
        box = ops.ones((*self.kernel_size, 1, 1), mean.dtype) / math.prod(self.kernel_size)
        return self.convolved(mean, box)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Sizes of the padded convolution."""
        if isinstance(self.padding, str):
            return super().compute_output_shape(input_shape)
        batch, *sides, _ = input_shape
        positions = [
            None if side is None else max(0, (side + sum(zeros) - size) // step + 1)
            for side, zeros, size, step in zip(
                sides, self._own_margins(), self.window, self.strides, strict=True
            )
        ]
        return (batch, *positions, self.filters)


@registered
class BinaryDense(BinaryLayer):
    """Dense layer with binary weights, or with binary weights and inputs.

    Rastegari et al., "XNOR-Net", ECCV 2016. `(sign(x) @ sign(W)) * alpha * mean |x| + bias`; with
    binary weights only, `(x @ sign(W)) * alpha + bias`. Input `(..., features)`, output
    `(..., units)`.

    Args:
        units: Size of the output.
        **kwargs: Arguments of all binary layers, `binarize`, `input_scale`, `estimator` and
            `center_clamp`, see `BinaryLayer`; and what Keras's `Dense` takes: `activation`,
            `use_bias`, initialisers, regularisers, constraints.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = keras.Sequential(
            [keras.Input((64,)), kc.layers.BinaryDense(16), kc.layers.BinaryDense(5)]
        )
        model(np.random.default_rng(0).normal(size=(4, 64))).shape  # (4, 5)
        ```
    """

    @checked
    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = check_whole("units", units)

    def build(self, input_shape: Sizes) -> None:
        """The real weights and the bias."""
        self.add_kernel((input_shape[-1], self.units))

    def product(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Matrix product."""
        return ops.matmul(inputs, kernel)

    def input_scales(self, inputs: Tensor) -> Tensor:
        """Mean magnitude of each vector: `(..., 1)`."""
        return ops.mean(ops.abs(inputs), axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """`units` instead of the features."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units}
