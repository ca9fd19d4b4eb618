"""Augmentation of pictures with boxes: whatever moves the pixels moves the boxes along.

As in `augmentation`, every step takes a float32 picture and draws from a generator, so that a
batch is a pure function of its seed. Keras's own layers are not used: `RandomCrop` of 3.15.1 moves
boxes on swapped axes (keras#23519).

A box that is cut stays where enough of it can still be seen, measured before it is cut. Which ones
stayed is told, so that labels and whatever else is known of them can follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from keras_classics.core.errors import InputError, check_probability
from keras_classics.data.pictures.augmentation import resize

# A box of which less can be seen, or that is left with a shorter side in pixels, is no object.
LEAST_VISIBLE, LEAST_SIDE = 0.3, 2.0
_TRIES = 50


@dataclass(frozen=True, eq=False)
class Boxed:
    """A picture on its way.

    Attributes:
        image: float32 `(height, width, channels)`, 0 to 255.
        boxes: float32 `(n, 4)`, `(ymin, xmin, ymax, xmax)` in its pixels.
        rows: Columns of what else is known of the boxes, `(n, ...)` each, such as `"box_labels"`.
    """

    image: np.ndarray
    boxes: np.ndarray
    rows: dict[str, np.ndarray]

    @classmethod
    def of(cls, example: Any, *columns: str) -> Boxed:
        """A scene or picture with boxes, with some of its columns.

        Args:
            example: It.
            *columns: Names beside `"box_labels"`.
        """
        names = ("box_labels", *columns)
        return cls(
            np.asarray(example.image, "float32"),
            np.asarray(example.boxes, "float32"),
            {name: np.asarray(getattr(example, name)) for name in names},
        )

    def moved(
        self,
        image: np.ndarray,
        boxes: np.ndarray,
        least_visible: float = LEAST_VISIBLE,
        least_side: float = LEAST_SIDE,
    ) -> Boxed:
        """Another picture with moved boxes, of which those that can be seen stay, cut to it.

        Args:
            image: The picture.
            boxes: `(n, 4)` in its pixels, perhaps beyond its border.
            least_visible: Share of a box's area that must lie in the picture.
            least_side: Pixels that its shorter side must keep.
        """
        height, width = image.shape[:2]
        cut = np.clip(boxes, 0.0, np.array([height, width, height, width], "float32"))
        whole, visible = (
            np.prod(np.maximum(each[:, 2:] - each[:, :2], 0.0), axis=1, dtype="float64")
            for each in (boxes, cut)
        )
        sides = (cut[:, 2:] - cut[:, :2]).min(axis=1, initial=np.inf)
        untouched = (cut == boxes).all(axis=1)
        stay = (visible > 0) & (
            untouched | ((visible >= least_visible * whole) & (sides >= least_side))
        )
        rows = {name: column[stay] for name, column in self.rows.items()}
        return Boxed(image, cut[stay].astype("float32"), rows)


def flip_boxes(picture: Boxed, rng: np.random.Generator) -> Boxed:
    """Mirror every second picture from left to right.

    Args:
        picture: It.
        rng: Draws whether.
    """
    return mirrored(picture) if rng.random() < 0.5 else picture


def mirrored(picture: Boxed) -> Boxed:
    """A picture mirrored from left to right; twice is the picture itself."""
    width = picture.image.shape[1]
    ymin, xmin, ymax, xmax = picture.boxes.T
    boxes = np.stack([ymin, width - xmax, ymax, width - xmin], axis=1)
    return replace(picture, image=picture.image[:, ::-1], boxes=boxes)


def seen_by_detectors(examples: Sequence[Any], *, seed: int) -> list[SimpleNamespace]:
    """Pictures as `region_batches` gives them to a detector: every second one mirrored.

    Args:
        examples: Scenes, or pictures with boxes.
        seed: Chooses which are mirrored.

    Returns:
        Of each `image`, uint8, `boxes` and `box_labels`, and a `name` that says if it is mirrored.
    """
    rng, found = np.random.default_rng(seed), []
    for example in examples:
        before = Boxed.of(example)
        after = flip_boxes(before, rng)
        found.append(
            SimpleNamespace(
                image=after.image.astype("uint8"),
                boxes=after.boxes,
                name=example.name if after is before else f"{example.name}, mirrored",
                **after.rows,
            )
        )
    return found


def crop_boxes(
    picture: Boxed,
    rng: np.random.Generator,
    *,
    area: Sequence[float] = (0.5, 1.0),
    aspect: Sequence[float] = (3 / 4, 4 / 3),
    least_visible: float = LEAST_VISIBLE,
) -> Boxed:
    """Crop a share of the picture; what is drawn without any box is drawn anew.

    Args:
        picture: It.
        rng: Draws share, ratio and place.
        area: Least and greatest share of the picture's area.
        aspect: Least and greatest width over height, times the picture's own.
        least_visible: Share of a box that must stay in sight.
    """
    check_probability("least_visible", least_visible)
    height, width = picture.image.shape[:2]
    for _ in range(_TRIES):
        share, ratio = (rng.uniform(low, high) for low, high in (area, aspect))
        rows, columns = (
            min(1.0, side) for side in (np.sqrt(share / ratio), np.sqrt(share * ratio))
        )
        size = max(1, round(rows * height)), max(1, round(columns * width))
        top, left = (
            int(rng.integers(whole - part + 1))
            for whole, part in zip((height, width), size, strict=True)
        )
        found = cropped(picture, top, left, *size, least_visible=least_visible)
        if len(found.boxes) or not len(picture.boxes):
            return found
    return picture


def cropped(picture: Boxed, top: int, left: int, height: int, width: int, **keep: float) -> Boxed:
    """A window of a picture, with the boxes that can be seen in it.

    Args:
        picture: It.
        top: First row.
        left: First column.
        height: Rows.
        width: Columns.
        **keep: Rules of `Boxed.moved`.
    """
    image = picture.image[top : top + height, left : left + width]
    return picture.moved(image, picture.boxes - np.array([top, left] * 2, "float32"), **keep)


def scale_boxes(
    picture: Boxed, rng: np.random.Generator, *, smallest: float = 0.75, largest: float = 1.5
) -> Boxed:
    """Resize the picture by a factor drawn between two.

    Args:
        picture: It.
        rng: Draws the factor.
        smallest: The least.
        largest: The greatest.
    """
    factor = rng.uniform(smallest, largest)
    height, width = (max(1, round(factor * side)) for side in picture.image.shape[:2])
    return resized(picture, height, width)


def resized(picture: Boxed, height: int, width: int) -> Boxed:
    """A picture of another size, its boxes resized along."""
    before = picture.image.shape[:2]
    factors = np.array([height / before[0], width / before[1]] * 2, "float32")
    return replace(
        picture, image=resize(picture.image, height, width), boxes=picture.boxes * factors
    )


def colour_boxes(
    picture: Boxed, rng: np.random.Generator, *, brightness: float = 0.2, contrast: float = 0.2
) -> Boxed:
    """Change brightness and contrast; boxes stay where they are.

    Args:
        picture: It.
        rng: Draws both.
        brightness: Greatest change, as a share of 255.
        contrast: Greatest change of the factor 1.
    """
    shift, factor = rng.uniform(-brightness, brightness), rng.uniform(1 - contrast, 1 + contrast)
    mean = picture.image.mean(dtype="float64")
    changed = (picture.image - mean) * factor + mean + 255.0 * shift
    return replace(picture, image=np.clip(changed, 0.0, 255.0).astype("float32"))


def mosaic(
    pictures: Sequence[Boxed],
    rng: np.random.Generator,
    *,
    least_visible: float = LEAST_VISIBLE,
) -> Boxed:
    """Four pictures around a point (Bochkovskiy et al. 2020), in the size of the first.

    Each is resized to that size, and its corner that is turned to the point lies there; so all
    parts have the pictures' own scale, and what lies beyond the border is cut.

    Args:
        pictures: Four.
        rng: Draws the point, in the middle half of the picture.
        least_visible: Share of a box that must stay in sight.

    Raises:
        InputError: There are not four.
    """
    if len(pictures) != 4:
        raise InputError(f"{len(pictures)} pictures were given", "four", "Give four pictures.")
    height, width = pictures[0].image.shape[:2]
    y, x = (int(round(side * rng.uniform(0.25, 0.75))) for side in (height, width))
    page = np.zeros_like(pictures[0].image)
    parts = []
    for number, picture in enumerate(pictures):
        part = resized(picture, height, width)
        down, right = number // 2, number % 2
        rows = slice(y, height) if down else slice(0, y)
        columns = slice(x, width) if right else slice(0, x)
        # Of a part above the point the lower rows are seen, of one below the upper ones.
        top, left = 0 if down else height - y, 0 if right else width - x
        size = rows.stop - rows.start, columns.stop - columns.start
        window = cropped(part, top, left, *size, least_visible=least_visible)
        page[rows, columns] = window.image
        offset = np.array([rows.start, columns.start] * 2, "float32")
        parts.append(replace(window, boxes=window.boxes + offset))
    return Boxed(
        page,
        np.concatenate([part.boxes for part in parts]),
        {name: np.concatenate([part.rows[name] for part in parts]) for name in pictures[0].rows},
    )
