"""The labelling of a sequence out of a network's logits, step by step, blank included (CTC).

Both searches run in `keras.ops.ctc_decode` and are scored afterwards over all paths, so what they
return are logarithms of the labellings' own probabilities, whatever the engine calls its scores.
"""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.ctc_probabilities import (
    BLANK,
    NEVER,
    found_log_probabilities,
    step_lengths,
)
from keras_classics.core.errors import InputError, check_axes, check_lengths
from keras_classics.core.types import Tensor


class Labellings(NamedTuple):
    """What a search found, most probable first.

    Attributes:
        ids: int32 `(batch, n_best, steps)`, labels from 1 on, padded with 0.
        lengths: int32 `(batch, n_best)`, how many labels.
        log_probabilities: float32 `(batch, n_best)`, natural log of the probability of the
            labelling, over all its paths. Where a row has fewer labellings than were asked for,
            the others are empty ones of -inf.
    """

    ids: Tensor
    lengths: Tensor
    log_probabilities: Tensor


@checked
def ctc_greedy(logits: Tensor, lengths: Tensor | None = None) -> Labellings:
    """The labelling of the most probable path, which need not be the most probable labelling.

    Graves, Fernandez, Gomez, Schmidhuber, "Connectionist temporal classification", ICML 2006:
    their best path decoding.

    Args:
        logits: `(batch, steps, labels + 1)`, the blank first.
        lengths: Steps of each row, `(batch,)`; by default up to where `kc.layers.BlankPadding`
            begins.

    Returns:
        One labelling for each row.
    """
    return _searched(logits, lengths, strategy="greedy")


@checked
def ctc_beam_search(
    logits: Tensor, lengths: Tensor | None = None, *, width: int = 100, n_best: int = 1
) -> Labellings:
    """The most probable labellings: a search over labellings that adds up the paths of each.

    It does what prefix search decoding does in Graves, Fernandez, Gomez, Schmidhuber,
    "Connectionist temporal classification", ICML 2006, within a width in place of sections.

    Args:
        logits: `(batch, steps, labels + 1)`, the blank first.
        lengths: Steps of each row, `(batch,)`; by default up to where `kc.layers.BlankPadding`
            begins.
        width: Labellings that are followed from step to step.
        n_best: Labellings returned for each row.

    Returns:
        `n_best` labellings for each row.

    Raises:
        InputError: `n_best` is not within 1 and `width`.

    Example:
        ```python
        logits = np.random.default_rng(0).normal(size=(2, 12, 5)).astype("float32")
        found = kc.decoding.ctc_beam_search(logits, np.array([12, 8]), width=10, n_best=3)
        found.ids.shape  # (2, 3, 12): the best labellings, best first
        ```
    """
    if not 1 <= n_best <= width:
        raise InputError(
            f"n_best={n_best} was given with width={width}",
            "from 1 to the width",
            "Give a smaller n_best or a larger width.",
        )
    return _searched(logits, lengths, n_best, strategy="beam_search", beam_width=width)


def _searched(
    logits: Tensor, lengths: Tensor | None, n_best: int = 1, **search: str | int
) -> Labellings:
    logits = ops.cast(logits, "float32")
    check_axes("logits", logits, "(batch, steps, labels + 1)")
    rows, steps = logits.shape[:2]
    if rows == 0:
        empty = ops.zeros((0, n_best), "int32")
        return Labellings(ops.zeros((0, n_best, steps), "int32"), empty, ops.cast(empty, "float32"))
    lengths = step_lengths(logits) if lengths is None else ops.cast(lengths, "int32")
    check_axes("lengths", lengths, "(batch)")
    if None not in (rows, lengths.shape[0]):
        check_lengths("lengths", range(lengths.shape[0]), "logits", range(rows))
    if n_best > 1:
        search["top_paths"] = n_best
        followed, followed_lengths = _with_labellings_enough(logits, lengths, n_best)
    else:
        followed, followed_lengths = logits, lengths
    found, followed_scores = ops.ctc_decode(followed, followed_lengths, mask_index=BLANK, **search)
    # No labelling has more labels than there are steps.
    found = found[..., : ops.shape(logits)[1]]
    # It pads with -1.
    ids = ops.maximum(ops.cast(ops.transpose(found, (1, 0, 2)), "int32"), BLANK)
    scores = found_log_probabilities(ids, logits, lengths)
    if n_best > 1:
        # What a row cannot say was found in the steps it was lengthened by, or is forbidden there.
        # The search tells it from the improbable.
        scores = ops.where(followed_scores > NEVER / 2, scores, -float("inf"))
        ids = ops.where(ops.isfinite(scores)[..., None], ids, BLANK)
    # The search saw only the paths within its width.
    order = ops.argsort(-scores, axis=1)
    ids = ops.take_along_axis(ids, order[..., None], axis=1)
    counts = ops.sum(ops.cast(ids != BLANK, "int32"), axis=-1)
    return Labellings(ids, counts, ops.take_along_axis(scores, order, axis=1))


def _with_labellings_enough(logits: Tensor, lengths: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Logits and lengths of which every row has `count` labellings or more, most of them hopeless.

    TensorFlow refuses a whole batch for one row that has fewer; other engines return one labelling
    several times. Steps at which blank is certain change no probability.
    """
    # One label alone gives `count` labellings, from none to `count - 1` of it with blanks between.
    least = 2 * count
    logits = ops.pad(logits, ((0, 0), (0, least), (0, 0)))
    labels = logits.shape[-1]
    blank = ops.where(ops.arange(labels) == BLANK, 0.0, NEVER)
    inside = ops.arange(ops.shape(logits)[1]) < lengths[:, None]
    # Minus infinity would leave no labelling at all.
    logits = ops.maximum(ops.where(inside[..., None], logits, blank), NEVER)
    return logits, ops.maximum(lengths, least)
