"""Augmentation of pictures with masks: one geometry for both, and no label that was not there.

Pictures are interpolated, masks take the nearest pixel; what comes from beyond the border is black
in a picture and 255, which does not count, in its mask. As in `augmentation`, everything is drawn
from a generator, so that a batch is a pure function of its seed.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.picture_files import most_pixels
from keras_classics.core.errors import InputError
from keras_classics.data.pictures.augmenting.augmentation import resize
from keras_classics.data.pictures.formats.mask_files import IGNORED, resize_mask
from keras_classics.data.pictures.images import check_size

_HALF_TURN = 180

Pair = tuple[np.ndarray, np.ndarray]


@checked
def random_view(
    image: np.ndarray,
    mask: np.ndarray,
    rng: np.random.Generator,
    *,
    size: tuple[int, int],
    scales: tuple[float, float] = (1.0, 1.0),
    degrees: float = 0.0,
    flip: bool = True,
) -> Pair:
    """Scale, turn, crop and mirror a picture with its mask.

    Args:
        image: float32 `(height, width, channels)` of 0 to 255.
        mask: uint8 `(height, width)`.
        rng: Draws all.
        size: Height and width of the view.
        scales: Least and greatest factor, drawn evenly on a logarithmic scale.
        degrees: Greatest angle of turning to either side.
        flip: Whether to mirror every second picture from left to right.

    Returns:
        Picture and mask of `size`; what is smaller stands in the middle.

    Raises:
        InputError: Picture and mask differ in size, or a range is none.
    """
    check_together(image, mask)
    size = check_size("size", size)
    check_motions(mask.shape, scales, degrees)
    if scales[1] != scales[0] or scales[0] != 1.0:
        factor = float(np.exp(rng.uniform(*np.log(scales))))
        height, width = (max(1, round(side * factor)) for side in mask.shape)
        image, mask = resize(image, height, width), resize_mask(mask, height, width)
    if degrees:
        image, mask = turned(image, mask, float(rng.uniform(-degrees, degrees)))
    image, mask = window(image, mask, size, rng)
    if flip and rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    return image, mask


def check_motions(shape: tuple[int, ...], scales: tuple[float, float], degrees: float) -> None:
    """Refuse ranges of factors and angles that are none, or make pictures that nothing holds.

    Args:
        shape: Height and width of a picture.
        scales: As for `random_view`.
        degrees: Likewise.

    Raises:
        InputError: One is.
    """
    # Of the greatest factor, so that what is too large for a number is no error.
    most = math.sqrt(most_pixels() / math.prod(shape))
    if not 0 < scales[0] <= scales[1] <= most:
        raise InputError(
            f"scales={scales} was given",
            f"a least and a greatest positive factor, up to {most:.3g} for pictures of "
            f"{shape[0]} x {shape[1]}",
            "Give for example scales=(0.5, 2).",
        )
    if not 0 <= degrees <= _HALF_TURN:
        raise InputError(
            f"degrees={degrees} was given",
            f"the greatest angle to either side, 0 to {_HALF_TURN}",
            "Give for example degrees=10.",
        )


def window(
    image: np.ndarray, mask: np.ndarray, size: tuple[int, int], rng: np.random.Generator | None
) -> Pair:
    """A window of a picture and its mask.

    Args:
        image: float32 `(height, width, channels)`.
        mask: uint8 `(height, width)`.
        size: Height and width of the window.
        rng: Draws its place; None for the middle.
    """
    view = np.zeros((*size, image.shape[2]), image.dtype)
    labels = np.full(size, IGNORED, mask.dtype)
    sources, targets = [], []
    for side, wanted in zip(mask.shape, size, strict=True):
        room = side - wanted
        if room >= 0:
            start = room // 2 if rng is None else int(rng.random() * (room + 1))
            sources.append(slice(start, start + wanted))
            targets.append(slice(0, wanted))
        else:
            sources.append(slice(0, side))
            targets.append(slice(-room // 2, -room // 2 + side))
    view[tuple(targets)] = image[tuple(sources)]
    labels[tuple(targets)] = mask[tuple(sources)]
    return view, labels


def turned(image: np.ndarray, mask: np.ndarray, degrees: float) -> Pair:
    """Turn a picture and its mask about the middle, against the clock.

    Args:
        image: float32 `(height, width, channels)`.
        mask: uint8 `(height, width)`.
        degrees: The angle.
    """
    planes = [
        Image.fromarray(np.ascontiguousarray(image[..., channel])).rotate(
            degrees, Image.Resampling.BILINEAR
        )
        for channel in range(image.shape[2])
    ]
    labels = Image.fromarray(mask).rotate(degrees, Image.Resampling.NEAREST, fillcolor=IGNORED)
    return np.stack([np.asarray(plane) for plane in planes], axis=-1), np.array(labels)


def check_together(image: np.ndarray, mask: np.ndarray) -> None:
    """Refuse a mask that is not of its picture.

    Raises:
        InputError: They differ in size or have no pixel, the picture has other channels, or the
            mask other numbers.
    """
    if image.ndim != 3 or image.shape[2] not in (1, 3) or image.shape[:2] != mask.shape:
        raise InputError(
            f"A picture {image.shape} and a mask {mask.shape} were given",
            "a picture (height, width, 3) and a mask of its height and width",
            "Resize one of them, the mask by kc.data.resize_mask.",
        )
    if not mask.size:
        raise InputError(
            f"A picture {image.shape} and a mask {mask.shape} were given",
            "those with pixels",
            "Leave both out.",
        )
    if mask.dtype != "uint8":
        raise InputError(
            f"A mask of type {mask.dtype} was given",
            f"uint8, numbers of classes and {IGNORED} for what does not count",
            'Convert it: mask.astype("uint8").',
        )
