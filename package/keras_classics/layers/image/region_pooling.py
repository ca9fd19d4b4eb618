"""Maxima over regions of maps: of the region in each of its bins, whatever its size.

Both layers look maxima up, see `region_maxima`. Bins of a coarse grid are joined from those of a
fine one that divides them. Of a picture at several scales the maps are looked up as one, in which
they stand below one another: each region costs as much as in a single map.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_pair,
    check_whole,
    check_wholes,
)
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor, Whole
from keras_classics.layers.image.image_layer import ImageLayer
from keras_classics.layers.image.region_maxima import Edges, maxima

# How a corner in the picture is found in a map: Fast R-CNN rounds it; SPP-net takes the responses
# whose centres lie within the region.
MAPPINGS = ("rounded", "centred")
# Of a map whose size is not known while the graph is made: one of 2,048 pixels at stride 16.
_LARGEST_MAP = 128
# Cells before and behind a map to which boxes are cut: rounding, and maps that end before their
# picture does, put that many behind the last one.
_BEYOND = 2


class _Regions(NamedTuple):
    """Boxes in cells of one map.

    Attributes:
        maps: `(batch, height, width, channels)`.
        cells: int32 `(batch, boxes, 4)`: first rows and columns, and the ends.
        limits: Likewise of the part of the map that each box is read in, or of the whole.
        sides: The largest height and width of such a part, None where it is not known.
    """

    maps: Tensor
    cells: Tensor
    limits: Tensor
    sides: Sequence[int | None]


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

    def _looked_at(
        self, maps: Tensor | Sequence[Tensor], boxes: Tensor, scale: Tensor | None
    ) -> _Regions:
        """The boxes in a map, which of several scales is made here."""
        several = isinstance(maps, (list, tuple))
        if several != (scale is not None):
            raise InputError(
                f"{'Maps at several scales' if several else 'A map'} and scale={scale} were given",
                "one map, or a list of maps and the number of the one that each box is read in",
                "Give what kc.layers.NearestScale says as boxes and scale, or one map alone.",
            )
        if not several:
            maps = ops.cast(maps, self.compute_dtype)
            sides = ops.stack(list(ops.shape(maps)[1:3]))
            limits = ops.concatenate([ops.zeros_like(sides), sides])
            return _Regions(maps, self._cells(boxes, sides), limits, maps.shape[1:3])
        sides = ops.stack([ops.stack(list(ops.shape(each)[1:3])) for each in maps])
        tops = ops.pad(ops.cumsum(sides[:-1, 0]), [(1, 0)])
        firsts = ops.stack([tops, ops.zeros_like(tops)], axis=1)
        own, first = (ops.take(each, scale, axis=0) for each in (sides, firsts))
        cells = self._cells(boxes, own) + ops.concatenate([first, first], axis=-1)
        whole = _below_one_another([ops.cast(each, self.compute_dtype) for each in maps])
        limits = ops.concatenate([first, first + own], axis=-1)
        known = zip(*(each.shape[1:3] for each in maps), strict=True)
        return _Regions(
            whole, cells, limits, [None if None in each else max(each) for each in known]
        )

    def _cells(self, boxes: Tensor, sides: Tensor) -> Tensor:
        """First rows and columns and the ends of boxes in the map: `(batch, boxes, 4)` int32.

        Args:
            boxes: In pixels of the picture.
            sides: int32, height and width of the map, or of that of each box.
        """
        boxes = ops.cast(boxes, "float32") / self.stride
        if self.mapping == "rounded":
            # The last pixel of a box, not the end behind it, is what the papers round.
            most = ops.cast(sides, "float32") + _BEYOND
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
            first = ops.clip(first, 0, sides - 1)
            end = ops.minimum(ops.maximum(end, first + 1), sides)
        return ops.concatenate([first, end], axis=-1)

    def _grid(
        self,
        regions: _Regions,
        bins: tuple[int, int],
        empty: float,
        form: str = "general",
    ) -> Tensor:
        """Maxima `(batch, boxes, *bins, channels)`."""
        # Of `n` in `size` cells a bin has `(size - 2) // n + 2` at most, and what the map has.
        sides = [known or self.largest_map for known in regions.sides]
        reach = 2 * _BEYOND + 1
        most = [
            min(side, (side + reach - 2) // count + 2)
            for side, count in zip(sides, bins, strict=True)
        ]
        tops, lefts = (
            _edges(regions.cells, regions.limits, axis, bins[axis], form) for axis in (0, 1)
        )
        return maxima(regions.maps, Edges(*tops, *lefts), (most[0], most[1]), empty)

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
    before and behind the map, which none in a picture reaches. Of a picture at several scales it is
    called on a list of maps and on what `NearestScale` says, `layer(maps, boxes, scale)`.

    Args:
        size: Rows and columns of the grid, or one number for both.
        stride: Pixels of the picture between neighbours in the map.
        mapping: `"rounded"` (Fast R-CNN) or `"centred"` (SPP-net: no bin is empty).
        largest_map: Greatest side of a map, where it is not known while the graph is made. What is
            larger there than any bin of such a map gives NaN.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        maps = np.zeros((1, 8, 8, 16))  # of a picture of 128 x 128
        boxes = np.array([[[0, 0, 128, 128], [16, 32, 96, 80]]])  # ymin, xmin, ymax, xmax
        kc.layers.RegionMaxPooling(7, stride=16)(maps, boxes).shape  # (1, 2, 7, 7, 16)
        ```
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

    def call(
        self, maps: Tensor | Sequence[Tensor], boxes: Tensor, scale: Tensor | None = None
    ) -> Tensor:
        """Map the boxes, look the maxima up."""
        return self._grid(self._looked_at(maps, boxes, scale), self.size, 0.0)

    def compute_output_shape(
        self,
        maps_shape: Shape | Sequence[Shape],
        boxes_shape: Shape,
        scale_shape: Shape | None = None,
    ) -> Shape:
        """A grid of each box."""
        return (*boxes_shape[:2], *self.size, _first_shape(maps_shape, scale_shape)[-1])

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "size": list(self.size)}


@registered
class SpatialPyramidPooling(_RegionLayer):
    """SPP-net's layer: maxima over grids of several sizes, of the whole map or of windows in it.

    He et al., "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    ECCV 2014. Called on maps `(batch, height, width, channels)` of any size it gives `(batch,
    bins * channels)`; called on maps and boxes `(batch, boxes, 4)` in pixels of the
    picture, `(batch, boxes, bins * channels)`; at several scales as `RegionMaxPooling`. Bin `i` of
    `n` spans `floor(i size / n)` to `ceil((i + 1) size / n)`, the paper's general form, which
    leaves no row out; or, as the paper trains, windows of `ceil(size / n)` that are `floor(size /
    n)` apart, which leave the last rows out where `n` is no divisor. Levels follow one another,
    each row by row.

    Args:
        levels: Sides of the grids; 1, 2, 3 and 6 in the paper, 50 bins.
        stride: Pixels of the picture between neighbours in the map; only of meaning with boxes.
        mapping: `"centred"` (SPP-net) or `"rounded"` (Fast R-CNN).
        largest_map: As of `RegionMaxPooling`.
        form: `"general"` or `"windows"`.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        layer = kc.layers.SpatialPyramidPooling((1, 2, 3, 6))
        layer(np.zeros((2, 13, 13, 16))).shape  # (2, 800), 50 bins of 16 channels
        layer(np.zeros((2, 10, 17, 16))).shape  # (2, 800)
        ```
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

    def call(
        self,
        maps: Tensor | Sequence[Tensor],
        boxes: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> Tensor:
        """The pyramid of the map, or of each box."""
        if boxes is None:
            maps = ops.cast(maps, self.compute_dtype)
        else:
            regions = self._looked_at(maps, boxes, scale)
        may_be_empty = boxes is not None and self.mapping == "rounded"
        grids: dict[int, Tensor] = {}
        for level in sorted(set(self.levels), reverse=True):
            # Windows that leave rows out are not those of a finer grid.
            known = grids if self.form == "general" else {}
            finer = min((each for each in known if each % level == 0), default=None)
            if finer is not None:
                grids[level] = _joined(grids[finer], level)
            elif boxes is None:
                rows = _sliced(maps, level, 1, self.form)
                grids[level] = _sliced(rows, level, 2, self.form)[:, None]
            else:
                # Joined bins are empty where all of their parts are.
                empty = float("-inf") if may_be_empty else 0.0
                grids[level] = self._grid(regions, (level, level), empty, self.form)
        if may_be_empty:
            grids = {level: _filled(each) for level, each in grids.items()}
        batch, count, *_, channels = ops.shape(grids[self.levels[0]])
        parts = [
            ops.reshape(grids[level], (batch, count, level * level * channels))
            for level in self.levels
        ]
        pyramid = ops.concatenate(parts, axis=-1)
        return pyramid[:, 0] if boxes is None else pyramid

    def compute_output_shape(
        self,
        maps_shape: Shape | Sequence[Shape],
        boxes_shape: Shape | None = None,
        scale_shape: Shape | None = None,
    ) -> Shape:
        """All bins of all channels."""
        batch, *_, channels = _first_shape(maps_shape, scale_shape)
        bins = sum(level * level for level in self.levels)
        width = None if channels is None else bins * channels
        return (batch, width) if boxes_shape is None else (*boxes_shape[:2], width)

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
    # One by one: a reduction over axes in the middle takes engines several times as long.
    rows = ops.reshape(grids, (batch, regions, level, each, finer * channels))
    found = functools.reduce(ops.maximum, [rows[:, :, :, part] for part in range(each)])
    columns = ops.reshape(found, (batch, regions, level, level, each, channels))
    return functools.reduce(ops.maximum, [columns[..., part, :] for part in range(each)])


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


def _edges(cells: Tensor, limits: Tensor, axis: int, bins: int, form: str) -> tuple[Tensor, Tensor]:
    """First cells and ends `(batch, boxes, bins)` of bins along an axis, within their map."""
    first, size = cells[..., axis, None], (cells[..., axis + 2] - cells[..., axis])[..., None]
    start, end = _FORMS[form](ops.arange(bins, dtype="int32"), size, bins)
    least, most = limits[..., axis, None], limits[..., axis + 2, None]
    begins, ends = (ops.minimum(ops.maximum(first + each, least), most) for each in (start, end))
    return begins, ends


def _below_one_another(maps: Sequence[Tensor]) -> Tensor:
    """One map `(batch, rows, columns, channels)` of several, whose rows follow those before."""
    widths = [ops.shape(each)[2] for each in maps]
    known = all(isinstance(width, int) for width in widths)
    widest = max(widths) if known else functools.reduce(ops.maximum, widths)
    return ops.concatenate(
        [
            ops.pad(each, [(0, 0), (0, 0), (0, widest - width), (0, 0)])
            for each, width in zip(maps, widths, strict=True)
        ],
        axis=1,
    )


def _first_shape(maps_shape: Any, scale_shape: Shape | None) -> Shape:
    """Of a map, or of the first of a list."""
    found: Shape = maps_shape if scale_shape is None else maps_shape[0]
    return found
