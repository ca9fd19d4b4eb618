"""PASCAL VOC's XML, with the oddities of those who write it.

`Annotations/*.xml`, `JPEGImages/*` and lists in `ImageSets/Main/*.txt`; or XML files beside their
pictures. VOC counts pixels from 1 and from the first to the last: the box of the upper left pixel
is (1, 1, 1, 1) there and (0, 0, 1, 1) here. Files that begin at 0 are so a pixel too far up and
left, within what is admitted beyond the border.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.picture_files import find_picture
from keras_classics.core.boundary.xml_files import Element, read_xml
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import listed_splits
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.boxed_pictures import Row, Sheet, boxed_data, read_flags
from keras_classics.data.pictures.formats.voc_masks import MASK_FOLDERS, load_voc_masks
from keras_classics.data.pictures.picture_places import note_absent, remark_unannotated

_ALLOWED = "an annotation of PASCAL VOC: XML with <object>, <name> and <bndbox>"
_SIDES = ("ymin", "xmin", "ymax", "xmax")


@checked
def load_voc(asked: Asked, *, classes: Sequence[str] | None = None, masks: bool = False) -> Data:
    """Read pictures with boxes, or masks, in PASCAL VOC's form; the module describes the layout.

    Args:
        asked: The folder; boxes and masks are resized with their pictures.
        classes: Names of the classes in their order; by default all that occur, sorted, and of
            masks VOC's own.
        masks: Read the classes of pixels instead, `SegmentationClass/*.png` and the lists in
            `ImageSets/Segmentation`.

    Raises:
        InputError: There is no annotation, or a picture is in two splits.
    """
    if masks:
        return load_voc_masks(asked, classes=classes)
    folder, faults = asked.path, asked.faults
    files = _annotations(folder)
    sheets = {}
    for stem, file in files.items():
        sheet = _sheet(folder, file, faults)
        if sheet is not None:
            sheets[stem] = sheet
    # A file that cannot be read is about the picture of its name.
    own = [found for file in files.values() if (found := _picture(folder, file, "")) is not None]
    remark_unannotated([*own, *(sheet.path for sheet in sheets.values())], faults)
    # Of lists of a single class, which lie there too, none is read.
    lists = folder / "ImageSets" / "Main"
    parts, rules = listed_splits(lists, sheets, "annotation", faults, passed=files)
    return boxed_data(asked, parts, rules, classes=classes)


def _annotations(folder: Path) -> dict[str, Path]:
    for place in (folder / "Annotations", folder):
        # Files of macOS that begin with "._" are no annotations.
        found = sorted(each for each in place.glob("*.xml") if each.name[0] != ".")
        if found:
            return {each.stem: each for each in found}
    raise InputError(
        f"{folder} has no XML file in it or in Annotations",
        "a folder of PASCAL VOC: Annotations, JPEGImages and ImageSets",
        "Give masks=True for the masks that are there."
        if any((folder / each).is_dir() for each in MASK_FOLDERS)
        else "Check the path.",
    )


def _sheet(folder: Path, file: Path, faults: Faults) -> Sheet | None:
    try:
        root = read_xml(file, _ALLOWED, "Correct the file or remove it.")
    except InputError as error:
        faults.take(error)
        return None
    picture = _picture(folder, file, _text(root, "filename"))
    if picture is None:
        note_absent(file, file.stem, _places(folder, file), faults)
        return None
    rows = []
    for number, thing in enumerate(root.findall("object"), start=1):
        row = _row(thing, f"{file}, object {number},", faults)
        if row is not None:
            rows.append(row)
    sides = [_text(root, f"size/{side}") for side in ("height", "width")]
    size = [int(float(side)) if _is_number(side) else 0 for side in sides]
    return Sheet(
        name=picture.stem, path=picture, rows=tuple(rows), source=file, size=(size[0], size[1])
    )


def _row(thing: Element, where: str, faults: Faults) -> Row | None:
    name, sides = _text(thing, "name"), [_text(thing, f"bndbox/{side}") for side in _SIDES]
    if not name or not all(map(_is_number, sides)):
        faults.add(
            f"{where} has the name {name!r} and the sides {', '.join(s or '?' for s in sides)}",
            "a name, and numbers for ymin, xmin, ymax and xmax",
            "Complete it or remove it.",
        )
        return None
    ymin, xmin, ymax, xmax = map(float, sides)
    # Some write the share, VOC itself 0 or 1.
    truncated = _text(thing, "truncated")
    share = _is_number(truncated)
    said = {"difficult": _text(thing, "difficult"), "occluded": _text(thing, "occluded")}
    flags = read_flags(where, faults, **said, truncated="" if share else truncated)
    if flags is None:
        return None
    return Row(
        # From 1, the last pixel included.
        box=(ymin - 1.0, xmin - 1.0, ymax, xmax),
        label=name,
        where=where,
        difficult=flags["difficult"],
        truncation=float(truncated) if share else float(flags["truncated"]),
        occlusion=int(flags["occluded"]),
    )


def _picture(folder: Path, file: Path, said: str) -> Path | None:
    """The picture of an annotation, by its own name or by what it says."""
    names = [file.stem, Path(said.replace("\\", "/")).stem] if said else [file.stem]
    found = (find_picture(place, name) for place in _places(folder, file) for name in names)
    return next((each for each in found if each is not None), None)


def _places(folder: Path, file: Path) -> list[Path]:
    """Where the picture of an annotation may lie."""
    return [*dict.fromkeys((folder / "JPEGImages", file.parent, folder))]


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
