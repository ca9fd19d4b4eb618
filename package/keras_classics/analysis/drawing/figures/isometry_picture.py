"""Singular values of Jacobians by depth, start by start, beside what theory says."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, scale_by_logarithm, write_figure
from keras_classics.analysis.inside.isometry import Isometry
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError

# What a singular value of nothing is drawn as.
FLOOR = 1e-6


@checked
def draw_isometry(path: str | os.PathLike, found: Sequence[Isometry]) -> None:
    """Draw how singular values spread with depth, one picture for each start.

    A band holds the middle half of the values and a paler one all of them; the line is the root of
    their mean square, the dashed one that of mean field theory.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        found: What `kc.analysis.isometry_by_depth` returns.

    Raises:
        InputError: There is nothing to draw, or the file has another ending or cannot be written.

    Example:
        ```python
        found = kc.analysis.isometry_by_depth((2, 4), channels=4)
        kc.analysis.draw_isometry("isometry.png", found)
        ```
    """
    if not found:
        raise InputError(
            "No measurement was given",
            "one or more",
            "Measure some: kc.analysis.isometry_by_depth().",
        )
    starts = list(dict.fromkeys(each.start for each in found))
    figure, axes = new_figure(3.6 * len(starts), 3.4, 1, len(starts))
    lowest = min(float(each.spectrum.values.min()) for each in found)
    highest = max(float(each.spectrum.values.max()) for each in found)
    for axis, start in zip(axes.flat, starts, strict=True):
        rows = sorted((each for each in found if each.start == start), key=lambda x: x.depth)
        depths = [each.depth for each in rows]
        shown = [np.maximum(each.spectrum.values, FLOOR) for each in rows]
        least, first, third, most = np.array(
            [np.quantile(values, (0, 0.25, 0.75, 1)) for values in shown]
        ).T
        axis.fill_between(depths, least, most, alpha=0.2, color="tab:blue", label="all")
        axis.fill_between(depths, first, third, alpha=0.4, color="tab:blue", label="middle half")
        measured = [np.sqrt(each.spectrum.mean_square) for each in rows]
        axis.plot(depths, measured, marker="o", markersize=3, label="root mean square")
        predicted = [np.sqrt(each.predicted_mean) for each in rows]
        axis.plot(depths, predicted, linestyle="--", color="black", label="mean field theory")
        axis.set(title=start.replace("_", "-"), xlabel="layers", ylabel="singular values")
        scale_by_logarithm(axis, "x", "y")
        axis.set_xticks(depths, [str(depth) for depth in depths])
        axis.set_xticks([], minor=True)
        axis.set_ylim(max(lowest, FLOOR) / 2, 2 * max(highest, 1.0))
    axes.flat[0].legend(fontsize=7)
    write_figure(path, figure)
