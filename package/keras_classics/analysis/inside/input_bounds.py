"""The bounds of a model's input, in its own units, and pictures within them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_classics.core.errors import InputError, explain

# Rounding of what was prepared in float32, as a share of the range.
_SLACK = 1e-5


class Bounds(NamedTuple):
    """The lowest and the highest value of each channel, float32 `(1, 1, 1, channels)`."""

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


def check_bounds(bounds: Any, shape: Sequence[int]) -> Bounds:
    """Bounds of the values of pictures.

    Args:
        bounds: `(low, high)` in the model's input units: numbers, or one for each channel.
        shape: `(height, width, channels)` of a picture.

    Raises:
        InputError: They are no such pair, or not finite, or the low one is not the lower.
    """
    try:
        low, high = (np.asarray(each, "float32") for each in bounds)
        sound = all(each.shape in ((), (1,), (shape[-1],)) for each in (low, high))
        sound = sound and bool(np.isfinite(low).all() and np.isfinite(high).all())
        sound = sound and bool((low < high).all())
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InputError(
            explain(
                f"bounds={bounds!r} was given",
                "(low, high) in the model's input units, numbers or one for each of its "
                f"{shape[-1]} channels, the low below the high",
                "Pass bounds=(0, 255) for a model that prepares its pixels itself, or what your "
                "preparation makes of 0 and 255.",
            )
        )
    return Bounds(*(np.broadcast_to(each, (1, 1, 1, shape[-1])) for each in (low, high)))


def check_within(images: np.ndarray, bounds: Bounds) -> None:
    """Refuse pictures that are not within bounds, or not finite.

    Raises:
        InputError: A value is outside.
    """
    slack = _SLACK * bounds.range
    inside = (images >= bounds.low - slack) & (images <= bounds.high + slack)
    if not inside.all():
        raise InputError(
            explain(
                f"Images from {images.min():g} to {images.max():g} were given, "
                f"{np.count_nonzero(~inside)} of their values out of bounds",
                f"values from {bounds.low.min():g} to {bounds.high.max():g}, as bounds has them",
                "Pass the bounds of what the model takes, in its input units.",
            )
        )
