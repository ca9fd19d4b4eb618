"""Sentences as points of the plane, each with its words beside it."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.analysis.drawing.plots import (
    POINTS_PER_INCH,
    draw_as_written,
    new_figure,
    wrapped_in,
    write_figure,
)
from keras_classics.core.arguments import checked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# In points: the type of the labels, half a point's mark, and how far labels keep from others.
_TYPE, _MARK, _AIR = 7.0, 3.0, 1.5
# Inches: a label is broken where it is longer.
_LONGEST = 2.0
_STEPS, _DIRECTIONS = 8.0, 16


@checked
def draw_projection(
    path: str | os.PathLike,
    coordinates: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str],
    shares: Sequence[float],
) -> None:
    """Draw sentences as points, each group in a colour of its own; no label covers another.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        coordinates: `(sentences, 2)`, from `kc.analysis.principal_components`.
        labels: What stands beside each point.
        groups: The group of each point.
        shares: Share of the variance along both directions.

    Raises:
        InputError: The file has another ending, or cannot be written.
    """
    write_figure(path, projection_figure(coordinates, labels, groups, shares))


def projection_figure(
    coordinates: np.ndarray, labels: Sequence[str], groups: Sequence[str], shares: Sequence[float]
) -> Figure:
    """The figure of `draw_projection`: as large as its labels need to stand apart."""
    for enlarged in itertools.count():
        scale = 1.25**enlarged
        figure = _with_points(coordinates, labels, groups, shares, 9 * scale, 6 * scale)
        if _part_labels(figure):
            return figure
    raise AssertionError("a page that is large enough has room for every label")


def _with_points(
    coordinates: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str],
    shares: Sequence[float],
    width: float,
    height: float,
) -> Figure:
    figure, axes = new_figure(width, height)
    axis = axes[0, 0]
    for group in dict.fromkeys(groups):
        chosen = coordinates[[each == group for each in groups]]
        axis.scatter(*chosen.T, s=(2 * _MARK) ** 2, label=group)
    for place, label in zip(coordinates, labels, strict=True):
        axis.annotate(
            wrapped_in(figure, label, _LONGEST, _TYPE),
            place,
            (0, 0),
            textcoords="offset points",
            fontsize=_TYPE,
            va="center",
            ha="center",
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkA": 0},
        )
    axis.set(
        xlabel=f"first component ({shares[0]:.0%} of the variance)",
        ylabel=f"second component ({shares[1]:.0%})",
    )
    axis.margins(0.12)
    # Beside the points, where it hides none.
    figure.legend(fontsize=_TYPE + 1, loc="outside right upper")
    return figure


def _part_labels(figure: Figure) -> bool:
    """Move each label to the nearest free place; whether there was one for all."""
    from matplotlib.text import Annotation, Text

    draw_as_written(figure)
    figure.draw_without_rendering()
    # From here on the points stay where they are.
    figure.set_layout_engine("none")
    axis = figure.axes[0]
    unit = POINTS_PER_INCH / figure.dpi
    room = unit * np.array(axis.get_window_extent().extents)
    notes = [note for note in axis.texts if isinstance(note, Annotation)]
    points = unit * axis.transData.transform([note.xy for note in notes])
    # Of the words alone: a note's own extent has its line in it.
    sizes = [unit * np.array(Text.get_window_extent(note).size) for note in notes]
    offsets = apart(points, sizes, room)
    for note, offset in zip(notes, offsets, strict=False):
        note.set_position(tuple(offset))
    return len(offsets) == len(notes)


def apart(points: np.ndarray, sizes: Sequence[np.ndarray], room: np.ndarray) -> list[np.ndarray]:
    """Where labels stand so that none covers another, a point, or leaves a rectangle.

    Each in its turn takes the free place that is nearest to its point.

    Args:
        points: `(labels, 2)`, each in the room.
        sizes: Width and height of each label.
        room: Left, lower, right and upper end.

    Returns:
        From the point to the middle of its label, for the labels that were placed: the first ones.
    """
    taken = np.concatenate([points - _MARK, points + _MARK], axis=1)
    offsets: list[np.ndarray] = []
    farthest = math.hypot(*(room[2:] - room[:2]))
    for point, size in zip(points, sizes, strict=True):
        for distance, turn in itertools.product(
            np.arange(_MARK + _AIR, farthest, _STEPS), range(_DIRECTIONS)
        ):
            angle = 2 * math.pi * turn / _DIRECTIONS
            way = np.array([math.cos(angle), math.sin(angle)])
            # The edge that is next to the point keeps the distance.
            offset = way * distance + np.round(way, 9) * size / 2
            box = np.concatenate([point + offset - size / 2, point + offset + size / 2])
            inside = (box[:2] >= room[:2]).all() and (box[2:] <= room[2:]).all()
            if inside and not _covers(box, taken):
                break
        else:
            return offsets
        offsets.append(offset)
        taken = np.concatenate([taken, box[None]])
    return offsets


def _covers(box: np.ndarray, others: np.ndarray) -> bool:
    apart = (box[:2] >= others[:, 2:] + _AIR) | (box[2:] <= others[:, :2] - _AIR)
    return not apart.any(axis=1).all()
