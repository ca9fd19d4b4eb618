"""Whether an array is a picture of 0 to 255."""

from __future__ import annotations

import numpy as np

from keras_classics.core.errors import InputError

LARGEST = 255


def check_picture(name: str, picture: np.ndarray) -> None:
    """Refuse what is no colour picture with values between 0 and 255.

    Args:
        name: What it is called, as an argument or by its number.
        picture: The array.

    Raises:
        InputError: It has another shape, or other values.
    """
    shape = np.shape(picture)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise InputError(
            f"{name} has shape {shape}",
            "pictures (height, width, 3)",
            "Give pictures as kc.data.read_image reads them.",
        )
    values = np.asarray(picture)
    least, most = float(values.min()), float(values.max())
    # Not the other way round: numbers that are none are not within.
    if not (least >= 0 and most <= LARGEST):
        raise InputError(
            f"{name} has values from {least:g} to {most:g}",
            f"values between 0 and {LARGEST}",
            "Give pictures as kc.data.read_image reads them; those between -1 and 1 as "
            "(picture + 1) * 127.5.",
        )
