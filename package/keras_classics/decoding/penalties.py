"""How a finished sentence is scored beyond its probability: by length and by coverage."""

from __future__ import annotations

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice
from keras_classics.core.types import Tensor

METHODS = ("gnmt", "power", None)
COVERAGE_METHODS = ("gnmt", "summary")


@checked
def length_penalty(length: Tensor, method: str | None = "gnmt", alpha: float = 0.6) -> Tensor:
    """The divisor of a sentence's log-probability, which would otherwise favour short sentences.

    `"gnmt"` is `((5 + length) / 6) ** alpha` (Wu et al. 2016, https://arxiv.org/abs/1609.08144,
    equation 14); `"power"` is `length ** alpha`; None is 1.

    Args:
        length: Generated ids including the end, without start and prefix; any shape.
        method: `"gnmt"`, `"power"` or None.
        alpha: The strength; 0 is no penalty, a negative value favours short sentences.

    Returns:
        float32, the shape of `length`.

    Raises:
        InputError: Unknown method.
    """
    check_choice("length_penalty", method, METHODS)
    length = ops.cast(length, "float32")
    if method is None:
        return ops.ones_like(length)
    return ops.power((5.0 + length) / 6.0 if method == "gnmt" else length, alpha)


@checked
def coverage_penalty(covered: Tensor, beta: float, method: str = "gnmt") -> Tensor:
    """What is added to a sentence's score for reading its input unevenly.

    `"gnmt"` is `beta * sum(log(min(covered, 1)))`, against leaving some of the input out (Wu et al.
    2016, equation 14); a position with exactly no attention is taken for padding and costs nothing.
    `"summary"` is `-beta * sum(max(covered, 1) - 1)`, against going back to what was read, as
    summaries do that repeat themselves (Gehrmann, Deng, Rush, EMNLP 2018,
    https://arxiv.org/abs/1808.10792).

    Args:
        covered: `(..., positions)`, attention weights summed over the generated ids.
        beta: The strength.
        method: `"gnmt"` or `"summary"`.

    Returns:
        `(...,)`, at most 0 for positive `beta`.

    Raises:
        InputError: Unknown method.
    """
    check_choice("coverage_method", method, COVERAGE_METHODS)
    covered = ops.convert_to_tensor(covered)
    if method == "summary":
        return -beta * ops.sum(ops.maximum(covered, 1.0) - 1.0, axis=-1)
    attended = covered > 0.0
    return beta * ops.sum(ops.log(ops.where(attended, ops.minimum(covered, 1.0), 1.0)), axis=-1)
