"""Efficient graph-based segmentation (Felzenszwalb and Huttenlocher 2004), compiled by numba."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from keras_classics.core.errors import import_extra


def segment(
    image: np.ndarray, *, scale: float, sigma: float = 0.8, least: int | None = None
) -> np.ndarray:
    """Divide a picture into regions of even colour.

    Pixels and their eight neighbours are joined in the order of the difference of their colours, as
    long as it is no more than both regions have within them, plus `scale` over their size.

    Args:
        image: `(height, width, channels)`, 0 to 255.
        scale: Larger gives larger regions.
        sigma: Standard deviation in pixels of the Gaussian that the picture is smoothed by first.
        least: Regions of fewer pixels are joined to their nearest neighbour; by default of fewer
            than `scale`.

    Returns:
        int32 `(height, width)`, regions numbered from 0 in the order of their first pixels.

    Raises:
        ImportError: numba is not installed.
    """
    smooth = np.ascontiguousarray(smoothed(image.astype("float32"), sigma))
    roots = _joiner()(smooth, float(scale), int(round(scale)) if least is None else least)
    _, first, numbers = np.unique(roots, return_index=True, return_inverse=True)
    places = np.argsort(np.argsort(first))
    return places[numbers].reshape(image.shape[:2]).astype("int32")


def smoothed(image: np.ndarray, sigma: float) -> np.ndarray:
    """A picture `(height, width, channels)` under a Gaussian, its border repeated beyond it."""
    reach = math.ceil(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return _filtered(image, weights / weights.sum(), weights / weights.sum())


def derivatives(image: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian derivatives of a picture, downwards and to the right."""
    reach = math.ceil(4 * sigma)
    places = np.arange(-reach, reach + 1)
    smooth = np.exp(-0.5 * (places / sigma) ** 2)
    smooth /= smooth.sum()
    slope = smooth * places / sigma**2
    return _filtered(image, slope, smooth), _filtered(image, smooth, slope)


def _filtered(image: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    reach = len(down) // 2
    padded = np.pad(image, [(reach, reach), (reach, reach), (0, 0)], "edge")
    rows = np.zeros((image.shape[0], *padded.shape[1:]), "float32")
    for place, weight in enumerate(down.tolist()):
        rows += np.float32(weight) * padded[place : place + image.shape[0]]
    found = np.zeros(image.shape, "float32")
    for place, weight in enumerate(right.tolist()):
        found += np.float32(weight) * rows[:, place : place + image.shape[1]]
    return found


@functools.cache
def _joiner() -> Callable[[np.ndarray, float, int], np.ndarray]:
    numba = import_extra("numba", "binary")
    compiled = numba.njit(cache=False)

    @compiled
    def root(parents, number):  # type: ignore[no-untyped-def]
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    @compiled
    def join(smooth, scale, least):  # type: ignore[no-untyped-def]
        height, width, channels = smooth.shape
        weights = np.empty(4 * height * width, np.float32)
        ones = np.empty(4 * height * width, np.int32)
        others = np.empty(4 * height * width, np.int32)
        count = 0
        for y in range(height):
            for x in range(width):
                for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                    v, u = y + dy, x + dx
                    if v >= height or u >= width or u < 0:
                        continue
                    square = 0.0
                    for channel in range(channels):
                        square += (smooth[y, x, channel] - smooth[v, u, channel]) ** 2
                    weights[count] = math.sqrt(square)
                    ones[count], others[count] = y * width + x, v * width + u
                    count += 1
        # In the order of the pixels where differences are equal.
        order = np.argsort(weights[:count], kind="mergesort")
        parents = np.arange(height * width)
        sizes = np.ones(height * width, np.int64)
        limits = np.full(height * width, scale)
        for edge in order:
            one, other = root(parents, ones[edge]), root(parents, others[edge])
            weight = weights[edge]
            if one != other and weight <= limits[one] and weight <= limits[other]:
                parents[other] = one
                sizes[one] += sizes[other]
                limits[one] = weight + scale / sizes[one]
        for edge in order:
            one, other = root(parents, ones[edge]), root(parents, others[edge])
            if one != other and (sizes[one] < least or sizes[other] < least):
                parents[other] = one
                sizes[one] += sizes[other]
        for number in range(height * width):
            parents[number] = root(parents, number)
        return parents

    return join
