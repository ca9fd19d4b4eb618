"""COCO's instances: boxes, polygons, run lengths and crowds from its JSON.

COCO's boxes are `[x, y, width, height]` from the upper left corner 0; its ids of classes begin at
1 and have gaps, which are closed here in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_json
from keras_classics.core.errors import InputError, import_extra, is_number, shown
from keras_classics.data.captions.flickr8k_coco_csv import told_origin
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_NAMES
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.boxed_pictures import (
    BoxedPicture,
    Row,
    Sheet,
    boxed_data,
    read_flags,
)
from keras_classics.data.pictures.formats.mask_files import IGNORED, resize_mask
from keras_classics.data.pictures.images import measure_image
from keras_classics.data.pictures.masked_pictures import MaskedPicture
from keras_classics.data.pictures.picture_places import find_pictures, remark_unannotated
from keras_classics.data.splits import Made

_REMEDY = "Give an instances_*.json of COCO."
_ALLOWED = (
    '"images" with id and file_name, "categories" with id and name, "annotations" with image_id, '
    "category_id and bbox"
)
# So many pictures beyond their own, outlines are as they are said.
_AROUND = 9
# A run length beyond this is no picture's.
_MOST_PIXELS = 2**31 - 1


@checked
def load_coco(asked: Asked, *, images: str | Path | None = None, masks: bool = False) -> Data:
    """Read pictures with boxes, or masks, from COCO's JSON.

    Args:
        asked: A file of instances; or two, or three, separated by commas: training, validation,
            test. What is absent is held out of training. Boxes are resized with their pictures.
        images: Folder of the pictures; by default they are looked for beside the file, in
            `images`, and in the folder that the file is named after (`train2017` for
            `instances_train2017.json`), there and a level above.
        masks: Draw the outlines into one mask of classes, the first of which is the background;
            what is a crowd does not count, nor what has no outline, in its box. Boxes are not
            looked at where there is an outline; of an object with a fault, the outline does not
            count, and what no object covers does not where nothing says where it is.

    Raises:
        InputError: A file is not in COCO's form, or files have other classes; or masks are asked
            for and no object that counts has an outline.
    """
    every = [*SPLIT_NAMES]
    files = asked.files(every[:1], every[:2], every)
    parts, rules, categories, origin = {}, {}, None, ""
    for split, file in files.items():
        content = read_json(file, "COCO's JSON of instances", _REMEDY)
        found, sheets, origin = _read(file, content, images, asked.faults, masks)
        if categories is not None and found != categories:
            raise InputError(
                f"{file} has other classes than {files['train']}",
                "the same categories in all files",
                "Write all categories into each file.",
            )
        categories, parts[split], rules[split] = found, sheets, file.name
    remark_unannotated((sheet.path for sheets in parts.values() for sheet in sheets), asked.faults)
    if masks:
        _check_outlines(asked.argument, parts, asked.faults)
    data = boxed_data(
        asked, parts, rules, classes=list((categories or {}).values()),
        class_ids=tuple(categories or ()), origin=origin,
    )  # fmt: skip
    return _masked(data) if masks else data


def _read(
    file: Path, content: Any, images: str | Path | None, faults: Faults, masks: bool
) -> tuple[dict[int, str], list[Sheet], str]:
    """Names of the classes by id, the sheet of each picture that is there, and the origin."""
    try:
        categories = [(each["id"], str(each["name"])) for each in content["categories"]]
        pictures = [(each["id"], each) for each in content["images"]]
        names = [each["file_name"] for _, each in pictures]
        if not all(isinstance(number, int) for number, _ in categories):
            raise TypeError("ids of categories are whole numbers")
        if not all(isinstance(number, int | str) for number, _ in pictures):
            raise TypeError("ids of images are whole numbers or texts")
        annotations = content["annotations"]
        if not all(isinstance(name, str) for name in names) or not isinstance(annotations, list):
            raise TypeError("file_name is a text, annotations a list")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{file} is not in COCO's form ({type(error).__name__}: {error})", _ALLOWED, _REMEDY
        ) from error
    _refuse_repeated(file, "categories", categories)
    _refuse_repeated(file, "images", [(number, each["file_name"]) for number, each in pictures])
    known = dict(categories)
    paths = find_pictures(names, _folders(file, images), faults, file.name)
    entries = {number: each for number, each in pictures if each["file_name"] in paths}
    rows: dict[Any, list[Row]] = {number: [] for number, _ in pictures}
    for place, each in enumerate(annotations):
        where = f"{file.name}, annotation {place},"
        if not masks:
            row = _row(each, where, known, rows, faults)
        elif not _is_of_picture(each, where, rows, faults) or each["image_id"] not in entries:
            continue
        else:
            entry = entries[each["image_id"]]
            size = _size(entry)
            if size is None or min(size) < 1:
                size = _measured(paths[entry["file_name"]])
            # Of a picture that cannot be read nothing else is said.
            row = _outlined(each, where, known, size, faults) if size else None
        if row is not None:
            rows[each["image_id"]].append(row)
    sheets = [
        Sheet(
            name=each["file_name"],
            path=paths[each["file_name"]],
            rows=tuple(rows[number]),
            source=file,
            size=_size(each),
        )
        for number, each in pictures
        if each["file_name"] in paths
    ]
    return dict(sorted(known.items())), sheets, told_origin(content) or str(file)


def _refuse_repeated(file: Path, what: str, entries: Sequence[tuple[Any, str]]) -> None:
    """Refuse two of one id: whose the annotations are nobody can tell."""
    owners: dict[Any, str] = {}
    for number, name in entries:
        if number in owners:
            raise InputError(
                f"{file} has the id {number!r} twice among its {what}, for {owners[number]!r} and "
                f"for {name!r}",
                "an id of its own for each",
                "Number them anew, and their annotations with them, before files are merged.",
            )
        owners[number] = name


def _row(
    each: Any, where: str, categories: Mapping[int, str], pictures: Mapping, faults: Faults
) -> Row | None:
    """An object with a box; None where it has a fault."""
    box = _box(each, where, faults)
    if box is None or not _is_of_picture(each, where, pictures, faults):
        return None
    facts = _facts(each, where, categories, faults)
    if facts is None:
        return None
    return Row(box=box, where=where, outline=each.get("segmentation") or None, **facts)


def _outlined(
    each: Any, where: str, categories: Mapping[int, str], size: tuple[int, int], faults: Faults
) -> Row | None:
    """An object of a mask, as far as it is known; None where it is outside of the picture."""
    facts = _facts(each, where, categories, faults)
    # Something is there, which is not what lies around it.
    facts = {"label": None, "crowd": True} if facts is None else facts
    outline, box = each.get("segmentation") or None, None
    try:
        box = _around(outline, size, where)
    except InputError as error:
        faults.take(error)
    if box is None:
        outline = None
        box = _box(each, where, faults)
        if box is None or box[2] <= box[0] or box[3] <= box[1]:
            box = (0.0, 0.0, float(size[0]), float(size[1]))
    elif not (box[0] < size[0] and box[1] < size[1] and box[2] > 0 and box[3] > 0):
        faults.add(
            f"{where} has an outline outside of the picture's {size[0]} x {size[1]} pixels",
            "outlines in the picture",
            "Check whether the picture was resized.",
        )
        return None
    return Row(box=box, where=where, outline=outline, **facts)


def _around(
    outline: Any, size: tuple[int, int], where: str
) -> tuple[float, float, float, float] | None:
    """The whole pixels of a picture that an outline lies in; None where there is none.

    Raises:
        InputError: Run lengths do not fit the picture.
    """
    height, width = size
    if isinstance(outline, dict):
        ends = np.cumsum(_runs(outline, size, where))
        starts, ends = ends[:-1:2], ends[1::2]
        starts, ends = starts[ends > starts], ends[ends > starts] - 1
        if not len(starts):
            return None
        # Column by column; what goes on in the next has the whole height.
        whole = (starts // height != ends // height).any()
        top, bottom = (0, height) if whole else ((starts % height).min(), (ends % height).max() + 1)
        left, right = starts.min() // height, ends.max() // height + 1
    else:
        corners = np.array([side for each in _polygons(outline) for side in each]).reshape(-1, 2)
        if not len(corners):
            return None
        left, top = np.floor(corners.min(axis=0))
        right, bottom = np.maximum(np.ceil(corners.max(axis=0)), (left + 1, top + 1))
        top, left = max(top, 0), max(left, 0)
        bottom, right = min(bottom, height), min(right, width)
    return float(top), float(left), float(bottom), float(right)


def _box(each: Any, where: str, faults: Faults) -> tuple[float, float, float, float] | None:
    box = each.get("bbox") if isinstance(each, dict) else None
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        faults.add(f"{where} has the bbox {shown(box)}", "[x, y, width, height]", "Correct it.")
        return None
    x, y, width, height = map(float, box)
    return y, x, y + height, x + width


def _is_of_picture(each: Any, where: str, pictures: Mapping, faults: Faults) -> bool:
    number = each.get("image_id") if isinstance(each, dict) else None
    if _is_known(number, pictures):
        return True
    faults.add(
        f"{where} is about the image {number!r}, which the file does not name",
        'ids that "images" has',
        "Add the image or remove the annotation.",
    )
    return False


def _facts(
    each: Mapping[str, Any], where: str, categories: Mapping[int, str], faults: Faults
) -> dict[str, Any] | None:
    """What an annotation says of its object beside where it is; None where that has a fault."""
    if not _is_known(each.get("category_id"), categories):
        faults.add(
            f"{where} has the category_id {each.get('category_id')!r}",
            f"ids that {len(categories)} categories have, {min(categories, default=0)} to "
            f"{max(categories, default=0)}",
            "Correct it, or add the category.",
        )
        return None
    said = {name: each.get(name) for name in ("ignore", "iscrowd")}
    flags = read_flags(where, faults, **said)
    if flags is None:
        return None
    return {
        "label": categories[each["category_id"]],
        # Their own tool overwrites what is to be ignored by what is no crowd (cocoapi#466).
        "difficult": flags["ignore"],
        "crowd": flags["iscrowd"],
        "area": _area(each.get("area")),
    }


def _area(said: Any) -> float | None:
    """The area of an object; NaN, which is none of a picture's, for what is no number."""
    if said is None or said == 0:
        return None
    return float(said) if is_number(said) else np.nan


def _is_known(number: Any, known: Mapping) -> bool:
    return isinstance(number, int | str) and number in known


def _measured(path: Path) -> tuple[int, int] | None:
    try:
        return measure_image(path)
    # It is told when all pictures are looked at.
    except InputError:
        return None


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    sides = image.get("height"), image.get("width")
    return (int(sides[0]), int(sides[1])) if all(map(is_number, sides)) else None  # type: ignore[arg-type]


def _folders(file: Path, images: str | Path | None) -> list[Path]:
    if images is not None:
        return [Path(images).expanduser()]
    own = file.stem.removeprefix("instances_")
    return [
        above / each for above in (file.parent, file.parent.parent) for each in ("images", own, "")
    ]


def object_masks(picture: BoxedPicture) -> np.ndarray:
    """Draw the outlines of a picture's objects.

    Args:
        picture: One of `coco:` data.

    Returns:
        bool `(objects, height, width)` of `picture.image`; nothing where an object has no outline.

    Raises:
        InputError: Run lengths do not fit the picture.
        ImportError: pycocotools is not installed, and there are polygons.
    """
    size = picture.file_size
    height, width = picture.image.shape[:2]
    masks = np.zeros((len(picture.boxes), height, width), bool)
    for number, outline in enumerate(picture.outlines):
        if outline is not None:
            told = f"An object in {picture.name}"
            masks[number] = resize_mask(_mask(outline, size, told), height, width)
    return masks


def _check_outlines(paths: str, parts: Mapping[str, list[Sheet]], faults: Faults) -> None:
    """Look for objects without outlines, before any mask is drawn."""
    rows = [row for part in parts.values() for sheet in part for row in sheet.rows]
    bare = [row for row in rows if row.outline is None]
    if all(row.outline is None or row.crowd or row.difficult for row in rows):
        raise InputError(
            f"None of the {len(rows)} objects of {paths} has an outline that counts",
            '"segmentation" of annotations, polygons or run lengths',
            "Give a file of instances with outlines, or leave masks out for boxes." + faults.told(),
        )
    if bare:
        faults.add(
            f"{len(bare)} of {len(rows)} objects of {paths} have no outline; their boxes do not "
            "count",
            '"segmentation" of every annotation',
            "Complete them, or remove them with their pictures.",
        )


def _masked(data: Data) -> Data:
    """The same pictures with the class of every pixel in place of boxes."""

    def masked(picture: BoxedPicture) -> MaskedPicture:
        # The smaller lies in front: what covers another whole would hide it.
        order = np.argsort(-picture.areas, kind="stable")
        outlines = object_masks(picture)
        mask = np.zeros(picture.image.shape[:2], "uint8")
        for number in order:
            own = outlines[number]
            if not own.any():
                # Somewhere in its box it is.
                top, left = np.floor(picture.boxes[number, :2]).astype(int)
                bottom, right = np.ceil(picture.boxes[number, 2:]).astype(int)
                mask[top:bottom, left:right] = IGNORED
                continue
            crowd = picture.crowd[number] or picture.difficult[number]
            mask[own] = IGNORED if crowd else picture.box_labels[number] + 1
        return MaskedPicture(image=picture.image, name=picture.name, class_mask=mask)

    names = data.info.classes or ()
    if len(names) >= IGNORED:
        raise InputError(
            f"{data.info.name} has {len(names)} classes",
            f"up to {IGNORED - 1}, which masks have numbers for",
            "Leave masks out, or join classes.",
        )
    info = replace(data.info, classes=None, class_ids=None, pixel_classes=("background", *names))
    splits = {split: Made(getattr(data, split), masked) for split in SPLIT_NAMES}
    return Data(**splits, info=info)


def _mask(outline: Any, size: tuple[int, int], where: str) -> np.ndarray:
    if isinstance(outline, dict):
        runs = _runs(outline, size, where)
        values = np.arange(len(runs)) % 2 == 1
        # Column by column.
        return np.repeat(values, runs).reshape(size, order="F")
    # The tool cuts what lies outside; corners moved to the border would turn the sides inside. It
    # walks along all sides in steps of a fifth of a pixel, so that there has to be an end.
    around = _AROUND * max(size)
    polygons = [
        np.clip(np.asarray(each, "float64"), -around, max(size) + around).tolist()
        for each in _polygons(outline)
    ]
    if not polygons:
        return np.zeros(size, bool)
    tool = import_extra("pycocotools.mask", "cv")
    return tool.decode(tool.merge(tool.frPyObjects(polygons, *size))).astype(bool)


def _polygons(outline: Any) -> list[list[float]]:
    return [
        each for each in (outline if isinstance(outline, list) else [])
        if isinstance(each, list) and len(each) >= 6 and len(each) % 2 == 0
        and all(map(is_number, each))
    ]  # fmt: skip


def _runs(outline: Mapping[str, Any], size: tuple[int, int], where: str) -> list[int]:
    """The run lengths of an object, after a look at whether they fill its picture."""
    counts = outline.get("counts")
    runs: Any = _unpacked(counts) if isinstance(counts, str) else counts
    if not (
        isinstance(runs, list)
        and all(isinstance(run, int) and 0 <= run <= _MOST_PIXELS for run in runs)
        and outline.get("size") == list(size)
        and sum(runs) == size[0] * size[1]
    ):
        raise InputError(
            f"{where} has run lengths that do not fit its picture's {size[0]} x {size[1]} pixels",
            "counts that add up to height times width, and that size",
            "Remove the object or write its segmentation anew.",
        )
    return runs


def _unpacked(text: str) -> list[int]:
    """Run lengths of COCO's text: six bits a character, most as differences to the last but one."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20 and shift < 40:
            continue
        if bits & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        runs.append(value)
        value = shift = 0
    return runs
