"""The picture of a claim, whose axes all are numbered alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import keras_classics as kc

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def write_picture(
    draw: Callable[[pd.DataFrame, Any], object], rows: pd.DataFrame, path: Path
) -> None:
    """Draw a claim's rows, at most 60 kB of it."""
    figure, ((axes,),) = kc.analysis.new_figure(8, 4, dots_per_inch=100)
    draw(rows, axes)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            number(axis)
    if axes.get_legend():
        explain_above(axes)
    kc.analysis.write_figure(path, figure)


def number(axis: Any) -> None:
    """Let the numbers along a logarithmic axis be plain and few; own names of places stay."""
    axis.set_minor_formatter("")
    if hasattr(axis.get_major_locator(), "locs"):
        return
    low, high = axis.get_view_interval()
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places = [step * 10.0**power for power in powers for step in steps]
    places = [place for place in places if low <= place <= high]
    if len(places) < 2:
        # The axis is too short to have two of them.
        places = list(np.linspace(low, high, 4))
        axis.set_ticks(places, [f"{place:,.3g}" for place in places])
        return
    places = places[:: -(-len(places) // 10)]
    if places[0] < 1e-4 or places[-1] >= 1e6:
        axis.set_ticks(places, [_in_powers(place) for place in places])
    else:
        axis.set_ticks(places, [f"{place:,g}" for place in places])


def _in_powers(place: float) -> str:
    power = math.floor(math.log10(place) + 1e-9)
    step = round(place / 10.0**power)
    raised = f"10{str(power).translate(RAISED)}"
    return raised if step == 1 else f"{step}·{raised}"


def explain_above(axes: Any) -> None:
    """Move what explains lines and colours out of the picture, where it hides none of them."""
    legend, figure = axes.get_legend(), axes.get_figure()
    shown = [text.get_text() for text in legend.get_texts()]
    title = legend.get_title().get_text() or None
    found = zip(*axes.get_legend_handles_labels(), strict=True)
    handles = [handle for handle, name in found if name in shown]
    columns = max(1, 110 // (max(map(len, shown)) + 8))
    legend.remove()
    figure.legend(handles, shown, title=title, ncols=min(len(shown), columns), fontsize=9,
        loc="outside upper center", frameon=False)  # fmt: skip
