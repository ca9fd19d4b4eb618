"""Where the windows of a convolution lie in maps of a size, and what of each is outside them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from keras_classics.core.errors import InputError, check_pair, is_whole
from keras_classics.layers.image.convolution import same_margins, window_of

# Zeros above and below, left and right.
Margins: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

NO_MARGINS: Margins = ((0, 0), (0, 0))
# Sizes of maps whose windows are known.
SIZES_AT_HAND = 64


@dataclass(frozen=True)
class Windows:
    """How windows are cut out of maps.

    Attributes:
        size: Rows and columns of the kernel.
        strides: Steps down and to the right.
        dilation: Steps between the kernel's entries.
        margins: Zeros around the map; None for those that `"same"` puts there.
    """

    size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    margins: Margins | None = NO_MARGINS

    @classmethod
    def of(cls, size: Any, strides: Any, dilation: Any, padding: Any) -> Windows:
        """From arguments as users give them.

        Raises:
            InputError: One is not admitted.
        """
        sides = [padding] * 2 if is_whole(padding) else list(padding)
        rows, columns = (check_pair("padding", side, 0) for side in sides)
        return cls(
            check_pair("size", tuple(size)),
            check_pair("strides", strides),
            check_pair("dilation_rate", dilation),
            (rows, columns),
        )

    @functools.lru_cache(maxsize=SIZES_AT_HAND)  # noqa: B019  # Windows are few and small.
    def over(self, height: int, width: int) -> Layout:
        """Where they lie in maps of a size.

        Raises:
            InputError: The map with its zeros is smaller than the kernel.
        """
        window = window_of(self.size, self.dilation)
        margins = self.margins
        if margins is None:
            margins = same_margins((height, width), window, self.strides)
        padded = height + sum(margins[0]), width + sum(margins[1])
        if any(side < least for side, least in zip(padded, window, strict=True)):
            raise InputError(
                f"A picture of {height} x {width} was given",
                f"at least {window[0]} x {window[1]} with the zeros around it",
                "Give a larger picture, or more padding.",
            )
        firsts = [
            np.arange(0, side - least + 1, step)
            for side, least, step in zip(padded, window, self.strides, strict=True)
        ]
        taps = [np.arange(n) * step for n, step in zip(self.size, self.dilation, strict=True)]
        # Whether each entry of a window is inside, by rows and by columns.
        inside = [
            (first[:, None] + tap >= margin[0]) & (first[:, None] + tap < margin[0] + side)
            for first, tap, margin, side in zip(firsts, taps, margins, (height, width), strict=True)
        ]
        (row_kinds, row_of), (column_kinds, column_of) = (
            np.unique(each, axis=0, return_inverse=True) for each in inside
        )
        return Layout(
            padded=padded,
            corner=(margins[0][0], margins[1][0]),
            output=(len(firsts[0]), len(firsts[1])),
            starts=(firsts[0][:, None] * padded[1] + firsts[1]).ravel(),
            offsets=(taps[0][:, None] * padded[1] + taps[1]).ravel(),
            kinds=(row_of.reshape(-1, 1) * len(column_kinds) + column_of.ravel()).ravel(),
            present=(row_kinds[:, None, :, None] & column_kinds[:, None, :]).reshape(
                len(row_kinds) * len(column_kinds), *self.size
            ),
        )


@dataclass(frozen=True, eq=False)
class Layout:
    """Windows over maps of one size.

    Attributes:
        padded: Height and width with the zeros.
        corner: Rows above and columns left of the map.
        output: Windows down and to the right.
        starts: The pixel each window begins at, of a map with its zeros, `(windows,)`.
        offsets: The pixels of a window from there on, `(rows * columns,)`.
        kinds: How each window lies at the border, `(windows,)`; in the middle all lie alike.
        present: Which entries of a window of each kind are inside, `(kinds, rows, columns)`.
    """

    padded: tuple[int, int]
    corner: tuple[int, int]
    output: tuple[int, int]
    starts: np.ndarray
    offsets: np.ndarray
    kinds: np.ndarray
    present: np.ndarray

    def within_zeros(self, maps: np.ndarray) -> np.ndarray:
        """Maps `(batch, height, width, ...)` with the zeros around them."""
        if maps.shape[1:3] == self.padded:
            return np.ascontiguousarray(maps)
        (top, left), (height, width) = self.corner, maps.shape[1:3]
        padded = np.zeros((len(maps), *self.padded, *maps.shape[3:]), maps.dtype)
        padded[:, top : top + height, left : left + width] = maps
        return padded

    def largest(self, maps: np.ndarray, windows: Windows) -> np.ndarray:
        """The largest number of each window of maps `(batch, height, width, channels)`.

        Args:
            maps: Of the size of the layout.
            windows: Those that lie so.
        """
        (top, left), (height, width) = self.corner, maps.shape[1:3]
        if (height, width) != self.padded:
            padded = np.full((len(maps), *self.padded, maps.shape[3]), -np.inf, maps.dtype)
            padded[:, top : top + height, left : left + width] = maps
            maps = padded
        (down, right), (rows, columns) = windows.strides, self.output
        entries = (
            maps[:, row : row + down * rows : down, column : column + right * columns : right]
            for row, column in np.ndindex(*windows.size)
        )
        return functools.reduce(np.maximum, entries)

    def cut(self, padded: np.ndarray) -> np.ndarray:
        """The windows of maps with their zeros: `(batch, windows, rows * columns, ...)`."""
        flat = padded.reshape(len(padded), padded.shape[1] * padded.shape[2], *padded.shape[3:])
        return flat[:, self.starts[:, None] + self.offsets]
