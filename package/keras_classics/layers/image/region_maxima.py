"""Maxima over rectangles of maps, looked up.

Once for all rectangles there is made, of every place, the maximum over windows of 1, 3, 7, ... rows
and columns that begin there, up to half of the largest rectangle; the maximum over any is then that
over four of these windows, which overlap. So the work does not grow with the size of a rectangle,
the sizes of pictures need not be known, and the gradient goes to where the maximum is.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from keras import ops

from keras_classics.core.types import Tensor


class Edges(NamedTuple):
    """First cells and ends of rectangles, which together are a grid in each box.

    Attributes:
        top: int32 `(batch, boxes, rows)`.
        bottom: Likewise; no more than `top` where there is nothing.
        left: int32 `(batch, boxes, columns)`.
        right: Likewise.
    """

    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor


def maxima(maps: Tensor, edges: Edges, most: tuple[int, int], empty: float) -> Tensor:
    """Maxima over rectangles that lie within maps.

    Args:
        maps: `(batch, height, width, channels)`.
        edges: Of the rectangles.
        most: Rows and columns that one of them has at most.
        empty: What is said of one without a cell.

    Returns:
        `(batch, boxes, rows, columns, channels)`; NaN of rectangles larger than `most`.
    """
    batch, height, width, channels = ops.shape(maps)
    top, bottom = edges.top[..., :, None], edges.bottom[..., :, None]
    left, right = edges.left[..., None, :], edges.right[..., None, :]
    rows, columns = (_window_sizes(each) for each in most)
    tables = _tables(ops.reshape(maps, (-1, channels)), width, rows, columns)
    begins = [0]
    for each in tables:
        begins.append(begins[-1] + ops.shape(each)[0])
    # Behind all windows stand two places that are looked up where there is none.
    others = [ops.full((1, channels), said, maps.dtype) for said in (empty, float("nan"))]
    known = ops.concatenate([*tables, *others])
    (tall, high), (wide, broad) = _windows(bottom - top, rows), _windows(right - left, columns)
    begin = ops.take(_whole(begins), tall * len(columns) + wide, axis=0)
    begin = begin + ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1, 1)) * height * width
    nothing = ops.logical_or(bottom <= top, right <= left)
    beyond = ops.logical_or(bottom - top > 2 * rows[-1], right - left > 2 * columns[-1])
    without = ops.logical_or(nothing, beyond)
    elsewhere = ops.where(nothing, begins[-1], begins[-1] + 1)

    def looked_up(row: Tensor, column: Tensor) -> Tensor:
        place = begin + row * width + column
        return ops.take(known, ops.where(without, elsewhere, place), axis=0)

    lower, further = bottom - high, right - broad
    found = looked_up(top, left)
    for row, column in ((top, further), (lower, left), (lower, further)):
        found = ops.maximum(found, looked_up(row, column))
    return found


def _whole(numbers: Sequence[Tensor]) -> Tensor:
    """Whole numbers, of which some may be known only when there are pictures."""
    return ops.stack([ops.cast(each, "int32") for each in numbers])


def _window_sizes(most: int) -> list[int]:
    """Windows of which two cover any stretch of up to so many cells, and none is larger than it."""
    sizes = [1]
    while 2 * sizes[-1] < most:
        sizes.append(min(2 * sizes[-1] + 1, -(-most // 2)))
    return sizes


def _windows(cells: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
    """Of stretches the number of the window that covers them twice, and its cells."""
    number = ops.zeros_like(cells)
    for size in sizes[:-1]:
        number = number + ops.cast(cells > 2 * size, "int32")
    return number, ops.take(_whole(sizes), number, axis=0)


def _tables(places: Tensor, width: Tensor, rows: list[int], columns: list[int]) -> list[Tensor]:
    """Maxima over windows of so many rows and columns, by rows and then columns.

    Args:
        places: `(places, channels)` of all maps, row by row. Windows that begin near the end of a
            row go on in the next: nobody looks them up, and engines slice the first axis for free.
        width: Places in a row.
        rows: Of the windows.
        columns: Of the windows.

    Returns:
        `(places, channels)` each, as far as windows end before the last place.
    """
    return [each for down in _widened(places, rows, width) for each in _widened(down, columns, 1)]


def _widened(places: Tensor, sizes: list[int], step: Tensor) -> list[Tensor]:
    """Maxima over windows of so many places that are a step apart, each made of those before."""
    found = [places]
    for before, size in zip(sizes, sizes[1:], strict=False):
        # A middle one where two of those before do not reach.
        shifts = [0, size - before] + [(size - before) // 2] * (size > 2 * before)
        stay = ops.shape(found[-1])[0] - (size - before) * step
        stay = max(0, stay) if isinstance(stay, int) else ops.maximum(stay, 0)
        parts = [found[-1][shift * step : shift * step + stay] for shift in shifts]
        found.append(functools.reduce(ops.maximum, parts))
    return found
