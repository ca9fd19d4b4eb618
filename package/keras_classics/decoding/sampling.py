"""Sampling: from the whole distribution, or from its warmed, cooled or cut-off form."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.types import Tensor
from keras_classics.decoding.greedy import roll
from keras_classics.decoding.hypotheses import Decoded
from keras_classics.decoding.step import Admission, State, Step, rows

# Below it logits of ordinary size overflow when they are divided, and nothing can be drawn.
LOWEST_TEMPERATURE = 1e-6


@checked
def sample(
    step: Step,
    state: State,
    *,
    start: int | Tensor,
    end: int | None,
    max_length: int,
    seed: int | keras.random.SeedGenerator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_length: int = 0,
    pad: int = 0,
    banned: tuple[int, ...] = (),
    prefix: Tensor | None = None,
) -> Decoded:
    """Draw every id at random by the model's distribution, after `filter_logits`.

    Args:
        step: `step(token, state) -> (logits, state)`, see `keras_classics.decoding.step`.
        state: The decoder's state at the start, `(batch, ...)` in every leaf.
        start: The id before the first, one for all or `(batch,)`.
        end: The id that ends a sentence; it is forced at `max_length`. None for text without one:
            every row then has `max_length` ids.
        max_length: The most ids to generate, the end included.
        seed: An int, which draws the same sentences at every call, or a `SeedGenerator`.
        temperature: See `filter_logits`.
        top_k: See `filter_logits`.
        top_p: See `filter_logits`.
        min_length: The fewest ids to generate, the end included.
        pad: The padding id.
        banned: Ids never generated.
        prefix: int `(batch, length)`, padded on the right: ids every row begins with. They are
            forced, count in no length and are not returned.

    Returns:
        `Decoded`; its log-probabilities are the model's own, at temperature 1 and unfiltered.

    Raises:
        InputError: Settings that leave nothing to draw from.

    Example:
        ```python
        decoder = kc.layers.RecurrentDecoder(30, 16)
        encoded = np.random.default_rng(0).normal(size=(2, 16)).astype("float32")
        decoder.build((2, 5), (2, 16))
        state = decoder.initial_state(encoded)
        kc.decoding.sample(decoder.step, state, start=1, end=2, max_length=5, seed=0, top_p=0.9)
        ```
    """
    check_filters(temperature, top_k, top_p)
    admission = Admission(end, max_length, min_length, tuple(banned))
    # Drawn before the loop: its body stays pure, which JAX requires.
    uniforms = keras.random.uniform((rows(state), max_length), seed=seed, dtype="float32")

    def choose(logits: Tensor, position: Tensor) -> Tensor:
        logits = filter_logits(logits, temperature, top_k, top_p)
        return invert(ops.softmax(logits, axis=-1), ops.take(uniforms, position, axis=1))

    return roll(step, state, choose, admission, start=start, pad=pad, prefix=prefix)


@checked
def filter_logits(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """Reshape a distribution before drawing from it: temperature, then top-k, then top-p.

    Args:
        logits: Floating `(batch, vocabulary)`; `-inf` is an id of no probability.
        temperature: Divides the logits: below 1 nearer to the greedy choice, above 1 nearer to
            uniform.
        top_k: Keep the k most probable ids; of equals, the lowest.
        top_p: Keep the fewest most probable ids that together have at least this probability
            among what `top_k` left, and always one (nucleus sampling, Holtzman et al. 2019,
            https://arxiv.org/abs/1904.09751); of equals, the lowest.

    Returns:
        float32 `(batch, vocabulary)`: the logits of what is kept, `-inf` elsewhere.

    Raises:
        InputError: `temperature` below `LOWEST_TEMPERATURE` or infinite, `top_k` below 1 or
            `top_p` outside (0, 1].
    """
    check_filters(temperature, top_k, top_p)
    logits = ops.cast(logits, "float32") / temperature
    vocabulary = logits.shape[-1]
    limit = min(top_k or vocabulary, vocabulary)
    nucleus = top_p is not None and top_p < 1.0
    if limit == vocabulary and not nucleus:
        return logits
    ranked, _ = ops.top_k(logits, limit)
    kept = ops.full_like(ranked[:, :1], limit)
    if nucleus:
        probabilities = ops.softmax(ranked, axis=-1)
        before = ops.cumsum(probabilities, axis=-1) - probabilities
        kept = ops.sum(ops.cast(before < top_p, "float32"), axis=-1, keepdims=True)
    return keep(logits, ranked, ops.cast(kept, "int32"))


def keep(logits: Tensor, ranked: Tensor, kept: Tensor) -> Tensor:
    """Mask all but the `kept` `(batch, 1)` greatest logits; `ranked` are the greatest, sorted."""
    threshold = ops.take_along_axis(ranked, kept - 1, axis=-1)
    above = ops.cast(logits > threshold, "int32")
    equal = ops.cast(logits == threshold, "int32")
    room = kept - ops.sum(above, axis=-1, keepdims=True)
    equal = equal * ops.cast(ops.cumsum(equal, axis=-1) <= room, "int32")
    return ops.where(above + equal > 0, logits, -np.inf)


def invert(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """Draw ids `(batch,)` from `probabilities` `(batch, vocabulary)` with one uniform each."""
    # Rounding may leave the sum off 1 and, where it runs in parallel, uneven: the mask keeps an
    # impossible id impossible, and the ceiling keeps the target below the sum.
    reached = ops.where(probabilities > 0.0, ops.cumsum(probabilities, axis=-1), 0.0)
    share = ops.minimum(uniforms, 1.0 - 2.0**-23)[:, None]
    target = share * ops.max(reached, axis=-1, keepdims=True)
    return ops.argmax(ops.cast(reached > target, "int32"), axis=-1)


def check_filters(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Refuse filters that leave nothing to draw from.

    Raises:
        InputError: See `filter_logits`.
    """
    if not LOWEST_TEMPERATURE <= temperature < float("inf"):
        raise InputError(
            f"temperature={temperature} was given",
            f"a finite number of at least {LOWEST_TEMPERATURE}",
            "Use kc.decoding.greedy for the limit at 0.",
        )
    if top_k is not None and top_k < 1:
        raise InputError(f"top_k={top_k} was given", "1 or more, or None", "None keeps all ids.")
    if top_p is not None and not 0.0 < top_p <= 1.0:
        raise InputError(
            f"top_p={top_p} was given",
            "above 0 and at most 1, or None",
            "None keeps all ids, as 1 does.",
        )
