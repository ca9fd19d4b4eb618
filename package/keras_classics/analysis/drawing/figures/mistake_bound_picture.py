"""Mistakes of perceptrons beside the bound on them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, scale_by_logarithm, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Figure
from keras_classics.core.errors import InputError

# Corrections that are drawn evenly.
FEW = 100


@checked
def draw_mistake_bounds(
    path: str | os.PathLike, runs: Mapping[str, Sequence[tuple[Figure, Figure]]]
) -> None:
    """Draw the corrections of trainings over Novikoff's bound on them: no point is above the line.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        runs: Corrections and bound of each unit, by what was trained; what has no finite bound, or
            no correction, is left out.

    Raises:
        InputError: Nothing is left to draw, or the file has another ending or cannot be written.

    Example:
        ```python
        runs = {"two clouds": [(3, 12.5), (5, 40.0)], "far apart": [(1, 2.0)]}
        kc.analysis.draw_mistake_bounds("bounds.png", runs)  # mistakes made, mistakes allowed
        ```
    """
    tables = {name: np.array(points, "float64").reshape(-1, 2) for name, points in runs.items()}
    shown = {
        name: table[np.isfinite(table).all(1) & (table > 0).all(1)]
        for name, table in tables.items()
    }
    shown = {name: table for name, table in shown.items() if len(table)}
    if not shown:
        raise InputError(
            "No training with a finite bound was given",
            "one or more",
            "Train to convergence: fit_kernel_perceptron(model, labels, max_epochs=1000).",
        )
    figure, axes = new_figure(4.4, 3.6)
    axis = axes[0, 0]
    for name, table in shown.items():
        axis.scatter(table[:, 1], table[:, 0], s=12, label=name)
    ends = [1.0, 1.5 * max(float(table.max()) for table in shown.values())]
    axis.plot(ends, ends, linestyle="--", color="black", linewidth=1, label="bound")
    axis.set(xlabel="bound (R / d)^2", ylabel="corrections")
    # Of less than a decade or two logarithmic axes would number one place.
    if ends[1] > FEW:
        scale_by_logarithm(axis, "x", "y")
    axis.legend(fontsize=8)
    write_figure(path, figure)
