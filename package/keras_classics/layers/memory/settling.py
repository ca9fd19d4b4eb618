"""How a memory runs: some steps, or until it rests, each example for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.errors import InputError, check_even, check_whole
from keras_classics.core.types import Config, Shape, Tensor


class AssociativeMemory(keras.layers.Layer):
    """What all memories share: input and output are states `(batch, units)`.

    Computed in float32 whatever the policy: a sign of a small sum must not hang on rounding.

    Args:
        steps: How often the state is updated. By default until it rests, which every example does
            for itself: what else is in the batch changes nothing.
        max_steps: The most updates of an example that does not come to rest.
    """

    # A change that is none.
    tolerance = 0.0

    def __init__(self, steps: int | None = None, max_steps: int = 100, **kwargs: Any):
        super().__init__(**kwargs)
        self.steps = None if steps is None else check_whole("steps", steps)
        self.max_steps = check_whole("max_steps", max_steps)

    def call(self, inputs: Tensor) -> Tensor:
        """The state that the memory settles in, in the layer's type."""
        state = self.output(self.settled(self.start(ops.cast(inputs, "float32"))))
        return ops.cast(state, self.compute_dtype)

    def start(self, state: Tensor) -> Tensor:
        """What is updated, for a state that is given."""
        return state

    def output(self, inner: Tensor) -> Tensor:
        """The state, for what is updated."""
        return inner

    def update(self, inner: Tensor) -> Tensor:
        """One step."""
        raise NotImplementedError

    def energy(self, states: Tensor) -> Tensor:
        """The energy `(batch,)` of states `(batch, units)`; see each memory for what raises it."""
        raise NotImplementedError

    def remember(self, patterns: np.ndarray) -> None:
        """Store patterns `(patterns, units)` in place of what is stored."""
        raise NotImplementedError

    def settled(self, inner: Tensor) -> Tensor:
        """Update for the stated steps, or until nothing changes."""
        if self.steps is not None:
            return ops.fori_loop(0, self.steps, lambda _, inner: self.update(inner), inner)

        def unsettled(count: Tensor, moving: Tensor, inner: Tensor) -> Tensor:
            return ops.logical_and(count < self.max_steps, ops.any(moving))

        def advance(count: Tensor, moving: Tensor, inner: Tensor) -> tuple:
            # Who rests is left alone, so that nobody's answer depends on the slowest of the batch.
            new = ops.where(moving[:, None], self.update(inner), inner)
            return count + 1, ops.max(ops.abs(new - inner), axis=-1) > self.tolerance, new

        moving = ops.ones_like(inner[:, 0], dtype="bool")
        return ops.while_loop(unsettled, advance, (0, moving, inner))[2]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """As the input."""
        return input_shape

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "steps": self.steps, "max_steps": self.max_steps}


def one_by_one(
    count: int, seed: int | None, choose: Callable[[Tensor, Tensor], Tensor], state: Tensor
) -> Tensor:
    """Update every unit once, each seeing those before it as they already are.

    Args:
        count: Number of units.
        seed: Chooses the order; None for that of their numbers.
        choose: From the number of a unit and the state to the unit's new values `(batch, 1)`.
        state: `(batch, units)`.
    """
    numbers = np.arange(count) if seed is None else np.random.default_rng(seed).permutation(count)
    order, places = ops.convert_to_tensor(numbers, "int32"), ops.arange(count, dtype="int32")

    def advance(turn: Tensor, state: Tensor) -> Tensor:
        unit = ops.take(order, turn)
        return ops.where(ops.equal(places, unit), choose(unit, state), state)

    return ops.fori_loop(0, count, advance, state)


def column(matrix: Tensor, number: Tensor) -> Tensor:
    """A column `(rows, 1)` of a matrix, by a number that a loop knows."""
    # A variable of JAX is none of its tensors.
    matrix = ops.convert_to_tensor(matrix)
    return ops.slice(matrix, (0, number), (ops.shape(matrix)[0], 1))


def check_signs(patterns: np.ndarray | Sequence) -> np.ndarray:
    """Patterns as float64 `(patterns, units)` of -1 and +1.

    Raises:
        InputError: They are others, or none.
    """
    array = check_patterns(patterns)
    if not np.isin(array, (-1, 1)).all():
        raise InputError(
            f"Patterns with values from {array.min():g} to {array.max():g} were given",
            "-1 and +1 alone",
            "Pass np.where(patterns > threshold, 1, -1).",
        )
    return array


def check_patterns(patterns: np.ndarray | Sequence) -> np.ndarray:
    """Patterns as float64 `(patterns, units)`.

    Raises:
        InputError: They are no table of finite numbers.
    """
    array = check_even("patterns", patterns)
    known = array.ndim == 2 and array.size and array.dtype.kind in "biuf"
    if not known or not np.isfinite(array).all():
        raise InputError(
            f"Patterns of shape {array.shape} and type {array.dtype} were given",
            "finite numbers (patterns, units), one row for each pattern",
            "Pass patterns.reshape(len(patterns), -1) for pictures.",
        )
    return array.astype("float64")
