"""The bounds of a model's input, in its own units, and images within them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.core.errors import InputError

# The lowest and the highest value: numbers, or one for each channel.
Pair: TypeAlias = tuple[ArrayLike, ArrayLike]

# Rounding of what was prepared in float32, as a share of the range.
_SLACK = 1e-5


class Bounds(NamedTuple):
    """The lowest and the highest value of each channel, float32 `(1, ..., 1, channels)`."""

    low: np.ndarray
    high: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """Half way between them: grey."""
        return (self.low + self.high) / 2

    @property
    def range(self) -> np.ndarray:
        """From one to the other."""
        return self.high - self.low

    def clipped(self, images: np.ndarray) -> np.ndarray:
        """The nearest images within, float32."""
        return np.clip(images.astype("float32"), self.low, self.high)

    def flat(self, shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The bounds of each value of images of a shape, float64 `(1, values)`."""
        low, high = (
            np.broadcast_to(each, (1, *shape[1:])).reshape(1, -1).astype("float64") for each in self
        )
        return low, high


def check_bounds(bounds: Any, shape: Sequence[int | None]) -> Bounds:
    """Bounds of the values of images.

    Args:
        bounds: `(low, high)` in the model's input units: numbers, or one for each channel.
        shape: Of an image, `(height, width, channels)` or any other whose last axis are channels.

    Raises:
        InputError: They are no such pair, or not finite, or the low one is not the lower.
    """
    channels = shape[-1] if shape else None
    try:
        low, high = (np.asarray(each) for each in bounds)
        if isinstance(bounds, Bounds):
            low, high = low.reshape(-1), high.reshape(-1)
        sound = all(
            each.dtype.kind in "iuf" and each.shape in ((), (1,), (channels,))
            for each in (low, high)
        )
        low, high = low.astype("float32"), high.astype("float32")
        sound = sound and bool(np.isfinite(low).all() and np.isfinite(high).all())
        sound = sound and bool((low < high).all())
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InputError(
            f"bounds={bounds!r} was given",
            "the lowest and the highest value in the model's input units, each a number or one "
            f"for each of its {channels} channels",
            "Pass bounds=(0, 255) for a model that prepares its pixels itself, or what your "
            "preparation makes of 0 and 255.",
        )
    whole = np.broadcast_shapes(low.shape, high.shape)
    inner = (1,) * (len(shape) - len(whole))
    low, high = (np.broadcast_to(each, whole).reshape(1, *inner, *whole) for each in (low, high))
    return Bounds(low, high)


def check_finite(
    images: np.ndarray, given: str = "Images with values", allowed: str = "images"
) -> None:
    """Refuse images that are not finite.

    Args:
        images: Of any shape.
        given: What they are called at the beginning of a sentence.
        allowed: And within one.

    Raises:
        InputError: A value is not.
    """
    if not np.isfinite(images).all():
        raise InputError(
            f"{given} that are infinite or not a number were given",
            f"finite {allowed}",
            "Look for a division by zero in their preparation.",
        )


def check_within(images: np.ndarray, bounds: Bounds) -> None:
    """Refuse images that are not within bounds, but for rounding, or not finite.

    Raises:
        InputError: A value is outside.
    """
    check_finite(images)
    slack = _SLACK * bounds.range
    outside = (images < bounds.low - slack) | (images > bounds.high + slack)
    if outside.any():
        lowest, highest = bounds.low.min(), bounds.high.max()
        least = min(lowest, np.floor(images.min()))
        most = max(highest, np.ceil(images.max()))
        raise InputError(
            f"Images from {images.min():g} to {images.max():g} were given with bounds from "
            f"{lowest:g} to {highest:g}, {np.count_nonzero(outside)} of their values outside",
            "images within the bounds, which are in the units that the model takes",
            f"Pass bounds that hold them, such as bounds=({least:.9g}, {most:.9g}).",
        )
