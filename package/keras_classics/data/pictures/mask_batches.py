"""From pictures with masks to the batches a segmenter trains on.

Every batch is a pure function of the seed and its number, augmentation included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.data.batches import Axes, Visits, even_parts, stream
from keras_classics.data.pictures.augmenting.mask_augmentation import (
    check_motions,
    check_together,
    random_view,
    window,
)
from keras_classics.data.pictures.images import check_size

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches


@checked
def mask_batches(
    examples: Sequence[Any],
    *,
    batch_size: Count,
    seed: int,
    size: Count | tuple[int, int] | None = None,
    scales: tuple[float, float] = (1.0, 1.0),
    degrees: float = 0.0,
    flip: bool = True,
    first: int = 0,
) -> Batches:
    """Endless training batches `(pictures, masks)`, from any batch on.

    Every epoch visits each picture once, in a new order and newly augmented.

    Args:
        examples: Pictures, each with `image` and `class_mask`.
        batch_size: Pictures in a batch.
        seed: Chooses orders and augmentations.
        size: Height and width of the views, or one number; None for that of the first picture.
        scales: Least and greatest factor by which pictures are scaled before they are cropped.
        degrees: Greatest angle by which they are turned to either side.
        flip: Whether to mirror every second picture.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Returns:
        Batches of float32 pictures `(batch, height, width, 3)`, -1 to 1, and int32 masks `(batch,
        height, width)`, 255 where nothing is to be learnt.

    Raises:
        InputError: There are fewer pictures than a batch holds, they have no masks, or a range is
            none.

    Example:
        ```python
        data = kc.data.load("scenes", train=8, image_size=32)
        batches = kc.data.mask_batches(data.train, batch_size=4, seed=0)
        pictures, masks = next(iter(batches))
        pictures.shape, masks.shape  # (4, 32, 32, 3), (4, 32, 32)
        ```
    """
    check_masks(examples)
    height, width = _size(examples, size)
    # Later a refusal comes out of the engine's threads.
    check_motions(examples[0].class_mask.shape, scales, degrees)
    visits = Visits(len(examples), batch_size, seed)

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, place, chosen = visits(number)
        rng = np.random.default_rng([seed, epoch, place])
        pictures = np.empty((batch_size, height, width, 3), "float32")
        masks = np.empty((batch_size, height, width), "int32")
        for row, example in enumerate(map(examples.__getitem__, chosen.tolist())):
            pictures[row], masks[row] = random_view(
                example.image.astype("float32"), example.class_mask, rng,
                size=(height, width), scales=scales, degrees=degrees, flip=flip,
            )  # fmt: skip
        return picture_values(pictures), masks

    return stream(make, _axes(height, width, batch_size), first=first)


@checked
def whole_mask_batches(
    examples: Sequence[Any], *, batch_size: Count, size: Count | tuple[int, int] | None = None
) -> Batches:
    """All pictures once, from the middle; arguments as in `mask_batches`.

    What a picture lacks of `size` is black, and 255 in its mask.
    """
    check_masks(examples)
    height, width = _size(examples, size)
    parts = even_parts(len(examples), batch_size)

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        found = [examples[n] for n in parts[number].tolist()]
        views = [
            window(each.image.astype("float32"), each.class_mask, (height, width), None)
            for each in found
        ]
        pictures, masks = zip(*views, strict=True)
        return picture_values(np.stack(pictures)), np.stack(masks).astype("int32")

    return stream(make, _axes(height, width, None), count=len(parts))


@checked
def picture_values(pictures: np.ndarray) -> np.ndarray:
    """Pictures as segmenters take them: float32 of -1 to 1, from 0 to 255.

    Example:
        ```python
        images = np.zeros((2, 32, 32, 3), "uint8")
        kc.data.picture_values(images).shape  # (2, 32, 32, 3), all -1
        ```
    """
    return np.asarray(pictures, "float32") / np.float32(127.5) - np.float32(1.0)


def check_masks(examples: Sequence[Any]) -> None:
    """Refuse pictures without masks, by a look at the first.

    Raises:
        InputError: There is none, or it has no mask of its size.
    """
    if not len(examples) or getattr(examples[0], "class_mask", None) is None:
        raise InputError(
            f"{len(examples)} examples were given"
            + (", which have no class_mask" if len(examples) else ""),
            "pictures with masks",
            'Load them so: kc.data.load("scenes"), kc.data.load("masks:FOLDER").',
        )
    check_together(examples[0].image, examples[0].class_mask)


def _size(examples: Sequence[Any], size: int | tuple[int, int] | None) -> tuple[int, int]:
    return check_size("size", examples[0].class_mask.shape if size is None else size)


def _axes(height: int, width: int, rows: int | None) -> tuple[Axes, Axes]:
    return Axes((rows, height, width, 3), "float32"), Axes((rows, height, width), "int32")
