"""What decoding returns."""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from keras_classics.core.types import Tensor


class Decoded(NamedTuple):
    """One sentence per example, from `greedy` and `sample`.

    Attributes:
        ids: int32 `(batch, max_length)`, generated ids with the end, padded on the right. A prefix
            is not repeated here.
        lengths: int32 `(batch,)`, generated ids including the end.
        log_probabilities: float32 `(batch,)`, natural log of the model's probability of `ids`.
    """

    ids: Tensor
    lengths: Tensor
    log_probabilities: Tensor


class Hypotheses(NamedTuple):
    """The best sentences per example, best first, from `beam_search` and `exhaustive`.

    Where fewer than `n_best` sentences of positive probability were found, the rest have length 0,
    padding for ids and `-inf` for both scores.

    Attributes:
        ids: int32 `(batch, n_best, max_length)`, generated ids with the end, padded on the right.
        lengths: int32 `(batch, n_best)`, generated ids including the end.
        log_probabilities: float32 `(batch, n_best)`, natural log of the model's probability of each
            sentence.
        scores: float32 `(batch, n_best)`, the same after length and coverage penalty: the order.
        alignments: float32 `(batch, n_best, max_length, positions)`, the attention weights behind
            every generated id and 0 at padding, or None where the state holds no "alignment".
    """

    ids: Tensor
    lengths: Tensor
    log_probabilities: Tensor
    scores: Tensor
    alignments: Tensor | None


def sentence_lengths(ids: Tensor, end: int | None) -> Tensor:
    """Count the ids `(..., length)` up to the end, which every row holds; all without an end."""
    if end is None:
        return ops.full(ops.shape(ids)[:-1], ids.shape[-1], "int32")
    return ops.cast(ops.argmax(ids == end, axis=-1), "int32") + 1
