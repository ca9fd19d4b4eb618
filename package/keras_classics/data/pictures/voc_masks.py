"""The masks of PASCAL VOC: `JPEGImages`, `SegmentationClass` and `ImageSets/Segmentation`.

They are palette pictures, whose numbers count; masks that were made coloured on their way are read
by VOC's own colours. 255 outlines the objects and does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keras_classics.core.errors import InputError
from keras_classics.core.text_files import read_lines
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_NAMES, check_one_split
from keras_classics.data.load import Data
from keras_classics.data.pictures.mask_files import MaskReading, voc_colours
from keras_classics.data.pictures.masked_pictures import MaskSheet, masked_data
from keras_classics.data.pictures.picture_pairs import pairs

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
_MASKS = ("SegmentationClass", "SegmentationClassAug")


def load_voc_masks(
    path: str | Path,
    *,
    seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    strict: bool = False,
    classes: Sequence[str] | None = None,
) -> Data:
    """Read pictures with masks in PASCAL VOC's form.

    Args:
        path: The folder.
        seed: Chooses the pictures that are held out, where a split has no list.
        image_size: Height and width, or one number; masks are resized along, to the nearest pixel.
        strict: Refuse what is faulty instead of leaving it out and counting it.
        classes: Names of the classes, the background first; by default VOC's 21.

    Raises:
        InputError: There is no mask, or a picture is in two splits.
    """
    folder = Path(path).expanduser()
    faults = Faults(strict)
    where = next((folder / each for each in _MASKS if (folder / each).is_dir()), None)
    if where is None:
        raise InputError(
            f"{folder} has no folder {' or '.join(_MASKS)}",
            "a folder of PASCAL VOC with masks: JPEGImages and SegmentationClass",
            "Check the path; for boxes leave masks out.",
        )
    found = {sheet.name: sheet for sheet in pairs(folder / "JPEGImages", where, faults, "mask")}
    parts, rules, owners = dict[str, list[MaskSheet]](), dict[str, str](), dict[str, str]()
    for split, names in SPLIT_NAMES.items():
        files = [folder / "ImageSets" / "Segmentation" / f"{name}.txt" for name in names]
        file = next((each for each in files if each.is_file()), None)
        stems = [line.strip() for line in read_lines(file) if line.strip()] if file else []
        # The list of VOC's test has no masks.
        if file is None or (split == "test" and not any(stem in found for stem in stems)):
            continue
        parts[split], rules[split] = [], file.name
        for stem in stems:
            check_one_split(owners, stem, split)
            if stem in found:
                parts[split].append(found[stem])
            else:
                faults.add(
                    f"{file} lists {stem!r}, which has no picture with a mask",
                    "pictures with masks",
                    "Correct the list, or add the files.",
                )
    if "train" not in parts:
        parts["train"] = [sheet for stem, sheet in found.items() if stem not in owners]
        rules["train"] = "every picture in no list"
    names = VOC_CLASSES if classes is None else tuple(classes)
    return masked_data(
        parts, name=f"voc:{path}", classes=names,
        reading=MaskReading(colours=voc_colours(len(names))), seed=seed, image_size=image_size,
        faults=faults, rules=rules, origin=str(folder),
    )  # fmt: skip
