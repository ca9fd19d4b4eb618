"""How well the steps of sequences are labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.training.metrics.classes import class_scores


@checked
def tagging_metrics(
    probabilities: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    unknown: Sequence[np.ndarray],
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Accuracy by step, of all and of unknown ones, beside the most frequent class.

    Args:
        probabilities: Of each sequence, `(steps, classes)`.
        targets: True classes of each sequence, int `(steps,)`.
        unknown: Whether each step was of something never seen in training, bool `(steps,)`.

    Returns:
        `"accuracy"`, `"always the same"`, the share of the most frequent class, and `"accuracy of
        the unknown"` where there are some; and by class what `class_scores` tells, with `"units"`
        for how many there are.
    """
    found, labels = np.concatenate(probabilities), np.concatenate(targets)
    scores = class_scores(labels, found)
    scores["units"] = scores.pop("pictures")
    right, new = found.argmax(axis=1) == labels, np.concatenate(unknown)
    metrics = {
        "accuracy": float(right.mean()),
        "always the same": float(np.bincount(labels).max() / len(labels)),
    }
    if new.any():
        metrics["accuracy of the unknown"] = float(right[new].mean())
    return metrics, scores
