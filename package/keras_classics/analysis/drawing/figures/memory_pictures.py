"""What a memory recalls: curves by load, and pictures completed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, write_figure
from keras_classics.analysis.inside.memory_capacity import RecallAtLoad
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError

# Amit, Gutfreund, Sompolinsky 1985.
CRITICAL_LOAD = 0.138


@checked
def draw_recall(path: str | os.PathLike, curves: Mapping[str, Sequence[RecallAtLoad]]) -> None:
    """Draw recall by load, the critical load of Hebb's rule among it.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        curves: What `kc.analysis.recall_by_load` returns, by the names of the memories.

    Raises:
        InputError: There is no curve, or the file has another ending or cannot be written.
    """
    if not curves:
        raise InputError(
            "No curve was given",
            "one or more, by name",
            "Measure one: {'Hebb': kc.analysis.recall_by_load()}.",
        )
    figure, axes = new_figure(7.2, 3.4, 1, 2)
    for axis, what, label in zip(
        axes.flat, ("overlap", "exact"), ("mean overlap", "recalled without an error"), strict=True
    ):
        for name, rows in curves.items():
            loads, values = [row.load for row in rows], [getattr(row, what) for row in rows]
            axis.plot(loads, values, marker="o", markersize=3, label=name)
        axis.axvline(CRITICAL_LOAD, linestyle="--", color="grey", linewidth=1)
        axis.set(xlabel="patterns / units", ylabel=label, ylim=(-0.03, 1.03))
    axes.flat[0].legend(fontsize=8)
    write_figure(path, figure)


@checked
def draw_completions(
    path: str | os.PathLike, rows: Mapping[str, np.ndarray], shape: tuple[int, int]
) -> None:
    """Draw states as pictures, one row of them under the other: given, recalled, stored.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        rows: States `(pictures, units)` by what they are, as many in each row; -1 is white, 0 grey
            and +1 black.
        shape: Height and width of a picture.

    Raises:
        InputError: Rows have not as many pictures, or these another size; or the file has another
            ending or cannot be written.
    """
    tables = {name: np.asarray(states) for name, states in rows.items()}
    shapes = {states.shape for states in tables.values()}
    expected = next(iter(shapes))[:1] + (shape[0] * shape[1],) if shapes else ()
    if shapes != {expected}:
        raise InputError(
            f"Rows of shapes {sorted(shapes)} were given for pictures of {shape}",
            f"as many states in every row, each of {shape[0] * shape[1]} units",
            "Give the states that one call of the model was given and gave.",
        )
    count = expected[0]
    figure, axes = new_figure(0.9 * count + 1, 1.0 * len(tables), len(tables), count)
    for line, (name, states) in zip(axes, tables.items(), strict=True):
        for axis, state in zip(line, states, strict=True):
            axis.imshow(-state.reshape(shape), cmap="gray", vmin=-1, vmax=1)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, fontsize=8)
    write_figure(path, figure)
