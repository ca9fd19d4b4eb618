"""The overview of Canziani, Paszke and Culurciello: accuracy by cost, discs by parameters."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.analysis.drawing.plots import (
    POINTS_PER_INCH,
    new_figure,
    scale_by_logarithm,
    write_figure,
)
from keras_classics.analysis.inside.overview import OverviewRow
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

COSTS = {
    "multiply_adds": "multiply-adds for one image, in billions",
    "images_per_second": "images per second",
    "megabytes": "memory, in megabytes",
}
# Points squared for a million parameters, and the least that can be seen.
AREA, LEAST_AREA = 6.0, 8.0
# Discs of the legend, in millions of parameters; the paper's are 5 to 155.
LEGEND = (5, 35, 65, 95, 125, 155)
# How far from its point a name may stand, in points, and the pixels between two.
RADII, GAP = (5, 12, 20, 30, 42, 56, 72, 90), 2.0


@checked
def draw_overview(
    path: str | os.PathLike, rows: Sequence[OverviewRow], *, by: str = "multiply_adds"
) -> None:
    """Draw published accuracies by what networks cost.

    The area of a disc is in proportion to the parameters, as in the paper; colours tell families
    apart. The paper counts operations, which are twice the multiply-adds.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        rows: What `kc.analysis.overview` returns.
        by: The cost: `"multiply_adds"`, or of measured rows `"images_per_second"` or `"megabytes"`.

    Raises:
        InputError: No row has that cost, or the file has another ending or cannot be written.
    """
    check_choice("by", by, tuple(COSTS))
    scale = 1e9 if by == "multiply_adds" else 1.0
    costs = [(row, getattr(row, by)) for row in rows]
    known = [(row, cost / scale) for row, cost in costs if cost]
    if not known:
        raise InputError(
            f"by={by!r} was given for {len(rows)} networks, of none of which it is known",
            "rows with that cost",
            "Measure them: kc.analysis.measure_speed(rows).",
        )
    figure, axes = new_figure(9.0, 6.2)
    axis = axes[0, 0]
    families = list(dict.fromkeys(row.family for row, _ in known))
    for number, family in enumerate(families):
        own = [(row, cost) for row, cost in known if row.family == family]
        x, y = [cost for _, cost in own], [row.accuracy for row, _ in own]
        areas = [_area(row.parameters / 1e6) for row, _ in own]
        axis.scatter(x, y, s=areas, color=f"C{number % 10}", alpha=0.5, edgecolors="none")
        axis.scatter(x, y, s=3, color="0.3")
    axis.set(xlabel=COSTS[by], ylabel="published accuracy in per cent, first guess")
    scale_by_logarithm(axis, "x")
    axis.grid(alpha=0.3)
    for millions in LEGEND:
        axis.scatter([], [], s=_area(millions), color="0.7", label=f"{millions}")
    legend = axis.legend(
        title="parameters, in millions", loc="lower right", ncols=len(LEGEND), fontsize=7,
        title_fontsize=7, handleheight=6, handlelength=5, handletextpad=0.2, columnspacing=0.8,
        alignment="left",
    )  # fmt: skip
    # So that places in pixels are known.
    figure.draw_without_rendering()
    _name(axis, [(row.name, cost, row.accuracy) for row, cost in known],
          [legend.get_window_extent()], figure.dpi / POINTS_PER_INCH)  # fmt: skip
    write_figure(path, figure)


def _name(
    axis: Axes, points: Sequence[tuple[str, float, float]], taken: list[Bbox], pixels: float
) -> None:
    """Write names beside points, each as near as there is room for it.

    Args:
        axis: Of a figure that has been laid out.
        points: Names and places.
        taken: Where something stands, in pixels; names are added.
        pixels: Of a point of type.
    """
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    for name, x, y in points:
        text = axis.annotate(
            name, (x, y), (0, 0), textcoords="offset points", fontsize=6, va="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.5", "shrinkA": 0},
        )  # fmt: skip
        size = np.asarray(Text.get_window_extent(text).size) + GAP
        for radius, angle in product(RADII, range(0, 360, 30)):
            away = radius * np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
            middle = axis.transData.transform((x, y)) + pixels * away
            left = middle[0] - (size[0] if away[0] < 0 else 0)
            box = Bbox.from_bounds(left, middle[1] - size[1] / 2, *size)
            inside = axis.bbox.containsx(box.x0) and axis.bbox.containsx(box.x1)
            inside &= axis.bbox.containsy(box.y0) and axis.bbox.containsy(box.y1)
            if inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)
        text.set(position=tuple(away), ha="right" if away[0] < 0 else "left")


def _area(millions: float) -> float:
    return max(AREA * millions, LEAST_AREA)
