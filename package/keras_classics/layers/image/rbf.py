"""Radial basis functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Sizes, Tensor


@registered
class EuclideanRBF(keras.layers.Layer):
    """LeNet-5's output layer: squared Euclidean distance to one code per class.

    `y_i = sum_j (x_j - code_ij)^2`; the smallest wins, so `-y` are logits. Input
    `(batch, features)`, output `(batch, units)`.

    Args:
        units: Number of classes.
        codes: `units` rows of `features` numbers, fixed; random +-1 codes when left out.
        trainable_codes: Whether the codes learn. They are fixed in the paper.
        seed: Seed of the random codes; by default that of `keras.utils.set_random_seed`.

    Raises:
        InputError: `codes` has another shape than `(units, features)`.
    """

    @checked
    def __init__(
        self,
        units: int,
        codes: Sequence[Sequence[float]] | None = None,
        trainable_codes: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = check_whole("units", units)
        self.codes = None if codes is None else [list(map(float, row)) for row in codes]
        self.trainable_codes = trainable_codes
        self.seed = None if seed is None else check_whole("seed", seed, 0)

    def build(self, input_shape: Sizes) -> None:
        """The table of codes."""
        shape = (self.units, input_shape[-1])
        initializer: Callable[..., Tensor]
        if self.codes is None:
            initializer = partial(_random_signs, seed=self.seed)
        elif (len(self.codes), len(self.codes[0])) == shape:
            initializer = lambda shape, dtype: ops.convert_to_tensor(self.codes, dtype)  # noqa: E731
        else:
            raise InputError(
                f"Codes of shape {(len(self.codes), len(self.codes[0]))} were given",
                f"shape {shape}: one row per class, one column per feature",
                "Change the codes, the units or the width of the layer before.",
            )
        self.table = self.add_weight(
            shape=shape, initializer=initializer, trainable=self.trainable_codes, name="codes"
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Squared distances, by the binomial formula so that no difference tensor is made."""
        cross = ops.matmul(inputs, ops.transpose(self.table))
        lengths = ops.sum(ops.square(inputs), axis=-1, keepdims=True)
        return lengths - 2.0 * cross + ops.sum(ops.square(self.table), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One distance for each class."""
        return (*input_shape[:-1], self.units)

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """One multiplication for each code entry."""
        return self.units * input_shape[-1]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "codes": self.codes,
            "trainable_codes": self.trainable_codes,
            "seed": self.seed,
        }


def _random_signs(shape: Sizes, dtype: str, seed: int | None) -> Tensor:
    return ops.sign(keras.random.uniform(shape, -1.0, 1.0, dtype=dtype, seed=seed))
