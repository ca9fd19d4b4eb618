"""Maxima over regions of maps: of the region in each of its bins, whatever its size.

Both layers look maxima up. Once for all regions there is made, of every place, the maximum over
windows of 1, 2, 4, ... rows and columns that begin there, as large as a bin can be; the maximum
over any bin is then that over four of these windows, which overlap. So the work does not grow with
the size of a region, the sizes of pictures need not be known, and the gradient goes to where the
maximum is. Bins of a coarse grid are joined from those of a fine one that divides them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_pair, check_whole, check_wholes
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor, Whole
from keras_classics.layers.image.image_layer import ImageLayer

# How a corner in the picture is found in a map: Fast R-CNN rounds it; SPP-net takes the responses
# whose centres lie within the region.
MAPPINGS = ("rounded", "centred")
# Of a map whose size is not known while the graph is made: one of 2,048 pixels at stride 16.
_LARGEST_MAP = 128
# Cells before and behind a map to which boxes are cut: rounding, and maps that end before their
# picture does, put that many behind the last one.
_BEYOND = 2


class _RegionLayer(ImageLayer):
    """What both have in common: boxes are left in the precision they come in."""

    def __init__(
        self,
        stride: Whole,
        mapping: str = "rounded",
        largest_map: Whole = _LARGEST_MAP,
        **kwargs: Any,
    ) -> None:
        # Half precision has no numbers for the far corners of a picture.
        super().__init__(autocast=False, **kwargs)
        check_choice("mapping", mapping, MAPPINGS)
        self.stride = check_whole("stride", stride)
        self.mapping = mapping
        self.largest_map = check_whole("largest_map", largest_map)

    def _cells(self, boxes: Tensor, sides: tuple[Tensor, Tensor]) -> Tensor:
        """First rows and columns and the ends of boxes in the map: `(batch, boxes, 4)` int32."""
        boxes = ops.cast(boxes, "float32") / self.stride
        if self.mapping == "rounded":
            # The last pixel of a box, not the end behind it, is what the papers round.
            most = ops.cast(ops.stack(list(sides)), "float32") + _BEYOND
            least = -float(_BEYOND)
            first = ops.clip(ops.floor(boxes[..., :2] + 0.5), least, most)
            last = ops.clip(ops.floor(boxes[..., 2:] - 1.0 / self.stride + 0.5), least, most)
        else:
            first = ops.floor(boxes[..., :2]) + 1
            last = ops.ceil(boxes[..., 2:] - 1.0 / self.stride) - 1
            # A region that has no centre in it gets the place nearest to its own.
            middle = ops.floor((first + last) / 2)
            turned = last < first
            first, last = ops.where(turned, middle, first), ops.where(turned, middle, last)
        first = ops.cast(first, "int32")
        end = ops.maximum(ops.cast(last, "int32") + 1, first + 1)
        if self.mapping == "centred":
            # No region without a place; Fast R-CNN's bins beyond the map are empty.
            sizes = ops.stack(list(sides))
            first = ops.clip(first, 0, sizes - 1)
            end = ops.minimum(ops.maximum(end, first + 1), sizes)
        return ops.concatenate([first, end], axis=-1)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "stride": self.stride,
            "mapping": self.mapping,
            "largest_map": self.largest_map,
        }


@registered
class RegionMaxPooling(_RegionLayer):
    """Fast R-CNN's pooling of regions of interest: maxima over a fixed grid in each box.

    Girshick, "Fast R-CNN", ICCV 2015, equals SPP-net's pyramid of one level. Called on
    maps `(batch, height, width, channels)` and boxes `(batch, boxes, 4)`, `(ymin, xmin, ymax,
    xmax)` in pixels of the picture, the far edges exclusive; gives `(batch, boxes, rows, columns,
    channels)`. Bin `i` of `n` covers the cells from `floor(i size / n)` to `ceil((i + 1) size / n)`
    of the box; one that lies outside of the map is empty and gives 0. Boxes are cut two cells
    before and behind the map, which none in a picture reaches.

    Args:
        size: Rows and columns of the grid, or one number for both.
        stride: Pixels of the picture between neighbours in the map.
        mapping: `"rounded"` (Fast R-CNN) or `"centred"` (SPP-net: no bin is empty).
        largest_map: Greatest side of a map, where it is not known while the graph is made. What is
            larger there than any bin of such a map gives NaN.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(
        self,
        size: Whole | tuple[Whole, Whole] = 7,
        stride: Whole = 16,
        mapping: str = "rounded",
        largest_map: Whole = _LARGEST_MAP,
        **kwargs: Any,
    ) -> None:
        super().__init__(stride, mapping, largest_map, **kwargs)
        self.size = check_pair("size", size)

    def call(self, maps: Tensor, boxes: Tensor) -> Tensor:
        """Map the boxes, look the maxima up."""
        maps = ops.cast(maps, self.compute_dtype)
        cells = self._cells(boxes, tuple(ops.shape(maps)[1:3]))
        found, empty = _maxima(maps, cells, self.size, self.largest_map)
        return ops.where(empty, ops.zeros((), found.dtype), found)

    def compute_output_shape(self, maps_shape: Shape, boxes_shape: Shape) -> Shape:
        """A grid of each box."""
        return (maps_shape[0], boxes_shape[1], *self.size, maps_shape[-1])

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "size": list(self.size)}


@registered
class SpatialPyramidPooling(_RegionLayer):
    """SPP-net's layer: maxima over grids of several sizes, of the whole map or of windows in it.

    He et al., "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    ECCV 2014. Called on maps `(batch, height, width, channels)` of any size it gives `(batch,
    bins * channels)`; called on maps and boxes `(batch, boxes, 4)` in pixels of the
    picture, `(batch, boxes, bins * channels)`. Bin `i` of `n` spans `floor(i size / n)` to
    `ceil((i + 1) size / n)`, the paper's general form, which leaves no row out; or, as the paper
    trains, windows of `ceil(size / n)` that are `floor(size / n)` apart, which leave the last rows
    out where `n` is no divisor. Levels follow one another, each row by row.

    Args:
        levels: Sides of the grids; 1, 2, 3 and 6 in the paper, 50 bins.
        stride: Pixels of the picture between neighbours in the map; only of meaning with boxes.
        mapping: `"centred"` (SPP-net) or `"rounded"` (Fast R-CNN).
        largest_map: As of `RegionMaxPooling`.
        form: `"general"` or `"windows"`.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(
        self,
        levels: Sequence[Whole] = (1, 2, 3, 6),
        stride: Whole = 16,
        mapping: str = "centred",
        largest_map: Whole = _LARGEST_MAP,
        form: str = "general",
        **kwargs: Any,
    ) -> None:
        super().__init__(stride, mapping, largest_map, **kwargs)
        self.levels = check_wholes("levels", levels)
        check_choice("form", form, tuple(_FORMS))
        self.form = form

    def call(self, maps: Tensor, boxes: Tensor | None = None) -> Tensor:
        """The pyramid of the map, or of each box."""
        maps = ops.cast(maps, self.compute_dtype)
        cells = None if boxes is None else self._cells(boxes, tuple(ops.shape(maps)[1:3]))
        may_be_empty = cells is not None and self.mapping == "rounded"
        grids: dict[int, Tensor] = {}
        for level in sorted(set(self.levels), reverse=True):
            # Windows that leave rows out are not those of a finer grid.
            known = grids if self.form == "general" else {}
            finer = next((each for each in known if each % level == 0), None)
            if finer is not None:
                grids[level] = _joined(grids[finer], level)
            elif cells is None:
                rows = _sliced(maps, level, 1, self.form)
                grids[level] = _sliced(rows, level, 2, self.form)[:, None]
            else:
                bins = (level, level)
                found, empty = _maxima(maps, cells, bins, self.largest_map, self.form)
                # Joined bins are empty where all of their parts are.
                lowest = ops.full((), float("-inf"), found.dtype)
                grids[level] = ops.where(empty, lowest, found) if may_be_empty else found
        if may_be_empty:
            grids = {level: _filled(each) for level, each in grids.items()}
        batch, regions, *_, channels = ops.shape(grids[self.levels[0]])
        parts = [
            ops.reshape(grids[level], (batch, regions, level * level * channels))
            for level in self.levels
        ]
        pyramid = ops.concatenate(parts, axis=-1)
        return pyramid[:, 0] if boxes is None else pyramid

    def compute_output_shape(self, maps_shape: Shape, boxes_shape: Shape | None = None) -> Shape:
        """All bins of all channels."""
        channels = maps_shape[-1]
        bins = sum(level * level for level in self.levels)
        width = None if channels is None else bins * channels
        return (maps_shape[0], width) if boxes_shape is None else (*boxes_shape[:2], width)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "levels": list(self.levels), "form": self.form}


def _filled(grids: Tensor) -> Tensor:
    """Maxima, of empty bins 0."""
    return ops.where(ops.equal(grids, float("-inf")), ops.zeros((), grids.dtype), grids)


def _joined(grids: Tensor, level: int) -> Tensor:
    """A grid `(batch, boxes, level, level, channels)` of a finer one that divides its bins.

    Bins begin at `floor(i size / n)` and end at `ceil((i + 1) size / n)`, so that those of a grid
    are exactly covered by the bins of one with a multiple of `n`.
    """
    batch, regions, finer, _, channels = ops.shape(grids)
    each = finer // level
    shape = (batch, regions, level, each, level, each, channels)
    return ops.max(ops.reshape(grids, shape), axis=(3, 5))


def _sliced(maps: Tensor, bins: int, axis: int, form: str) -> Tensor:
    """Maxima over as many bins along an axis of whole maps."""
    size = ops.shape(maps)[axis]
    found = []
    for number in range(bins):
        part = [slice(None)] * axis + [slice(*_FORMS[form](number, size, bins))]
        found.append(ops.max(maps[tuple(part)], axis=axis))
    return ops.stack(found, axis=axis)


def _shares(number: Tensor, size: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """First cell and end of a bin, rounded down and up."""
    return (number * size) // bins, -(-(number + 1) * size // bins)


def _windows(number: Tensor, size: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """First cell and end of a window, of which all are equally large and far apart."""
    first = number * (size // bins)
    return first, first - (-size // bins)


_FORMS = {"general": _shares, "windows": _windows}


def _tables(maps: Tensor, powers: tuple[int, int]) -> Tensor:
    """Maxima over windows of `2^k` rows and `2^l` columns that begin at each place.

    Returns:
        `(powers of rows * powers of columns, batch, height, width, channels)`.
    """
    down = [maps]
    for power in range(powers[0] - 1):
        down.append(_doubled(down[-1], 2**power, 1))
    tables = []
    for right in down:
        tables.append(right)
        for power in range(powers[1] - 1):
            tables.append(_doubled(tables[-1], 2**power, 2))
    return ops.stack(tables)


def _doubled(maps: Tensor, step: int, axis: int) -> Tensor:
    """The maximum of each place and of that a step further; beyond the border nothing is."""
    size = ops.shape(maps)[axis]
    padding = [(0, 0)] * 4
    padding[axis] = (0, step)
    lowest = ops.pad(maps, padding, constant_values=float("-inf"))
    begin = [slice(None)] * 4
    begin[axis] = slice(step, size + step)
    return ops.maximum(maps, lowest[tuple(begin)])


def _maxima(
    maps: Tensor, cells: Tensor, bins: tuple[int, int], largest: int, form: str = "general"
) -> tuple[Tensor, Tensor]:
    """Maxima `(batch, boxes, *bins, channels)` of boxes given in cells, and which bins are empty.

    What is said of empty bins has no meaning.
    """
    batch, height, width, channels = ops.shape(maps)
    known = [isinstance(side, int) for side in maps.shape[1:3]]
    # A bin has no more cells than one beyond its share, rounded up; two windows cover it.
    rows, columns = (
        max(1, (-(-((side or largest) + 2 * _BEYOND + 1) // count)).bit_length())
        for side, count in zip(maps.shape[1:3], bins, strict=True)
    )
    flat = ops.reshape(_tables(maps, (rows, columns)), (-1, channels))
    starts = _edges(cells, 0, bins[0], height, form)
    ends = _edges(cells, 1, bins[1], width, form)
    top, bottom = starts[0][..., :, None], starts[1][..., :, None]
    left, right = ends[0][..., None, :], ends[1][..., None, :]
    empty = ops.logical_or(bottom <= top, right <= left)
    tall, wide = (
        _power(far - near, count)
        for far, near, count in ((bottom, top, rows), (right, left, columns))
    )
    examples = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1, 1))
    table = (tall * columns + wide) * batch + examples

    def looked_up(row: Tensor, column: Tensor) -> Tensor:
        row, column = ops.clip(row, 0, height - 1), ops.clip(column, 0, width - 1)
        return ops.take(flat, (table * height + row) * width + column, axis=0)

    lower = bottom - ops.left_shift(ops.ones_like(tall), tall)
    further = right - ops.left_shift(ops.ones_like(wide), wide)
    found = looked_up(top, left)
    for row, column in ((top, further), (lower, left), (lower, further)):
        found = ops.maximum(found, looked_up(row, column))
    if not all(known):
        beyond = ops.logical_or(bottom - top > 2**rows, right - left > 2**columns)
        found = ops.where(beyond[..., None], ops.full((), float("nan"), found.dtype), found)
    return found, empty[..., None]


def _edges(cells: Tensor, axis: int, bins: int, side: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """First cells and ends `(batch, boxes, bins)` of bins along an axis, within the map."""
    first, size = cells[..., axis, None], (cells[..., axis + 2] - cells[..., axis])[..., None]
    numbers = ops.arange(bins, dtype="int32")
    start, end = _FORMS[form](numbers, size, bins)
    return ops.clip(first + start, 0, side), ops.clip(first + end, 0, side)


def _power(size: Tensor, count: int) -> Tensor:
    """The greatest power of two that is no more than a size, as its exponent."""
    power = ops.zeros_like(size)
    for exponent in range(1, count):
        power = power + ops.cast(size >= 2**exponent, "int32")
    return power
