"""Loss landscapes as pictures: a line, contours, or a surface."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.drawing.plots import new_figure, scale_by_logarithm, write_figure
from keras_classics.analysis.inside.landscapes import Landscape
from keras_classics.analysis.inside.trajectories import Trajectory
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMS = ("contours", "surface")
LEVELS = 20
# Decades above the lowest loss that a picture shows; far off it is without bounds.
MOST_DECADES = 4
# Numbers along an axis.
MOST_TICKS = 5


@checked
def draw_landscape(
    path: str | os.PathLike,
    landscape: Landscape,
    *,
    form: str = "contours",
    way: Trajectory | ArrayLike | None = None,
) -> None:
    """Draw a landscape; of a plane contours or a surface, of a line its curve.

    Heights are logarithmic where the losses are positive and the largest is a hundred times the
    smallest. What is infinite or not a number is left out.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        landscape: What `kc.analysis.loss_landscape` returns.
        form: `"contours"` or `"surface"`.
        way: What `kc.analysis.principal_trajectory` gives, or coordinates `(states, 2)`, drawn over
            contours.

    Raises:
        InputError: The file has another ending or cannot be written, no loss is finite, or a way is
            given where it cannot be drawn, or is none.

    Example:
        ```python
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = np.eye(2)[[0, 1, 0]], np.array([0, 1, 2])
        plane = [kc.analysis.random_direction(model, seed=seed) for seed in (1, 2)]
        steps = np.linspace(-1, 1, 5)
        landscape = kc.analysis.loss_landscape(model, x, y, plane, along=steps, across=steps)
        kc.analysis.draw_landscape("plane.png", landscape)
        ```
    """
    check_choice("form", form, FORMS)
    if not np.isfinite(landscape.losses).any():
        raise InputError(
            "No loss of the landscape is finite",
            "a landscape with finite losses",
            "Take smaller distances: along=numpy.linspace(-0.1, 0.1, 25).",
        )
    if way is not None and (landscape.across is None or form != "contours"):
        raise InputError(
            "way was given for what is no map",
            "contours of a plane",
            "Leave way out, or pass form='contours' and a landscape of two directions.",
        )
    write_figure(path, _figure(landscape, form, None if way is None else _places(way)))


def _places(way: Trajectory | ArrayLike) -> np.ndarray:
    """Where a way leads, `(states, 2)`."""
    given = way.coordinates if isinstance(way, Trajectory) else way
    try:
        places = np.asarray(given, "float64")
    except (TypeError, ValueError):
        places = np.array(np.nan)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise InputError(
            f"way={shown(given)} was given",
            "finite coordinates (states, 2)",
            "Pass what kc.analysis.principal_trajectory gives.",
        )
    return places


def _figure(landscape: Landscape, form: str, way: np.ndarray | None) -> Figure:
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import MaxNLocator

    losses, logarithmic = _shown(landscape.losses)
    names = list(landscape.names)
    figure, axes = new_figure(5.6, 4.4)
    axis = axes[0, 0]
    if landscape.across is None:
        axis.plot(landscape.along, losses, marker="o", markersize=3)
        axis.set(xlabel=landscape.names[0], ylabel="loss")
        if logarithmic:
            scale_by_logarithm(axis, "y")
        return figure
    if form == "surface":
        axis.remove()
        axis = figure.add_subplot(projection="3d")
        first, second = np.meshgrid(landscape.along, landscape.across, indexing="ij")
        heights = np.log10(losses) if logarithmic else losses
        axis.plot_surface(first, second, np.ma.filled(heights, np.nan), cmap="viridis")
        axis.set_zlabel("loss, power of ten" if logarithmic else "loss")
        # Lines are short there, and what stands beside them is not counted in the layout.
        names = [name.replace(" (", "\n(") for name in names]
        axis.set_box_aspect(None, zoom=0.8)
        for each, name in zip((axis.xaxis, axis.yaxis), names, strict=True):
            each.labelpad = 14 * name.count("\n") + 4
        axis.zaxis.labelpad = 12
    else:
        lowest, highest = losses.min(), losses.max()
        spaced = np.geomspace if logarithmic else np.linspace
        levels = np.unique(spaced(lowest, max(highest, lowest + 1e-6 + 1e-6 * lowest), LEVELS))
        norm = LogNorm(levels[0], levels[-1]) if logarithmic else Normalize(levels[0], levels[-1])
        lines = axis.contour(
            landscape.along, landscape.across, losses.T, levels, cmap="viridis", norm=norm
        )
        bar = figure.colorbar(lines, ax=axis, label="loss")
        told = levels[:: max(1, len(levels) // MOST_TICKS)]
        bar.set_ticks(told.tolist(), labels=_told_apart(told))
        bar.ax.minorticks_off()
        axis.plot(0, 0, marker="+", color="black")
        if way is not None:
            axis.plot(*way.T, marker="o", markersize=3, color="crimson")
    axis.set(xlabel=names[0], ylabel=names[1])
    for each in (axis.xaxis, axis.yaxis):
        each.set_major_locator(MaxNLocator(MOST_TICKS))
    return figure


def _told_apart(levels: np.ndarray) -> list[str]:
    """Numbers with as many digits, three or more, as let each be another."""
    for digits in range(3, 10):
        texts = [f"{level:.{digits}g}" for level in levels]
        if len(set(texts)) == len(texts):
            break
    return texts


def _shown(losses: np.ndarray) -> tuple[np.ma.MaskedArray, bool]:
    """What can be drawn, and whether by its logarithm."""
    drawn = np.ma.masked_invalid(losses)
    lowest, highest = drawn.min(), drawn.max()
    logarithmic = bool(lowest > 0 and highest > 100 * lowest)
    if logarithmic:
        drawn = np.ma.minimum(drawn, lowest * 10**MOST_DECADES)
    return drawn, logarithmic
