"""The mistakes of a classifier, the surest first: they tell most."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_classics.analysis.drawing.pages import draw_tiles
from keras_classics.core.arguments import checked


@checked
def draw_mistakes(
    path: str | os.PathLike,
    images: Sequence[np.ndarray] | np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    most: int = 40,
) -> None:
    """Draw pictures that were taken for another class, under what they are and what was said.

    Args:
        path: File to write, `.png` or another kind Pillow knows.
        images: uint8 `(height, width, 3)` each.
        labels: True classes, int `(n,)`.
        probabilities: `(n, classes)`.
        classes: Their names.
        most: Pictures drawn, at most.

    Raises:
        InputError: The file has another ending, or cannot be written.
    """
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(said != labels)
    wrong = wrong[np.argsort(-sure[wrong])]
    titles = [f"{classes[labels[n]]}\nas {classes[said[n]]} ({sure[n]:.0%})" for n in wrong[:most]]
    heading = f"{len(wrong)} of {len(labels)} wrong"
    draw_tiles(path, [images[n] for n in wrong[:most]], titles, heading=heading)
