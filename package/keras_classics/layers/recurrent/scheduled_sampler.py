"""Scheduled sampling: training on one's own words, little by little.

Bengio, Vinyals, Jaitly, Shazeer, "Scheduled sampling for sequence prediction with recurrent neural
networks", NeurIPS 2015. Before each token a coin decides, independently, whether the decoder is
fed the true previous token (probability epsilon) or one drawn from its own distribution; epsilon
falls as training goes on.

No gradient flows through a draw or a coin, so the fed tokens can be found first, by a loop without
gradients, and the decoder then trained on them exactly as by teacher forcing. That keeps the fast
recurrent kernels, makes epsilon = 1 teacher forcing to the last bit, and costs nothing while
epsilon is 1. The schedule is evaluated in the graph from a step counter: nothing is traced again,
and several steps per execution see as many values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor

# From ids `(batch,)` and a state to logits `(batch, vocabulary)` and the next state.
Step: TypeAlias = Callable[[Tensor, Any], tuple[Tensor, Any]]
SCHEDULES = ("constant", "linear", "exponential", "inverse_sigmoid")
# A constant of each that its formula admits: half way after some 6,900 steps where nothing else
# says how fast.
CONSTANTS = {"constant": 1.0, "linear": 1.0, "exponential": 0.9999, "inverse_sigmoid": 1000.0}
# Teacher forcing, as the values of the variable: the constant 1.
OFF = (0, 1, 0, 0, 0)


def gold_probabilities(
    step: Tensor, k: Tensor, slope: Tensor, minimum: Tensor
) -> tuple[Tensor, ...]:
    """Epsilon at a step under each of `SCHEDULES`, in their order.

    Constant `k`; linear `max(minimum, k - slope step)`; exponential `k ** step`; inverse sigmoid
    `k / (k + exp(step / k))`, written as a logistic function so that it cannot overflow.
    """
    return (
        k,
        ops.maximum(minimum, k - slope * step),
        ops.power(k, step),
        ops.sigmoid(ops.log(k) - step / k),
    )


@registered
class ScheduledSampler(keras.layers.Layer):
    """Chooses the tokens a decoder is fed while it trains.

    Starts as teacher forcing; `configure` (which `kc.callbacks.ScheduledSampling` calls) sets a
    schedule by assigning one non-trainable variable.

    Args:
        seed: Seed of coins and draws.

    Example:
        ```python
        sampler = kc.layers.ScheduledSampler(seed=0)
        sampler.build()
        sampler.configure("linear", k=1.0, slope=0.01, minimum=0.25)
        sampler.steps.assign(50)
        sampler.gold_probability()  # 0.5
        ```
    """

    @checked
    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape | None = None) -> None:
        """The schedule `(kind, k, slope, minimum, greedy)` and the number of steps made."""
        self.schedule = self.add_weight(
            shape=(5,),
            initializer=lambda shape, dtype: ops.convert_to_tensor(OFF, dtype),
            trainable=False,
            dtype="float32",
            autocast=False,
            name="schedule",
        )
        self.steps = self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            dtype="int32",
            aggregation="only_first_replica",
            name="steps",
        )

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """A saved model is at teacher forcing, also one saved while it trained."""
        if self.built:
            store["0"], store["1"] = ops.convert_to_tensor(OFF, "float32"), self.steps

    def configure(
        self,
        schedule: str = "constant",
        k: float = 1.0,
        slope: float = 0.0,
        minimum: float = 0.0,
        draw: str = "sample",
    ) -> None:
        """Set the schedule of epsilon, the probability of the true token.

        Args:
            schedule: `"constant"` (`k`), `"linear"` (`max(minimum, k - slope step)`),
                `"exponential"` (`k ** step`) or `"inverse_sigmoid"` (`k / (k + exp(step / k))`).
            k: From 0 to 1 of the constant and the exponential schedule, at least 0 of the linear
                one, at least 1 of the inverse sigmoid.
            slope: Fall per step of the linear schedule.
            minimum: Lower bound of the linear schedule.
            draw: `"sample"` from the model's distribution or take its `"argmax"`.

        Raises:
            InputError: A value is not admitted.
        """
        bounds = {
            "constant": (0.0, 1.0),
            "linear": (0.0, float("inf")),
            "exponential": (0.0, 1.0),
            "inverse_sigmoid": (1.0, float("inf")),
        }
        check_choice("schedule", schedule, SCHEDULES)
        check_choice("draw", draw, ("sample", "argmax"))
        low, high = bounds[schedule]
        if not low <= k <= high or slope < 0 or not 0 <= minimum <= 1:
            raise InputError(
                f"k={k}, slope={slope}, minimum={minimum} were given for {schedule!r}",
                f"k from {low} to {high}, a slope of 0 or more, a minimum from 0 to 1",
                f"Give k={CONSTANTS[schedule]:g}, slope=0.0001, minimum=0.0, for example.",
            )
        kind = SCHEDULES.index(schedule)
        self.schedule.assign([kind, k, slope, minimum, float(draw == "argmax")])

    def gold_probability(self) -> Tensor:
        """Epsilon at the present step, a scalar."""
        kind, k, slope, minimum, _ = ops.unstack(ops.convert_to_tensor(self.schedule))
        step = ops.cast(self.steps, "float32")
        values = ops.stack(gold_probabilities(step, k, slope, minimum))
        return ops.take(values, ops.cast(kind, "int32"))

    def choose(self, gold: Tensor, step: Step, state: Any) -> Tensor:
        """Choose what to feed for one batch and count the training step.

        Args:
            gold: True input tokens `(batch, time)`, the first of which is always fed.
            step: `(token (batch,), state) -> (logits (batch, vocabulary), state)`.
            state: State before the first token.

        Returns:
            Tokens `(batch, time)`, of `gold`'s dtype.
        """
        epsilon = self.gold_probability()
        self.steps.assign(self.steps + 1)
        # Drawn out here so that the branch and the loop are pure, as JAX demands.
        coins, uniforms = self.draws(ops.shape(gold))
        keep = coins < epsilon
        return ops.cond(
            epsilon < 1.0,
            lambda: self._run(gold, keep, uniforms, step, state),
            lambda: gold,
        )

    def draws(self, shape: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
        """Uniform numbers in [0, 1) for the coins and for the draws, each of `shape`."""
        coins = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        uniforms = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return coins, uniforms

    def _run(self, gold: Tensor, keep: Tensor, uniforms: Tensor, step: Step, state: Any) -> Tensor:
        positions = ops.arange(ops.shape(gold)[1])

        def body(time: Tensor, carry: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
            fed, state = carry
            logits, state = step(ops.take(fed, time, axis=1), state)
            drawn = self._draw(logits, ops.take(uniforms, time, axis=1))
            gold_next, keep_next = (ops.take(each, time + 1, axis=1) for each in (gold, keep))
            chosen = ops.where(keep_next, gold_next, ops.cast(drawn, gold.dtype))
            return ops.where(positions == time + 1, chosen[:, None], fed), state

        fed, _ = ops.fori_loop(0, ops.shape(gold)[1] - 1, body, (gold, state))
        return fed

    def _draw(self, logits: Tensor, uniform: Tensor) -> Tensor:
        # Inverse of the cumulative distribution: one uniform number gives one token.
        logits = ops.cast(logits, "float32")
        cumulative = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)
        below = ops.sum(ops.cast(cumulative < uniform[:, None], "int32"), axis=-1)
        sampled = ops.minimum(below, logits.shape[-1] - 1)
        greedy = ops.cast(ops.argmax(logits, axis=-1), "int32")
        return ops.where(self.schedule[4] > 0, greedy, sampled)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
