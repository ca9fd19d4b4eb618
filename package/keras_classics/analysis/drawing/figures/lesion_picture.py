"""What networks still do without one of their blocks, after Veit et al."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from keras_classics.analysis.drawing.plots import new_figure, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@checked
def draw_lesions(
    path: str | os.PathLike,
    without: Mapping[str, Mapping[str, float]],
    *,
    whole: Mapping[str, float] | None = None,
    measured: str = "accuracy",
) -> None:
    """Draw, for each block of networks, what is measured when that one is deleted.

    Networks of several depths stand beside each other by the share of their blocks that lies
    before; blocks of one network alone are named.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        without: By the name of a network, what was measured without each block, in order.
        whole: What was measured of each network as it is: a dashed line.
        measured: What it is, for the axis.

    Raises:
        InputError: There is nothing to draw, or the file has another ending or cannot be written.

    Example:
        ```python
        without = {
            "ResNet": {"block 1": 0.9, "block 2": 0.85},
            "plain": {"block 1": 0.1, "block 2": 0.2},
        }
        kc.analysis.draw_lesions("lesions.png", without, whole={"ResNet": 0.91, "plain": 0.88})
        ```
    """
    if not without or not all(without.values()):
        raise InputError(
            f"{len(without)} networks were given, with nothing measured of one",
            "one network or more, each with one block or more",
            "Measure them under kc.analysis.lesion(model, block).",
        )
    write_figure(path, _figure(without, whole or {}, measured))


def _figure(
    without: Mapping[str, Mapping[str, float]], whole: Mapping[str, float], measured: str
) -> Figure:
    figure, axes = new_figure(7.5, 4.2)
    axis = axes[0, 0]
    alone = len(without) == 1
    for number, (name, found) in enumerate(without.items()):
        places = [n if alone else (n + 0.5) / len(found) for n in range(len(found))]
        colour = f"C{number % 10}"
        axis.plot(places, list(found.values()), "o-", markersize=4, color=colour, label=name)
        if name in whole:
            axis.axhline(whole[name], linestyle="--", linewidth=1, color=colour)
    if alone:
        blocks = list(next(iter(without.values())))
        axis.set_xticks(range(len(blocks)), blocks, rotation=60, ha="right", fontsize=7)
        axis.set_xlabel("block that is deleted")
    else:
        axis.set(xlabel="place of the block that is deleted, from the first to the last")
        axis.set_xlim(0, 1)
    axis.set_ylabel(measured)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure
