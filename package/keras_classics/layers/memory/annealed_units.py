"""Units that are on by chance, ever less so: annealing a quadratic energy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Sizes, Tensor
from keras_classics.layers.memory.settling import column

# Logits of random numbers so near to 0 or 1 that no field outweighs them.
SMALLEST = 1e-7


@registered
class AnnealedUnits(keras.layers.Layer):
    """Units of 0 and 1 that settle in a state of low energy while they cool down.

    Ackley, Hinton, Sejnowski, "A learning algorithm for Boltzmann machines", Cognitive Science 9,
    1985: unit by unit, `P(v_i = 1) = sigmoid((sum_j W_ij v_j + b_i) / T)` for the energy `E = -1/2
    v^T W v - b v + c` with a zero diagonal. The temperature falls evenly from the first to the last
    over the sweeps; last come sweeps at zero temperature, in which the energy never rises. Input
    and output `(batch, units)`. The chances are drawn anew in every call, `sweeps * batch * units`
    numbers at once.

    Args:
        sweeps: Updates of every unit while it cools.
        hottest: The first temperature.
        coldest: The last one above zero.
        seed: Seed of the chances; by default that of `keras.utils.set_random_seed`.
    """

    # Sweeps at zero temperature: what cooled down this far is at rest after one or two.
    final_sweeps = 5

    @checked
    def __init__(
        self,
        sweeps: int = 800,
        hottest: float = 0.4,
        coldest: float = 0.05,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.sweeps = check_whole("sweeps", sweeps)
        self.hottest = check_positive("hottest", hottest)
        self.coldest = check_positive("coldest", coldest)
        if self.coldest > self.hottest:
            raise InputError(
                f"hottest={hottest}, coldest={coldest} was given",
                "a last temperature that is not above the first",
                "Exchange them.",
            )
        self.seed = None if seed is None else check_whole("seed", seed, 0)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Sizes) -> None:
        """Weights, biases and the constant, zero before an energy is set."""
        units = input_shape[-1]
        common: dict[str, Any] = {
            "initializer": "zeros", "trainable": False, "dtype": "float32", "autocast": False,
        }  # fmt: skip
        self.kernel = self.add_weight((units, units), name="kernel", **common)
        self.bias = self.add_weight((units,), name="bias", **common)
        self.constant = self.add_weight((), name="constant", **common)

    def call(self, inputs: Tensor) -> Tensor:
        """0 and 1, where the states have cooled down to."""
        units = self.kernel.shape[0]
        state = ops.cast(inputs, "float32")
        cooling = self.sweeps * units
        uniform = keras.random.uniform(
            (ops.shape(state)[0], cooling), SMALLEST, 1 - SMALLEST,
            dtype="float32", seed=self.seed_generator,
        )  # fmt: skip
        # A unit is on where its field is above the temperature times a random logit.
        temperatures = np.linspace(self.hottest, self.coldest, self.sweeps).repeat(units)
        logits = ops.log(uniform) - ops.log1p(-uniform)
        thresholds = logits * ops.convert_to_tensor(temperatures, "float32")
        places = ops.arange(units, dtype="int32")

        def advance(turn: Tensor, state: Tensor) -> Tensor:
            unit = turn % units
            field = ops.matmul(state, column(self.kernel, unit)) + ops.take(self.bias, unit)
            chance = column(thresholds, ops.minimum(turn, cooling - 1))
            on = field > ops.where(turn < cooling, chance, 0.0)
            return ops.where(ops.equal(places, unit), ops.cast(on, "float32"), state)

        turns = cooling + self.final_sweeps * units
        return ops.cast(ops.fori_loop(0, turns, advance, state), self.compute_dtype)

    def energy(self, states: Tensor) -> Tensor:
        """`-1/2 v^T W v - b v + c`, `(batch,)`."""
        states = ops.cast(states, "float32")
        fields = ops.matmul(states, self.kernel) / 2 + self.bias
        return self.constant - ops.sum(states * fields, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """As the input."""
        return input_shape

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "sweeps": self.sweeps,
            "hottest": self.hottest,
            "coldest": self.coldest,
            "seed": self.seed,
        }
