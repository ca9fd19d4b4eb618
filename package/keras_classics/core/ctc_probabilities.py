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
