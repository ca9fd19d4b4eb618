"""Pictures with boxes: what every reader of them makes of what its files say.

Readers give sheets, one for each picture, whose boxes are in the one convention already
(`keras_classics.boxes.detections`). Here they are looked at: what is inverted, without area,
outside the picture or of an unknown class is left out and counted, with the file's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.boxes.detections import NO_CLASS, box_areas, clip_boxes
from keras_classics.core.boundary.files import file_fingerprint
from keras_classics.core.errors import InputError, shown
from keras_classics.data.faults import Faults
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.images import look_at_image, measure_images, read_image
from keras_classics.data.splits import Made, Picture

# A box may reach so far beyond the border: who counts from 1, or rounds, is not wrong.
_SLACK = 1.0
# KITTI's "unknown".
_MOST_HIDDEN = 3
# Shares of a picture's sides end by 1, or little beyond where a box leads out of it.
_SHARES_END = 2.0
_FLAGS = {
    **dict.fromkeys(("1", "1.0", "true"), True),
    **dict.fromkeys(("0", "0.0", "false", "none", "unspecified", ""), False),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class BoxedPicture(Picture):
    """A picture and the boxes in it.

    Attributes:
        boxes: float32 `(n, 4)`, `(ymin, xmin, ymax, xmax)` in pixels of `image`, the far edges
            exclusive; `(0, 4)` where there are none.
        box_labels: int32 `(n,)`, the class of each; -1 of a region without one.
        difficult: bool `(n,)`, what is neither right nor wrong to find.
        crowd: bool `(n,)`, many in one box.
        areas: float32 `(n,)`, of the objects where they are known, else of the boxes, in pixels of
            `image`.
        truncation: float32 `(n,)`, the share beyond the border.
        occlusion: int32 `(n,)`, 0 (visible) to 3.
        outlines: Of each object what its file says of its outline, polygons or run lengths, in
            pixels of the file's picture, or None; `object_masks` draws them.
        file_size: Height and width of the picture in its file.
        left_out: How many boxes without area or class were left out when the picture was read, of
            sets that are read anew each time; what other readers leave out is in `Info.skipped`.
    """

    boxes: np.ndarray
    box_labels: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    truncation: np.ndarray
    occlusion: np.ndarray
    outlines: tuple[Any, ...]
    file_size: tuple[int, int]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One object, as a file has it.

    Attributes:
        box: `(ymin, xmin, ymax, xmax)` in pixels, the far edges exclusive.
        label: Name of its class; None of a region without one.
        where: The place in the file, for messages.
    """

    box: tuple[float, float, float, float]
    label: str | None
    where: str
    difficult: bool = False
    crowd: bool = False
    area: float | None = None
    truncation: float = 0.0
    occlusion: int = 0
    outline: Any = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What files say of one picture.

    Attributes:
        name: What the picture is called.
        path: Its file.
        rows: Its objects.
        source: The file that says so.
        size: Height and width that the annotation is for, or None where it does not tell.
    """

    name: str
    path: Path
    rows: tuple[Row, ...]
    source: Path
    size: tuple[int, int] | None = None


def boxed_data(
    asked: Asked,
    sheets: Mapping[str, Sequence[Sheet]],
    rules: Mapping[str, str],
    *,
    classes: Sequence[str] | None,
    **facts: Any,
) -> Data:
    """Make a data set of what was read.

    All pictures are decoded once to find the faulty ones, then again when they are asked for. A
    validation or test split that is absent is a tenth of training, chosen by a hash of the seed and
    the picture's name; equal files are on one side.

    Args:
        asked: What was asked for; boxes are resized with their pictures.
        sheets: By split, of `"train"` at least.
        rules: Where the splits come from, by split.
        classes: Names of the classes; None for all that occur, sorted.
        **facts: What else `Info` holds.

    Raises:
        InputError: No class, or a split without a picture, or boxes that are no pixels.
    """
    rows = [row for part in sheets.values() for sheet in part for row in sheet.rows]
    _check_pixels(asked.spec, rows)
    if classes is None:
        classes = sorted({row.label for row in rows if row.label is not None})
    if not classes:
        raise InputError(
            f"{asked.spec} has no box of any class",
            "pictures with boxes",
            f"Check the files.{asked.faults.told()}",
        )
    numbers: dict[str | None, int] = {label: number for number, label in enumerate(classes)}
    numbers[None] = NO_CLASS
    checked = {
        split: _sound(_joined(part, asked.faults), numbers, asked.faults)
        for split, part in sheets.items()
    }
    make = partial(_picture, size=asked.size)
    return checked_data(asked, checked, rules, make, classes=tuple(classes), **facts)


def read_flags(where: str, faults: Faults, **said: Any) -> dict[str, bool] | None:
    """What a file says of an object, 0 or 1, or true or false; where it is silent, it is false.

    Args:
        where: The place in the file.
        faults: Where to note what is neither.
        **said: What stands there, by its name.

    Returns:
        Truth values by name; None where something is neither.
    """
    found = {name: _FLAGS.get(str(value).strip().lower()) for name, value in said.items()}
    wrong = [f"the {name} {shown(said[name])}" for name, value in found.items() if value is None]
    if wrong:
        faults.add(f"{where} has {' and '.join(wrong)}", "0 or 1, true or false", "Correct it.")
        return None
    return {name: bool(value) for name, value in found.items()}


def _check_pixels(spec: str, rows: Sequence[Row]) -> None:
    """Refuse a set in which every box is given as shares of its picture's sides."""
    ends = np.array([row.box[2:] for row in rows], "float64").reshape(-1, 2)
    ends = ends[np.isfinite(ends).all(axis=1)]
    if ends.size and ends.max() <= _SHARES_END and (ends % 1 > 0).any():
        raise InputError(
            f"No box of {spec} reaches beyond {_SHARES_END:g}, such as that of {rows[0].where} "
            "which ends at (y, x) = " + _written(rows[0].box[2:]),
            "pixels; these seem to be shares of the pictures' sides",
            "Multiply what is across by the picture's width, and what is down by its height.",
        )


def checked_data(
    asked: Asked,
    checked: Mapping[str, Sequence[Any]],
    rules: Mapping[str, str],
    make: Callable[[Any], Picture],
    **facts: Any,
) -> Data:
    """Divide pictures that were looked at.

    Args:
        asked: What was asked for.
        checked: By split, what has a `sheet` with `name` and `path`, and the `size` of its picture.
        rules: Where the splits come from, by split.
        make: Reads the picture and what belongs to it.
        **facts: What else `Info` holds.

    Raises:
        InputError: A split has no picture.
    """
    found, held = asked.divided(
        checked,
        (0.1, 0.1),
        "picture",
        same=lambda example: (file_fingerprint(example.sheet.path),),
        key=lambda split, example: f"{split}:{example.sheet.name}",
    )
    size = asked.size
    distinct = {size} if size else {each.size for part in found.values() for each in part}
    return asked.data(
        {split: Made(part, make) for split, part in found.items()},
        {**rules, **held},
        image_shape=(*distinct.pop(), 3) if len(distinct) == 1 else None,
        **facts,
    )


def _joined(sheets: Sequence[Sheet], faults: Faults) -> list[Sheet]:
    """Of each picture one sheet: what is background in one may have a box in another."""
    found: dict[tuple[Any, ...], Sheet] = {}
    for sheet in sheets:
        first = found.setdefault((sheet.path, sheet.size), sheet)
        if first is not sheet:
            where = str(sheet.source)
            where += f" and {first.source} are" if first.source != sheet.source else " is twice"
            faults.add(
                f"{where} about the picture {sheet.path}, whose boxes were joined",
                "one annotation of each picture",
                "Join them, or give each the name of its own picture.",
            )
            found[sheet.path, sheet.size] = replace(first, rows=first.rows + sheet.rows)
    return list(found.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Checked:
    """A sheet whose picture is sound, and what of its rows is."""

    sheet: Sheet
    size: tuple[int, int]
    columns: Mapping[str, Any]


def _sound(
    sheets: Sequence[Sheet], numbers: Mapping[str | None, int], faults: Faults
) -> list[_Checked]:
    """The pictures that can be read and are of the size that was annotated."""
    found = []
    sizes = measure_images([sheet.path for sheet in sheets], faults, placed=True)
    for sheet in sheets:
        size = sizes.get(sheet.path)
        if size is None:
            continue
        if sheet.size is not None and min(sheet.size) > 0 and sheet.size != size:
            told = look_at_image(sheet.path).told()
            faults.add(
                f"{sheet.source} is about a picture of {sheet.size[0]} x {sheet.size[1]} pixels, "
                f"and {sheet.path} has {size[0]} x {size[1]} (height x width)" + told,
                "annotations of the picture that is there",
                "Take the orientation out of the picture's file if boxes are of what is stored."
                if told
                else "Resize the boxes with the picture, or give back its former size.",
            )
        else:
            rows = [row for row in sheet.rows if _is_sound(row, size, numbers, faults)]
            found.append(_Checked(sheet=sheet, size=size, columns=_columns(rows, size, numbers)))
    return found


def _is_sound(
    row: Row, size: tuple[int, int], numbers: Mapping[str | None, int], faults: Faults
) -> bool:
    ymin, xmin, ymax, xmax = row.box
    height, width = size
    told = f"{row.where} has the box (ymin, xmin, ymax, xmax) = " + _written(row.box)
    if row.label not in numbers:
        faults.add(
            f"{row.where} is of the class {row.label!r}",
            ", ".join(str(each) for each in numbers if each is not None),
            "Correct the name, or leave out classes to take all that there are.",
        )
    elif not np.isfinite(row.box).all():
        faults.add(told, "finite numbers", "Correct it.")
    elif not (0 <= row.truncation <= 1 and 0 <= row.occlusion <= _MOST_HIDDEN):
        faults.add(
            f"{row.where} has the truncation {row.truncation:g} and the occlusion "
            f"{row.occlusion:.3g}",
            f"a share of 0 to 1, and 0 to {_MOST_HIDDEN}",
            "Correct them.",
        )
    elif ymax < ymin or xmax < xmin:
        faults.add(
            told,
            "ends behind their beginnings",
            "Exchange them, or check whether height and width were written for the ends.",
        )
    elif ymax == ymin or xmax == xmin:
        faults.add(told, "boxes with an area", "Remove the box, or draw it anew.")
    elif ymin >= height or xmin >= width or ymax <= 0 or xmax <= 0:
        faults.add(
            f"{told}, all outside of the picture's {height} x {width} (height x width)",
            "boxes in the picture",
            "Check the order of the coordinates, and whether the picture was resized.",
        )
    else:
        if row.area is not None and not _is_area(row.area, size):
            faults.add(
                f"{row.where} has the area {row.area:g} in a picture of {height} x {width} pixels, "
                "and that of its box was taken",
                "square pixels within the picture",
                "Correct it or leave it out.",
            )
        beyond = max(-ymin, -xmin, ymax - height, xmax - width)
        if beyond > _SLACK:
            faults.add(
                f"{told}, {beyond:g} pixels beyond the picture's {height} x {width} (height x "
                "width), to which it was cut",
                "boxes within the picture",
                "Check the order of the coordinates, and whether the picture was resized.",
            )
        return True
    return False


def _is_area(area: float, size: tuple[int, int]) -> bool:
    """Whether an object in a picture can have so many square pixels."""
    return 0 < area <= size[0] * size[1]


def _written(box: Sequence[float]) -> str:
    return f"({', '.join(f'{each:g}' for each in box)})"


def _columns(
    rows: Sequence[Row], size: tuple[int, int], numbers: Mapping[str | None, int]
) -> Mapping[str, Any]:
    boxes = np.array([row.box for row in rows], "float64").reshape(-1, 4)
    boxes = clip_boxes(boxes, size)
    given = [row.area if row.area is not None and _is_area(row.area, size) else area
             for row, area in zip(rows, box_areas(boxes), strict=True)]  # fmt: skip
    return {
        "boxes": boxes.astype("float32"),
        "box_labels": np.array([numbers[row.label] for row in rows], "int32"),
        "difficult": np.array([row.difficult for row in rows], bool),
        "crowd": np.array([row.crowd for row in rows], bool),
        "areas": np.array(given, "float32"),
        "truncation": np.array([row.truncation for row in rows], "float32"),
        "occlusion": np.array([row.occlusion for row in rows], "int32"),
        "outlines": tuple(row.outline for row in rows),
    }


def _picture(example: _Checked, size: tuple[int, int] | None) -> BoxedPicture:
    image = read_image(example.sheet.path, size)
    columns = dict(example.columns)
    down, right = image.shape[0] / example.size[0], image.shape[1] / example.size[1]
    columns["boxes"] = columns["boxes"] * np.array([down, right, down, right], "float32")
    columns["areas"] = columns["areas"] * np.float32(down * right)
    return BoxedPicture(image=image, name=example.sheet.name, file_size=example.size, **columns)
