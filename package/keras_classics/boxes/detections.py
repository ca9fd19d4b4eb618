"""What a picture shows and what a detector says of it, in the one convention for boxes.

A box is `(ymin, xmin, ymax, xmax)` in pixels of the picture, row 0 and column 0 at its upper left
corner, the far edges exclusive: the box of one pixel has the area 1. Whoever counts from the first
to the last pixel, as PASCAL VOC and R-CNN do with their `+ 1`, counts the same areas so. Files in
other conventions are converted where they are read. Keras calls this one `"yxyx"`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, shown

# The class of a region of which nobody says what it shows, as KITTI's DontCare.
NO_CLASS = -1
_KINDS = {"int64": "whole numbers", "float64": "finite numbers", "bool": "true or false"}


@checked
@dataclass(frozen=True, eq=False)
class Truth:
    """The boxes that a picture truly has.

    Attributes:
        boxes: float64 `(n, 4)`, `(ymin, xmin, ymax, xmax)` in pixels, the far edges exclusive.
        box_labels: int64 `(n,)`, the class of each; -1 is a region without one, in which no
            detection is wrong under KITTI's rules.
        difficult: bool `(n,)`: to find it is neither right nor wrong. By default none is.
        crowd: bool `(n,)`: many in one box, so that any number of detections may lie in it, and
            none of them is right or wrong. By default none is.
        areas: float64 `(n,)`, by which COCO tells small from large; by default those of the boxes.
        truncation: float64 `(n,)`, the share beyond the picture's border (KITTI); by default 0.
        occlusion: int64 `(n,)`, 0 to 3, how much is hidden (KITTI); by default 0.

    Raises:
        InputError: A box is inverted or not finite, or a column has another length, or what is no
            number of its kind.
    """

    boxes: np.ndarray
    box_labels: np.ndarray
    difficult: np.ndarray = None  # type: ignore[assignment]
    crowd: np.ndarray = None  # type: ignore[assignment]
    areas: np.ndarray = None  # type: ignore[assignment]
    truncation: np.ndarray = None  # type: ignore[assignment]
    occlusion: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        boxes = as_boxes(self.boxes)
        zeros = np.zeros(len(boxes))
        columns = {
            "box_labels": (self.box_labels, "int64"),
            "difficult": (zeros if self.difficult is None else self.difficult, "bool"),
            "crowd": (zeros if self.crowd is None else self.crowd, "bool"),
            "areas": (box_areas(boxes) if self.areas is None else self.areas, "float64"),
            "truncation": (zeros if self.truncation is None else self.truncation, "float64"),
            "occlusion": (zeros if self.occlusion is None else self.occlusion, "int64"),
        }
        _set_columns(self, boxes, columns)

    @classmethod
    @checked
    def of(cls, example: Any) -> Truth:
        """The truth about an example that has `boxes` and `box_labels`, and perhaps the others.

        Args:
            example: A scene, a picture with boxes, or whatever else has these attributes.
        """
        columns: dict[str, Any] = {
            name: getattr(example, name, None) for name in cls.__dataclass_fields__
        }
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.boxes)


@checked
@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector says of a picture.

    Attributes:
        boxes: float64 `(n, 4)`, `(ymin, xmin, ymax, xmax)` in pixels, the far edges exclusive.
        box_labels: int64 `(n,)`, the class of each.
        scores: float64 `(n,)`, higher where the detector is surer.

    Raises:
        InputError: A box is inverted or not finite, or a column has another length, or what is no
            number of its kind.
    """

    boxes: np.ndarray
    box_labels: np.ndarray
    scores: np.ndarray

    def __post_init__(self) -> None:
        columns = {"box_labels": (self.box_labels, "int64"), "scores": (self.scores, "float64")}
        _set_columns(self, as_boxes(self.boxes), columns)

    def __len__(self) -> int:
        return len(self.boxes)


def as_boxes(boxes: ArrayLike) -> np.ndarray:
    """Boxes as float64 `(n, 4)`; an empty list is `(0, 4)`.

    Args:
        boxes: `(ymin, xmin, ymax, xmax)` each.

    Raises:
        InputError: They have another shape, are not finite, or end before they begin.
    """
    try:
        array = np.asarray(boxes, "float64")
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Boxes that are no numbers, or not equally many each, were given ({error})",
            "(n, 4)",
            "Give four numbers for each.",
        ) from error
    array = array.reshape(0, 4) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(
            f"Boxes of shape {array.shape} were given", "(n, 4)", "Give four numbers for each."
        )
    with np.errstate(invalid="ignore"):
        sides = array[:, 2:] - array[:, :2]
    # What is not finite has sides that are infinite or NaN.
    if not ((sides >= 0) & (sides < np.inf)).all():
        wrong = ~np.isfinite(array).all(axis=1) | (array[:, 2:] < array[:, :2]).any(axis=1)
        number = int(wrong.argmax())
        corner = array[:, :2]
        other = np.concatenate([corner, corner + array[:, 2:]], axis=1)[wrong]
        sized = bool(np.isfinite(other).all() and (other[:, 2:] >= other[:, :2]).all())
        raise InputError(
            f"Box {number} of {len(array)} is {array[number].tolist()}",
            "(ymin, xmin, ymax, xmax) in pixels, each end at or behind its beginning",
            "Height and width seem to stand in place of the ends: convert them first, (y, x, "
            "height, width) by numpy.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], "
            "axis=1), and (x, y, width, height) by "
            "keras.utils.bounding_boxes.convert_format(boxes, source='xywh', target='yxyx')."
            if sized
            else "Give the ends after the beginnings, as finite numbers.",
        )
    return array


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Areas `(n,)` of boxes `(n, 4)`, in pixels."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def clip_boxes(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What of boxes `(n, 4)` lies in a picture of a height and width."""
    return np.clip(boxes, 0.0, np.array([*size, *size], boxes.dtype))


def check_paired(detections: Sequence[Detections], truths: Sequence[Truth]) -> None:
    """Refuse another number of pictures on one side than on the other, and none at all.

    Args:
        detections: What was found in each picture.
        truths: What is there.

    Raises:
        InputError: They are not equally many, or none.
    """
    if len(detections) != len(truths) or not len(truths):
        raise InputError(
            f"Detections of {len(detections)} pictures and the truth about {len(truths)} "
            "were given",
            "equally many, at least one",
            "Give empty arrays for a picture in which nothing is or was found.",
        )


def check_proposals(proposals: Sequence[ArrayLike], pictures: int, least: int = 0) -> None:
    """Refuse proposals for more or fewer pictures than there are.

    Args:
        proposals: `(n, 4)` for each picture.
        pictures: How many there are.
        least: How many there have to be.

    Raises:
        InputError: They are not equally many, or too few.
    """
    if len(proposals) != pictures or pictures < least:
        raise InputError(
            f"{pictures} pictures and proposals for {len(proposals)} were given",
            "equally many" + (f", at least {least}" if least else ""),
            "Give an empty array for a picture without proposals.",
        )


def check_labels(what: str, labels: np.ndarray, classes: int, least: int = 0) -> None:
    """Refuse classes beyond those there are.

    Args:
        what: What is of them, for the message.
        labels: Any number.
        classes: How many there are.
        least: The least number admitted: -1 where a box may be of no class.

    Raises:
        InputError: One is beyond.
    """
    wrong = labels[(labels < least) | (labels >= classes)]
    if wrong.size:
        raise InputError(
            f"A {what} is of class {wrong[0]:.0f}, with classes={classes}",
            f"0 to {classes - 1}",
            "Number classes from 0 on, the background as none of them: ids of COCO begin at 1 "
            "and have gaps, which kc.data.load closes.",
        )


def _set_columns(
    target: Truth | Detections, boxes: np.ndarray, columns: dict[str, tuple[Any, str]]
) -> None:
    # A frozen dataclass leaves no other way to keep what was converted.
    object.__setattr__(target, "boxes", boxes)
    for name, (values, dtype) in columns.items():
        object.__setattr__(target, name, as_column(name, values, dtype, len(boxes)))


def as_column(name: str, values: Any, dtype: str, count: int) -> np.ndarray:
    """Numbers `(count,)` of a type, one for each box.

    Args:
        name: What they are, for the message.
        values: What was given.
        dtype: `"int64"`, `"float64"` or `"bool"`.
        count: How many boxes there are.

    Raises:
        InputError: They are not so many, or no numbers of the kind.
    """
    column = np.asarray(values)
    if column.shape != (count,):
        raise InputError(
            f"{name} of shape {column.shape} were given for {count} boxes",
            f"({count},)",
            "Give one for each box.",
        )
    numbers = column.dtype.kind in "biuf" and np.isfinite(column).all()
    if column.size and not (numbers and (column == column.astype(dtype)).all()):
        raise InputError(
            f"{name}={shown(values)} were given",
            f"{_KINDS[dtype]}, one for each box",
            "Correct them, or leave out the boxes of which they are unknown.",
        )
    return column.astype(dtype)
