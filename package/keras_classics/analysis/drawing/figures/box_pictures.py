"""Pictures with boxes drawn on them, what was found beside what is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from keras_classics.analysis.drawing.plots import new_figure, wrapped_in, write_figure
from keras_classics.core.arguments import checked

COLUMNS = 4
_WIDTH, _HEIGHT = 3.6, 3.7
_LINE, _TITLE, _LABEL = 3.4, 10, 8
# What a name takes of the height of a picture.
_ROOM = 0.06


@checked
def draw_boxes(
    path: str | os.PathLike,
    examples: Sequence[Any],
    classes: Sequence[str],
    detections: Sequence[Any] | None = None,
) -> None:
    """Draw pictures with their true boxes in green and, dashed in red, what a detector says.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        examples: What has an `image`, a `name`, `boxes` and `box_labels`: scenes, or pictures of
            `kc.data.load`.
        classes: Names of the classes.
        detections: Of each, a `kc.boxes.Detections`; None for the truth alone.

    Raises:
        InputError: The file has another ending, or cannot be written.
    """
    rows = max(1, -(-len(examples) // COLUMNS))
    columns = min(COLUMNS, max(1, len(examples)))
    figure, axes = new_figure(_WIDTH * columns, _HEIGHT * rows, rows, columns, dots_per_inch=80)
    figure.set_layout_engine("constrained")
    axes = np.atleast_1d(axes)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False)
    for number, (axis, example) in enumerate(zip(axes.flat, examples, strict=False)):
        axis.imshow(np.asarray(example.image, "uint8"), interpolation="nearest")
        axis.set_title(wrapped_in(figure, example.name, _LINE, _TITLE), fontsize=_TITLE)
        for box, label in zip(example.boxes, example.box_labels, strict=True):
            # A region without a class has none.
            _draw(axis, box, classes[label] if label >= 0 else "", "lime", "-", "bottom")
        if detections is not None:
            found = detections[number]
            for box, label, score in zip(found.boxes, found.box_labels, found.scores, strict=True):
                _draw(axis, box, f"{classes[label]} {score:.2f}", "red", "--", "top")
    write_figure(path, figure)


def _draw(axis: Any, box: np.ndarray, text: str, colour: str, line: str, side: str) -> None:
    ymin, xmin, ymax, xmax = (float(each) for each in box)
    # Pixel 0 is drawn from -0.5 to 0.5.
    axis.add_patch(
        Rectangle(
            (xmin - 0.5, ymin - 0.5),
            xmax - xmin,
            ymax - ymin,
            fill=False,
            edgecolor=colour,
            linestyle=line,
            linewidth=1.5,
        )
    )
    y, side = _label_place(ymin, ymax, side, axis.get_ylim())
    axis.text(
        xmin,
        y,
        text,
        fontsize=_LABEL,
        color="black",
        verticalalignment=side,
        clip_on=True,
        bbox={"facecolor": colour, "alpha": 0.6, "linewidth": 0, "pad": 0.8},
    )


def _label_place(
    ymin: float, ymax: float, side: str, limits: tuple[float, float]
) -> tuple[float, str]:
    """Where the name of a box stands, and which edge of it: beyond the box, or else within."""
    room = _ROOM * abs(limits[1] - limits[0])
    if side == "bottom":
        return ymin, side if ymin - min(limits) >= room else "top"
    return ymax, side if max(limits) - ymax >= room else "bottom"
