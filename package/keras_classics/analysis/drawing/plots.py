"""The one place where Matplotlib's figures begin and end, apart from the user's own.

`matplotlib.pyplot` and its backend belong to the user's session: nothing here touches them, needs a
screen, or leaves a figure open. Texts come from data, so all are drawn as they are: a `$` is a
dollar, and letters that the typeface lacks are taken from another installed one.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.analysis.drawing.typefaces import drawable, wrapped
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.errors import check_choice

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".pdf")
POINTS_PER_INCH = 72


@checked
def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, *, dots_per_inch: int = 80
) -> tuple[Figure, np.ndarray]:
    """A figure that no window shows, laid out so that texts have the room they need.

    Args:
        width: In inches.
        height: In inches.
        rows: Of axes.
        columns: Of axes.
        dots_per_inch: Pixels of an inch in a picture file.

    Returns:
        The figure and its axes `(rows, columns)`.
    """
    from matplotlib.figure import Figure

    figure = Figure((width, height), dots_per_inch, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


@checked
def write_figure(path: str | os.PathLike, figure: Figure) -> None:
    """Write a figure of Matplotlib, whole or not at all, each text as it is.

    Args:
        path: A file ending in .png, .svg or .pdf.
        figure: With all its texts; `matplotlib.figure.Figure()` makes one that no window shows.

    Raises:
        InputError: The ending is another, or the file cannot be written.
    """
    check_ending(path)
    draw_as_written(figure)
    write_whole(path, partial(figure.savefig, dpi="figure"))


def check_ending(path: str | os.PathLike) -> None:
    """Refuse names of files that no figure is written to.

    Raises:
        InputError: The file does not end in .png, .svg or .pdf.
    """
    check_choice("ending", Path(path).suffix.lower(), ENDINGS, "Name the file FILE.png.")


def draw_as_written(figure: Figure) -> None:
    """Let every text of a figure show its own characters: no mathematics, no missing letters."""
    from matplotlib.font_manager import findfont
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter, ScalarFormatter

    def shown(text: Text) -> tuple[str, str]:
        return drawable(text.get_text(), findfont(text.get_fontproperties()))

    numbers: set[int] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            # Matplotlib's own; how it writes them is the user's setting.
            own = ScalarFormatter | LogFormatter
            labels = axis.get_majorticklabels()
            if isinstance(axis.get_minor_formatter(), own):
                numbers.update(map(id, axis.get_minorticklabels()))
            if isinstance(axis.get_major_formatter(), own):
                numbers.update(map(id, labels))
            elif labels:
                # An axis writes its names anew whenever it is drawn.
                axis.set_ticklabels([shown(label)[0] for label in labels])
    for text in figure.findobj(Text):
        if id(text) not in numbers:
            words, font = shown(text)
            typeface = text.get_fontproperties().copy()
            typeface.set_file(font)
            text.set(text=words, parse_math=False, usetex=False, fontproperties=typeface)


def scale_by_logarithm(axes: Axes, *names: str) -> None:
    """Let axes be logarithmic, their numbers as they are: Matplotlib's own are mathematics.

    Args:
        axes: Of a figure.
        *names: Which of them, `"x"` or `"y"`.
    """
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    class Plain(ScalarFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}"

    for name in names:
        axes.set(**{f"{name}scale": "log"})
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_formatter(Plain())
        axis.set_minor_formatter(NullFormatter())


def wrapped_in(
    figure: Figure,
    text: str,
    inches: float,
    size: float,
    *,
    weight: str = "normal",
    lines: int | None = None,
) -> str:
    """Break a text into lines that fit a width, between words where there are any.

    Args:
        figure: What it will stand in: the fewer pixels, the wider the letters are drawn.
        text: In any script; its own line breaks are spaces.
        inches: Width of a line.
        size: Of the type, in points.
        weight: Of the type, as Matplotlib names it.
        lines: How many there may be, where not all; an ellipsis stands for what is left out.
    """
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties, findfont

    renderer = RendererAgg(1, 1, figure.dpi)
    typeface = FontProperties(size=size, weight=weight)
    usual = findfont(typeface)

    def measure(line: str) -> float:
        shown, font = drawable(line, usual)
        typeface.set_file(font)
        return renderer.get_text_width_height_descent(shown, typeface, ismath=False)[0]

    return wrapped(text, inches * figure.dpi, measure, lines)
