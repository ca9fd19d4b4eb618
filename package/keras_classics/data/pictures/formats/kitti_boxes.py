"""KITTI's object benchmark: a text file of objects for each picture.

`training/label_2/*.txt` and `training/image_2/*`, or the same without `training`. Lines are
`type truncation occlusion alpha left top right bottom ...` in pixels from 0; the far edges are
taken as exclusive, as KITTI's own kit computes areas. `DontCare` is a region without a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.picture_files import find_picture
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.boxed_pictures import Row, Sheet, boxed_data
from keras_classics.data.pictures.picture_places import note_absent, remark_unannotated

_FIELDS = 8


@checked
def load_kitti(asked: Asked, *, classes: Sequence[str] | None = None) -> Data:
    """Read pictures with boxes in KITTI's form; the module describes the layout.

    KITTI has no lists of splits, and gives away no labels of its test pictures: validation and
    test are held out of training.

    Args:
        asked: The folder; boxes are resized with their pictures.
        classes: Names of the classes in their order; by default all that occur, sorted.

    Raises:
        InputError: There are no labels.
    """
    folder, faults = asked.path, asked.faults
    root = next(
        (each for each in (folder / "training", folder) if (each / "label_2").is_dir()), None
    )
    if root is None:
        raise InputError(
            f"{folder} has no folder label_2 or training/label_2",
            "a folder of KITTI's object benchmark",
            "Check the path.",
        )
    sheets, annotated = list[Sheet](), list[Path]()
    for file in sorted((root / "label_2").glob("*.txt")):
        if file.name[0] == ".":
            continue
        picture = find_picture(root / "image_2", file.stem)
        if picture is None:
            note_absent(file, file.stem, [root / "image_2"], faults)
            continue
        annotated.append(picture)
        with faults.noting():
            lines = enumerate(read_lines(file), start=1)
            rows = [_row(line, f"{file}, line {number},", faults) for number, line in lines]
            found = tuple(row for row in rows if row is not None)
            sheets.append(Sheet(name=file.stem, path=picture, rows=found, source=file))
    remark_unannotated(annotated, faults)
    return boxed_data(asked, {"train": sheets}, {"train": "label_2"}, classes=classes)


def _row(line: str, where: str, faults: Faults) -> Row | None:
    parts = line.split()
    if not parts:
        return None
    try:
        truncation, occlusion, _, left, top, right, bottom = map(float, parts[1:_FIELDS])
        if not occlusion.is_integer():
            raise ValueError
    except ValueError:
        faults.add(
            f"{where} is {line[:80]!r}",
            "type truncation occlusion alpha left top right bottom, and seven numbers more",
            "Correct the line.",
        )
        return None
    return Row(
        box=(top, left, bottom, right),
        label=None if parts[0] == "DontCare" else parts[0],
        where=where,
        # -1 where nobody says.
        truncation=0.0 if truncation == -1 else truncation,
        occlusion=0 if occlusion == -1 else int(occlusion),
    )
