"""Mixtures of Gaussians at every step: trajectories that may go one way or another.

Graves, "Generating sequences with recurrent neural networks", 2013 (arXiv:1308.0850), after Bishop,
"Mixture density networks", 1994: shares, means, deviations and a correlation of each Gaussian in
the plane, and the logit of a bit, such as the end of a stroke.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole, is_number
from keras_classics.core.types import Tensor, Whole

# Share, two means, two deviations and a correlation.
PER_GAUSSIAN = 6
# Deviations and correlations that keep densities finite.
LOG_DEVIATIONS, STEEPEST = (-7.0, 7.0), 0.99


class Mixture(NamedTuple):
    """The parameters of a mixture in the plane, for each step.

    Attributes:
        log_shares: Logarithms of the shares `(..., gaussians)`.
        means: `(..., gaussians, 2)`.
        log_deviations: Logarithms of the standard deviations `(..., gaussians, 2)`.
        correlations: `(..., gaussians)`.
        bit: Logits of the bit `(..., 1)`; of no entry where there is none.
    """

    log_shares: Tensor
    means: Tensor
    log_deviations: Tensor
    correlations: Tensor
    bit: Tensor


@checked
def mixture_width(gaussians: Whole, outputs: Whole = 2) -> int:
    """Numbers that a mixture takes: six for each Gaussian, and one for a bit.

    Args:
        gaussians: How many.
        outputs: 2 for points, 3 for points with a bit.

    Raises:
        InputError: An argument is not admitted.
    """
    gaussians, outputs = check_whole("gaussians", gaussians), check_whole("outputs", outputs)
    check_choice("outputs", outputs, (2, 3))
    return PER_GAUSSIAN * gaussians + outputs - 2


@checked
def mixture_parameters(raw: Tensor) -> Mixture:
    """What a network with `mixture=` gives, as parameters.

    Args:
        raw: `(..., width)`.
    """
    width = raw.shape[-1]
    count = width // PER_GAUSSIAN
    shares, first, second, wide, high, tilt = (
        raw[..., number * count : (number + 1) * count] for number in range(PER_GAUSSIAN)
    )
    return Mixture(
        ops.log_softmax(shares, axis=-1),
        ops.stack([first, second], axis=-1),
        ops.clip(ops.stack([wide, high], axis=-1), *LOG_DEVIATIONS),
        STEEPEST * ops.tanh(tilt),
        raw[..., PER_GAUSSIAN * count :],
    )


@checked
def sample_trajectories(
    model: keras.Model,
    vectors: np.ndarray,
    steps: Whole,
    *,
    bias: float = 0.0,
    seed: Whole = 0,
) -> np.ndarray:
    """Let a network draw: each step is drawn from its mixture and read as the next input.

    Args:
        model: Of `rnn("one_to_many", mixture=...)`.
        vectors: Goals, one for each trajectory, `(batch, features)`.
        steps: Length.
        bias: From 0 up: how much surer than it is the network is to draw (Graves, section 5.4).
        seed: Chooses the draws.

    Returns:
        float32 `(batch, steps, outputs)`.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.rnn("one_to_many", outputs=2, input_size=2, units=8, mixture=3)
        goals = kc.data.arm_reaches(5).vectors
        drawn = kc.models.sample_trajectories(model, goals, 10, bias=1.0)  # (5, 10, 2)
        ```
    """
    steps, rng = check_whole("steps", steps), np.random.default_rng(check_whole("seed", seed, 0))
    if not is_number(bias) or float(bias) < 0:
        raise InputError(f"bias={bias!r} was given", "a number from 0 on", "Leave bias out for 0.")
    width, features = _drawing_widths(model)
    goals = np.asarray(vectors, "float32")
    if goals.ndim != 2 or goals.shape[1] != features:
        raise InputError(
            f"Goals of shape {goals.shape} were given",
            f"(batch, {features}), a row for each trajectory",
            "Give as many numbers for each as the network was trained with.",
        )
    # What comes later changes nothing before: one length for all steps, one trace.
    written = np.zeros((len(goals), steps + 1, width), "float32")
    for step in range(steps):
        given = {"vector": goals, "target_in": written[:, :-1]}
        raw = ops.convert_to_tensor(model.predict(given, verbose=0)[:, step])
        parts = Mixture(*map(ops.convert_to_numpy, mixture_parameters(raw)))
        written[:, step + 1] = _drawn(parts, float(bias), rng)
    return written[:, 1:]


def _drawing_widths(model: keras.Model) -> tuple[int, int]:
    """Outputs of a network that draws, and features of its goals."""
    inputs = getattr(model, "input", None)
    if isinstance(inputs, dict) and inputs.keys() == {"vector", "target_in"}:
        width, features = (inputs[name].shape[-1] for name in ("target_in", "vector"))
        gaussians, rest = divmod(model.output_shape[-1], PER_GAUSSIAN)
        if gaussians and rest == width - 2:
            return width, features
    raise InputError(
        f"The model {model.name!r} was given, which gives no mixture",
        "a model of kc.models.rnn('one_to_many', mixture=...)",
        "Build one: kc.models.rnn('one_to_many', outputs=2, input_size=2, mixture=4).",
    )


def _drawn(mixture: Mixture, bias: float, rng: np.random.Generator) -> np.ndarray:
    """A point of each mixture, and its bit."""
    batch = len(mixture.means)
    # The largest of the logits with Gumbel's noise is a draw from their softmax.
    chances = mixture.log_shares * (1 + bias) + rng.gumbel(size=mixture.log_shares.shape)
    chosen = np.arange(batch), chances.argmax(axis=1)
    deviations = np.exp(mixture.log_deviations[chosen] - bias)
    correlation = mixture.correlations[chosen]
    first, second = rng.normal(size=(2, batch))
    second = correlation * first + np.sqrt(1 - correlation**2) * second
    points = mixture.means[chosen] + deviations * np.stack([first, second], axis=1)
    bits = rng.random(mixture.bit.shape) < 1 / (1 + np.exp(-mixture.bit))
    return np.concatenate([points, bits], axis=1)
