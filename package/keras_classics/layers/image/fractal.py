"""Drop-path of FractalNets: joins that leave out paths at random, and the draw all joins share.

Larsson, Maire, Shakhnarovich, "FractalNet: ultra-deep neural networks without residuals", ICLR
2017. Drop-path is of two kinds, drawn for each example. Local: every join drops each of its inputs
on its own. Global: one column is drawn for the whole network, and every join passes only that
column, so that each column learns to be a network by itself. Which kind, and which column, is one
draw (`ColumnDraw`) that all joins of a network receive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_probability,
    check_rate,
    check_whole,
    check_wholes,
)
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor


@registered
class ColumnDraw(keras.layers.Layer):
    """Draws for each example a column for global drop-path, or 0 for local drop-path.

    Input `(batch, ...)`, of which only the length matters; output `(batch,)` of whole numbers from
    0 to `columns`. At inference all are 0, and joins do not look at them.

    Args:
        columns: Number of columns of the network.
        rate: Share of the examples that get a column, each column as often as the others.
        seed: Seed of the draws.

    Raises:
        InputError: `rate` is no probability.
    """

    @checked
    def __init__(self, columns: int, rate: float = 0.5, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        remedy = "Use 0.5, the paper's, or 0 for local drop-path alone."
        self.columns = check_whole("columns", columns)
        self.rate = check_probability("rate", rate, remedy)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """One whole number an example."""
        shape = (ops.shape(inputs)[0],)
        if not training:
            return ops.zeros(shape, "int32")
        numbers = keras.random.randint(shape, 1, self.columns + 1, seed=self.seed_generator)
        draws = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return ops.where(draws < self.rate, numbers, 0)

    def compute_output_spec(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """A vector of whole numbers."""
        return keras.KerasTensor((inputs.shape[0],), dtype="int32")

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "columns": self.columns,
            "rate": self.rate,
            "seed": self.seed,
        }


@registered
class FractalJoin(keras.layers.Layer):
    """Element-wise mean of the inputs that survive drop-path; of all inputs at inference.

    Inputs: the network's `ColumnDraw` `(batch,)`, then one tensor `(batch, ...)` for each of
    `columns`, all of one shape, which is the output's. An example with a drawn column keeps the
    input from that column. A join that column does not enter keeps all inputs: what it gives is
    dropped by a later join, which the column does enter.

    Args:
        columns: Numbers, from 1, of the columns that are joined, in the order of the inputs.
        rate: Probability that local drop-path drops an input. Where it would drop all, one is
            kept, each as often as the others.
        seed: Seed of the draws.

    Raises:
        InputError: `rate` is no probability below 1, or there are not as many inputs as columns.
    """

    @checked
    def __init__(
        self, columns: Sequence[int], rate: float = 0.15, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.columns = list(check_wholes("columns", columns))
        self.rate = check_rate("rate", rate, "Use 0.15, the paper's, or 0 to drop nothing.")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """No weights; counts the inputs."""
        if len(input_shape) != 1 + len(self.columns):
            raise InputError(
                f"{len(input_shape)} inputs were given to {self.name!r}",
                f"a column draw and {len(self.columns)} tensors",
                "Give one tensor for each number in columns.",
            )

    def call(self, inputs: Sequence[Tensor], training: bool | None = None) -> Tensor:
        """Mean over the kept inputs."""
        draw, *paths = inputs
        if not training:
            return sum(paths) / len(paths)
        kept = self._kept(draw)
        ones = (-1, *(1,) * (len(paths[0].shape) - 1))
        masks = [ops.reshape(kept[:, place], ones) for place in range(len(paths))]
        # Chosen, not multiplied: an overflow in a path that is dropped stays out.
        chosen = [ops.where(mask, x, 0) for mask, x in zip(masks, paths, strict=True)]
        return sum(chosen) / sum(ops.cast(mask, self.compute_dtype) for mask in masks)

    def _kept(self, draw: Tensor) -> Tensor:
        shape = (ops.shape(draw)[0], len(self.columns))
        draws = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        # The largest draw is kept in any case, which makes it the one where all are to be dropped.
        local = (draws >= self.rate) | (draws == ops.max(draws, axis=1, keepdims=True))
        passing = draw[:, None] == ops.convert_to_tensor(self.columns, draw.dtype)
        elsewhere = ops.logical_not(ops.any(passing, axis=1, keepdims=True))
        return ops.where(draw[:, None] == 0, local, passing | elsewhere)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape of each of the joined tensors."""
        return input_shape[1]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "columns": self.columns,
            "rate": self.rate,
            "seed": self.seed,
        }
