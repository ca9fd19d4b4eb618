"""The contract between a decoder and decoding, and what all decoding does with it.

A step is `step(token, state) -> (logits, state)`:

- `token` is int32 `(rows,)`, the previous id of every row;
- `logits` is floating `(rows, vocabulary)`, at least two ids wide;
- `state` is a dict, list or tuple, nested at will, of tensors whose first axis is the rows; a step
  returns the structure, shapes and types it received.

Two keys of a state that is a dict have a meaning:

- `"memory"` holds what the encoder said. No step changes it, so it is the same for all beams of an
  example and never reordered; what a step returns under this key is ignored.
- `"alignment"` `(rows, positions)` holds the attention weights of the last step. Coverage and the
  returned alignments are read from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from keras import ops, tree

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_axes, check_whole, is_whole
from keras_classics.core.types import Tensor

State = Any
Step = Callable[[Tensor, State], tuple[Tensor, State]]


@dataclass(frozen=True)
class Admission:
    """Which ids may stand at which position of a sentence.

    Banned ids never; the end not before `min_length`, and nothing else at `max_length`. Shutting
    ids out does not renormalise: a log-probability is always the model's own.

    Attributes:
        end: The id that ends a sentence, or None for text without one.
        max_length: The most ids of a sentence, with its end.
        min_length: The fewest ids of a sentence, with its end.
        banned: Ids never generated.
    """

    end: int | None
    max_length: int
    min_length: int = 0
    banned: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse lengths and bans under which no sentence could exist."""
        if not 1 <= self.max_length >= self.min_length:
            raise InputError(
                f"min_length={self.min_length} and max_length={self.max_length} were given",
                "1 <= max_length and min_length <= max_length",
                "Both count the end.",
            )
        if self.end in self.banned:
            raise InputError(
                f"banned={self.banned} holds the end id {self.end}",
                "ids other than the end",
                "A sentence could not finish: use min_length to delay its end.",
            )

    def is_last(self, position: Tensor) -> Tensor:
        """Whether only the end may stand at `position` (a scalar counted from 0)."""
        return (self.end is not None) & (position >= self.max_length - 1)

    def mask(self, position: Tensor, vocabulary: int) -> Tensor:
        """Return `(vocabulary,)` float32: 0 where an id may stand at `position`, else `-inf`."""
        ids = np.arange(vocabulary)
        inside = np.where(np.isin(ids, self.banned), -np.inf, 0.0).astype("float32")
        if self.end is None:
            return ops.convert_to_tensor(inside)
        early = np.where(ids == self.end, -np.inf, inside).astype("float32")
        last = np.where(ids == self.end, 0.0, -np.inf).astype("float32")
        may_end = ops.where(position < self.min_length - 1, early, inside)
        return ops.where(self.is_last(position), last, may_end)


class Forced(NamedTuple):
    """Where decoding stands once given ids were forced, from `force`.

    Attributes:
        token: int32 `(batch,)`, the id to feed next: the last forced one.
        state: The state that goes with it.
        log_probabilities: float32 `(batch, length)`, of every forced id and 0 at padding.
        covered: float32 `(batch, positions)`, attention summed over the forced ids, or `()` where
            the state holds no "alignment".
    """

    token: Tensor
    state: State
    log_probabilities: Tensor
    covered: Tensor


@checked
def force(
    step: Step,
    state: State,
    ids: Tensor | None,
    *,
    start: int | Tensor,
    end: int | None = None,
    pad: int = 0,
) -> Forced:
    """Feed given ids to a decoder, in one loop for the whole batch.

    Any decoding continued from the returned `token` (as `start`) and `state` equals decoding with
    these ids as its `prefix`.

    Args:
        step: See `keras_classics.decoding.step`.
        state: The state at the start, `(batch, ...)` in every leaf.
        ids: int `(batch, length)`, padded on the right, or None for nothing. A row lasts until its
            first `pad`, or its first `end` included.
        start: The id before the first, one for all or `(batch,)`.
        end: The id that ends a sentence.
        pad: The padding id.

    Returns:
        `Forced`.
    """
    batch = rows(state)
    if is_whole(start):
        # Beyond, the cast would make another of it.
        start = check_whole("start", start, 0, "Pass the id of the vocabulary's first mark.")
    token = ops.broadcast_to(ops.cast(start, "int32"), (batch,))
    alignment = alignment_of(state)
    covered = () if alignment is None else ops.zeros_like(ops.cast(alignment, "float32"))
    if ids is None:
        return Forced(token, state, ops.zeros((batch, 0)), covered)
    ids = ops.cast(ids, "int32")
    check_axes("ids", ids, "(batch, length)")
    length = ops.shape(ids)[1]
    given = ops.cumsum(ops.cast(ids == pad, "int32"), axis=1) == 0
    if end is not None:
        ended = ops.cast(ids == end, "int32")
        given = given & (ops.cumsum(ended, axis=1) == ended)
    step, moving, rejoin = without_memory(step, state)

    def body(
        t: Tensor, token: Tensor, moving: State, covered: State, log_probabilities: Tensor
    ) -> tuple[Any, ...]:
        logits, stepped = step(token, moving)
        here = ops.take(given, t, axis=1)
        chosen = ops.where(here, ops.take(ids, t, axis=1), 0)
        gained = ops.where(here, log_probability(logits, chosen), 0.0)
        log_probabilities = place(log_probabilities, t, gained)
        if alignment is not None:
            attention = ops.cast(alignment_of(stepped), "float32")
            covered = covered + ops.where(here[:, None], attention, 0.0)
        moving = tree.map_structure(lambda new, old: select(here, new, old), stepped, moving)
        return t + 1, ops.where(here, chosen, token), moving, covered, log_probabilities

    _, token, moving, covered, log_probabilities = ops.while_loop(
        lambda t, *_: t < length,
        body,
        (ops.zeros((), "int32"), token, moving, covered, ops.zeros((batch, length))),
    )
    return Forced(token, rejoin(moving), log_probabilities, covered)


def prepared_step(layer: Any, fed: int | None) -> Step:
    """The step of a layer that decodes, with what is constant computed, where the layer can.

    Args:
        layer: With `step`, and maybe `prepared_step`.
        fed: How many ids a search will feed, or None where weights change no more, see
            `kc.layers.RecurrentDecoder.prepared_step`.
    """
    prepare = getattr(layer, "prepared_step", None)
    return layer.step if prepare is None else prepare(fed)


def rows(state: State) -> int | Tensor:
    """The batch size: static where it is known."""
    leaves = tree.flatten(state)
    if not leaves or not all(getattr(leaf, "shape", ()) for leaf in leaves[:1]):
        raise InputError(
            "A state without tensors was given",
            "at least one tensor (batch, ...)",
            "The batch size is read from it: carry any tensor of that first axis along.",
        )
    return ops.shape(leaves[0])[0]


def without_memory(step: Step, state: State) -> tuple[Step, State, Callable[[State], State]]:
    """Take what no step changes out of the state, so that loops neither carry nor reorder it.

    Returns:
        The step over the rest of the state, that rest, and the function that puts it together.
    """
    if not (isinstance(state, dict) and "memory" in state):
        return step, state, lambda moving: moving
    memory = state["memory"]

    def rejoin(moving: State) -> State:
        return {**moving, "memory": memory}

    def moving_step(token: Tensor, moving: State) -> tuple[Tensor, State]:
        logits, stepped = step(token, rejoin(moving))
        return logits, _without(stepped)

    return moving_step, _without(state), rejoin


def _without(state: dict) -> dict:
    return {key: value for key, value in state.items() if key != "memory"}


def alignment_of(state: State) -> Tensor | None:
    """The attention weights `(rows, positions)` of the last step, where the state has them."""
    return state.get("alignment") if isinstance(state, dict) else None


def log_probability(logits: Tensor, ids: Tensor) -> Tensor:
    """The log-probability `(rows,)` that `logits` `(rows, vocabulary)` give to `ids` `(rows,)`."""
    logits = ops.cast(logits, "float32")
    return (ops.take_along_axis(logits, ids[:, None], axis=1) - normaliser(logits))[:, 0]


def normaliser(logits: Tensor) -> Tensor:
    """What to subtract from `logits` `(rows, vocabulary)` for log-probabilities: `(rows, 1)`."""
    # The maximum makes a row of nothing but -inf a row of nothing but -inf, instead of NaN.
    return ops.maximum(ops.logsumexp(logits, axis=-1, keepdims=True), np.finfo("float32").min)


def place(sequences: Tensor, position: Tensor, values: Tensor) -> Tensor:
    """Write `values` `(...)` at `position` of the last axis of `sequences` `(..., length)`."""
    here = ops.arange(ops.shape(sequences)[-1], dtype="int32") == position
    return ops.where(here, values[..., None], sequences)


def pick(x: Tensor, chosen: Tensor) -> Tensor:
    """Per example the entries `chosen` `(batch, count)` of `x` `(batch, entries, ...)`."""
    batch, entries = ops.shape(x)[:2]
    first = ops.arange(batch, dtype="int32")[:, None] * entries
    flat = ops.reshape(x, (-1, *x.shape[2:]))
    return ops.take(flat, first + ops.cast(chosen, "int32"), axis=0)


def select(condition: Tensor, chosen: Tensor, other: Tensor) -> Tensor:
    """`where` by row: `condition` is `(rows,)`, the others `(rows, ...)`."""
    shape = (-1,) + (1,) * (len(chosen.shape) - 1)
    return ops.where(ops.reshape(condition, shape), chosen, other)


def tile(state: State, width: int) -> State:
    """Give every example `width` rows, those of one example side by side."""
    return tree.map_structure(lambda leaf: ops.repeat(leaf, width, axis=0), state)


def reorder(state: State, parents: Tensor) -> State:
    """Row `i` of every leaf becomes what row `parents[i]` was."""
    return tree.map_structure(lambda leaf: ops.take(leaf, parents, axis=0), state)
