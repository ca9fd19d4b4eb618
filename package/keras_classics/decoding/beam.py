"""Beam search with frozen finished sentences, in one loop of static shapes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.types import Tensor
from keras_classics.decoding import penalties
from keras_classics.decoding.hypotheses import Hypotheses, sentence_lengths
from keras_classics.decoding.step import (
    Admission,
    State,
    Step,
    alignment_of,
    force,
    normaliser,
    pick,
    place,
    reorder,
    rows,
    tile,
    without_memory,
)

STOPS = ("exact", "first", "n")
# Beams of an example, by default.
WIDTH = 5


class Beams(NamedTuple):
    """The sentences still growing, `width` per example, best first.

    Attributes:
        scores: float32 `(batch, width)`, their log-probabilities; `-inf` for none.
        history: int32 `(batch, width, 2, max_length)`: their ids and, below each, the row of the
            step that made it, so that recorded attention need never be reordered.
        token: int32 `(batch * width,)`, their last ids.
        state: The decoder's state, `(batch * width, ...)`, without the memory.
        covered: float32 `(batch * width, positions)`, attention summed over the ids; `()` where no
            coverage penalty asks for it.
    """

    scores: Tensor
    history: Tensor
    token: Tensor
    state: State
    covered: Tensor


class Finished(NamedTuple):
    """The best sentences that have ended, `width` per example, best first: never extended again.

    Attributes:
        scores: float32 `(batch, width)`, penalised; `-inf` for none.
        log_probabilities: float32 `(batch, width)`.
        history: As in `Beams`.
    """

    scores: Tensor
    log_probabilities: Tensor
    history: Tensor


@checked
def beam_search(
    step: Step,
    state: State,
    *,
    start: int | Tensor,
    end: int,
    max_length: int,
    width: int = WIDTH,
    length_penalty: str | None = "gnmt",
    alpha: float = 0.6,
    coverage: float = 0.0,
    coverage_method: str = "gnmt",
    n_best: int = 1,
    stop: str = "exact",
    min_length: int = 0,
    pad: int = 0,
    banned: tuple[int, ...] = (),
    prefix: Tensor | None = None,
) -> Hypotheses:
    """Keep the `width` most probable beginnings at every step; return the best sentences.

    At every step all beginnings are extended by all ids and the best `2 * width` candidates of an
    example looked at. Those among its first `width` that end go, with their final score, to the
    finished sentences; the best `width` that do not end grow on. The state is tiled to `width`
    inside (callers never do), and every leaf of it but "memory" follows its beam.

    The score of a sentence is `log p / length_penalty(length) + coverage_penalty`. Equal candidates
    rank by lower parent, then lower id; where more are equal than looked at, lower ids stay. (On
    PyTorch, whose `topk` leaves it open, in any order.)

    Args:
        step: `step(token, state) -> (logits, state)`, see `keras_classics.decoding.step`.
        state: The decoder's state at the start, `(batch, ...)` in every leaf.
        start: The id before the first, one for all or `(batch,)`.
        end: The id that ends a sentence; it is forced at `max_length`.
        max_length: The most ids to generate, the end included.
        width: Beams per example.
        length_penalty: `"gnmt"`, `"power"` or None, see `penalties.length_penalty`.
        alpha: Strength of the length penalty.
        coverage: Strength of the coverage penalty, which needs an "alignment" in the state.
        coverage_method: `"gnmt"` or `"summary"`, see `penalties.coverage_penalty`.
        n_best: Sentences to return per example, at most `width`.
        stop: When an example is done. `"exact"`: no beam can score better any more than the
            `n_best`-th finished sentence, at whatever length it ends. `"first"`: the best candidate
            of a step ends and `n_best` sentences have finished. `"n"`: `width` sentences have
            finished. The last two are heuristics: a longer sentence may have scored better.
        min_length: The fewest ids to generate, the end included.
        pad: The padding id.
        banned: Ids never generated. Probabilities are not renormalised.
        prefix: int `(batch, length)`, padded on the right: ids every row begins with. They are
            forced before the beams part, count in no length and are not returned; what was
            attended to for them counts as covered.

    Returns:
        `Hypotheses`.

    Raises:
        InputError: A setting outside what is listed here.

    Example:
        ```python
        decoder = kc.layers.RecurrentDecoder(30, 16)
        encoded = np.random.default_rng(0).normal(size=(2, 16)).astype("float32")
        decoder.build((2, 5), (2, 16))
        state = decoder.initial_state(encoded)
        found = kc.decoding.beam_search(decoder.step, state, start=1, end=2, max_length=5, n_best=3)
        found.ids, found.log_probabilities  # (2, 3, 5) and (2, 3)
        ```
    """
    admission = Admission(end, max_length, min_length, tuple(banned))
    check_search(state, end, width, n_best, coverage, coverage_method)
    check_choice("stop", stop, STOPS)
    batch = rows(state)
    first_rows = ops.arange(batch, dtype="int32")[:, None] * width
    forced = force(step, state, prefix, start=start, pad=pad)
    step, moving, _ = without_memory(step, tile(forced.state, width))
    alignment = alignment_of(moving)

    def penalty(length: Tensor) -> Tensor:
        return penalties.length_penalty(length, length_penalty, alpha)

    def extend(history: Tensor, t: Tensor, parent: Tensor, token: Tensor) -> Tensor:
        made = ops.stack([token, first_rows + parent], axis=-1)
        return place(pick(history, parent), t, made)

    def body(
        t: Tensor, beams: Beams, finished: Finished, attention: Any
    ) -> tuple[Tensor, Beams, Finished, Any]:
        logits, moving = step(beams.token, beams.state)
        logits = ops.cast(logits, "float32")
        covered = beams.covered
        if alignment is not None:
            weights = ops.cast(alignment_of(moving), "float32")
            attention = ops.slice_update(attention, (t, 0, 0), weights[None])
            covered = covered + weights if coverage else covered

        scores, parent, token = candidates(
            logits + admission.mask(t, logits.shape[-1]),
            ops.reshape(beams.scores, (-1, 1)) - normaliser(logits),
            width,
        )
        ends = token == end

        # The end counts among the first `width` only: else width 1 would not be greedy.
        raw = ops.where(ends, scores, -np.inf)[:, :width]
        final = raw / penalty(t + 1)
        if coverage:
            penalised = penalties.coverage_penalty(covered, coverage, coverage_method)
            final = final + pick(ops.reshape(penalised, (-1, width)), parent[:, :width])
        history = extend(beams.history, t, parent[:, :width], token[:, :width])
        finished = best(finished, Finished(final, raw, history))

        alive, chosen = ops.top_k(ops.where(ends, -np.inf, scores), width)
        parent, token = pick(parent, chosen), pick(token, chosen)
        if stop == "exact":
            # Log-probabilities only fall, so this is the most any beam can still score.
            kindest = max_length if alpha > 0 else t + 2
            done = finished.scores[:, n_best - 1] >= alive[:, 0] / penalty(kindest)
        elif stop == "first":
            done = ends[:, 0] & (finished.scores[:, n_best - 1] > -np.inf)
        else:
            done = finished.scores[:, width - 1] > -np.inf
        # Dead from here on, so that no result depends on how long the rest of the batch takes.
        alive = ops.where(done[:, None], -np.inf, alive)
        parent_rows = ops.reshape(first_rows + parent, (-1,))
        beams = Beams(
            alive,
            extend(beams.history, t, parent, token),
            ops.reshape(token, (-1,)),
            *reorder((moving, covered), parent_rows),
        )
        return t + 1, beams, finished, attention

    unwritten = ops.full((batch, width, 2, max_length), pad, "int32")
    nothing = ops.full((batch, width), -np.inf, "float32")
    alone = np.where(np.arange(width) == 0, 0.0, -np.inf).astype("float32")
    beams = Beams(
        ops.broadcast_to(alone, (batch, width)),
        unwritten,
        ops.repeat(forced.token, width, axis=0),
        moving,
        tile(forced.covered, width) if coverage else (),
    )
    attention = ()
    if alignment is not None:
        attention = ops.zeros((max_length, *ops.shape(alignment)), "float32")
    _, _, finished, attention = ops.while_loop(
        lambda t, beams, *_: (t < max_length) & ops.any(beams.scores > -np.inf),
        body,
        (ops.zeros((), "int32"), beams, Finished(nothing, nothing, unwritten), attention),
    )
    scores, log_probabilities, history = (leaf[:, :n_best] for leaf in finished)
    found = scores > -np.inf
    ids = ops.where(found[..., None], history[:, :, 0], pad)
    lengths = ops.where(found, sentence_lengths(ids, end), 0)
    alignments = None
    if alignment is not None:
        alignments = trace(attention, history[:, :, 1], lengths)
    return Hypotheses(ids, lengths, log_probabilities, scores, alignments)


def check_search(
    state: State,
    end: int | None,
    width: int,
    n_best: int,
    coverage: float,
    coverage_method: str,
) -> None:
    """Refuse settings of a search for the best sentences that cannot be met.

    Raises:
        InputError: No end, more results than beams, coverage without attention, or an unknown
            method of coverage.
    """
    check_choice("coverage_method", coverage_method, penalties.COVERAGE_METHODS)
    if end is None:
        raise InputError(
            "end=None was given",
            "the id that ends a sentence",
            "Use greedy or sample for text without an end: there is nothing to rank here.",
        )
    if not 1 <= n_best <= width:
        raise InputError(
            f"n_best={n_best} of {width} was asked for",
            f"1 to {width}",
            "Search wider, or ask for fewer.",
        )
    if coverage < 0.0 or (coverage and alignment_of(state) is None):
        raise InputError(
            f"coverage={coverage} was given",
            "0, or a positive number and a state that is a dict with 'alignment'",
            "Let the step write its attention weights (rows, positions) there.",
        )


def candidates(logits: Tensor, ahead: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """The best `2 * width` extensions of every example, best first.

    Args:
        logits: `(batch * width, vocabulary)`, `-inf` where an id is not admitted.
        ahead: `(batch * width, 1)`, what makes them log-probabilities of whole sentences.
        width: Beams per example.

    Returns:
        Log-probability, parent beam and id, each `(batch, 2 * width)`.
    """
    vocabulary = logits.shape[-1]
    totals = logits + ahead
    # An id that is not among the first by its best beam has no candidate among the first: one
    # maximum over the beams leaves a search through `vocabulary` instead of `width * vocabulary`.
    peaks = ops.max(ops.reshape(totals, (-1, width, vocabulary)), axis=1)
    _, ids = ops.top_k(peaks, min(2 * width, vocabulary))
    ids = ops.sort(ops.cast(ids, "int32"), axis=-1)
    few = pick(totals, ops.repeat(ids, width, axis=0))
    scores, index = ops.top_k(ops.reshape(few, (-1, width * ids.shape[1])), 2 * width)
    index = ops.cast(index, "int32")
    return scores, index // ids.shape[1], pick(ids, index % ids.shape[1])


def best(finished: Finished, ended: Finished) -> Finished:
    """The best `width` of two sets of `width` sentences; of equals, those that ended first."""
    both = [ops.concatenate(pair, axis=1) for pair in zip(finished, ended, strict=True)]
    _, order = ops.top_k(both[0], finished.scores.shape[1])
    return Finished(*(pick(leaf, order) for leaf in both))


def trace(attention: Tensor, path: Tensor, lengths: Tensor) -> Tensor:
    """The attention weights along sentences.

    Args:
        attention: `(max_length, rows, positions)`, as the steps wrote them.
        path: int32 `(batch, n_best, max_length)`, the row that made each id.
        lengths: int32 `(batch, n_best)`.

    Returns:
        `(batch, n_best, max_length, positions)`, 0 beyond `lengths`.
    """
    length, count, positions = ops.shape(attention)
    steps = ops.arange(length, dtype="int32")
    written = steps < lengths[..., None]
    index = ops.where(written, steps * count + path, 0)
    weights = ops.take(ops.reshape(attention, (-1, positions)), index, axis=0)
    return ops.where(written[..., None], weights, 0.0)
