"""Pictures with the class of every pixel: what every reader of them makes of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults, looked_at
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.boxed_pictures import checked_data
from keras_classics.data.pictures.formats.mask_files import IGNORED, MaskReading, resize_mask
from keras_classics.data.pictures.images import look_at_image, read_image, told_turned
from keras_classics.data.splits import Picture


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskedPicture(Picture):
    """A picture and the class of every pixel.

    Attributes:
        class_mask: uint8 `(height, width)`, numbers of classes, 255 where nothing is to be learnt.
    """

    class_mask: np.ndarray


class MaskSheet(NamedTuple):
    """A picture and its mask, as they lie in files."""

    name: str
    path: Path
    mask: Path


@dataclass(frozen=True)
class _Checked:
    """A sheet whose files are sound; how often each label occurs in its mask.

    `turned` is EXIF's orientation where the picture has one and the mask none.
    """

    sheet: MaskSheet
    size: tuple[int, int]
    counts: np.ndarray
    turned: int | None = None


def masked_data(
    asked: Asked,
    sheets: Mapping[str, Sequence[MaskSheet]],
    rules: Mapping[str, str] | None = None,
    *,
    classes: Sequence[str] | None,
    reading: MaskReading,
    resized: Callable[[np.ndarray, int, int], np.ndarray] = resize_mask,
) -> Data:
    """Make a data set of pictures and masks, after a look at all of them.

    Args:
        asked: What was asked for; masks are resized with their pictures.
        sheets: By split, of `"train"` at least.
        rules: Where the splits come from, by split; by default each from its folder.
        classes: Names of the classes; None for numbers, from 0 to the greatest that
            occurs.
        reading: How masks are read.
        resized: How masks are resized with their pictures.

    Raises:
        InputError: All pixels are of one class, or a split has no picture; or classes have no names
            and most numbers up to the greatest do not occur.
    """
    checked = {
        split: _sound(part, classes, reading, asked.faults) for split, part in sheets.items()
    }
    counts = sum((each.counts for part in checked.values() for each in part), np.zeros(256, int))
    found = np.flatnonzero(counts[:IGNORED])
    if any(checked.values()) and len(found) < 2:
        ignored = f", and {counts[IGNORED]} pixels of 255" if counts[IGNORED] else ""
        raise InputError(
            f"All masks of {asked.spec} are of one class, {found.tolist()}{ignored}",
            "pixels of two classes and more; 255 is what does not count",
            'Check the masks; where white is a class, give values="0,255".'
            if counts[IGNORED]
            else "Check that these are the masks.",
        )
    if classes is None:
        _check_gaps(asked.spec, found, [each for part in checked.values() for each in part])
        classes = [str(number) for number in range(int(found.max(initial=0)) + 1)]
    rules = dict.fromkeys(sheets, "its folder") if rules is None else rules
    make = partial(_picture, size=asked.size, reading=reading, resized=resized)
    return checked_data(asked, checked, rules, make, pixel_classes=tuple(classes))


def _check_gaps(name: str, found: np.ndarray, examples: Sequence[_Checked]) -> None:
    """Refuse values such as 0 and 128, which are hardly numbers of classes."""
    if len(found) and found[-1] + 1 > 2 * len(found):
        told = ",".join(map(str, found))
        having = [each.sheet.mask for each in examples if each.counts[found[-1]]]
        others = f" and {len(having) - 1} more" if len(having) > 1 else ""
        raise InputError(
            f"The masks of {name} have {len(found)} values, up to {found[-1]} in {having[0]}"
            f"{others}, and the classes have no names",
            "values 0, 1, 2 and so on, or which value is which class",
            f'Give values="{told}" if each of them is a class, name all {found[-1] + 1} classes, '
            "or correct the files.",
        )


def _sound(
    sheets: Sequence[MaskSheet],
    classes: Sequence[str] | None,
    reading: MaskReading,
    faults: Faults,
) -> list[_Checked]:
    def look(sheet: MaskSheet) -> _Checked:
        picture, mask = look_at_image(sheet.path), reading.read(sheet.mask)
        # A mask that is turned likewise was stored as its picture was.
        alone = picture.turned_unseen and not look_at_image(sheet.mask).told()
        size = picture.size
        if mask.shape != size:
            raise InputError(
                f"The mask {sheet.mask} has {mask.shape[0]} x {mask.shape[1]} pixels and its "
                f"picture {sheet.path} {size[0]} x {size[1]} (height x width){picture.told()}",
                "masks of their pictures' size",
                "Turn the mask likewise, or take the orientation out of the picture's file."
                if picture.told()
                else "Resize one of them; masks without smoothing.",
            )
        counts = np.bincount(mask.ravel(), minlength=256)
        labels = np.flatnonzero(counts)
        beyond = labels[(labels < IGNORED) & (labels >= len(classes or ()))]
        if classes is not None and len(beyond):
            raise InputError(
                f"The mask {sheet.mask} has the labels {', '.join(map(str, beyond))} in "
                f"{counts[beyond].sum()} pixels",
                f"0 to {len(classes) - 1} for {len(classes)} classes, and 255",
                "Name all classes, or correct the mask.",
            )
        if labels.tolist() == [IGNORED]:
            raise InputError(
                f"The mask {sheet.mask} is 255 everywhere",
                "masks that say something",
                "Draw it, or remove it with its picture.",
            )
        return _Checked(sheet, size, counts, picture.orientation if alone else None)

    found = [each for _, each in looked_at(sheets, look, faults, "Checking masks")]
    turned = [f"{each.sheet.name} ({each.turned})" for each in found if each.turned]
    faults.remarks += told_turned(turned, "its mask is", "their masks are")
    return found


def _picture(
    example: _Checked,
    size: tuple[int, int] | None,
    reading: MaskReading,
    resized: Callable[[np.ndarray, int, int], np.ndarray],
) -> MaskedPicture:
    image = read_image(example.sheet.path, size)
    mask = reading.read(example.sheet.mask)
    return MaskedPicture(
        image=image, name=example.sheet.name, class_mask=resized(mask, *image.shape[:2])
    )
