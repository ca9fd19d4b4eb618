"""Boxes in a table of one's own: a CSV with a row for each box.

Columns are `image` (a file name, from the table's folder or `images` in it), `class`, and
`xmin, ymin, xmax, ymax` (or `x1, y1, x2, y2`) or `x, y, width, height` (or `x, y, w, h`), in pixels
from the upper left corner 0, the far edges exclusive. A column `split` (train, val, test) divides,
`difficult` and `crowd` (0 or 1) tell more. A picture without boxes has a row with an empty class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.data.holdout import SPLIT_OF, check_one_split
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.boxed_pictures import (
    Row,
    Sheet,
    boxed_data,
    read_flags,
)
from keras_classics.data.pictures.picture_places import find_pictures, remark_unannotated
from keras_classics.data.tables import column_named, text_table

_IMAGE = ("image", "filename", "file_name", "file", "image_path", "path")
_CLASS = ("class", "label", "name", "category")
# Beside w and h, a width and a height are the picture's.
_CORNERS = ("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2")
_SIDES = ("x", "y", "w", "h"), ("x", "y", "width", "height")
_REMEDY = "Write the columns image, class, and xmin, ymin, xmax, ymax or x, y, width, height."


@checked
def load_boxes(asked: Asked, *, classes: Sequence[str] | None = None) -> Data:
    """Read pictures with boxes from a table; the module describes its columns.

    Args:
        asked: The table; boxes are resized with their pictures.
        classes: Names of the classes in their order; by default all that occur, sorted.

    Raises:
        InputError: A column is lacking, or a picture is in two splits.
    """
    file, faults = asked.path, asked.faults

    def uneven(told: str) -> None:
        faults.add(f"{file}, {told}", "as many fields as the header has", "Complete the row.")

    table = text_table(file, _REMEDY, uneven)
    columns = list(table.columns)
    image, label = (
        columns[column_named(file, columns, each, _REMEDY)] for each in (_IMAGE, _CLASS)
    )
    known = next((each for each in (*_CORNERS, *_SIDES) if set(each) <= set(columns)), None)
    if known is None:
        raise InputError(
            f"{file} has the columns {', '.join(columns)}",
            f"also {' or '.join(map(', '.join, (*_CORNERS, *_SIDES)))}",
            _REMEDY,
        )
    rows: dict[str, list[Row]] = {}
    owners: dict[str, str] = {}
    for number, record in zip(table.index, table.to_dict("records"), strict=True):
        name = record[image].strip()
        rows.setdefault(name, [])
        split = _split(file, number, str(record.get("split", "train")))
        check_one_split(owners, name, split, f"{file}, line {number}")
        class_name = record[label].strip()
        numbers = _numbers(record, known)
        if not class_name and numbers is None:
            continue
        if not class_name or numbers is None:
            faults.add(
                f"{file}, line {number}, has the class {class_name!r} and "
                + (f"the box {list(numbers)}" if numbers else "no four numbers"),
                "a class and four numbers, or neither for a picture without boxes",
                "Complete the row.",
            )
            continue
        said = {name: record.get(name) for name in ("difficult", "crowd")}
        flags = read_flags(f"{file}, line {number},", faults, **said)
        if flags is None:
            continue
        left, top, right, bottom = numbers
        if known in _SIDES:
            right, bottom = left + right, top + bottom
        rows[name].append(
            Row(
                box=(top, left, bottom, right),
                label=class_name,
                where=f"{file}, line {number},",
                **flags,
            )
        )
    paths = find_pictures(list(rows), [file.parent, file.parent / "images"], faults, file)
    remark_unannotated(paths.values(), faults)
    parts: dict[str, list[Sheet]] = {"train": []}
    for name, found in paths.items():
        parts.setdefault(owners[name], []).append(
            Sheet(name=name, path=found, rows=tuple(rows[name]), source=file)
        )
    return boxed_data(asked, parts, dict.fromkeys(parts, file.name), classes=classes)


def _split(file: Path, number: int, said: str) -> str:
    split = SPLIT_OF.get(said.strip().lower())
    if split is None:
        raise InputError(
            f"{file}, line {number}, has the split {said!r}",
            ", ".join(SPLIT_OF),
            "Correct it, or remove the column for a hold-out.",
        )
    return split


def _numbers(record: dict[Any, Any], names: tuple[str, ...]) -> tuple[float, ...] | None:
    try:
        found = tuple(float(record[name]) for name in names)
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None
