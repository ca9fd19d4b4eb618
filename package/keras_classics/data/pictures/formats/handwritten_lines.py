"""Lines of handwriting, laid out as the IAM database is.

Marti, Bunke, "The IAM-database: an English sentence database for offline handwriting recognition",
IJDAR 5, 2002. The database itself needs a registration and is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import check_one_split
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.images import measure_images, read_image
from keras_classics.data.splits import Made, Picture

# Of a row: name, whether its division into words is right, grey level, components, box, text.
_FIELDS = 9
# How many times as wide as high a line may be; those of the database are less than thirty times.
_WIDEST = 200
_LISTS = {
    "train": ("trainset.txt", "train.txt"),
    "validation": ("validationset1.txt", "validationset2.txt", "validation.txt", "val.txt"),
    "test": ("testset.txt", "test.txt"),
}


class _Line(NamedTuple):
    name: str
    text: str
    path: Path
    writer: str


@checked
def load_iam(
    asked: Asked, *, height: Count = 32, validation: float = 0.1, test: float = 0.1
) -> Data:
    """Read a folder with `lines.txt` (or `ascii/lines.txt`), `lines/a01/a01-000u/a01-000u-00.png`.

    Pictures may also lie in one folder. Their `text` is that of the row, with blanks for the bars.
    They become negatives, bright on dark, so that what pads them is paper; and of one height, the
    aspect ratio kept. Splits are those of `trainset.txt`, `validationset1.txt`,
    `validationset2.txt` and `testset.txt`, in the folder or below, which name lines or forms, a
    row each; where no list is of training, that is what stands in no list. Where there is none of
    validation or test, all lines of a writer are of one split (of a form, where `forms.txt` does
    not name the writers).

    Args:
        asked: The folder; pictures are not resized but to the height.
        height: Of the pictures, in pixels.
        validation: Share of the lines that becomes the validation split where no list has one.
        test: The same of the test split.

    Raises:
        InputError: The folder is not laid out so, nothing in it is sound, or a line is in the lists
            of two splits.
    """
    folder, faults = asked.path, asked.faults
    lines = _lines(folder, faults)
    sizes = measure_images([line.path for line in lines], faults)
    sound = [line for line in lines if line.path in sizes and _is_line(line, sizes, faults)]
    parts, rules = _listed(folder, sound)
    parts, held = asked.divided(parts, (validation, test), "line", same=lambda line: (line.writer,))
    reader = partial(_read, height=height)
    return asked.data(
        {split: Made(part, reader) for split, part in parts.items()},
        rules | held,
        classes=tuple(sorted({sign for part in parts.values() for line in part
                              for sign in line.text})),
    )  # fmt: skip


def _is_line(line: _Line, sizes: Mapping[Path, tuple[int, int]], faults: Faults) -> bool:
    height, width = sizes[line.path]
    if width <= _WIDEST * height:
        return True
    faults.add(
        f"{line.path} is {width} pixels wide and {height} high",
        f"a line of at most {_WIDEST} times its height",
        "Cut it out anew, or remove it.",
    )
    return False


def _read(line: _Line, height: int) -> Picture:
    picture = read_image(line.path)
    width = max(1, round(picture.shape[1] * height / len(picture)))
    resized = read_image(line.path, (height, width))
    return Picture(image=np.subtract(255, resized), name=line.name, text=line.text)


def _found(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """The files of some names in a folder, or below it."""
    return [path for name in names for path in sorted(folder.rglob(name))[:1]]


def _lines(folder: Path, faults: Faults) -> list[_Line]:
    tables = _found(folder, ("lines.txt",)) if folder.is_dir() else []
    if not tables:
        raise InputError(
            f"{folder} has no lines.txt",
            "a folder laid out as the IAM database is: lines.txt beside the folder lines",
            "Check the path.",
        )
    pictures = {each.stem: each for each in sorted(folder.rglob("*.png")) if each.name[0] != "."}
    writers = _writers(folder)
    lines = []
    for number, row in enumerate(read_lines(tables[0]), 1):
        if not row.strip() or row.startswith("#"):
            continue
        # The text is what is left, and may have blanks of its own.
        fields = row.split(maxsplit=_FIELDS - 1)
        where = f"{tables[0]}, line {number}"
        name, text = fields[0], fields[-1].strip().replace("|", " ")
        form = _form(name)
        if len(fields) < _FIELDS:
            faults.add(
                f"{where} has {len(fields)} fields",
                "9: name, ok or err, grey level, components, four of the box, and the text",
                "Write it so.",
            )
        elif name not in pictures:
            faults.add(
                f"{where} names {name}, and there is no {name}.png",
                "a picture for each line",
                "Put it there, or remove the row.",
            )
        else:
            lines.append(_Line(name, text, pictures[name], writers.get(form, form)))
    return lines


def _form(name: str) -> str:
    """The sheet a line stands on: `a01-000u` of `a01-000u-00`."""
    return name.rpartition("-")[0]


def _writers(folder: Path) -> dict[str, str]:
    """The writer of each form, as far as a file says so."""
    rows = [row.split() for file in _found(folder, ("forms.txt",)) for row in read_lines(file)]
    return {row[0]: f"writer {row[1]}" for row in rows if len(row) > 1 and row[0][0] != "#"}


def _listed(folder: Path, lines: list[_Line]) -> tuple[dict[str, list[_Line]], dict[str, str]]:
    """Lines by the split whose list names them or their form, and where that stands."""
    lists = {split: files for split, names in _LISTS.items() if (files := _found(folder, names))}
    named = {
        split: {row.strip() for file in files for row in read_lines(file) if row.strip()}
        for split, files in lists.items()
    }
    parts = {
        split: [line for line in lines if {line.name, _form(line.name)} & names]
        for split, names in named.items()
    }
    owners: dict[str, str] = {}
    for split, part in parts.items():
        for line in part:
            check_one_split(owners, line.name, split)
    # A list of lines that are all absent is as good as none.
    parts = {split: part for split, part in parts.items() if part or split == "train"}
    rules = {split: ", ".join(file.name for file in lists[split]) for split in parts}
    if "train" not in parts:
        parts = {"train": [line for line in lines if line.name not in owners], **parts}
        if owners:
            rules["train"] = "every line in no list"
    return parts, rules
