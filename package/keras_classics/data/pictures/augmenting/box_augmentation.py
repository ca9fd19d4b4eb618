"""Augmentation of pictures with boxes: whatever moves the pixels moves the boxes along.

As in `augmentation`, every step takes a float32 picture and draws from a generator, so that a
batch is a pure function of its seed. Keras's own layers are not used: `RandomCrop` of 3.15.1 moves
boxes on swapped axes (keras#23519); nor is keras-cv's mosaic, whose parts need Keras 2 and which is
no longer kept.

A box that is cut stays where enough of it can still be seen, measured against the whole that it had
before any cut, however many there were. What else is known of it follows, and so do proposals.
`Views` is what training batches are made of, and what `keras-classics draw-data` draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import Truth, as_boxes, box_areas, clip_boxes
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Index
from keras_classics.core.errors import InputError, check_choice, check_probability
from keras_classics.data.pictures.augmenting.augmentation import resize

# A box of which less can be seen, or that is left with a shorter side in pixels, is no object.
LEAST_VISIBLE, LEAST_SIDE = 0.3, 2.0
# In the order in which they are applied.
AUGMENTATIONS = ("mosaic", "scale", "crop", "flip", "colour")
_TRIES = 50


@dataclass(frozen=True, eq=False)
class Boxed:
    """A picture on its way.

    Attributes:
        image: float32 `(height, width, channels)`, 0 to 255.
        boxes: float32 `(n, 4)`, `(ymin, xmin, ymax, xmax)` in its pixels.
        rows: Columns of what else is known of the boxes, `(n, ...)` each, such as `"box_labels"`,
            and stays so when they are moved, as areas do not.
        proposals: float32 `(m, 4)`, other boxes that move along.
        seen: `(n,)`, the share of each box that earlier cuts have left; None where there was none.
        seen_proposals: `(m,)` likewise.
    """

    image: np.ndarray
    boxes: np.ndarray
    rows: dict[str, np.ndarray]
    proposals: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), "float32"))
    seen: np.ndarray | None = None
    seen_proposals: np.ndarray | None = None

    @classmethod
    def of(cls, example: Any, proposals: ArrayLike = ()) -> Boxed:
        """A scene or picture with boxes: their classes, and which are difficult or a crowd.

        Args:
            example: It.
            proposals: `(m, 4)`.
        """
        truth = Truth.of(example)
        return cls(
            np.asarray(example.image, "float32"),
            truth.boxes.astype("float32"),
            {name: getattr(truth, name) for name in ("box_labels", "difficult", "crowd")},
            as_boxes(proposals).astype("float32"),
        )

    def moved(self, image: np.ndarray, move: Callable[[np.ndarray], np.ndarray]) -> Boxed:
        """Another picture with moved boxes, of which none is cut.

        Args:
            image: The picture.
            move: Where boxes `(n, 4)` are in it.
        """
        return replace(self, image=image, boxes=move(self.boxes), proposals=move(self.proposals))

    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """What is left of each box and of each proposal."""
        return (
            np.ones(len(self.boxes)) if self.seen is None else self.seen,
            np.ones(len(self.proposals)) if self.seen_proposals is None else self.seen_proposals,
        )

    def within(self, least_visible: float = LEAST_VISIBLE, least_side: float = LEAST_SIDE) -> Boxed:
        """The picture with those boxes that can be seen, cut to it.

        Args:
            least_visible: Share of a box's area, before any cut, that must lie in the picture.
            least_side: Pixels that its shorter side must keep.
        """
        (boxes, stay, left), (proposals, seen, rest) = (
            self._cut(each, shares, least_visible, least_side)
            for each, shares in zip((self.boxes, self.proposals), self.shares(), strict=True)
        )
        rows = {name: column[stay] for name, column in self.rows.items()}
        return Boxed(self.image, boxes[stay], rows, proposals[seen], left[stay], rest[seen])

    def _cut(
        self, boxes: np.ndarray, shares: np.ndarray, least_visible: float, least_side: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes cut to the picture, which can be seen, and how much of each is left."""
        cut = clip_boxes(boxes, self.image.shape[:2])
        whole, visible = (box_areas(each.astype("float64")) for each in (boxes, cut))
        sides = (cut[:, 2:] - cut[:, :2]).min(axis=1, initial=np.inf)
        untouched = (cut == boxes).all(axis=1)
        left = shares * np.divide(visible, whole, out=np.ones_like(whole), where=whole > 0)
        stay = (visible > 0) & (untouched | ((left >= least_visible) & (sides >= least_side)))
        return cut, stay, left


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

    def turned(boxes: np.ndarray) -> np.ndarray:
        ymin, xmin, ymax, xmax = boxes.T
        return np.stack([ymin, width - xmax, ymax, width - xmin], axis=1)

    return picture.moved(picture.image[:, ::-1], turned)


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
        **keep: Rules of `Boxed.within`.
    """
    image = picture.image[top : top + height, left : left + width]
    corner = np.array([top, left] * 2, "float32")
    return picture.moved(image, lambda boxes: boxes - corner).within(**keep)


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
    return picture.moved(resize(picture.image, height, width), lambda boxes: boxes * factors)


def framed(picture: Boxed, rng: np.random.Generator, height: int, width: int) -> Boxed:
    """A window of another size somewhere in a picture, or the picture somewhere in the window.

    Args:
        picture: It; around it is its mean colour.
        rng: Draws the place.
        height: Rows of the window.
        width: Its columns.
    """
    rows, columns = picture.image.shape[:2]
    top, left = (
        int(np.sign(room)) * int(rng.integers(abs(room) + 1))
        for room in (rows - height, columns - width)
    )
    page = np.empty((height, width, picture.image.shape[2]), "float32")
    page[:] = picture.image.mean(axis=(0, 1), dtype="float64")
    seen = picture.image[max(0, top) : top + height, max(0, left) : left + width]
    page[max(0, -top) :, max(0, -left) :][: seen.shape[0], : seen.shape[1]] = seen
    corner = np.array([top, left] * 2, "float32")
    return picture.moved(page, lambda boxes: boxes - corner).within()


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
        parts.append(window.moved(page, partial(np.add, offset)))
    seen, seen_proposals = map(np.concatenate, zip(*(part.shares() for part in parts), strict=True))
    return Boxed(
        page,
        np.concatenate([part.boxes for part in parts]),
        {name: np.concatenate([part.rows[name] for part in parts]) for name in pictures[0].rows},
        np.concatenate([part.proposals for part in parts]),
        seen,
        seen_proposals,
    )


class Views:
    """What a detector sees of pictures: each augmented anew at every visit.

    Args:
        examples: Scenes, or pictures with boxes. Views of each have its size.
        augment: Some of `AUGMENTATIONS`: `"mosaic"` (every second picture among three others),
            `"scale"` (by 0.75 to 1.5, then a window of the former size), `"crop"` (a half to all of
            the area, resized to the former size), `"flip"` (every second mirrored), `"colour"`.
        proposals: `(m, 4)` for each, which move along; None for none.

    Raises:
        InputError: A name is none of them.
    """

    def __init__(
        self,
        examples: Sequence[Any],
        augment: Sequence[str],
        proposals: Sequence[ArrayLike] | None = None,
    ) -> None:
        for name in augment:
            check_choice("augment", name, AUGMENTATIONS, "Give augment=() for none.")
        self.examples, self.augment = examples, frozenset(augment)
        self.proposals = proposals

    def __call__(self, number: int, rng: np.random.Generator) -> tuple[Boxed, bool]:
        """A view of a picture.

        Args:
            number: Of the picture.
            rng: Draws it.

        Returns:
            The view, and whether it is another picture.
        """
        found = whole = self._boxed(number)
        height, width = found.image.shape[:2]
        if "mosaic" in self.augment and rng.random() < 0.5:
            others = rng.integers(len(self.examples), size=3).tolist()
            four = [found, *map(self._boxed, others)]
            found = mosaic([four[place] for place in rng.permutation(4)], rng)
        if "scale" in self.augment:
            found = framed(scale_boxes(found, rng), rng, height, width)
        if "crop" in self.augment:
            found = resized(crop_boxes(found, rng), height, width)
        if "flip" in self.augment:
            found = flip_boxes(found, rng)
        if "colour" in self.augment:
            found = colour_boxes(found, rng)
        return found, found is not whole

    def _boxed(self, number: int) -> Boxed:
        proposals = () if self.proposals is None else self.proposals[number]
        return Boxed.of(self.examples[number], proposals)


@checked
def seen_by_detectors(
    examples: Sequence[Any], *, seed: Index, augment: Sequence[str] = ("flip",)
) -> list[SimpleNamespace]:
    """Pictures as `region_batches` gives them to a detector.

    Args:
        examples: Scenes, or pictures with boxes.
        seed: Chooses how they are changed.
        augment: As for `region_batches`.

    Returns:
        Of each `image`, uint8, `boxes` and `box_labels`, and a `name` that says if it was changed.
    """
    views, rng, found = Views(examples, augment), np.random.default_rng(seed), []
    for number, example in enumerate(examples):
        view, changed = views(number, rng)
        found.append(
            SimpleNamespace(
                image=np.round(view.image).astype("uint8"),
                boxes=view.boxes,
                name=f"{example.name}, changed" if changed else example.name,
                **view.rows,
            )
        )
    return found
