"""How well pictures are segmented: four figures of one confusion matrix.

Long, Shelhamer, Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015,
section 5. With `n[i, j]` pixels of class `i` that are said to be of class `j`, and `t[i]` of class
`i` in all:

- pixel accuracy: `sum_i n[i, i] / sum_i t[i]`,
- mean accuracy: the mean of `n[i, i] / t[i]`,
- mean IU: the mean of `n[i, i] / (t[i] + sum_j n[j, i] - n[i, i])`,
- frequency-weighted IU: these, weighted by `t[i] / sum_k t[k]`.

Means are over the classes that have pixels, in the truth or, of IU, in the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Count, Tensor
from keras_classics.data.pictures.formats.mask_files import IGNORED
from keras_classics.training.metrics.classes import count_pairs
from keras_classics.training.metrics.mask_pairs import (
    check_batch,
    mask_pairs,
    read_labels,
    without_answer,
)

FIGURES = ("pixel accuracy", "mean accuracy", "mean IU", "frequency-weighted IU")
# Counts are kept in two numbers of 32 bits, as JAX has no longer ones; the lower is below this.
_CARRY = 2**24


@checked
def pixel_confusion(
    truth: Sequence[np.ndarray] | np.ndarray,
    answers: Sequence[np.ndarray] | np.ndarray,
    classes: Count,
    *,
    ignore: int | None = IGNORED,
) -> np.ndarray:
    """Count the pixels of pictures by true class (row) and said class (column).

    Args:
        truth: Masks, whole numbers `(height, width)` each, of any sizes.
        answers: Likewise, what was said.
        classes: Number of classes.
        ignore: Label of the pixels of the truth that do not count; None where all do.

    Returns:
        int64 `(classes, classes)`.

    Raises:
        InputError: Masks do not fit each other, or a label is none of the classes.

    Example:
        ```python
        truth, answer = np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 1]])
        print(kc.training.pixel_confusion([truth], [answer], 2))  # [[1, 1], [0, 1]]
        ```
    """
    counts = np.zeros((classes, classes), "int64")
    for true, said, counted in mask_pairs(truth, answers, classes, ignore):
        one, other = true[counted].astype("int64"), said[counted].astype("int64")
        counts += count_pairs(one, other, classes)
    return counts


@checked
def pixel_figures(confusion: np.ndarray) -> dict[str, float]:
    """The four figures of a confusion matrix, NaN where nothing was counted.

    Args:
        confusion: `(classes, classes)`, true classes in rows, as `pixel_confusion` counts.

    Returns:
        By the names `"pixel accuracy"`, `"mean accuracy"`, `"mean IU"`, `"frequency-weighted IU"`.

    Example:
        ```python
        print(kc.training.pixel_figures(np.array([[1, 1], [0, 1]])))  # a mean IU of 0.5
        ```
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        found = _figures(_square(confusion).astype("float64"), np)
    return {name: float(value) for name, value in found.items()}


@checked
def intersections_over_unions(confusion: np.ndarray) -> np.ndarray:
    """IU of each class, NaN of those that are neither true nor said anywhere.

    Args:
        confusion: `(classes, classes)`, true classes in rows.

    Returns:
        float64 `(classes,)`.
    """
    counts = _square(confusion).astype("float64")
    right = np.diag(counts)
    with np.errstate(invalid="ignore"):
        return right / (counts.sum(axis=1) + counts.sum(axis=0) - right)


@registered
class PixelFigure(keras.metrics.Metric):
    """One of the four figures over all pixels since the last reset, whatever the batches were.

    The confusion matrix is exact up to 2^55 pixels, in compiled steps too. Several of them in one
    `compile` count for themselves.

    Args:
        classes: Number of classes.
        figure: `"pixel accuracy"`, `"mean accuracy"`, `"mean IU"` or `"frequency-weighted IU"`.
        ignore: Label of the pixels that do not count; None where all do.
        name: Name in the history; by default the figure's, with underscores.

    Raises:
        InputError: There is no such figure.
    """

    @checked
    def __init__(
        self,
        classes: Count,
        figure: str = "mean IU",
        ignore: int | None = IGNORED,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_choice("figure", figure, FIGURES)
        super().__init__(name=name or figure.replace(" ", "_").replace("-", "_"), **kwargs)
        self.classes = classes
        self.figure = figure
        self.ignore = ignore
        shape = (2, classes * classes + 1)
        # The last counts labels that are no class, and pixels of which nothing was said.
        self.counts = self.add_variable(shape, "zeros", dtype="int32", name="counts")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: None = None) -> None:
        """Count a batch.

        Args:
            y_true: Whole numbers `(batch, height, width)`, or with a last axis of 1.
            y_pred: Logits or probabilities `(batch, height, width, classes)`.
            sample_weight: Without meaning here, and refused.

        Raises:
            InputError: Weights were given, or shapes do not fit.
        """
        check_batch(y_true, y_pred, self.classes, sample_weight)
        pairs = self.classes**2
        true, counted, unknown = read_labels(ops.reshape(y_true, (-1,)), self.classes, self.ignore)
        said = ops.reshape(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), (-1,))
        lost = ops.logical_or(unknown, ops.reshape(without_answer(y_pred), (-1,)))
        place = ops.where(lost, pairs, true * self.classes + said)
        place = ops.where(counted, place, pairs + 1)
        ones = ops.ones_like(place)
        found = ops.segment_sum(ones, place, num_segments=pairs + 2)[: pairs + 1]
        low = self.counts[0] + found
        high = self.counts[1] + low // _CARRY
        self.counts.assign(ops.stack([low % _CARRY, high]))

    def confusion(self) -> np.ndarray:
        """int64 `(classes, classes)`: what was counted, true classes in rows.

        Raises:
            InputError: A label was no class.
        """
        low, high = np.asarray(ops.convert_to_numpy(self.counts), "int64")
        counts: np.ndarray = high * _CARRY + low
        if counts[-1]:
            raise InputError(
                f"{counts[-1]} pixels had labels that are no class, or answers that are no number",
                f"labels 0 to {self.classes - 1}, and numbers",
                "Correct the masks, give all classes, or name the label to ignore; a network that "
                "says NaN has to be trained anew at a smaller rate.",
            )
        return counts[:-1].reshape(self.classes, self.classes)

    def result(self) -> Tensor:
        """The figure; NaN before the first pixel, where a label was no class or NaN was said."""
        counts = ops.cast(self.counts, "float32")
        total = counts[1] * float(_CARRY) + counts[0]
        square = ops.reshape(total[:-1], (self.classes, self.classes))
        value = _figures(square, ops)[self.figure]
        return ops.where(total[-1] > 0, float("nan"), value)

    def get_config(self) -> Config:
        """The arguments."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "figure": self.figure,
            "ignore": self.ignore,
        }


def _figures(counts: Any, on: Any) -> dict[str, Any]:
    """The four figures by the operations of NumPy or of the backend."""
    right = on.diagonal(counts)
    true, said = on.sum(counts, axis=1), on.sum(counts, axis=0)
    union = true + said - right
    # Each divided by something where it counts, so that gradients and engines see no 0 / 0.
    accuracy = right / on.where(true > 0, true, on.ones_like(true))
    overlap = right / on.where(union > 0, union, on.ones_like(union))
    whole = on.sum(true)
    return {
        "pixel accuracy": on.sum(right) / whole,
        "mean accuracy": on.sum(accuracy) / _number(true > 0, counts, on),
        "mean IU": on.sum(overlap) / _number(union > 0, counts, on),
        "frequency-weighted IU": on.sum(true * overlap) / whole,
    }


def _number(are: Any, like: Any, on: Any) -> Any:
    """How many are true, as a number of the same type."""
    return on.sum(on.where(are, on.ones_like(like[0]), on.zeros_like(like[0])))


def _square(confusion: np.ndarray) -> np.ndarray:
    square = confusion.ndim == 2 and len(set(confusion.shape)) == 1 and confusion.size
    if not square or confusion.dtype.kind not in "iuf":
        raise InputError(
            f"A confusion matrix {confusion.dtype} {confusion.shape} was given",
            "counts (classes, classes)",
            "Give what kc.training.pixel_confusion returns.",
        )
    if not (np.isfinite(confusion).all() and (confusion >= 0).all()):
        raise InputError(
            "A confusion matrix with negative or no finite counts was given",
            "counts from 0 on",
            "Give what kc.training.pixel_confusion returns.",
        )
    return confusion
