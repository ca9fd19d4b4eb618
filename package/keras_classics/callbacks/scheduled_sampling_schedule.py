"""The callback that turns scheduled sampling on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.layers.recurrent.scheduled_sampler import CONSTANTS, ScheduledSampler

MODES = ("model", "uniform", "always")


@checked
def half_way_constant(step: float) -> float:
    """Constant `k` of the inverse sigmoid schedule that is at one half at a step: `k ln k = step`.

    Args:
        step: Number of the training step, 0 or above.

    Returns:
        `k`, 1 or above.
    """
    # Newton's method, from a point above the root of a convex function: it only comes nearer.
    k = max(step, math.e)
    for _ in range(20):
        k = (k + step) / (1.0 + math.log(k))
    return k


class ScheduledSampling(keras.callbacks.Callback):
    """Scheduled sampling for every decoder of the model (Bengio et al. 2015).

    At the start of training it assigns one non-trainable variable of each
    `kc.layers.ScheduledSampler`; epsilon, the probability of feeding the true previous token, is
    then computed in the graph for every step, also under `steps_per_execution`, and nothing is
    traced again. The number of steps made is a weight of the model, so that a resumed run goes on
    where it stopped. After training the model is back at teacher forcing, also after a
    `kc.training.fit` that Ctrl-C or an error ended; a saved model always is.

    Args:
        schedule: `"linear"` (`max(minimum, k - slope step)`), `"exponential"` (`k ** step`) or
            `"inverse_sigmoid"` (`k / (k + exp(step / k))`, half way at step `k ln k`).
        mode: `"model"` follows the schedule; `"uniform"` keeps epsilon at `rate` throughout (the
            paper's uniform scheduled sampling); `"always"` keeps it at 0: the decoder never sees
            the true words.
        k: Constant of the schedule: by default 1 of the linear one, 0.9999 of the exponential one
            and 1000 of the inverse sigmoid, for which `half_way_constant` finds another.
        slope: Fall of the linear schedule in a step.
        minimum: Lower bound of the linear schedule.
        rate: The constant epsilon of `mode="uniform"`.
        draw: `"sample"` from the model's distribution, or its `"argmax"`.

    Raises:
        InputError: A value is not admitted, or the model has no decoder to sample from.

    Example:
        ```python
        model = kc.models.translator(20, 30, units=8)
        callback = kc.callbacks.ScheduledSampling("linear", slope=1e-3, minimum=0.5)  # to `fit`
        ```
    """

    @checked
    def __init__(
        self,
        schedule: str = "inverse_sigmoid",
        mode: str = "model",
        k: float | None = None,
        slope: float = 1e-4,
        minimum: float = 0.0,
        rate: float = 0.5,
        draw: str = "sample",
    ):
        super().__init__()
        check_choice("mode", mode, MODES)
        check_choice("schedule", schedule, ("linear", "exponential", "inverse_sigmoid"))
        self.settings: dict[str, Any]
        if mode == "model":
            k = CONSTANTS[schedule] if k is None else k
            self.settings = {"schedule": schedule, "k": k, "slope": slope, "minimum": minimum}
        else:
            self.settings = {"schedule": "constant", "k": rate if mode == "uniform" else 0.0}
        self.settings["draw"] = draw

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Set the schedule."""
        for sampler in self._samplers():
            sampler.configure(**self.settings)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set it again: a callback that loads a checkpoint has turned it off."""
        self.on_train_begin()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report epsilon, so that it stands in the history beside the loss."""
        if logs is not None:
            logs["gold_probability"] = float(self._samplers()[0].gold_probability())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Back to teacher forcing."""
        for sampler in self._samplers():
            sampler.configure()

    def on_train_abort(self) -> None:
        """Back to teacher forcing where `kc.training.fit` was ended by Ctrl-C or an error."""
        self.on_train_end()

    def _samplers(self) -> list[ScheduledSampler]:
        owned = [getattr(layer, "sampler", None) for layer in _layers(self.model)]
        found = [sampler for sampler in owned if isinstance(sampler, ScheduledSampler)]
        if not found:
            raise InputError(
                f"The model {self.model.name!r} has no ScheduledSampler",
                "models with a kc.layers.RecurrentDecoder",
                "Build it with kc.models.captioner.",
            )
        return found


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Every layer, those of nested models included."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)


@checked
def scheduled_sampling(mode: str, *, steps: int) -> list[ScheduledSampling]:
    """The callback for a training of a length: half way to sampling after half of it.

    Args:
        mode: A mode of `ScheduledSampling`, or `"none"`.
        steps: Steps of the whole training.

    Returns:
        The callback, or nothing.

    Raises:
        InputError: The mode is none of these.
    """
    check_choice("mode", mode, ("none", *MODES), "Give none for plain teacher forcing.")
    k = half_way_constant(steps / 2)
    return [] if mode == "none" else [ScheduledSampling(mode=mode, k=k)]
