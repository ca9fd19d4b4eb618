"""Memories that keep their patterns and compare the state with each: of 2016 and 2020."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Sizes, Tensor
from keras_classics.layers.memory.settling import (
    AssociativeMemory,
    check_patterns,
    check_signs,
    column,
    one_by_one,
)

# Of a state and a pattern; less is none.
SMALLEST_OVERLAP = 1e-6


class PatternMemory(AssociativeMemory):
    """A table `(patterns, units)`.

    Args:
        patterns: Rows of the table.
        trainable: Whether they learn, by gradients through the steps.
        **kwargs: As for all memories: `steps`, `max_steps`.
    """

    def __init__(self, patterns: int, trainable: bool = False, **kwargs: Any):
        super().__init__(trainable=trainable, **kwargs)
        self.patterns = check_whole("patterns", patterns)

    def build(self, input_shape: Sizes) -> None:
        """The table, small random numbers before something is stored."""
        self.table = self.add_weight(
            (self.patterns, input_shape[-1]), initializer="glorot_uniform", dtype="float32",
            autocast=False, name="table",
        )  # fmt: skip

    def remember(self, patterns: np.ndarray) -> None:
        """Store patterns in place of those that are stored.

        Args:
            patterns: `(patterns, units)`, as many as the table has.

        Raises:
            InputError: They have another shape.
        """
        rows = check_patterns(patterns)
        if rows.shape != tuple(self.table.shape):
            raise InputError(
                f"Patterns of shape {rows.shape} were given",
                f"shape {tuple(self.table.shape)}, that of the table",
                "Make another memory: kc.models.hopfield(patterns, kind=...).",
            )
        self.table.assign(rows)

    def overlaps(self, states: Tensor) -> Tensor:
        """Products of states and patterns `(batch, patterns)`."""
        return ops.matmul(states, ops.transpose(self.table))

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "patterns": self.patterns}


@registered
class DenseMemory(PatternMemory):
    """Units of -1 and +1 whose energy is a steep function of the overlap with each pattern.

    Krotov, Hopfield, "Dense associative memory for pattern recognition", NIPS 2016. `E = -sum_p
    F(x_p . s)` with `F(z) = (z / units)^power` for positive `z` and 0 elsewhere; one unit after the
    other takes the value of less energy, and none changes where both have the same. The capacity
    grows as `units^(power - 1)`.

    Args:
        patterns: How many are kept.
        power: Steepness, a whole number from 2 on.
        seed: Chooses the order of the units; by default that of their numbers.
        **kwargs: As for all memories: `steps`, `max_steps`.
    """

    @checked
    def __init__(self, patterns: int, power: int = 3, seed: int | None = None, **kwargs: Any):
        super().__init__(patterns, **kwargs)
        self.power = check_whole("power", power, 2)
        self.seed = None if seed is None else check_whole("seed", seed, 0)

    def remember(self, patterns: np.ndarray) -> None:
        """Store patterns of -1 and +1.

        Args:
            patterns: `(patterns, units)`, as many as the table has.

        Raises:
            InputError: They have another shape, or other values.
        """
        super().remember(check_signs(patterns))

    def update(self, inner: Tensor) -> Tensor:
        """Every unit once."""
        units = self.table.shape[1]

        def choose(unit: Tensor, state: Tensor) -> Tensor:
            own, old = ops.transpose(column(self.table, unit)), column(state, unit)
            others = self.overlaps(state) - old * own
            up, down = ops.relu(others + own), ops.relu(others - own)
            # Powers of shares of the units would vanish; which of both is larger is the same.
            largest = ops.max(ops.maximum(up, down), axis=-1, keepdims=True)
            largest = ops.maximum(largest, SMALLEST_OVERLAP)
            steps = ops.power(up / largest, self.power) - ops.power(down / largest, self.power)
            less = ops.sum(steps, axis=-1, keepdims=True)
            return ops.where(ops.equal(less, 0), old, ops.sign(less))

        return one_by_one(units, self.seed, choose, inner)

    def energy(self, states: Tensor) -> Tensor:
        """`-sum_p F(x_p . s)`, `(batch,)`."""
        shares = ops.relu(self.overlaps(ops.cast(states, "float32")) / self.table.shape[1])
        return -ops.sum(ops.power(shares, self.power), axis=-1)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "power": self.power, "seed": self.seed}


@registered
class SoftmaxMemory(PatternMemory):
    """Real-valued states drawn to the patterns by attention.

    Ramsauer et al., "Hopfield networks is all you need", ICLR 2021 (arXiv:2008.02217). `s <- X^T
    softmax(beta X s)`, of which one step mostly is enough; energy `-log(sum_p exp(beta x_p . s)) /
    beta + s.s / 2 + log(patterns) / beta + max |x|^2 / 2`, which is never negative.

    Args:
        patterns: How many are kept.
        beta: Sharpness. A small one gives means of several patterns.
        **kwargs: As for all memories: `steps`, `max_steps`; and `trainable`.
    """

    tolerance = 1e-5

    def remember(self, patterns: np.ndarray) -> None:
        """Store patterns.

        Args:
            patterns: `(patterns, units)`, as many as the table has.

        Raises:
            InputError: They have another shape, or are too long for products in single precision.
        """
        with np.errstate(over="ignore"):
            sharpest = self.beta * np.sum(check_patterns(patterns) ** 2, axis=1).max()
        if not sharpest < float(np.finfo("float32").max):
            raise InputError(
                f"beta={self.beta:g} and patterns of numbers up to {np.abs(patterns).max():g} were "
                "given",
                "products beta x . x that single precision can hold",
                "Pass patterns / np.abs(patterns).max(), and states of that size.",
            )
        super().remember(patterns)

    @checked
    def __init__(self, patterns: int, beta: float = 1.0, **kwargs: Any):
        super().__init__(patterns, **kwargs)
        self.beta = check_positive("beta", beta)

    def update(self, inner: Tensor) -> Tensor:
        """The mean of the patterns, each weighted by how near it is."""
        near = self.beta * self.overlaps(inner)
        # Of one pattern Keras's softmax warns that it may not be meant.
        shares = ops.exp(near - ops.logsumexp(near, axis=-1, keepdims=True))
        return ops.matmul(shares, self.table)

    def energy(self, states: Tensor) -> Tensor:
        """As in the paper, `(batch,)`."""
        states = ops.cast(states, "float32")
        near = ops.logsumexp(self.beta * self.overlaps(states), axis=-1)
        longest = ops.max(ops.sum(ops.square(self.table), axis=-1))
        squares = ops.sum(ops.square(states), axis=-1) + longest
        return (math.log(self.patterns) - near) / self.beta + squares / 2

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "beta": self.beta}
