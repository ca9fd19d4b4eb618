"""How a training went: its figures, epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pandas as pd

from keras_classics.analysis.drawing.plots import new_figure, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError


@checked
def draw_history(
    path: str | os.PathLike, history: pd.DataFrame, figures: Sequence[str] = ("loss", "accuracy")
) -> None:
    """Draw figures over the epochs of a training, those of training and validation together.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        history: What `kc.training.fit` returns.
        figures: A picture for each: all columns that end so, but losses of single outputs.

    Raises:
        InputError: There is no figure, the file has another ending, or cannot be written.
    """
    if not len(figures):
        raise InputError(
            "No figure was given", "names of figures", "Leave figures out for the default."
        )
    from matplotlib.ticker import MaxNLocator

    figure, axes = new_figure(4.5 * len(figures), 3.4, 1, len(figures))
    for axis, name in zip(axes.flat, figures, strict=True):
        for column in map(str, history):
            if column.endswith(name) and "_loss" not in column.removeprefix("val_"):
                label = "validation" if column.startswith("val_") else "training"
                # A single epoch is a point, and a line through it alone would not be seen.
                axis.plot(history["epoch"], history[column], marker="o", markersize=3, label=label)
        axis.set(xlabel="epoch", ylabel=name)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.set_xlim(history["epoch"].min() - 0.5, history["epoch"].max() + 0.5)
        if axis.lines:
            axis.legend()
    write_figure(path, figure)
