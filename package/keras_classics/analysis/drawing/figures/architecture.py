"""The architecture of a classifier in one picture: its stages as boxes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from keras_classics.analysis.drawing.complexity import LayerCost, costs
from keras_classics.analysis.drawing.plots import new_figure, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.graphs.layer_names import own_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLAIN, _DENSE, _LINE = "#cfe0f1", "#f3ddc6", "#44617e"
# As high as a map is, by its logarithm, and as deep as it has channels.
_GAP, _LOWEST, _DEEPEST = 1.0, 0.4, 1.6


@dataclass(frozen=True)
class Stage:
    """Layers whose names are one up to the first `_`.

    Attributes:
        name: Such as `stage2`; a layer of no stage stands for itself.
        output_shape: Of the last layer, for one example.
        layers: How many layers with parameters it has.
        parameters: Of all of them.
        multiply_adds: Of all of them, for one example.
    """

    name: str
    output_shape: tuple[int, ...]
    layers: int
    parameters: int
    multiply_adds: int


@checked
def stages(model: keras.Model) -> list[Stage]:
    """What a model of the catalogue consists of, from its input to its answer.

    Args:
        model: A functional model whose input sizes are known.

    Raises:
        InputError: What `kc.analysis.costs` refuses.
    """
    # Inputs, and numbers that are the same for all examples, are none.
    rows = [row for row in costs(model) if row.kind != "InputLayer" and row.output_shape]
    found: dict[str, list[LayerCost]] = {}
    for row in rows:
        # A fabric comes back to its stages again and again.
        found.setdefault(own_name(row.name).partition("_")[0], []).append(row)
    return [_stage(name, group) for name, group in found.items()]


def _stage(name: str, rows: Sequence[LayerCost]) -> Stage:
    return Stage(
        name=name,
        output_shape=rows[-1].output_shape,
        layers=sum(row.parameters > 0 for row in rows),
        parameters=sum(row.parameters for row in rows),
        multiply_adds=sum(row.multiply_adds for row in rows),
    )


@checked
def draw_architecture(path: str | os.PathLike, model: keras.Model) -> None:
    """Draw the stages of a model, each with its maps, layers, parameters and multiply-adds.

    Args:
        path: The picture, ending in `.png`, `.svg` or `.pdf`.
        model: A functional model whose input sizes are known.

    Raises:
        InputError: What `kc.analysis.costs` refuses, or the file cannot be written.

    Example:
        ```python
        kc.analysis.draw_architecture("lenet.png", kc.create_model("lenet_5"))
        ```
    """
    found = stages(model)
    figure, axes = new_figure(max(4.0, 1.35 * len(found) + 0.5), 3.0)
    _draw(axes[0, 0], found)
    write_figure(path, figure)


def _draw(axes: Axes, found: Sequence[Stage]) -> None:
    from matplotlib.patches import Rectangle

    axes.set_axis_off()
    left = 0.0
    for stage in found:
        *sizes, channels = stage.output_shape
        width = min(_DEEPEST, 0.2 + 0.12 * math.log2(channels + 1))
        height = _LOWEST + 0.35 * math.log2(max(sizes, default=1))
        colour = _PLAIN if sizes else _DENSE
        axes.add_patch(
            Rectangle((left, -height / 2), width, height, facecolor=colour, edgecolor=_LINE)
        )
        middle = left + width / 2
        axes.text(middle, height / 2 + 0.12, stage.name, ha="center", va="bottom", fontsize=9)
        told = "\n".join(
            [
                "x".join(map(str, stage.output_shape)),
                f"{stage.layers} with weights" if stage.layers else "",
                f"{stage.parameters:,}" if stage.parameters else "",
            ]
        )
        axes.text(middle, -height / 2 - 0.12, told, ha="center", va="top", fontsize=7)
        axes.annotate("", (left, 0), (left - 0.7 * _GAP, 0), arrowprops={"arrowstyle": "->"})
        left += width + _GAP
    axes.set_xlim(-_GAP, left)
    axes.set_ylim(-2.9, 2.3)
