"""Pictures resized in floating point: bilinear over the full support, as engines do with antialias.

Pillow resizes a plane of floats exactly, but columns of all rows before it joins rows. Of a
photograph that becomes small, the rows are joined here first: a third of the time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image


def resize_windows(image: np.ndarray, windows: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize windows of a picture.

    Args:
        image: float32 `(rows, columns, channels)`.
        windows: `(n, 4)`, `(top, left, bottom, right)` within it, fractions of pixels admitted.
        height: Rows of the results.
        width: Their columns.

    Returns:
        float32 `(n, height, width, channels)`.
    """
    found = np.empty((len(windows), height, width, image.shape[2]), "float32")
    for page, (top, left, bottom, right) in zip(found, windows.tolist(), strict=True):
        if 1.5 * height < bottom - top:
            # Columns that the window's last ones reach.
            reach = max(1, right - left) / width + 1
            first, last = max(0, int(left - reach)), int(right + reach) + 1
            part = _joined_rows(image[:, first:last], top, bottom, height)
            window = left - first, 0, right - first, height
        else:
            part, window = image, (left, top, right, bottom)
        for channel in range(image.shape[2]):
            plane = Image.fromarray(np.ascontiguousarray(part[..., channel]))
            page[..., channel] = plane.resize((width, height), Image.Resampling.BILINEAR, window)
    return found


def _joined_rows(image: np.ndarray, top: float, bottom: float, height: int) -> np.ndarray:
    """A picture of fewer rows, each the weighted mean of those it covers."""
    firsts, lasts, weights = _row_weights(len(image), top, bottom, height)
    rows = np.ascontiguousarray(image).reshape(len(image), -1)
    joined = np.empty((height, rows.shape[1]), "float32")
    for row, first, last, weight in zip(joined, firsts, lasts, weights, strict=True):
        np.matmul(weight[: last - first], rows[first:last], out=row)
    return joined.reshape(height, *image.shape[1:])


@lru_cache(64)
def _row_weights(
    rows: int, top: float, bottom: float, height: int
) -> tuple[list[int], list[int], np.ndarray]:
    """First row, row behind the last, and weights of all between, of each row of the result."""
    scale = (bottom - top) / height
    centres = top + (np.arange(height) + 0.5) * scale
    firsts = np.maximum(centres - scale + 0.5, 0).astype(int)
    lasts = np.minimum(centres + scale + 0.5, rows).astype(int)
    places = firsts[:, None] + np.arange((lasts - firsts).max())
    weights = np.maximum(0.0, 1.0 - np.abs(places + 0.5 - centres[:, None]) / scale)
    weights[places >= lasts[:, None]] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    return firsts.tolist(), lasts.tolist(), weights.astype("float32")
