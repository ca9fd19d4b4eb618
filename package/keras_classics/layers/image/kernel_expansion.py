"""Sums of kernels at examples: what the representer theorem says a kernel machine is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_positive, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Sizes, Tensor

KERNELS = ("linear", "polynomial", "gaussian")


@registered
class KernelExpansion(keras.layers.Layer):
    """`f(x) = sum_i c_i k(x_i, x) + b` over examples that are kept.

    Aizerman, Braverman, Rozonoer, "Theoretical foundations of the potential function method in
    pattern recognition learning", 1964. The examples are weights that do not learn.

    Args:
        units: Sums over the same examples.
        examples: How many are kept.
        kernel: `"linear"`, `x . x'`; `"polynomial"`, `(offset + x . x')^degree`; or `"gaussian"`,
            `exp(-|x - x'|^2 / (2 width^2))`.
        degree: Of the polynomial.
        offset: Of the polynomial, above 0: then all lower degrees are in it.
        width: Of the Gaussian.
    """

    @checked
    def __init__(
        self,
        units: int,
        examples: int,
        kernel: str = "gaussian",
        degree: int = 2,
        offset: float = 1.0,
        width: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("kernel", kernel, KERNELS)
        self.units = check_whole("units", units)
        self.examples = check_whole("examples", examples)
        self.kernel = kernel
        self.degree = check_whole("degree", degree)
        self.offset = check_positive("offset", offset)
        self.width = check_positive("width", width)

    def build(self, input_shape: Sizes) -> None:
        """Examples, coefficients and biases, zero before they are set."""
        self.kept = self.add_weight(
            (self.examples, input_shape[-1]), "zeros", trainable=False, name="examples"
        )
        self.coefficients = self.add_weight(
            (self.examples, self.units), "zeros", name="coefficients"
        )
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        """`(batch, units)`."""
        kept = ops.convert_to_tensor(self.kept)
        if self.kernel == "gaussian":
            # Far from the origin a square would leave nothing of the distance in single precision.
            centre = ops.mean(kept, axis=0)
            inputs, kept = inputs - centre, kept - centre
        products = ops.matmul(inputs, ops.transpose(kept))
        own = ops.sum(ops.square(inputs), axis=-1, keepdims=True)
        other = ops.sum(ops.square(kept), axis=-1)
        values = self._of(products, own, other, _exponential)
        return ops.matmul(values, self.coefficients) + self.bias

    def gram(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The kernel at each pair of rows, float64 `(first, second)`."""
        one, other = np.asarray(first, "float64"), np.asarray(second, "float64")
        squares = np.sum(one**2, axis=1, keepdims=True), np.sum(other**2, axis=1)
        return self._of(one @ other.T, *squares, lambda x: np.exp(np.minimum(x, 0)))

    def _of(self, products: Any, own: Any, other: Any, exp: Callable[[Any], Any]) -> Any:
        if self.kernel == "linear":
            return products
        if self.kernel == "polynomial":
            return (products + self.offset) ** self.degree
        return exp((2 * products - own - other) / (2 * self.width**2))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One sum for each unit."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "examples": self.examples,
            "kernel": self.kernel,
            "degree": self.degree,
            "offset": self.offset,
            "width": self.width,
        }


def _exponential(values: Tensor) -> Tensor:
    """Of what is below zero but for rounding."""
    return ops.exp(ops.minimum(values, 0.0))
