"""What a network from picture to picture makes of pictures of any size, large ones tile by tile."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.picture_values import check_picture
from keras_classics.core.types import Whole

# Tiles are read from its places on, so that strides of 2 and 4 fall where they do in the whole.
GRID = 4


@checked
def transform_pictures(
    model: keras.Model,
    pictures: Sequence[np.ndarray] | np.ndarray,
    *,
    tile: Whole | None = None,
    overlap: Whole = 64,
) -> list[np.ndarray]:
    """Style or enlarge pictures.

    A tile is read with a border of its neighbours, which is cut off what is made of it. Of a
    network that normalises by statistics of the training, what is made is that of the whole where
    the border is as wide as it sees: by default as wide as a `kc.models.style_network` of 5 blocks
    does, each further one of which sees 8 pixels more. One that normalises each picture on its own
    sees each tile as a picture, and brightness may change from one to the next.

    Args:
        model: Such as `kc.models.style_network` or `kc.models.super_resolution`.
        pictures: RGB `(height, width, 3)` each, between 0 and 255.
        tile: Side of what is read at once without its border; None for whole pictures.
        overlap: Width of the border; up to 3 more are read, so that the strides of a style network
            fall where they do in the whole.

    Returns:
        uint8 `(height, width, 3)` each, times the factor of the model.

    Raises:
        InputError: The model makes no pictures of pictures, a picture is none, or a number is not
            admitted; or what it makes is not finite, or of a tile not a whole number of times as
            large.
    """
    border = check_whole("overlap", overlap, 0)
    _check_model(model)
    for number, picture in enumerate(pictures):
        check_picture(f"Picture {number}", picture)
    if tile is None:
        return [_made(model, picture) for picture in pictures]
    side = check_whole("tile", tile)
    return [_tiled(model, picture, side, border) for picture in pictures]


def _check_model(model: keras.Model) -> None:
    # One that was never called has neither.
    sides = (getattr(model, side, None) or () for side in ("inputs", "outputs"))
    ends = [tuple(x.shape) for side in sides for x in side]
    if len(ends) != 2 or any(len(shape) != 4 or shape[-1] != 3 for shape in ends):
        raise InputError(
            f"{model.name!r}, a model between {ends}, was given",
            "a model from pictures (batch, height, width, 3) to such pictures",
            "Give kc.models.style_network() or kc.models.super_resolution(), or the network of "
            "a trainer: trainer.network.",
        )


def _made(model: keras.Model, picture: np.ndarray) -> np.ndarray:
    found = model(picture[None].astype("float32"), training=False)
    array = keras.ops.convert_to_numpy(found)[0]
    if not np.isfinite(array).all():
        raise InputError(
            f"{model.name!r} makes a picture with values that are not finite",
            "finite numbers",
            "Take the weights of a training that has not diverged.",
        )
    return np.rint(array.clip(0, 255)).astype("uint8")


def _tiled(model: keras.Model, picture: np.ndarray, side: int, border: int) -> np.ndarray:
    height, width = picture.shape[:2]
    rows = []
    for top in range(0, height, side):
        row = []
        for left in range(0, width, side):
            high, wide = _read(top, side, border, height), _read(left, side, border, width)
            part = picture[high, wide]
            made = _made(model, part)
            factor = made.shape[0] // part.shape[0]
            if not factor or made.shape[:2] != (factor * part.shape[0], factor * part.shape[1]):
                raise InputError(
                    f"{model.name!r} makes a picture of {made.shape[0]} x {made.shape[1]} of a "
                    f"tile of {part.shape[0]} x {part.shape[1]}",
                    "models that keep the size, or make it a whole number of times as large",
                    "Leave tile out to have pictures made as a whole.",
                )
            row.append(made[_kept(top, side, high, factor), _kept(left, side, wide, factor)])
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows)


def _read(first: int, side: int, border: int, length: int) -> slice:
    """A tile with its border: begins on the grid, and ends as far from it as the whole does."""
    before = max(0, first - border) // GRID * GRID
    behind = max(0, length - first - side - border) // GRID * GRID
    return slice(before, length - behind)


def _kept(first: int, side: int, read: slice, factor: int) -> slice:
    """Of what is made of it, the tile."""
    begin = factor * (first - read.start)
    return slice(begin, begin + factor * min(side, read.stop - first))
