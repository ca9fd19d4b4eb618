"""Receptive fields: which pixels a unit of a layer can see.

For a kernel of reach `k - 1` (times its dilation), stride s and padding p, size r, stride j and
centre c of the field pass from layer to layer as

    r' = r + (k - 1) j        c' = c + ((k - 1) / 2 - p) j        j' = j s

from r = 1, j = 1, c = 0.5, the middle of the first pixel. A transposed convolution of stride s has
j' = j / s. Where ways meet, the field is the union of theirs. Padding of `"same"`, which depends
on the size and puts the odd row at the end, is taken from the actual sizes. (Araujo, Norris, Sim,
"Computing receptive fields of convolutional neural networks", Distill 2019.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole, check_wholes
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.gradients import unrecorded
from keras_classics.core.graphs.graph import Place, source
from keras_classics.core.graphs.layer_windows import Window, layer_windows
from keras_classics.core.shapes import agree
from keras_classics.core.types import Tensor, Whole

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of a layer see of the image; pairs are for height and width, in pixels.

    Attributes:
        layer: The path of the layer.
        size: Of the field of one unit, whether or not all of it lies in the image. Behind
            enlarging layers it is the size that holds the fields of all units.
        stride: From the field of a unit to that of the next; 0 where all units see the same.
        centre: Of the field of unit (0, 0); 0.5 is the middle of the first pixel.
        image_size: Height and width of the image.
        map_size: Height and width of the layer's map; (1, 1) where it gives none.
    """

    layer: str
    size: tuple[float, float]
    stride: tuple[float, float]
    centre: tuple[float, float]
    image_size: tuple[int, int]
    map_size: tuple[int, int]

    def box(self, row: Whole = 0, column: Whole = 0, *, clipped: bool = True) -> Box:
        """The pixels that one unit can see.

        Args:
            row: The unit's row in the map.
            column: Its column.
            clipped: Whether the box ends where the image does; otherwise it has the full size, and
                reaches into what the layers pad.

        Returns:
            `(ymin, xmin, ymax, xmax)` in whole pixels, the far edges exclusive.

        Raises:
            InputError: The map has no such unit.
        """
        unit = check_whole("row", row, 0), check_whole("column", column, 0)
        if any(own >= count for own, count in zip(unit, self.map_size, strict=True)):
            raise InputError(
                f"row={row} and column={column} were given",
                f"units of the map of {self.layer!r}, of {self.map_size[0]} rows and "
                f"{self.map_size[1]} columns",
                f"Take row={self.map_size[0] // 2}, column={self.map_size[1] // 2} for the one "
                "in the middle.",
            )
        starts, ends = [], []
        for own, size, stride, centre, side in zip(
            unit, self.size, self.stride, self.centre, self.image_size, strict=True
        ):
            start = centre + own * stride - size / 2
            low, high = math.floor(start), math.ceil(start + size)
            starts.append(min(max(low, 0), side) if clipped else low)
            ends.append(min(max(high, 0), side) if clipped else high)
        return starts[0], starts[1], ends[0], ends[1]


@checked
def receptive_field(
    model: keras.Model,
    layer: str,
    *,
    image_size: Sequence[Whole] | None = None,
    image: int | str | None = None,
) -> ReceptiveField:
    """The field that the units of a layer see of the image.

    Convolutions, pools, paddings and enlargements of Keras are read from their settings. Other
    layers, such as one's own, are asked by gradients in the middle of their map. What is dense,
    pools over the whole map, or does not tell, sees all that the units before it see together.

    Args:
        model: A functional or built sequential model, with whatever models are nested in it; only
            read.
        layer: Its name, or its path in a nested model (`"backbone/stage4_out"`).
        image_size: `(height, width)` in pixels, for a model that takes images of any size.
        image: Which input of the model is the image, by name or number; the first by default.

    Returns:
        Size, stride and centre, and the box of each unit clipped to the image.

    Raises:
        InputError: There is no such layer, or the size of the image is not known.

    Example:
        ```python
        field = kc.analysis.receptive_field(kc.models.AlexNet(), "stage3_out")
        field.size, field.stride  # (195.0, 195.0), (32.0, 32.0)
        field.box(0, 0)  # (0, 0, 131, 131): a corner sees less
        ```
    """
    return ReceptiveFields(model, image_size=image_size, image=image).of(layer)


class ReceptiveFields:
    """The fields of all layers of a model, computed once; see `receptive_field`."""

    def __init__(
        self,
        model: keras.Model,
        *,
        image_size: Sequence[Whole] | None = None,
        image: int | str | None = None,
        capture: Capture | None = None,
    ) -> None:
        self.capture = capture or Capture(model, image)
        self.image_size = self._image_size(image_size)
        self._shapes = self._measured()
        self._ways: dict[Place, tuple[_Way, _Way]] = {}
        for place in self.capture.paths:
            # Whole numbers, such as a draw for each image, do not vary with what a pixel is.
            if place in self.capture.seeing and _varies(place) and (ways := self._way(place)):
                self._ways[place] = ways

    @property
    def places(self) -> list[Place]:
        """The calls that have a field, in order."""
        return [*self._ways]

    def of(self, layer: str) -> ReceptiveField:
        """The field of a layer's units.

        Raises:
            InputError: There is no such layer.
        """
        return self.at(self.capture.place(layer, vectors=True))

    def at(self, place: Place) -> ReceptiveField:
        """The field of the units of a call.

        Raises:
            InputError: It gives whole numbers, or depends on such only.
        """
        if place not in self._ways:
            raise InputError(
                f"The layer {self.capture.paths[place]!r} was given, which gives whole numbers",
                "layers of floating-point numbers, which vary with the pixels",
                "Take the layer before it.",
            )
        height, width = self._ways[place]
        return ReceptiveField(
            self.capture.paths[place],
            (float(height.size), float(width.size)),
            (float(height.stride), float(width.stride)),
            (float(height.start + height.size / 2), float(width.start + width.size / 2)),
            self.image_size,
            _extent(self._shape(place)),
        )

    def _way(self, place: Place) -> tuple[_Way, _Way] | None:
        """Through all inputs of a call, and the call itself; None where none of them varies."""
        node = place[-1]
        sources = [source(tensor, place[:-1]) for tensor in node.input_tensors]
        shapes = [self._shape(each) for each in sources]
        shape = self._shape(place)
        found: list[tuple[_Way, _Way]] = []
        for number, (each, own) in enumerate(zip(sources, shapes, strict=True)):
            ways = self._before(each)
            if ways is None:
                continue
            windows = layer_windows(node, number, shapes, shape)
            found.append(
                (
                    ways[0].through(windows[0], _extent(own)[0]),
                    ways[1].through(windows[1], _extent(own)[1]),
                )
            )
        counts = _extent(shape)
        if not found:
            return None
        heights, widths = zip(*found, strict=True)
        return _union(heights, counts[0]), _union(widths, counts[1])

    def _before(self, each: Place | Tensor) -> tuple[_Way, _Way] | None:
        if isinstance(each, tuple):
            return self._ways.get(each)
        return (_PIXEL, _PIXEL) if each is self._image() else None

    def _image(self) -> Tensor:
        return self.capture.model.inputs[self.capture.image]

    def _shape(self, each: Place | Tensor) -> tuple:
        if isinstance(each, tuple):
            return self._shapes.get(each) or tuple(each[-1].outputs[0].shape)
        return (1, *self.image_size, each.shape[-1]) if each is self._image() else tuple(each.shape)

    def _image_size(self, given: Sequence[Whole] | None) -> tuple[int, int]:
        own = self._image().shape[1:3]
        if given is not None:
            height, width = check_wholes("image_size", given, count=2)
            if agree(own, (height, width)):
                return height, width
        elif None not in own:
            return own[0], own[1]
        name = self.capture.model.name
        raise InputError(
            f"image_size={given!r} was given for {name!r}, whose images are "
            f"{' x '.join('any' if side is None else str(side) for side in own)}",
            "the height and width of the images that the model takes",
            "Pass image_size=(224, 224), or what your images have."
            if None in own
            else "Leave image_size out.",
        )

    def _measured(self) -> dict[Place, tuple]:
        """The shapes of all calls of a model of any size, from one empty image."""
        shapes: dict[Place, tuple] = {}
        if not any(None in place[-1].outputs[0].shape[1:] for place in self.capture.paths):
            return shapes

        def after(place: Place, outputs: Any) -> Any:
            shapes[place] = tuple(keras.tree.flatten(outputs)[0].shape)
            return outputs

        inputs = []
        for number, symbol in enumerate(self.capture.model.inputs):
            sides = [1 if side is None else side for side in symbol.shape[1:]]
            if number == self.capture.image:
                sides[:2] = self.image_size
            inputs.append(ops.convert_to_tensor(np.zeros([1, *sides]), dtype=symbol.dtype))
        with unrecorded():
            self.capture.logits(inputs, after)
        return shapes


class _Way(NamedTuple):
    """From the pixels to a map along one axis: unit u sees `start + u * stride` and `size` on."""

    start: Fraction
    stride: Fraction
    size: Fraction

    def through(self, window: Window | None, count: int) -> _Way:
        """Through one layer more, whose input has so many positions."""
        if window is None:
            return self.whole(count)
        return _Way(
            self.start + window.offset * self.stride,
            self.stride * window.stride,
            self.size + window.extent * self.stride,
        )

    def whole(self, count: int) -> _Way:
        """Of one unit that sees what so many see together."""
        return _Way(self.start, Fraction(0), self.size + (count - 1) * self.stride)


_PIXEL = _Way(Fraction(0), Fraction(1), Fraction(1))


def _varies(place: Place) -> bool:
    return keras.backend.is_float_dtype(place[-1].outputs[0].dtype)


def _union(ways: Sequence[_Way], count: int) -> _Way:
    """What holds all of some ways that meet in a map of so many positions."""
    if len({way.stride for way in ways}) > 1:
        ways = [way.whole(count) for way in ways]
    start = min(way.start for way in ways)
    end = max(way.start + way.size for way in ways)
    return _Way(start, ways[0].stride, end - start)


def _extent(shape: tuple) -> tuple[int, int]:
    """Height and width of a map; one unit where it is none."""
    return (shape[1], shape[2]) if len(shape) == 4 else (1, 1)
