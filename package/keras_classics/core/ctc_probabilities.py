"""The arithmetic of connectionist temporal classification: probabilities of labellings.

Graves, Fernandez, Gomez, Schmidhuber, "Connectionist temporal classification", ICML 2006. A network
says at every step one of the labels or the blank, id 0; the labelling of a sequence is what is left
when repetitions are merged, then blanks dropped. Logits are `(batch, steps, labels + 1)`; labels
`(batch, most labels)`, numbered from 1, are padded on the right with 0; what is below 0 is padding
too, such as the -1 that `keras.ops.ctc_decode` writes.
"""

from __future__ import annotations

from keras import ops

from keras_classics.core.types import Tensor

BLANK = 0
# Logit of what is out of the question; finite, so that no gradient becomes NaN.
NEVER = -1e9


def step_lengths(logits: Tensor) -> Tensor:
    """Steps of each row, int32 `(batch,)`: those at which something but blank is possible.

    `kc.layers.BlankPadding` marks the others.
    """
    return ops.sum(ops.cast(ops.any(logits[..., 1:] > NEVER / 2, axis=-1), "int32"), axis=1)


def fewest_steps(labels: Tensor) -> Tensor:
    """Steps a labelling needs, int32 `(batch,)`: its labels, a blank within every repetition."""
    labels = ops.maximum(labels, BLANK)
    real = ops.not_equal(labels, BLANK)
    repeated = ops.logical_and(real[:, 1:], ops.equal(labels[:, 1:], labels[:, :-1]))
    counts = [ops.sum(ops.cast(each, "int32"), axis=1) for each in (real, repeated)]
    return counts[0] + counts[1]


def labelling_log_probabilities(
    labels: Tensor, logits: Tensor, lengths: Tensor | None = None
) -> Tensor:
    """Logarithm of the probability of labellings, over all paths that give them.

    Args:
        labels: int `(batch, most labels)`.
        logits: `(batch, steps, labels + 1)`.
        lengths: Steps of each row, int `(batch,)`; by default what `step_lengths` finds.

    Returns:
        `(batch,)`; minus infinity, with gradient zero, for a labelling that needs more steps than
        there are. Computed in single precision on TensorFlow, whatever the logits' own.
    """
    labels = ops.maximum(ops.cast(labels, "int32"), BLANK)
    lengths = step_lengths(logits) if lengths is None else ops.cast(lengths, "int32")
    possible = lengths >= fewest_steps(labels)
    # Engines differ in what they answer to the impossible (708, 100000, infinity with NaN as its
    # gradient); the empty labelling is safe with all.
    labels = ops.where(possible[:, None], labels, BLANK)
    counts = ops.sum(ops.cast(labels != BLANK, "int32"), axis=1)
    # Minus infinity, which forbids a label, would make every labelling NaN.
    logits = ops.maximum(logits, NEVER)
    found = -ops.ctc_loss(labels, logits, counts, lengths, mask_index=BLANK)
    return ops.where(possible, found, -float("inf"))


def found_log_probabilities(labels: Tensor, logits: Tensor, lengths: Tensor) -> Tensor:
    """Logarithms of the probabilities of several labellings of each row, for comparison.

    What `labelling_log_probabilities` says of each, by the forward variables alone. The engines'
    losses make gradients along with it, and on TensorFlow time and memory of every step grow with
    the square of what the labels are padded to: minutes for half a minute of speech.

    Args:
        labels: int `(batch, labellings, most labels)`.
        logits: `(batch, steps, labels + 1)`.
        lengths: Steps of each row, int `(batch,)`.

    Returns:
        float32 `(batch, labellings)`; minus infinity for what needs more steps than there are.
    """
    labels = ops.maximum(ops.cast(labels, "int32"), BLANK)
    rows, count, most = ops.shape(labels)
    states = 2 * most + 1
    # A blank before, between and behind the labels, one state each.
    blanks = ops.full_like(labels, BLANK)
    said = ops.reshape(ops.stack([blanks, labels], axis=-1), (rows, count, states - 1))
    said = ops.pad(said, ((0, 0), (0, 0), (0, 1)), constant_values=BLANK)
    # Only two different labels may follow one another without the blank. What stands behind the
    # last label is reached so too, but never left for it, and not read.
    skips = ops.where(said[..., 2:] != said[..., :-2], 0.0, NEVER)

    # Minus infinity, which forbids a label, would make every labelling NaN.
    spoken = ops.log_softmax(ops.maximum(ops.cast(logits, "float32"), NEVER), axis=-1)
    symbols = spoken.shape[-1]
    # Time first, and the rest in one axis, so that a step is two look-ups.
    spoken = ops.reshape(ops.transpose(spoken, (1, 0, 2)), (-1, rows * symbols))
    places = said + ops.arange(rows, dtype="int32")[:, None, None] * symbols

    def advance(step: Tensor, reached: Tensor) -> Tensor:
        """Log-probabilities of the states after one step more."""
        moved = ops.logaddexp(reached, _behind(reached[..., :-1], 1))
        moved = ops.logaddexp(moved, _behind(reached[..., :-2] + skips, 2))
        moved = moved + ops.take(spoken[step], places)
        return ops.where((step < lengths)[:, None, None], moved, reached)

    # Before the first step, in the first blank.
    start = ops.where(ops.arange(states) == 0, 0.0, NEVER)
    start = ops.broadcast_to(start, (rows, count, states))
    reached = ops.fori_loop(0, ops.shape(spoken)[0], advance, start)
    # In the last label or the blank behind it; without labels, in the only blank.
    counts = ops.sum(ops.cast(labels != BLANK, "int32"), axis=-1, keepdims=True)
    blank, label = (
        ops.take_along_axis(reached, place, axis=-1)[..., 0]
        for place in (2 * counts, ops.maximum(2 * counts - 1, 0))
    )
    found = ops.where(counts[..., 0] > 0, ops.logaddexp(blank, label), blank)
    fewest = ops.reshape(fewest_steps(ops.reshape(labels, (-1, most))), (rows, count))
    return ops.where(ops.cast(lengths, "int32")[:, None] >= fewest, found, -float("inf"))


def _behind(values: Tensor, count: int) -> Tensor:
    """Values `(batch, labellings, states)`, behind `count` states that cannot be reached."""
    return ops.pad(values, ((0, 0), (0, 0), (count, 0)), constant_values=NEVER)
