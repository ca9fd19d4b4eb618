"""Two folders side by side: pictures, and what belongs to each under the same name."""

from __future__ import annotations

from pathlib import Path

from keras_classics.data.faults import Faults
from keras_classics.data.pictures.masked_pictures import MaskSheet
from keras_classics.data.pictures.picture_places import picture_files

# What a mask's name may have more than its picture's.
_SUFFIXES = (
    "", "_L", "_mask", "-mask", "_masks", "_label", "_labels", "_gt", "_seg", "_segmentation",
    "_GT", "_edges", "_boundary",
)  # fmt: skip
# Where there are several files of a name, masks are what has no loss.
_LOSSY_ENDINGS = (".avif", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".webp")
_NAMED = 5


def pairs(
    pictures: Path,
    masks: Path,
    faults: Faults,
    what: str,
    *,
    picture_suffix: str = "",
    mask_suffixes: tuple[str, ...] = _SUFFIXES,
    all_named: bool = True,
) -> list[MaskSheet]:
    """Pictures with a file of the same name, in the same folder below another.

    Args:
        pictures: Folder of pictures.
        masks: Folder of what belongs to them.
        faults: Where pictures without are noted, what belongs to none, and what to two.
        what: What belongs to a picture, `"mask"`.
        picture_suffix: What ends the names of pictures before the ending; others are passed over.
        mask_suffixes: What may stand there in the names of masks.
        all_named: Whether each picture should have one, and one without is a fault.
    """
    by_name: dict[str, Path] = {}
    for path in sorted(
        picture_files(masks), key=lambda each: each.suffix.lower() in _LOSSY_ENDINGS
    ):
        by_name.setdefault(path.relative_to(masks).with_suffix("").as_posix(), path)
    sheets, used = list[MaskSheet](), dict[Path, Path]()
    for path in picture_files(pictures):
        name = path.relative_to(pictures).with_suffix("").as_posix()
        if not name.endswith(picture_suffix):
            continue
        stem = name.removesuffix(picture_suffix)
        mask = next(
            (by_name[stem + suffix] for suffix in mask_suffixes if stem + suffix in by_name), None
        )
        if mask is None and all_named:
            faults.add(
                f"The picture {path} has no {what} of its name in {masks}",
                f"a {what} for each picture",
                f"Add the {what}, or remove the picture.",
            )
        elif mask in used:
            faults.add(
                f"The {what} {mask} belongs to two pictures, {used[mask]} and {path}",
                f"one picture for each {what}",
                "Remove one of them; what is there twice comes into two splits.",
            )
        elif mask is not None:
            sheets.append(MaskSheet(stem, path, mask))
            used[mask] = path
    known = [path for path in by_name.values() if path not in used]
    if mask_suffixes is _SUFFIXES and known and sheets:
        told = [f"The {what} {path} belongs to no picture." for path in known[:_NAMED]]
        if len(known) > _NAMED:
            told.append(f"{len(known) - _NAMED} more of {masks} belong to no picture.")
        faults.messages += told
    return sheets
