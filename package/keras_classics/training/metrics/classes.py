"""How well a classifier answers, and over what it errs."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError


@checked
def classification_metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Figures of a classifier over a split.

    Args:
        labels: True classes, int `(n,)`.
        probabilities: `(n, classes)`.

    Returns:
        `"accuracy"`, `"top-5 accuracy"` (with more than five classes), `"macro F1"` and
        `"cross-entropy"`.

    Raises:
        InputError: No pictures, or not one row for each label.
    """
    labels, probabilities = _checked(labels, probabilities)
    losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    metrics = {
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == labels)),
        "macro F1": float(np.mean(class_scores(labels, probabilities)["F1"])),
        "cross-entropy": float(np.mean(keras.ops.convert_to_numpy(losses))),
    }
    if probabilities.shape[1] > 5:
        top = keras.metrics.sparse_top_k_categorical_accuracy(labels, probabilities, k=5)
        metrics["top-5 accuracy"] = float(np.mean(keras.ops.convert_to_numpy(top)))
    return metrics


@checked
def class_scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1 of every class, 0 where nothing was said or true.

    Args:
        labels: True classes, int `(n,)`.
        probabilities: `(n, classes)`.

    Returns:
        `"precision"`, `"recall"` and `"F1"`, each `(classes,)`, and `"pictures"`, how many are
        of the class.
    """
    counts = confusion_matrix(labels, probabilities)
    right, true, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return {
        "precision": right / np.maximum(said, 1),
        "recall": right / np.maximum(true, 1),
        "F1": 2 * right / np.maximum(true + said, 1),
        "pictures": true,
    }


@checked
def predictions(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> dict[str, list]:
    """What a classifier took each example for, as columns of a table.

    Args:
        labels: True classes, int `(n,)`.
        probabilities: `(n, classes)`.
        classes: Their names.

    Returns:
        `"true"`, `"predicted"` and `"probability"`, each `(n,)`.
    """
    labels, probabilities = _checked(labels, probabilities)
    return {
        "true": [classes[label] for label in labels],
        "predicted": [classes[answer] for answer in probabilities.argmax(axis=1)],
        "probability": probabilities.max(axis=1).tolist(),
    }


@checked
def confusion_matrix(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count pictures by true class (row) and most probable class (column).

    Args:
        labels: True classes, int `(n,)`.
        probabilities: `(n, classes)`.
    """
    labels, probabilities = _checked(labels, probabilities)
    return count_pairs(labels, probabilities.argmax(axis=1), probabilities.shape[1])


def count_pairs(true: np.ndarray, said: np.ndarray, classes: int) -> np.ndarray:
    """Count by true class (row) and said class (column).

    Args:
        true: Whole numbers from 0 to below `classes`, `(n,)`.
        said: Likewise.
        classes: Number of classes.

    Returns:
        int64 `(classes, classes)`.
    """
    return np.bincount(true * classes + said, minlength=classes**2).reshape(classes, classes)


def _checked(
    labels: Sequence[int] | np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not labels.size:
        raise InputError(
            f"Labels {labels.shape} and probabilities {probabilities.shape} were given",
            "(n,) and (n, classes) with n of 1 and above",
            "Give one row of probabilities for each label.",
        )
    classes = probabilities.shape[1]
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < classes:
        raise InputError(
            f"Labels of {labels.dtype} from {labels.min()} to {labels.max()} were given",
            f"whole numbers from 0 to {classes - 1}, one for each column",
            "Give the numbers of the true classes: labels.astype(int).",
        )
    return labels, probabilities
