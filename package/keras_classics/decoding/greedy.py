"""Greedy decoding, and the loop it shares with sampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.types import Tensor
from keras_classics.decoding.hypotheses import Decoded, sentence_lengths
from keras_classics.decoding.step import (
    Admission,
    State,
    Step,
    force,
    log_probability,
    place,
    rows,
    without_memory,
)


@checked
def greedy(
    step: Step,
    state: State,
    *,
    start: int | Tensor,
    end: int | None,
    max_length: int,
    min_length: int = 0,
    pad: int = 0,
    banned: tuple[int, ...] = (),
    prefix: Tensor | None = None,
) -> Decoded:
    """Take the most probable id at every step (the lowest of equals).

    Equals `beam_search` of width 1 under raw scores (`length_penalty=None`).

    Args:
        step: `step(token, state) -> (logits, state)`, see `keras_classics.decoding.step`.
        state: The decoder's state at the start, `(batch, ...)` in every leaf.
        start: The id before the first, one for all or `(batch,)`.
        end: The id that ends a sentence; it is forced at `max_length`. None for text without one:
            every row then has `max_length` ids.
        max_length: The most ids to generate, the end included.
        min_length: The fewest ids to generate, the end included.
        pad: The padding id.
        banned: Ids never generated. Probabilities are not renormalised.
        prefix: int `(batch, length)`, padded on the right: ids every row begins with. They are
            forced, count in no length and are not returned.

    Returns:
        `Decoded`.

    Raises:
        InputError: Lengths or banned ids under which no sentence exists.

    Example:
        ```python
        decoder = kc.layers.RecurrentDecoder(30, 16)
        encoded = np.random.default_rng(0).normal(size=(2, 16)).astype("float32")
        decoder.build((2, 5), (2, 16))
        state = decoder.initial_state(encoded)
        kc.decoding.greedy(decoder.step, state, start=1, end=2, max_length=5).ids  # (2, 5)
        ```
    """
    admission = Admission(end, max_length, min_length, tuple(banned))
    return roll(
        step,
        state,
        lambda logits, position: ops.argmax(logits, axis=-1),
        admission,
        start=start,
        pad=pad,
        prefix=prefix,
    )


def roll(
    step: Step,
    state: State,
    choose: Callable[[Tensor, Tensor], Tensor],
    admission: Admission,
    *,
    start: int | Tensor,
    pad: int,
    prefix: Tensor | None,
) -> Decoded:
    """Feed a decoder its own choices until all rows have ended.

    Args:
        step: See `keras_classics.decoding.step`.
        state: The state at the start.
        choose: `choose(logits, position) -> ids`: from float32 `(batch, vocabulary)`, `-inf` where
            an id is not admitted, to `(batch,)`.
        admission: Which ids may stand where.
        start: The id before the first.
        pad: The padding id.
        prefix: Ids to begin with, or None.

    Returns:
        `Decoded`.
    """
    end, length = admission.end, admission.max_length
    forced = force(step, state, prefix, start=start, pad=pad)
    batch = rows(state)
    step, moving, _ = without_memory(step, forced.state)

    def body(
        t: Tensor,
        token: Tensor,
        moving: State,
        running: Tensor,
        ids: Tensor,
        log_probabilities: Tensor,
    ) -> tuple[Any, ...]:
        logits, moving = step(token, moving)
        logits = ops.cast(logits, "float32")
        token = ops.cast(choose(logits + admission.mask(t, logits.shape[-1]), t), "int32")
        if end is not None:
            # Said again, because a model may give the end no probability at all.
            token = ops.where(admission.is_last(t), end, token)
        ids = place(ids, t, ops.where(running, token, pad))
        gained = ops.where(running, log_probability(logits, token), 0.0)
        if end is not None:
            running = running & (token != end)
        return t + 1, token, moving, running, ids, log_probabilities + gained

    _, _, _, _, ids, log_probabilities = ops.while_loop(
        lambda t, token, moving, running, *_: (t < length) & ops.any(running),
        body,
        (
            ops.zeros((), "int32"),
            forced.token,
            moving,
            ops.ones((batch,), "bool"),
            ops.full((batch, length), pad, "int32"),
            ops.zeros((batch,), "float32"),
        ),
    )
    return Decoded(ids, sentence_lengths(ids, end), log_probabilities)
