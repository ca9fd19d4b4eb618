"""The probability a decoder gives to sentences it did not choose, and how surprised it is."""

from __future__ import annotations

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.types import Tensor
from keras_classics.decoding.step import State, Step, force, tile


@checked
def score(
    step: Step,
    state: State,
    ids: Tensor,
    *,
    start: int | Tensor,
    end: int | None,
    pad: int = 0,
    prefix: Tensor | None = None,
) -> Tensor:
    """Log-probability of every id of given sentences, under the model without any constraint.

    Sums over the last axis are the `log_probabilities` that `greedy`, `sample`, `beam_search` and
    `exhaustive` report for the sentences they return: what those ban is not renormalised.

    Args:
        step: `step(token, state) -> (logits, state)`, see `keras_classics.decoding.step`.
        state: The decoder's state at the start, `(batch, ...)` in every leaf.
        ids: int `(batch, length)`, or `(batch, n, length)` for n sentences per example. A sentence
            lasts until its first `pad`, or its first `end` included.
        start: The id before the first, one for all or `(batch,)`.
        end: The id that ends a sentence, or None for text without one.
        pad: The padding id.
        prefix: int `(batch, length)`, padded on the right: ids every sentence of an example is
            preceded by; their own probabilities do not count.

    Returns:
        float32, the shape of `ids`: natural logarithms, 0 at padding.
    """
    ids = ops.convert_to_tensor(ids)
    forced = force(step, state, prefix, start=start, pad=pad)
    token, state = forced.token, forced.state
    if len(ids.shape) == 3:
        token, state = tile((token, state), ids.shape[1])
    flat = ops.reshape(ids, (-1, ids.shape[-1]))
    scored = force(step, state, flat, start=token, end=end, pad=pad)
    return ops.reshape(scored.log_probabilities, ops.shape(ids))


@checked
def perplexity(log_probabilities: Tensor, lengths: Tensor) -> Tensor:
    """`exp(-log p / N)`: of how many equally likely ids each would be as much of a surprise.

    Of single sentences with the fields of these names of `Decoded` and `Hypotheses`; of a corpus
    with the sums over its sentences.

    Args:
        log_probabilities: Natural logarithms of the probability of whole sentences.
        lengths: Their ids, the end included, in the same shape.

    Returns:
        float32, the same shape; infinite for an impossible sentence.

    Raises:
        InputError: They have different shapes.

    Example:
        ```python
        log_probabilities = np.log([[0.25, 0.5]]).sum(axis=1).astype("float32")
        kc.decoding.perplexity(log_probabilities, np.array([2]))  # 2.83: 1 / sqrt(0.25 * 0.5)
        ```
    """
    nats, counts = -ops.cast(log_probabilities, "float32"), ops.cast(lengths, "float32")
    if tuple(nats.shape) != tuple(counts.shape):
        raise InputError(
            f"Log-probabilities of shape {tuple(nats.shape)} and lengths of shape "
            f"{tuple(counts.shape)} were given",
            "one shape",
            "Give the length of each sentence.",
        )
    return ops.exp(ops.divide(nats, counts))
