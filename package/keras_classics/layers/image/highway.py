"""Layers that learn how much of their input to let through unchanged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
from keras import layers, ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Initializer, Shape, Sizes, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.image_layer import ImageLayer
from keras_classics.layers.kernel_layer import RuledLayer

# A kernel and a bias.
Affine: TypeAlias = tuple[keras.Variable, keras.Variable]


class _Gated(RuledLayer):
    """`H(x) T(x) + x C(x)`: what dense and convolutional highway layers have in common."""

    @checked
    def __init__(
        self,
        activation: Activation = "relu",
        transform_bias: float = -1.0,
        carry_gate: bool = False,
        kernel_initializer: Initializer = "he_normal",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.transform_bias = transform_bias
        self.carry_gate = carry_gate
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def kernel_shape(self, channels: int) -> Sizes:
        """Shape of each kernel, from `channels` to as many."""
        raise NotImplementedError

    def affine(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The layer's linear map, without bias."""
        raise NotImplementedError

    def build(self, input_shape: Sizes) -> None:
        """A kernel and a bias for the transformation and for each gate."""
        self.transformation = self._weights("transformation", 0.0, input_shape[-1])
        self.transform = self._weights("transform", self.transform_bias, input_shape[-1])
        if self.carry_gate:
            # The carry gate starts as open as the transform gate starts closed.
            self.carry = self._weights("carry", -self.transform_bias, input_shape[-1])

    def _weights(self, name: str, bias: float, channels: int) -> Affine:
        return (
            self.add_weight(
                shape=self.kernel_shape(channels),
                initializer=own_draw(self.kernel_initializer, name),
                name=f"{name}_kernel",
                **self.kernel_rules(),
            ),
            self.add_weight(
                shape=(channels,),
                initializer=keras.initializers.Constant(bias),
                name=f"{name}_bias",
                **self.bias_rules(),
            ),
        )

    def _map(self, inputs: Tensor, weights: Affine) -> Tensor:
        kernel, bias = weights
        return self.affine(inputs, kernel) + bias

    def call(self, inputs: Tensor) -> Tensor:
        """Transform, and carry the rest."""
        transformed = self.activation(self._map(inputs, self.transformation))
        transform = ops.sigmoid(self._map(inputs, self.transform))
        if self.carry_gate:
            carry = ops.sigmoid(self._map(inputs, self.carry))
        else:
            carry = 1.0 - transform
        return transformed * transform + inputs * carry

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Same as the input's."""
        return input_shape

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "transform_bias": self.transform_bias,
            "carry_gate": self.carry_gate,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@registered
class Highway(_Gated):
    """Dense highway layer: `y = H(x) T(x) + x (1 - T(x))`, as many units as inputs.

    Srivastava, Greff, Schmidhuber, "Training very deep networks", NIPS 2015. `H` is a dense layer
    with an activation, the transform gate `T` one with a sigmoid. Input and output
    `(..., units)`.

    Args:
        activation: Activation of `H`.
        transform_bias: Initial bias of `T`; negative, so that a deep network starts by carrying.
        carry_gate: A carry gate of its own in place of `1 - T`.
        kernel_initializer: Initialiser of the kernels.
        **kwargs: Regularisers and constraints of kernels and biases, as Keras's layers take them.

    Example:
        ```python
        layer = kc.layers.Highway(transform_bias=-3.0)
        layer(np.zeros((2, 50))).shape  # (2, 50)
        ```
    """

    def kernel_shape(self, channels: int) -> Sizes:
        """Square."""
        return (channels, channels)

    def affine(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Matrix product."""
        return ops.matmul(inputs, kernel)

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """One matrix for the transformation and for each gate."""
        return (2 + self.carry_gate) * math.prod(input_shape[1:]) * input_shape[-1]


@registered
class ConvHighway(ImageLayer, _Gated):
    """Convolutional highway layer: `y = H(x) T(x) + x (1 - T(x))`, size and channels kept.

    Srivastava, Greff, Schmidhuber, "Training very deep networks", NIPS 2015. `H` and `T` are
    convolutions of the same kernel. Input and output `(batch, height, width, channels)`.

    Args:
        kernel_size: Side of both kernels.
        activation: Activation of `H`.
        transform_bias: Initial bias of `T`; negative, so that a deep network starts by carrying.
        carry_gate: A carry gate of its own in place of `1 - T`.
        kernel_initializer: Initialiser of the kernels.
        **kwargs: Regularisers and constraints of kernels and biases, as Keras's layers take them.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, kernel_size: int = 3, **kwargs: Any):
        super().__init__(**kwargs)
        self.kernel_size = check_whole("kernel_size", kernel_size)

    def kernel_shape(self, channels: int) -> Sizes:
        """Square window, channels to as many."""
        return (self.kernel_size, self.kernel_size, channels, channels)

    def affine(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Convolution of stride 1 that keeps the size."""
        return ops.conv(inputs, kernel, 1, "same")

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """One convolution for the transformation and for each gate."""
        _, height, width, channels = output_shape
        one = height * width * self.kernel_size**2 * channels**2
        return (2 + self.carry_gate) * one

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "kernel_size": self.kernel_size}


@registered
class HighwayMerge(layers.Layer):
    """A learned mixture of what came in and what was made of it: `t H + (1 - t) x`.

    The gate `t = sigmoid(x W + b)` looks at what came in. Called on `[x, H]`, both
    `(..., units)`, of which `H` may be the output of any layer, a recurrent one for example.

    Args:
        transform_bias: Initial bias of the gate; negative, so that a deep stack starts by carrying.
    """

    @checked
    def __init__(self, transform_bias: float = -1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.transform_bias = transform_bias
        self.supports_masking = True

    def build(self, input_shape: Sequence[Shape]) -> None:
        """The gate's kernel and bias."""
        units = input_shape[0][-1]
        self.kernel = self.add_weight((units, units), "glorot_uniform", name="kernel")
        bias = keras.initializers.Constant(self.transform_bias)
        self.bias = self.add_weight((units,), bias, name="bias")

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Transform, and carry the rest."""
        carried, transformed = inputs
        gate = ops.sigmoid(ops.matmul(carried, self.kernel) + self.bias)
        return gate * transformed + (1.0 - gate) * carried

    def compute_mask(
        self, inputs: Sequence[Tensor], mask: Sequence[Tensor | None] | None = None
    ) -> Tensor | None:
        """That of what came in."""
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """That of what came in."""
        return input_shape[0]

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """The gate's matrix."""
        return math.prod(output_shape[1:]) * output_shape[-1]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "transform_bias": self.transform_bias}
