"""Memories whose units see one another through weights: Hopfield's networks of 1982 and 1984."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_positive, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Sizes, Tensor
from keras_classics.layers.memory.settling import AssociativeMemory, check_signs, column, one_by_one

RULES = ("hebb", "projection")
UPDATES = ("asynchronous", "synchronous")
# A sum this near to zero is zero, in whatever order it was added up.
TIE = 1e-6
# Outputs of a graded unit where a state is -1 or +1, which only infinite sums would give.
NEARLY_ONE = 1 - 1e-4
# Least softness of graded units: sums over it stay numbers.
SHARPEST = 1e-4


class WeightedMemory(AssociativeMemory):
    """Symmetric weights `(units, units)` without self-connections, and a bias for each unit.

    Args:
        rule: How patterns are stored: `"hebb"`, `W = (1 / units) sum x x^T`, or `"projection"`
            (pseudo-inverse), onto the space of the patterns: linearly independent ones are fixed
            points (Personnaz, Guyon, Dreyfus 1985). The diagonal is zero in both.
        **kwargs: As for all memories: `steps`, `max_steps`.
    """

    def __init__(self, rule: str = "hebb", **kwargs: Any):
        super().__init__(**kwargs)
        check_choice("rule", rule, RULES)
        self.rule = rule

    def build(self, input_shape: Sizes) -> None:
        """Weights and biases, zero before something is stored."""
        units = input_shape[-1]
        common: dict[str, Any] = {"initializer": "zeros", "trainable": False, "autocast": False}
        self.kernel = self.add_weight((units, units), dtype="float32", name="kernel", **common)
        self.bias = self.add_weight((units,), dtype="float32", name="bias", **common)

    def remember(self, patterns: np.ndarray) -> None:
        """Store patterns of -1 and +1 by the rule, in place of what is stored.

        Args:
            patterns: `(patterns, units)`.

        Raises:
            InputError: There are other values in them, or they are of other units.
        """
        rows, units = check_signs(patterns), self.bias.shape[0]
        if rows.shape[1] != units:
            raise InputError(
                f"Patterns of {rows.shape[1]} units were given",
                f"{units}, the units of this memory",
                "Make another memory: kc.models.hopfield(patterns).",
            )
        if self.rule == "hebb":
            weights = rows.T @ rows / rows.shape[1]
        else:
            weights = np.linalg.pinv(rows) @ rows
        np.fill_diagonal(weights, 0)
        self.kernel.assign(weights)

    def quadratic_energy(self, states: Tensor) -> Tensor:
        """`-1/2 s^T W s - b s`."""
        fields = ops.matmul(states, self.kernel) / 2 + self.bias
        return -ops.sum(states * fields, axis=-1)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "rule": self.rule}


@registered
class HopfieldMemory(WeightedMemory):
    """Units of -1 and +1, each the sign of the weighted sum of the others.

    Hopfield, "Neural networks and physical systems with emergent collective computational
    abilities", PNAS 79, 1982. `s_i <- sign(sum_j W_ij s_j + b_i)`; a sum of zero leaves the unit.
    A step is one such update of every unit.

    Args:
        update: `"asynchronous"`, one unit after the other, where the energy never rises; or
            `"synchronous"`, all at once, which may end in a cycle of two states.
        seed: Chooses the order of the units; by default that of their numbers.
        **kwargs: `rule`, and as for all memories: `steps`, `max_steps`.
    """

    @checked
    def __init__(self, update: str = "asynchronous", seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        check_choice("update", update, UPDATES)
        self.way = update
        self.seed = None if seed is None else check_whole("seed", seed, 0)

    def update(self, inner: Tensor) -> Tensor:
        """Every unit once."""
        if self.way == "synchronous":
            return _signs(ops.matmul(inner, self.kernel) + self.bias, inner)

        def choose(unit: Tensor, state: Tensor) -> Tensor:
            # Of symmetric weights a column is a row.
            field = ops.matmul(state, column(self.kernel, unit)) + ops.take(self.bias, unit)
            return _signs(field, column(state, unit))

        return one_by_one(self.kernel.shape[0], self.seed, choose, inner)

    def energy(self, states: Tensor) -> Tensor:
        """`-1/2 s^T W s - b s`, `(batch,)`."""
        return self.quadratic_energy(ops.cast(states, "float32"))

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "update": self.way, "seed": self.seed}


@registered
class ContinuousMemory(WeightedMemory):
    """Units with graded outputs that change continuously.

    Hopfield, "Neurons with graded response have collective computational properties like those of
    two-state neurons", PNAS 81, 1984. `du/dt = -u + W s + b` with `s = tanh(u / softness)`, by
    Euler's steps; in the paper's terms the output is `V = (1 + s) / 2`. The softer, the fewer and
    the weaker the memories; a small softness approaches the network of 1982.

    Args:
        softness: `u_0` of the paper, at least 1e-4.
        time_step: Length of a step, in units of the time constant, at most 1. Where it is not small
            beside the softness the steps overshoot.
        max_steps: The most updates of an example that does not come to rest.
        **kwargs: `rule`, and `steps` as for all memories.
    """

    tolerance = 1e-6

    @checked
    def __init__(
        self, softness: float = 0.1, time_step: float = 0.05, max_steps: int = 1000, **kwargs: Any
    ):
        super().__init__(max_steps=max_steps, **kwargs)
        self.softness = check_positive("softness", softness)
        self.time_step = check_positive("time_step", time_step)
        if self.softness < SHARPEST or self.time_step > 1:
            raise InputError(
                f"softness={softness} and time_step={time_step} were given",
                f"a softness of at least {SHARPEST} and a time step of at most 1",
                "Leave them out for softness=0.1 and time_step=0.05; units without softness are "
                "those of kc.layers.HopfieldMemory.",
            )

    def start(self, state: Tensor) -> Tensor:
        """The sum that gives each output."""
        return self.softness * ops.arctanh(ops.clip(state, -NEARLY_ONE, NEARLY_ONE))

    def output(self, inner: Tensor) -> Tensor:
        """The graded outputs, between -1 and +1."""
        return ops.tanh(inner / self.softness)

    def update(self, inner: Tensor) -> Tensor:
        """One step of time."""
        field = ops.matmul(self.output(inner), self.kernel) + self.bias
        return inner + self.time_step * (field - inner)

    def energy(self, states: Tensor) -> Tensor:
        """That of 1982 and, for each unit, the integral of its inverse response, `(batch,)`."""
        states = ops.clip(ops.cast(states, "float32"), -NEARLY_ONE, NEARLY_ONE)
        inverse = states * ops.arctanh(states) + ops.log1p(-ops.square(states)) / 2
        return self.quadratic_energy(states) + self.softness * ops.sum(inverse, axis=-1)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "softness": self.softness,
            "time_step": self.time_step,
        }


def _signs(field: Tensor, old: Tensor) -> Tensor:
    return ops.where(ops.abs(field) <= TIE, old, ops.sign(field))
