"""The family tree: all models of the catalogue in one picture, down the years.

A family is a row: its branch of the tree, its name, its one idea, its models, and a disc for each
of them at its parameters, as large as its multiply-adds say.
"""

from __future__ import annotations

import itertools
import math
import os
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.analysis.drawing.plots import check_ending, draw_as_written, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import card, list_models

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What each family grew out of, the nearest where there are several.
PARENTS = {
    "mlp": "perceptron",
    "lenet": "mlp",
    "alexnet": "lenet",
    "maxout": "alexnet",
    "nin": "alexnet",
    "zfnet": "alexnet",
    "vgg": "alexnet",
    "googlenet": "nin",
    "highway": "mlp",
    "resnet": "vgg",
    "fabric": "vgg",
    "binary": "alexnet",
    "road": "alexnet",
    "squeezenet": "googlenet",
    "resnet_v2": "resnet",
    "wide_resnet": "resnet_v2",
    "resnext": "resnet",
    "densenet": "resnet_v2",
    "inception": "googlenet",
    "fractalnet": "resnet",
    "delta_orthogonal": "resnet",
    "diracnet": "wide_resnet",
    "simpnet": "vgg",
    "randwire": "resnext",
}

# Everything is measured in pixels of a page this wide, so that a telephone can still show the type.
WIDTH, DOTS_PER_INCH = 960, 100
MARGIN, LEFT_TREE, LANE = 16, 108, 21
LEFT_CHART, RIGHT_CHART = 470, 916
TOP, GAP = 206, 25
NAME, IDEA, SMALL = 27, 19, 17
# Characters of a line, in the idea's and in the small type.
IDEA_LINE, SMALL_LINE = 72, 76
LEADING = 1.3
INK, SOFT, FAINT, PAPER = "#1c2430", "#5b6675", "#d9dfe6", "#ffffff"
COLOURS = ("#3d5a98", "#c4572b", "#2c8a6a", "#8a4f9e", "#b5892b", "#b03a5b", "#2e87a8", "#66717f")
FEWEST, MOST = 5e3, 3e8


@dataclass
class Row:
    """A family's row of the picture; `y` is the height of its name."""

    family: str
    cards: list[ModelCard]
    lane: int = 0
    colour: str = INK
    y: float = 0.0

    @property
    def year(self) -> int:
        """When its first model appeared."""
        return min(row.year for row in self.cards)

    @property
    def lines(self) -> list[tuple[str, float, str]]:
        """What is written under its name: words, size and colour of each line."""
        ideas = [row.idea for row in self.cards]
        figures = f"{_range(row.parameters for row in self.cards)} parameters"
        if multiply_adds := [row.multiply_adds for row in self.cards if row.multiply_adds]:
            figures += f", {_range(multiply_adds)} multiply-adds"
        models = ", ".join(row.name for row in self.cards)
        return [
            *((line, IDEA, INK) for line in textwrap.wrap(max(ideas, key=ideas.count), IDEA_LINE)),
            (figures, SMALL, INK),
            *((line, SMALL, SOFT) for line in textwrap.wrap(models, SMALL_LINE)),
        ]

    @property
    def height(self) -> float:
        """Height of all its lines and of the gap below."""
        return LEADING * (NAME + sum(size for _, size, _ in self.lines)) + GAP


@checked
def draw_family_tree(path: str | os.PathLike) -> None:
    """Write the family tree as a picture.

    Args:
        path: A file ending in .png, .svg or .pdf.

    Raises:
        InputError: The ending is another, or the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    check_ending(path)
    figure = family_tree()
    if Path(path).suffix.lower() != ".png":
        write_figure(path, figure)
        return
    draw_as_written(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # A palette makes the file a quarter as large; this way of choosing it keeps the rare colours.
    whole = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture = whole.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    write_whole(path, lambda fresh: picture.save(fresh, optimize=True))


@checked
def family_tree() -> Figure:
    """Every model of the catalogue, as a Matplotlib figure."""
    from matplotlib.figure import Figure

    rows = _rows(map(card, list_models()))
    height = rows[-1].y + rows[-1].height
    figure = Figure((WIDTH / DOTS_PER_INCH, height / DOTS_PER_INCH), DOTS_PER_INCH, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    axes.set_axis_off()
    _draw_heading(axes, rows)
    _draw_years(axes, rows)
    _draw_branches(axes, rows)
    right_of_tree = max(map(_lane, rows)) + LANE
    for row in rows:
        _draw_words(axes, row, right_of_tree)
        _draw_models(axes, row)
    return figure


def _rows(cards: Iterable[ModelCard]) -> list[Row]:
    """Families by year, parents first, each with its place on the page."""
    families: dict[str, list[ModelCard]] = {}
    for each in cards:
        families.setdefault(each.family, []).append(each)
    rows = [Row(family, members) for family, members in families.items()]
    rows.sort(key=lambda row: (row.year, _generation(row.family), row.family))
    _choose_lanes(rows)
    heights = itertools.accumulate((row.height for row in rows), initial=TOP)
    for row, y in zip(rows, heights, strict=False):
        row.y = y
    return rows


def _generation(family: str) -> int:
    return 1 + _generation(PARENTS[family]) if family in PARENTS else 0


def _choose_lanes(rows: list[Row]) -> None:
    """The last child goes on in its parent's lane and colour; the others begin a new branch."""
    last_child = {PARENTS.get(row.family): row.family for row in rows}
    open_lanes: dict[str, Row] = {}
    colours = itertools.cycle(COLOURS)
    for row in rows:
        parent = PARENTS.get(row.family)
        if parent in open_lanes and last_child[parent] == row.family:
            before = open_lanes.pop(parent)
            row.lane, row.colour = before.lane, before.colour
        else:
            taken = {other.lane for other in open_lanes.values()}
            row.lane = next(lane for lane in itertools.count() if lane not in taken)
            row.colour = next(colours)
        if row.family in last_child:
            open_lanes[row.family] = row


def _text(axes: Axes, x: float, y: float, words: str, size: float, **style: Any) -> None:
    # Matplotlib measures type in points, of which an inch has 72.
    style = {"color": INK, "va": "center"} | style
    axes.text(x, y, words, fontsize=size * 72 / DOTS_PER_INCH, **style)


def _draw_heading(axes: Axes, rows: list[Row]) -> None:
    """Title, and how to read the discs: how large they are and where they stand."""
    count = sum(len(row.cards) for row in rows)
    _text(axes, MARGIN, 44, "The networks of keras-classics", 40, weight="bold")
    years = f"{rows[0].year} to {max(row.year for row in rows)}"
    words = f"{count} models of {len(rows)} families, {years}: what grew out of what, by which idea"
    _text(axes, MARGIN, 90, words, IDEA, color=SOFT)
    _text(axes, MARGIN, 134, "area: multiply-adds", SMALL)
    for x, amount in zip((206, 270, 370), (1e6, 1e8, 1e10), strict=True):
        _disc(axes, x, 134, amount, SOFT)
        _text(axes, x + _radius(amount) + 6, 134, _short(amount), SMALL, color=SOFT)
    _text(axes, LEFT_CHART, 134, "place: parameters", SMALL)
    for power in range(4, 9):
        _text(axes, _across(10**power), 160, _short(10**power), SMALL, ha="center", color=SOFT)


def _draw_years(axes: Axes, rows: list[Row]) -> None:
    for year, group in itertools.groupby(rows, key=lambda row: row.year):
        top = next(group).y
        axes.plot((MARGIN, WIDTH - MARGIN), (top - 29,) * 2, color=FAINT, linewidth=1, zorder=0)
        _text(axes, MARGIN, top, str(year), NAME, color=SOFT, weight="bold")


def _draw_branches(axes: Axes, rows: list[Row]) -> None:
    """Lines down from each parent, bent into each of its children."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    by_family = {row.family: row for row in rows}
    for row in rows:
        parent = by_family.get(PARENTS.get(row.family, ""))
        if parent is None:
            continue
        start, end = _lane(parent), _lane(row)
        bend = row.y - 40
        points = [(start, parent.y), (start, bend), (start, row.y), (end, bend), (end, row.y)]
        codes = [Curve.MOVETO, Curve.LINETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]
        axes.add_patch(
            PathPatch(Curve(points, codes), fill=False, edgecolor=row.colour, linewidth=3, zorder=1)
        )
    for row in rows:
        axes.plot(_lane(row), row.y, "o", markersize=12, color=row.colour, zorder=3)


def _draw_words(axes: Axes, row: Row, x: float) -> None:
    _text(axes, x, row.y, row.family, NAME, weight="bold", color=row.colour)
    y = row.y + LEADING * NAME / 2
    for words, size, colour in row.lines:
        _text(axes, x, y + LEADING * size / 2, words, size, color=colour)
        y += LEADING * size


def _draw_models(axes: Axes, row: Row) -> None:
    for power in range(4, 9):
        x = _across(10**power)
        axes.plot((x, x), (row.y - 10, row.y + 10), color=FAINT, linewidth=1, zorder=0)
    axes.plot((LEFT_CHART, RIGHT_CHART), (row.y, row.y), color=FAINT, linewidth=1, zorder=0)
    for model in row.cards:
        _disc(axes, _across(model.parameters), row.y, model.multiply_adds, row.colour)


def _disc(axes: Axes, x: float, y: float, multiply_adds: float | None, colour: str) -> None:
    """A disc, or a ring where the multiply-adds are not known."""
    radius = _radius(multiply_adds)
    style: dict[str, Any] = (
        {"facecolor": colour} if multiply_adds else {"facecolor": "none", "edgecolor": colour}
    )
    points = 2 * radius * 72 / DOTS_PER_INCH
    axes.scatter(x, y, points**2, alpha=0.5, linewidth=1, zorder=2, **style)


def _radius(multiply_adds: float | None) -> float:
    # The area goes with the root, and has a least size: six powers of ten in one picture.
    return max(3.0, (multiply_adds or 0) ** 0.25 / 18)


def _lane(row: Row) -> float:
    return LEFT_TREE + LANE * row.lane


def _across(parameters: float) -> float:
    share = math.log(parameters / FEWEST) / math.log(MOST / FEWEST)
    return LEFT_CHART + share * (RIGHT_CHART - LEFT_CHART)


def _range(numbers: Iterable[int]) -> str:
    numbers = list(numbers)
    return " to ".join(dict.fromkeys((_short(min(numbers)), _short(max(numbers)))))


def _short(number: float) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g} {letter}"
    return f"{number:.3g}"
