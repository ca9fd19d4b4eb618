"""Boxes in a table of one's own: a CSV with a row for each box.

Columns are `image` (a file name, from the table's folder or `images` in it), `class`, and
`xmin, ymin, xmax, ymax` or `x, y, width, height`, in pixels from the upper left corner 0, the far
edges exclusive. A column `split` (train, val, test) divides, `difficult` and `crowd` (0 or 1) tell
more. A picture without boxes has a row with an empty class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.text_files import read_table
from keras_classics.data.holdout import SPLIT_NAMES
from keras_classics.data.load import Data
from keras_classics.data.pictures.boxed_pictures import (
    Faults,
    Row,
    Sheet,
    boxed_data,
    find_pictures,
)

_NAMES = {
    "image": ("image", "filename", "file_name", "file", "image_path", "path"),
    "class": ("class", "label", "name", "category"),
}
_CORNERS, _SIDES = ("xmin", "ymin", "xmax", "ymax"), ("x", "y", "width", "height")


def load_boxes(
    path: str | Path,
    *,
    seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    strict: bool = False,
    classes: Sequence[str] | None = None,
) -> Data:
    """Read pictures with boxes from a table; the module describes its columns.

    Args:
        path: The table.
        seed: Chooses the pictures that are held out, where no column divides them.
        image_size: Height and width, or one number for a square; boxes are resized along.
        strict: Refuse what is faulty instead of leaving it out and counting it.
        classes: Names of the classes in their order; by default all that occur, sorted.

    Raises:
        InputError: A column is lacking, or a picture is in two splits.
    """
    file = Path(path).expanduser()
    table = read_table(
        file,
        "a header, then rows with as many fields as the header",
        "Write the columns image, class, xmin, ymin, xmax, ymax.",
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
    )
    table.columns = [str(column).strip().lower() for column in table.columns]
    columns = {key: _column(file, list(table.columns), *names) for key, names in _NAMES.items()}
    corners = set(_CORNERS) <= set(table.columns)
    if not corners and not set(_SIDES) <= set(table.columns):
        raise _lacking(file, list(table.columns), f"{', '.join(_CORNERS)} or {', '.join(_SIDES)}")
    faults = Faults(strict)
    rows: dict[str, list[Row]] = {}
    owners: dict[str, str] = {}
    for number, record in enumerate(table.to_dict("records"), start=2):
        name = record[columns["image"]].strip()
        rows.setdefault(name, [])
        split = _split(file, number, str(record.get("split", "train")))
        if owners.setdefault(name, split) != split:
            raise InputError(
                explain(
                    f"{file}, line {number}: the picture {name!r} is in the {owners[name]} and in "
                    f"the {split} split",
                    "each picture in one split, or results are too good",
                    "Write the same split in all its rows.",
                )
            )
        label = record[columns["class"]].strip()
        numbers = _numbers(record, _CORNERS if corners else _SIDES)
        if not label and numbers is None:
            continue
        if not label or numbers is None:
            faults.add(
                f"{file}, line {number}, has the class {label!r} and no four numbers",
                "a class and four numbers, or neither for a picture without boxes",
                "Complete the row.",
            )
            continue
        left, top, right, bottom = numbers
        if not corners:
            right, bottom = left + right, top + bottom
        rows[name].append(
            Row(
                box=(top, left, bottom, right),
                label=label,
                where=f"{file}, line {number},",
                difficult=record.get("difficult", "") in ("1", "true", "True"),
                crowd=record.get("crowd", "") in ("1", "true", "True"),
            )
        )
    paths = find_pictures(
        list(rows), [file.parent, file.parent / "images"], faults, lambda _: str(file)
    )
    parts: dict[str, list[Sheet]] = {"train": []}
    for name, found in paths.items():
        parts.setdefault(owners[name], []).append(
            Sheet(name=name, path=found, rows=tuple(rows[name]), source=file)
        )
    return boxed_data(
        parts, name=f"boxes:{path}", classes=classes, seed=seed, image_size=image_size,
        faults=faults, rules=dict.fromkeys(parts, file.name), origin=str(file),
    )  # fmt: skip


def _column(file: Path, columns: list[str], *wanted: str) -> str:
    for name in wanted:
        if name in columns:
            return name
    raise _lacking(file, columns, " or ".join(wanted))


def _lacking(file: Path, columns: list[str], wanted: str) -> InputError:
    return InputError(
        explain(
            f"{file} has the columns {', '.join(columns)}",
            f"also {wanted}",
            "Write a header of image, class, xmin, ymin, xmax, ymax.",
        )
    )


def _split(file: Path, number: int, said: str) -> str:
    for split, names in SPLIT_NAMES.items():
        if said.strip().lower() in names:
            return split
    raise InputError(
        explain(
            f"{file}, line {number}, has the split {said!r}",
            ", ".join(name for names in SPLIT_NAMES.values() for name in names),
            "Correct it, or remove the column for a hold-out.",
        )
    )


def _numbers(record: dict[Any, Any], names: tuple[str, ...]) -> tuple[float, ...] | None:
    try:
        found = tuple(float(record[name]) for name in names)
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None
