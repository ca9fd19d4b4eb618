"""Every sentence there is, scored: what other searches are measured against."""

from __future__ import annotations

import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.types import Tensor
from keras_classics.decoding.beam import check_search
from keras_classics.decoding.hypotheses import Hypotheses
from keras_classics.decoding.penalties import coverage_penalty
from keras_classics.decoding.penalties import length_penalty as penalty_of
from keras_classics.decoding.step import (
    Admission,
    State,
    Step,
    alignment_of,
    force,
    rows,
    tile,
)

MOST_BEGINNINGS = 1_000_000


@checked
def exhaustive(
    step: Step,
    state: State,
    *,
    start: int | Tensor,
    end: int,
    max_length: int,
    length_penalty: str | None = "gnmt",
    alpha: float = 0.6,
    coverage: float = 0.0,
    coverage_method: str = "gnmt",
    n_best: int = 1,
    min_length: int = 0,
    pad: int = 0,
    banned: tuple[int, ...] = (),
    prefix: Tensor | None = None,
) -> Hypotheses:
    """Enumerate all sentences of at most `max_length` ids and return the best.

    Level by level, in NumPy and double precision around the step: exact, for small vocabularies
    and lengths, and only outside compiled functions. The arguments are those of `beam_search`.

    Args:
        step: `step(token, state) -> (logits, state)`, see `keras_classics.decoding.step`.
        state: The decoder's state at the start, `(batch, ...)` in every leaf.
        start: The id before the first, one for all or `(batch,)`.
        end: The id that ends a sentence.
        max_length: The most ids of a sentence, the end included.
        length_penalty: `"gnmt"`, `"power"` or None.
        alpha: Strength of the length penalty.
        coverage: Strength of the coverage penalty.
        coverage_method: `"gnmt"` or `"summary"`.
        n_best: Sentences to return per example; all, where there are fewer.
        min_length: The fewest ids of a sentence, the end included.
        pad: The padding id.
        banned: Ids never generated.
        prefix: int `(batch, length)`, padded on the right: ids every row begins with.

    Returns:
        `Hypotheses`.

    Raises:
        InputError: More than a million beginnings to extend, or a setting `beam_search` refuses.
    """
    admission = Admission(end, max_length, min_length, tuple(banned))
    check_search(state, end, MOST_BEGINNINGS, n_best, coverage, coverage_method)
    token, state, _, covered = force(step, state, prefix, start=start, pad=pad)
    batch = rows(state)
    positions = 0 if alignment_of(state) is None else covered.shape[-1]
    ids = np.zeros((batch, 1, 0), "int32")
    raw = np.zeros((batch, 1))
    weights = np.zeros((batch, 1, 0, positions))
    ended = []
    for t in range(max_length):
        logits, state = step(token, state)
        log_p = log_softmax(logits).reshape(batch, -1, logits.shape[-1])
        if positions:
            latest = ops.convert_to_numpy(alignment_of(state)).reshape(batch, -1, 1, positions)
            weights = np.concatenate([weights, latest], axis=2)
        allowed = np.flatnonzero(ops.convert_to_numpy(admission.mask(t, logits.shape[-1])) == 0.0)
        inside = allowed[allowed != end]
        if end in allowed:
            ended.append((grow(ids, [end]), weights, raw + log_p[..., end]))
        beginnings = batch * ids.shape[1] * len(inside)
        if beginnings > MOST_BEGINNINGS:
            raise InputError(
                f"{beginnings:,} beginnings of {t + 1} ids are to be extended",
                f"{MOST_BEGINNINGS:,}",
                "Take a smaller vocabulary, length or batch, or use beam_search.",
            )
        if not beginnings:
            break
        raw = (raw[..., None] + log_p[..., inside]).reshape(batch, -1)
        ids, weights = grow(ids, inside), np.repeat(weights, len(inside), axis=1)
        token, state = ops.convert_to_tensor(ids[..., -1].reshape(-1)), tile(state, len(inside))

    lengths = np.concatenate([np.full(raw.shape, ids.shape[2]) for ids, _, raw in ended], axis=1)
    ids = np.concatenate([lengthen(ids, max_length, pad) for ids, _, _ in ended], axis=1)
    weights = np.concatenate([lengthen(weights, max_length, 0) for _, weights, _ in ended], axis=1)
    raw = np.concatenate([raw for _, _, raw in ended], axis=1)
    scores = raw / ops.convert_to_numpy(penalty_of(lengths, length_penalty, alpha))
    if coverage:
        total = weights.sum(axis=2) + ops.convert_to_numpy(covered)[:, None]
        scores = scores + ops.convert_to_numpy(coverage_penalty(total, coverage, coverage_method))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n_best]
    ids, lengths, raw, scores, weights = (
        np.stack([entries[chosen] for entries, chosen in zip(column, order, strict=True)])
        for column in (ids, lengths, raw, scores, weights)
    )
    found = scores > -np.inf
    weights = np.where(found[..., None, None], weights, 0.0)
    return Hypotheses(
        ops.convert_to_tensor(np.where(found[..., None], ids, pad), "int32"),
        ops.convert_to_tensor(np.where(found, lengths, 0), "int32"),
        ops.convert_to_tensor(raw, "float32"),
        ops.convert_to_tensor(scores, "float32"),
        ops.convert_to_tensor(weights, "float32") if positions else None,
    )


def log_softmax(logits: Tensor) -> np.ndarray:
    """In double precision; a row of nothing but `-inf` stays one."""
    logits = ops.convert_to_numpy(logits).astype("float64")
    total = np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return logits - np.maximum(total, np.finfo("float64").min)


def grow(ids: np.ndarray, choices: np.ndarray | list[int]) -> np.ndarray:
    """`(batch, n, length)` to `(batch, n * choices, length + 1)`: each row by each choice."""
    batch, count, _ = ids.shape
    last = np.tile(np.asarray(choices, "int32"), (batch, count))[..., None]
    return np.concatenate([np.repeat(ids, len(choices), axis=1), last], axis=2)


def lengthen(x: np.ndarray, length: int, value: float) -> np.ndarray:
    """Fill the third axis up to `length`."""
    widths = [(0, 0), (0, 0), (0, length - x.shape[2]), *[(0, 0)] * (x.ndim - 3)]
    return np.pad(x, widths, constant_values=value)
