"""The masks of PASCAL VOC: `JPEGImages`, `SegmentationClass` and `ImageSets/Segmentation`.

They are palette pictures, whose numbers count; masks that were made coloured on their way are read
by VOC's own colours. 255 outlines the objects and does not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras_classics.core.errors import InputError
from keras_classics.data.holdout import listed_splits
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.formats.mask_files import IGNORED, MaskReading, voc_colours
from keras_classics.data.pictures.formats.picture_pairs import pairs
from keras_classics.data.pictures.masked_pictures import masked_data

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
MASK_FOLDERS = ("SegmentationClass", "SegmentationClassAug")


def load_voc_masks(asked: Asked, *, classes: Sequence[str] | None = None) -> Data:
    """Read pictures with masks in PASCAL VOC's form.

    Args:
        asked: The folder; masks are resized along, to the nearest pixel.
        classes: Names of the classes, the background first; by default VOC's 21.

    Raises:
        InputError: There is no mask, or a picture is in two splits.
    """
    folder, faults = asked.path, asked.faults
    where = next((folder / each for each in MASK_FOLDERS if (folder / each).is_dir()), None)
    if where is None:
        raise InputError(
            f"{folder} has no folder {' or '.join(MASK_FOLDERS)}",
            "a folder of PASCAL VOC with masks: JPEGImages and SegmentationClass",
            "Check the path; for boxes leave masks out.",
        )
    # Of most of its pictures only boxes are known.
    sheets = pairs(folder / "JPEGImages", where, faults, "mask", all_named=False)
    found = {sheet.name: sheet for sheet in sheets}
    lists = folder / "ImageSets" / "Segmentation"
    parts, rules = listed_splits(lists, found, "mask", faults)
    names = VOC_CLASSES if classes is None else tuple(classes)
    # All colours that labels can have, so that of those beyond the classes the numbers are told.
    reading = MaskReading(colours=voc_colours(IGNORED))
    return masked_data(asked, parts, rules, classes=names, reading=reading)
