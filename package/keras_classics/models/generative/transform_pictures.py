"""What a network from picture to picture makes of pictures of any size, large ones tile by tile."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.types import Whole


@checked
def transform_pictures(
    model: keras.Model,
    pictures: Sequence[np.ndarray] | np.ndarray,
    *,
    tile: Whole | None = None,
    overlap: Whole = 32,
) -> list[np.ndarray]:
    """Style or enlarge pictures.

    A tile is read with a border of its neighbours, which is cut off what is made of it. Of a
    network that normalises by statistics of the training, what is made is that of the whole where
    the border is as wide as it sees; one that normalises each picture on its own sees each tile as
    a picture, and brightness may change from one to the next.

    Args:
        model: Such as `kc.models.style_network` or `kc.models.super_resolution`.
        pictures: RGB `(height, width, 3)` each, between 0 and 255.
        tile: Side of what is read at once without its border; None for whole pictures. A multiple
            of 4 for style networks, whose strides begin anew in each tile.
        overlap: Width of the border, likewise.

    Returns:
        uint8 `(height, width, 3)` each, times the factor of the model.

    Raises:
        InputError: A picture is none, or a number is not admitted.
    """
    border = check_whole("overlap", overlap, 0)
    for number, picture in enumerate(pictures):
        shape = np.shape(picture)
        if len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise InputError(
                f"Picture {number} has shape {shape}",
                "pictures (height, width, 3)",
                "Give pictures as kc.data.read_image reads them.",
            )
    if tile is None:
        return [_made(model, picture) for picture in pictures]
    side = check_whole("tile", tile)
    return [_tiled(model, picture, side, border) for picture in pictures]


def _made(model: keras.Model, picture: np.ndarray) -> np.ndarray:
    found = model(picture[None].astype("float32"), training=False)
    array = keras.ops.convert_to_numpy(found)[0]
    return np.rint(array.clip(0, 255)).astype("uint8")


def _tiled(model: keras.Model, picture: np.ndarray, side: int, border: int) -> np.ndarray:
    height, width = picture.shape[:2]
    rows = []
    for top in range(0, height, side):
        row = []
        for left in range(0, width, side):
            up, back = max(0, top - border), max(0, left - border)
            part = picture[up : top + side + border, back : left + side + border]
            made = _made(model, part)
            factor = made.shape[0] // part.shape[0]
            high, wide = min(side, height - top), min(side, width - left)
            down, right = factor * (top - up), factor * (left - back)
            row.append(made[down : down + factor * high, right : right + factor * wide])
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows)
