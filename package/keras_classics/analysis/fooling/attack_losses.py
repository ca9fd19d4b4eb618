"""What attacks make larger: numbers of logits that say how near an image is to being misread.

All are functions from logits `(batch, classes)` and classes int32 `(batch,)`, for some also other
classes, to one number for each image. None changes when the same number is added to all logits.
"""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from keras_classics.core.types import Tensor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]

# Below every logit, and no infinity, whose gradients would not be numbers.
_LOWEST = -3.0e38
# So that logits that are all equal are not divided by nothing, as in the authors' code.
_LEAST_SPREAD = 1e-12


def log_odds(logits: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """Logarithm of the odds against a class: the cross-entropy is `softplus` of it.

    So it grows as the cross-entropy grows and has its gradient's direction, but that gradient never
    vanishes where the model is certain.
    """
    return ops.logsumexp(_without(logits, classes), axis=-1) - _of(logits, classes)


def margin(logits: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """The largest logit of the others over that of a class; above 0 where the class has lost."""
    return ops.max(_without(logits, classes), axis=-1) - _of(logits, classes)


def difference(logits: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """The logit of another class over that of a class."""
    return _of(logits, others) - _of(logits, classes)


def logits_ratio(logits: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """The margin by the distance of the first logit to the third (DLR); three classes or more."""
    largest = ops.top_k(logits, 3)[0]
    return margin(logits, classes, others) / (largest[:, 0] - largest[:, 2] + _LEAST_SPREAD)


def targeted_logits_ratio(logits: Tensor, classes: Tensor, others: Tensor) -> Tensor:
    """The difference, by the first logit's distance to the third and fourth; four classes."""
    largest = ops.top_k(logits, 4)[0]
    spread = largest[:, 0] - (largest[:, 2] + largest[:, 3]) / 2
    return difference(logits, classes, others) / (spread + _LEAST_SPREAD)


LOSSES: dict[str, Loss] = {
    each.__name__: each
    for each in (log_odds, margin, difference, logits_ratio, targeted_logits_ratio)
}


def _of(logits: Tensor, classes: Tensor) -> Tensor:
    return ops.take_along_axis(logits, classes[:, None], axis=1)[:, 0]


def _without(logits: Tensor, classes: Tensor) -> Tensor:
    own = ops.arange(logits.shape[-1], dtype="int32")[None] == classes[:, None]
    return ops.where(own, ops.full_like(logits, _LOWEST), logits)
