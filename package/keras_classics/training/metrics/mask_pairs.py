"""True masks beside said ones, checked before anything is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from keras import ops

from keras_classics.core.errors import InputError
from keras_classics.core.shapes import agree
from keras_classics.core.types import Tensor


def mask_pairs(
    truth: Sequence[np.ndarray] | np.ndarray,
    answers: Sequence[np.ndarray] | np.ndarray,
    classes: int,
    ignore: int | None,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give of each picture the true mask, the said one, and which pixels count.

    Args:
        truth: Masks, whole numbers, of any sizes.
        answers: Likewise, what was said.
        classes: Number of classes.
        ignore: Label of the pixels of the truth that do not count; None where all do.

    Raises:
        InputError: Masks do not fit each other, or a label is none of the classes.
    """
    if len(truth) != len(answers):
        raise InputError(
            f"{len(truth)} true masks and {len(answers)} answers were given",
            "as many of the one as of the other",
            "Give one answer for each picture.",
        )
    for number, (true, said) in enumerate(zip(truth, answers, strict=True)):
        true, said = np.asarray(true), np.asarray(said)
        if not true.size:
            raise InputError(
                f"The true mask of picture {number} has the shape {true.shape}",
                "masks with pixels",
                "Leave the picture out.",
            )
        if true.shape != said.shape or true.dtype.kind not in "iu" or said.dtype.kind not in "iu":
            raise InputError(
                f"Picture {number} has a true mask {true.dtype} {true.shape} and an answer "
                f"{said.dtype} {said.shape}",
                "whole numbers of one shape",
                "Take the most probable class of each pixel, probabilities.argmax(-1), and "
                "resize what is resized by kc.data.resize_mask.",
            )
        counted = np.ones(true.shape, bool) if ignore is None else true != ignore
        check_labels(true[counted], classes, f"The true mask of picture {number}")
        check_labels(said[counted], classes, f"The answer for picture {number}")
        yield true, said, counted


def check_whole_numbers(labels: np.ndarray, whose: str) -> None:
    """Refuse masks that are not of whole numbers.

    Raises:
        InputError: Their type is another.
    """
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"{whose} of type {labels.dtype} was given",
            "whole numbers, those of the classes",
            'Convert it: mask.astype("int32").',
        )


def check_batch(y_true: Tensor, y_pred: Tensor, classes: int, sample_weight: None = None) -> None:
    """Refuse what a metric or a loss of pixels cannot count.

    Args:
        y_true: Whole numbers `(batch, height, width)`, or with a last axis of 1.
        y_pred: Logits or probabilities `(batch, height, width, classes)`.
        classes: Number of classes.
        sample_weight: Without meaning.

    Raises:
        InputError: Weights were given, or shapes do not fit.
    """
    if sample_weight is not None:
        raise InputError(
            "Weights of pixels were given",
            "pixels that count alike, or not at all where their label is that to ignore",
            "Leave sample_weight out, or give metrics instead of weighted_metrics.",
        )
    shape, said = tuple(y_true.shape), tuple(y_pred.shape)
    places = shape[:-1] if len(shape) == len(said) and shape[-1] in (1, None) else shape
    if said[-1] != classes or not agree(places, said[:-1]):
        raise InputError(
            f"Masks of shape {shape} and answers of shape {said} were given",
            f"(batch, height, width) and (batch, height, width, {classes})",
            "Give masks of the pictures' size, of one map for each class their argmax(-1), and the "
            "metric the model's number of classes.",
        )


def read_labels(y_true: Tensor, classes: int, ignore: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """The labels of a batch, which of them count, and which are no class: all of its shape.

    Args:
        y_true: Numbers of any type.
        classes: Number of classes.
        ignore: Label of the pixels that do not count; None where all do.

    Returns:
        int32, 0 where it is no class; bool; and bool, where a label counts and is no class.
    """
    given = ops.cast(y_true, "float32")
    # As they were given: what has no place in an int32 becomes some other number there.
    within = ops.logical_and(given >= 0, given < classes)
    labels = ops.cast(ops.where(within, given, 0.0), "int32")
    # What is cut to a whole number is none.
    known = ops.logical_and(within, ops.cast(labels, "float32") == given)
    counted = ops.ones_like(known) if ignore is None else given != ignore
    return labels, counted, ops.logical_and(counted, ops.logical_not(known))


def without_answer(y_pred: Tensor) -> Tensor:
    """Where NaN was said, of which no class is the greatest: bool `(batch, height, width)`.

    Args:
        y_pred: Logits or probabilities `(batch, height, width, classes)`.
    """
    return ops.any(ops.isnan(ops.cast(y_pred, "float32")), axis=-1)


def check_labels(labels: np.ndarray, classes: int, whose: str) -> None:
    """Refuse labels that are no class.

    Raises:
        InputError: One is.
    """
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise InputError(
            f"{whose} has the label {wrong[0]}, in {wrong.size} pixels",
            f"0 to {classes - 1}",
            "Correct it, give all classes, or name the label to ignore.",
        )
