"""Whether an array is a picture of 0 to 255."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from keras_classics.core.errors import InputError
from keras_classics.core.shapes import agree

LARGEST = 255
# What is nearer rounds to an admitted number.
ROUNDED = 0.5
READ = "Give pictures as kc.data.read_image reads them"


def check_shape(model: str, shape: Sequence[int | None], wanted: Sequence[int | None]) -> None:
    """Refuse pictures of another shape than a model takes, where both are known.

    Args:
        model: Its name.
        shape: Sizes of all axes of the pictures, None where one is open.
        wanted: Of what the model takes, likewise.

    Raises:
        InputError: An axis differs.
    """
    if not agree(shape, wanted):
        raise InputError(
            f"Pictures of shape {tuple(shape)} were given to {model!r}",
            f"the shape {tuple(wanted)}",
            "Give pictures of that size; one picture as picture[None], and those without an axis "
            "of one channel as pictures[..., None].",
        )


def value_range(subject: str, pictures: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest value of pictures.

    Args:
        subject: What they are, with its verb, such as `"Pictures have"`.
        pictures: Of one picture or more, not empty.

    Raises:
        InputError: They are no numbers, or not finite.
    """
    values = np.asarray(pictures)
    if values.dtype.kind in "OSUMmc":
        raise InputError(f"{subject} values of the type {values.dtype}", "real numbers", f"{READ}.")
    least, most = float(values.min()), float(values.max())
    if not (math.isfinite(least) and math.isfinite(most)):
        raise InputError(
            f"{subject} values from {least:g} to {most:g}",
            "finite numbers",
            "Mend or leave out the pictures of which numpy.isfinite(picture).all() is False.",
        )
    return least, most


def check_values(subject: str, pictures: np.ndarray) -> None:
    """Refuse pictures with other values than 0 to 255.

    Numbers with a point up to 1 are parts of the range, and not dark pictures.

    Args:
        subject: As for `value_range`.
        pictures: Likewise.

    Raises:
        InputError: They have others.
    """
    least, most = value_range(subject, pictures)
    parts = np.asarray(pictures).dtype.kind not in "iu" and 0 < max(-least, most) <= 1
    if parts or least < -ROUNDED or most > LARGEST + ROUNDED:
        raise InputError(
            f"{subject} values from {least:g} to {most:g}",
            f"values between 0 and {LARGEST}, and only as whole numbers none above 1",
            f"{READ}: those between 0 and 1 as pictures * 255, those between -1 and 1 as "
            "(pictures + 1) * 127.5, those that resizing took beyond as pictures.clip(0, 255), and "
            "dark ones as pictures.astype('uint8').",
        )


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
        raise InputError(f"{name} has shape {shape}", "pictures (height, width, 3)", f"{READ}.")
    check_values(f"{name} has", picture)
