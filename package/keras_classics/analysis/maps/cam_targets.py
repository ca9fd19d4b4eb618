"""What a map explains: one number of each example, from a model's outputs.

A target of one's own is a function from the outputs (logits, where the model ends in softmax or
sigmoid) to scores `(batch,)`, on `keras.ops`:

    lambda outputs: -outputs[:, 3]                # what speaks against class 3
    lambda outputs: outputs["depth"][:, 10, 20]   # one of several outputs
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, shown
from keras_classics.core.types import Tensor

PREDICTED = -1


def two_sided(values: Tensor) -> Tensor:
    """Logits or weights `(..., classes)`, with both classes where one unit decides between two."""
    return ops.concatenate([-values, values], -1) if values.shape[-1] == 1 else values


def chosen_classes(logits: Tensor, classes: Tensor) -> Tensor:
    """The classes asked for, the likeliest where `PREDICTED` stands; int32 `(batch,)`."""
    likeliest = ops.argmax(_class_logits(logits), -1)
    return ops.where(classes == PREDICTED, ops.cast(likeliest, "int32"), classes)


def scores_of_classes(logits: Tensor, classes: Tensor) -> Tensor:
    """The logit of one class of each example, averaged over the positions where there are such.

    Args:
        logits: `(batch, classes)`, or `(batch, ..., classes)`. One unit counts as the logit of
            class 1, and its negative as that of class 0.
        classes: int32 `(batch,)`; `PREDICTED` stands for the likeliest.
    """
    wanted = chosen_classes(logits, classes)[:, None]
    return ops.take_along_axis(_class_logits(logits), wanted, axis=1)[:, 0]


def class_shares(logits: Tensor, classes: Tensor, *, independent: bool) -> Tensor:
    """The probability of one class of each example, from logits as `scores_of_classes` takes them.

    Args:
        logits: `(batch, classes)`, or `(batch, ..., classes)`, averaged over the positions.
        classes: int32 `(batch,)`; `PREDICTED` stands for the likeliest.
        independent: Whether the classes do not exclude each other.
    """
    own = scores_of_classes(logits, classes)
    if independent or logits.shape[-1] == 1:
        return ops.sigmoid(own)
    return ops.exp(own - ops.logsumexp(_class_logits(logits), axis=-1))


def _class_logits(logits: Tensor) -> Tensor:
    positions = tuple(range(1, len(logits.shape) - 1))
    return two_sided(ops.mean(logits, positions) if positions else logits)


@checked
def region_target(index: int, region: ArrayLike | None = None) -> Callable[[Tensor], Tensor]:
    """Explain a class of a segmentation: the mean of its logit over a region of the map of classes.

    Args:
        index: The class.
        region: Bool or weights `(height, width)` of the outputs, the same for all images; by
            default, for each image the pixels that are predicted to be of the class (then the map
            of an image without such pixels is zero).

    Returns:
        A target for `cam`, for logits `(batch, height, width, classes)`.
    """

    def score(outputs: Tensor) -> Tensor:
        logits = two_sided(outputs)
        if region is None:
            share = ops.cast(ops.argmax(logits, -1) == index, logits.dtype)
        else:
            share = ops.cast(np.asarray(region), logits.dtype)[None]
        total = ops.maximum(ops.sum(share, (1, 2)), 1e-6)
        return ops.sum(share * logits[..., index], (1, 2)) / total

    return score


@checked
def token_target(position: int, token: int) -> Callable[[Tensor], Tensor]:
    """Explain one word of a caption: the logit of a token at a position.

    Args:
        position: Place in the sequence of outputs.
        token: Id of the token.

    Returns:
        A target for `cam`, for logits `(batch, time, vocabulary)`.
    """
    return lambda outputs: outputs[:, position, token]


def check_classes(target: Any, count: int | None, batch: int) -> np.ndarray:
    """The classes `(batch,)` that a target without a function of its own asks for.

    Args:
        target: None, one class, or one for each image.
        count: Number of classes; one counts as two, and None is any number.
        batch: Number of images.

    Raises:
        InputError: It is no class of the model's, or there is not one for each image.
    """
    if target is None:
        return np.full(batch, PREDICTED, "int32")
    try:
        classes = np.asarray(target)
    # A symbolic tensor has no values, and says so in a way of its own.
    except Exception:
        classes = np.array(None)
    most = np.iinfo("int32").max if count is None else max(count, 2)
    whole = classes.dtype.kind in "iu" and classes.shape in ((), (batch,))
    if not (whole and np.all((classes >= 0) & (classes < most))):
        raise InputError(
            f"target={shown(target)} was given for {batch} images",
            f"None, a class from 0 to {most - 1}, one such class for each image, or a "
            "function from outputs to scores (batch,)",
            "Leave target out to explain the predicted class.",
        )
    return np.broadcast_to(classes.astype("int32"), (batch,))


def check_scores(scores: Tensor) -> Tensor:
    """Refuse what is not one number for each image."""
    if len(getattr(scores, "shape", (None, None))) != 1:
        raise InputError(
            f"The target gave {getattr(scores, 'shape', scores)}",
            "one score for each image: (batch,)",
            "Sum or average what it explains over all axes but the first.",
        )
    return ops.cast(scores, "float32")
