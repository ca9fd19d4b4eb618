"""Folders of pictures beside folders of masks: one's own, CamVid's and Cityscapes'."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_NAMES
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.formats.mask_files import IGNORED, MaskReading, read_colours
from keras_classics.data.pictures.formats.picture_pairs import pairs
from keras_classics.data.pictures.masked_pictures import MaskSheet, masked_data
from keras_classics.data.pictures.picture_places import picture_files

CAMVID_CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian",
    "bicyclist",
)  # fmt: skip
# The numbers that the files have for the 19 classes that are evaluated.
CITYSCAPES_CLASSES = {
    "road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17,
    "traffic light": 19, "traffic sign": 20, "vegetation": 21, "terrain": 22, "sky": 23,
    "person": 24, "rider": 25, "car": 26, "truck": 27, "bus": 28, "train": 31, "motorcycle": 32,
    "bicycle": 33,
}  # fmt: skip
_PICTURES = ("images", "imgs", "pictures", "JPEGImages")
_MASKS = ("masks", "labels", "annotations", "SegmentationClass")
_ENDINGS = ("annot", "_masks", "_labels", "_annotations")
_LAYOUTS = (
    "images/*.jpg with masks/*.png; images/train with masks/train; train/images with train/masks; "
    "or train/*.jpg with trainannot/*.png, and val and test likewise"
)


@checked
def load_masks(
    asked: Asked,
    *,
    classes: Sequence[str] | None = None,
    colours: str | Path | None = None,
    values: Sequence[int] | str | None = None,
) -> Data:
    """Read pictures with masks: `images` beside `masks`, or `train` beside `trainannot`.

    Masks are PNG or other pictures without loss of the pictures' sizes and names (perhaps with
    `_mask`, `_label` or `_L` behind): palette or grey, whose values are the numbers of the classes
    and 255 is what does not count, or coloured, with a table of the colours; a palette of the
    table's colours is read by them.

    Args:
        asked: The folder; masks are resized along, to the nearest pixel.
        classes: Names of the classes in their order; by default those of the table of colours, or
            of `classes.txt` in the folder, a name a line, or the numbers from 0 to the greatest.
        colours: A file with a line `red green blue name` for each class; by default
            `label_colors.txt` or `class_dict.csv` in the folder, if there is one.
        values: The values of grey masks in the order of the classes, `(0, 255)` or `"0,255"` where
            white is class 1; by default 0, 1, 2 and so on.

    Raises:
        InputError: The folder is not laid out so, or nothing in it is sound.
    """
    folder, table = asked.path, colours
    if table is None:
        files = [folder / "label_colors.txt", folder / "class_dict.csv"]
        table = next((file for file in files if file.is_file()), None)
    names, known = read_colours(table) if table is not None else (None, None)
    if classes is None and names is None and (folder / "classes.txt").is_file():
        lines = [line.strip() for line in read_lines(folder / "classes.txt")]
        classes = [line for line in lines if line]
    reading = MaskReading(values=_values(values), colours=known)
    return _load(asked, names if classes is None else classes, reading)


@checked
def load_camvid(asked: Asked) -> Data:
    """Read CamVid with 11 classes as it is customary: `train`, `trainannot`, `val`, `valannot`, ...

    Brostow, Fauqueur, Cipolla, "Semantic object classes in video", 2008; laid out by
    Badrinarayanan, Kendall, Cipolla for SegNet. Label 11, unlabelled, does not count.

    Args:
        asked: The folder, as for `load_masks`.

    Raises:
        InputError: The folder is not laid out so, or nothing in it is sound.
    """
    count = len(CAMVID_CLASSES)
    values = {**{number: number for number in range(count)}, count: IGNORED}
    return _load(asked, CAMVID_CLASSES, MaskReading(values=values))


@checked
def load_cityscapes(asked: Asked) -> Data:
    """Read Cityscapes: `leftImg8bit/SPLIT/CITY/*_leftImg8bit.png` and `gtFine` likewise.

    Both numberings are known: `*_gtFine_labelTrainIds.png` where they are there, else
    `*_gtFine_labelIds.png`, whose 34 numbers become the 19 that are evaluated. The masks of the
    test pictures are kept from everybody, so that a tenth of training is the test split.

    Args:
        asked: The folder, as for `load_masks`.

    Raises:
        InputError: The folder is not laid out so, or nothing in it is sound.
    """
    folder = asked.path
    pictures, masks = folder / "leftImg8bit", folder / "gtFine"
    if not (pictures / "train").is_dir() or not masks.is_dir():
        raise _not_laid_out(folder, "leftImg8bit/train/CITY and gtFine/train/CITY")
    train_ids = any(masks.rglob("*_gtFine_labelTrainIds.png"))
    ending = "_gtFine_labelTrainIds" if train_ids else "_gtFine_labelIds"
    numbers = range(len(CITYSCAPES_CLASSES))
    values = dict(zip(numbers, numbers, strict=True))
    if not train_ids:
        theirs = dict(zip(CITYSCAPES_CLASSES.values(), numbers, strict=True))
        values = {**dict.fromkeys(range(34), IGNORED), **theirs}
    parts = {
        split: pairs(
            pictures / name, masks / name, asked.faults, "mask",
            picture_suffix="_leftImg8bit", mask_suffixes=(ending,),
        )
        for split, name in (("train", "train"), ("validation", "val"))
        if (pictures / name).is_dir()
    }  # fmt: skip
    reading = MaskReading(values=values)
    return masked_data(asked, parts, classes=tuple(CITYSCAPES_CLASSES), reading=reading)


def _load(asked: Asked, classes: Sequence[str] | None, reading: MaskReading) -> Data:
    parts = paired_folders(asked.path, asked.faults, "mask")
    if classes is not None and not 1 < len(classes) <= IGNORED:
        raise InputError(
            f"{len(classes)} classes were given for {asked.spec}",
            f"2 to {IGNORED}, the background among them",
            "Name all classes.",
        )
    return masked_data(asked, parts, classes=classes, reading=reading)


def paired_folders(
    folder: Path, faults: Faults, what: str, names: Sequence[str] = _MASKS
) -> Mapping[str, list[MaskSheet]]:
    """The splits of a folder in one of the layouts of pictures beside masks.

    Args:
        folder: The folder.
        faults: Where files without a partner are noted, and pictures of a split without a folder
            of what belongs to them; of tests, which are often kept from everybody, as a remark.
        what: What lies beside a picture.
        names: What folders of that may be called.

    Raises:
        InputError: It has none of the layouts.
    """
    ways: list[Callable[[str], tuple[list[Path], list[Path]]]] = [
        lambda name: ([folder / name], [folder / f"{name}{end}" for end in _ENDINGS]),
        lambda name: (
            [folder / each / name for each in _PICTURES], [folder / each / name for each in names]
        ),
        lambda name: (
            [folder / name / each for each in _PICTURES], [folder / name / each for each in names]
        ),
    ]  # fmt: skip
    for way in ways:
        places = {}
        for split, called in SPLIT_NAMES.items():
            each = (_first_folders(*way(name)) for name in called)
            places[split] = next(filter(None, each), None)
        if places["train"] is None:
            continue
        for split in [split for split, found in places.items() if found is None]:
            _tell_alone(split, [way(name) for name in SPLIT_NAMES[split]], faults, what)
        return {split: pairs(*found, faults, what) for split, found in places.items() if found}
    found = _first_folders([folder / each for each in _PICTURES], [folder / each for each in names])
    if not found:
        raise _not_laid_out(folder, _LAYOUTS.replace("masks", names[0]))
    return {"train": pairs(*found, faults, what)}


def _first_folders(pictures: Sequence[Path], masks: Sequence[Path]) -> tuple[Path, Path] | None:
    places = [next((path for path in paths if path.is_dir()), None) for paths in (pictures, masks)]
    return (places[0], places[1]) if places[0] and places[1] else None


def _tell_alone(
    split: str, ways: Sequence[tuple[list[Path], list[Path]]], faults: Faults, what: str
) -> None:
    """Note the pictures of a split that lie there without a folder beside them."""
    for pictures, beside in ways:
        for folder in pictures:
            if not picture_files(folder):
                continue
            if split == "test":
                faults.remarks.append(
                    f"The pictures of {folder} have no folder with a {what} for each, and are "
                    "passed over."
                )
                continue
            faults.add(
                f"The pictures of {folder} have no folder with a {what} for each",
                f"one of the folders {', '.join(map(str, beside))}",
                "Call the folder so, or remove the pictures.",
            )


def _not_laid_out(folder: Path, layouts: str) -> InputError:
    return InputError(
        f"{folder} has no folders of pictures and masks side by side",
        layouts,
        "Check the path, or lay the files out so.",
    )


def _values(given: Sequence[int] | str | None) -> Mapping[int, int] | None:
    """The label of each value, of values written in the order of the classes."""
    if given is None:
        return None
    parts = [part.strip() for part in given.split(",")] if isinstance(given, str) else list(given)
    numbers = [int(part) for part in parts if str(part).isdecimal() and int(part) <= 255]
    if len(numbers) < len(parts) or len(set(numbers)) < len(numbers) or len(numbers) < 2:
        raise InputError(
            f"values={given!r} was given",
            "two and more different numbers of 0 to 255, separated by commas",
            'Give for example values="0,255".',
        )
    return {number: label for label, number in enumerate(numbers)}
