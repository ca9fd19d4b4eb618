"""What is taken for a picture: bytes, rows first, channels last."""

from __future__ import annotations

import numpy as np

from keras_classics.core.errors import InputError


def check_picture(image: np.ndarray, channels: tuple[int, ...] = (3,), what: str = "") -> None:
    """Refuse what is no picture, and one of shares 0 to 1, which would be read as black.

    Args:
        image: uint8 `(height, width, channels)`, none of them 0.
        channels: Admitted numbers of channels.
        what: Which picture it is, for the message.

    Raises:
        InputError: It is of another type or shape.
    """
    shape, dtype = np.shape(image), getattr(image, "dtype", type(image).__name__)
    if len(shape) == 3 and shape[2] in channels and 0 not in shape and dtype == np.uint8:
        return
    raise InputError(
        f"{what or 'A picture'} is {dtype} of shape {shape}",
        f"uint8 (height, width, {' or '.join(map(str, channels))}), none of them 0",
        "Read pictures by kc.data.read_image(path); of shares 0 to 1 give "
        "(255 * image).round().astype('uint8').",
    )
