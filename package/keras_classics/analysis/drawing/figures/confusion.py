"""Which classes a classifier takes for which."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, wrapped_in, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_axes, check_lengths

# With more classes there is no room for names and numbers.
_NAMED = 40


@checked
def draw_confusion(path: str | os.PathLike, counts: np.ndarray, classes: Sequence[str]) -> None:
    """Draw how often each class was taken for each; numbers where there is room for them.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        counts: `(true classes, predicted classes)`, how many examples.
        classes: Their names.

    Raises:
        InputError: There is not a name for each class, or the file has another ending or cannot be
            written.
    """
    check_axes("counts", counts, "(true classes, predicted classes)")
    check_lengths("classes", classes, "counts", counts)
    side = max(4.0, min(0.45 * len(classes) + 2, 16.0))
    figure, axes = new_figure(side + 1, side, dots_per_inch=100)
    axis = axes[0, 0]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    title = f"{int(counts.sum()):,} examples: what each class (row) was taken for (column)"
    # Over the page: long names leave the field a small part of it.
    figure.suptitle(wrapped_in(figure, title, 0.95 * (side + 1), 11), fontsize=11)
    axis.set(xlabel="predicted", ylabel="true")
    figure.colorbar(shown, shrink=0.8, label="share of the true class")
    if len(classes) <= _NAMED:
        ticks = range(len(classes))
        axis.set_xticks(ticks, classes, rotation=90)
        axis.set_yticks(ticks, classes)
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, counts[row, column], ha="center", va="center", color=colour,
                      fontsize=8)  # fmt: skip
    write_figure(path, figure)
