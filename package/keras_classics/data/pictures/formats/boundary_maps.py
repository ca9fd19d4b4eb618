"""Where things end: maps of outlines, from masks and from files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.formats.mask_files import IGNORED, MaskReading, resize_mask
from keras_classics.data.pictures.formats.mask_folders import paired_folders
from keras_classics.data.pictures.mask_batches import check_masks
from keras_classics.data.pictures.masked_pictures import MaskedPicture, masked_data
from keras_classics.data.splits import Made

BOUNDARY_CLASSES = ("surface", "outline")
_FOLDERS = ("boundaries", "edges", "outlines")
# Of several people's maps the mean: half of them agree from here on.
_HALF = 128


@checked
def boundary_map(mask: np.ndarray) -> np.ndarray:
    """The outlines in a mask: pixels whose right or lower neighbour is another thing.

    Args:
        mask: Whole numbers `(height, width)`, of classes or of objects; 255 is what is unknown.

    Returns:
        uint8 `(height, width)`: 1 of outlines, 0 of others, 255 beside what is unknown.

    Raises:
        InputError: It is no mask, or of other numbers.
    """
    if mask.ndim != 2 or not mask.size or mask.dtype.kind not in "iub":
        raise InputError(
            f"A mask of type {mask.dtype} and shape {mask.shape} was given",
            "whole numbers (height, width)",
            "Give one mask, of probabilities their argmax(-1).",
        )
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    neighbours = padded[:-1, 1:], padded[1:, :-1]
    found = np.logical_or(*(each != mask for each in neighbours))
    unknown = (mask == IGNORED) | np.logical_or(*(each == IGNORED for each in neighbours))
    return np.where(unknown, IGNORED, found).astype("uint8")


@checked
def outlined(examples: Sequence[Any]) -> Sequence[MaskedPicture]:
    """Pictures with the outlines of their objects in place of their classes.

    Args:
        examples: With `image`, `name` and `class_mask`; of scenes the outlines of objects count,
            which `mask` tells apart.

    Returns:
        Pictures whose `class_mask` is 1 on outlines and 0 elsewhere.

    Raises:
        InputError: Pictures have no masks.

    Example:
        ```python
        data = kc.data.load("scenes", train=2, validation=1, test=1)
        kc.data.outlined(data.train)[0].class_mask  # 1 where an object ends, else 0
        ```
    """
    check_masks(examples)

    def made(example: Any) -> MaskedPicture:
        mask = getattr(example, "mask", None)
        mask = example.class_mask if mask is None else mask
        return MaskedPicture(
            image=example.image, name=example.name, class_mask=boundary_map(np.asarray(mask))
        )

    return Made(examples, made)


def load_boundaries(asked: Asked) -> Data:
    """Read pictures beside maps of outlines: `images` with `boundaries`, and splits as for masks.

    Maps are grey pictures without loss, 0 where nobody sees an outline and 255 where all do, as the
    mean of several people's: from 128 on it is one, what is between does not count.

    Args:
        asked: The folder, as for `load_masks`; where maps are made smaller, a pixel into which an
            outline falls is one.

    Raises:
        InputError: The folder is not laid out so, or nothing in it is sound.
    """
    values = dict.fromkeys(range(1, _HALF), IGNORED) | dict.fromkeys(range(_HALF, 256), 1)
    parts = paired_folders(asked.path, asked.faults, "map of outlines", _FOLDERS)
    reading = MaskReading(values={0: 0, **values})
    return masked_data(
        asked, parts, classes=BOUNDARY_CLASSES, reading=reading, resized=resize_outlines
    )


def resize_outlines(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a map of outlines; of lines of one pixel the nearest ones would be broken.

    Args:
        labels: uint8 `(rows, columns)`, 0, 1 and 255.
        height: Rows of the result.
        width: Its columns.
    """
    # What counts for more than the others where several pixels become one.
    order = np.array([0, IGNORED, 1], "uint8")
    ranks = (labels == IGNORED) + 2 * (labels == 1)
    for axis, (now, then) in enumerate(zip((height, width), labels.shape, strict=True)):
        if now < then:
            ranks = np.maximum.reduceat(ranks, np.arange(now) * then // now, axis=axis)
    return resize_mask(order[ranks], height, width)
