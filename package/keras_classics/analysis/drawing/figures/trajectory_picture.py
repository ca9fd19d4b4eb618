"""Trajectories as lines in the plane."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_lengths

COLUMNS = 5


@checked
def draw_trajectories(
    path: str | os.PathLike,
    courses: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    lifted: Sequence[np.ndarray] | None = None,
    goals: np.ndarray | None = None,
) -> None:
    """Draw courses side by side.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        courses: The places one after the other, `(steps, 2)` each; or `(n, steps, 2)`, several in
            one picture.
        titles: Of the pictures.
        lifted: Of each course, bool `(steps,)`: the way to this place is not drawn.
        goals: A point of each picture `(pictures, 2)`, marked.

    Raises:
        InputError: There is nothing to draw, or not as much of one as of the other; or the file
            has another ending or cannot be written.

    Example:
        ```python
        angles = np.linspace(0, 2 * np.pi, 50)
        courses = [np.stack([np.cos(angles), np.sin(turns * angles)], axis=1) for turns in (1, 2)]
        kc.analysis.draw_trajectories("courses.png", courses, ["circle", "eight"])
        ```
    """
    if not len(courses):
        raise InputError(
            "No trajectory was given",
            "one or more",
            "Sample some: kc.models.sample_trajectories(model, vectors, steps).",
        )
    for name, column in (("titles", titles), ("lifted", lifted), ("goals", goals)):
        if column is not None:
            check_lengths(name, column, "courses", courses)
    lines = -(-len(courses) // COLUMNS)
    columns = min(COLUMNS, len(courses))
    figure, axes = new_figure(1.8 * columns, 1.9 * lines, lines, columns)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (axis, given) in enumerate(zip(axes.flat, courses, strict=False)):
        course = np.asarray(given, "float64")
        for places in course[None] if course.ndim == 2 else course:
            shown = places.copy()
            if lifted is not None:
                shown[np.asarray(lifted[number], bool)] = np.nan
            axis.plot(shown[:, 0], shown[:, 1], linewidth=1.2)
        if goals is not None:
            axis.plot(*np.asarray(goals[number]), marker="x", color="black")
        if titles is not None:
            axis.set_title(titles[number], fontsize=8)
        axis.set_aspect("equal")
    write_figure(path, figure)
