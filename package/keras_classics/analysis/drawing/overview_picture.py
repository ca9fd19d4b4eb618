"""The overview of Canziani, Paszke and Culurciello: accuracy by cost, discs by parameters."""

from __future__ import annotations

import os
from collections.abc import Sequence

from keras_classics.analysis.drawing.plots import new_figure, scale_by_logarithm, write_figure
from keras_classics.analysis.inside.overview import OverviewRow
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, explain

COSTS = {
    "multiply_adds": "multiply-adds for one image, in billions",
    "images_per_second": "images per second",
    "megabytes": "memory, in megabytes",
}
# Points squared for a million parameters, and the least that can be seen.
AREA, LEAST_AREA = 6.0, 8.0
# Discs of the legend, in millions of parameters; the paper's are 5 to 155.
LEGEND = (5, 35, 65, 95, 125, 155)


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
            explain(
                f"by={by!r} was given for {len(rows)} networks, of none of which it is known",
                "rows with that cost",
                "Measure them: kc.analysis.measure_speed(rows).",
            )
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
    for row, cost in known:
        axis.annotate(
            row.name, (cost, row.accuracy), (3, 3), textcoords="offset points", fontsize=6
        )
    axis.set(xlabel=COSTS[by], ylabel="published accuracy in per cent, first guess")
    scale_by_logarithm(axis, "x")
    axis.grid(alpha=0.3)
    for millions in LEGEND:
        axis.scatter([], [], s=_area(millions), color="0.7", label=f"{millions}")
    axis.legend(
        title="parameters, in millions", loc="lower right", ncols=len(LEGEND), fontsize=7,
        title_fontsize=7, labelspacing=1.5, borderpad=1.2, columnspacing=2.5,
    )  # fmt: skip
    write_figure(path, figure)


def _area(millions: float) -> float:
    return max(AREA * millions, LEAST_AREA)
