"""Photographs with classes from a folder: a subfolder for each class.

The folder holds the classes' folders, or `train`, `val` (or `validation`, `valid`, `dev`) and
`test`, each with the same classes' folders. A split that is absent is held out of training.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import file_fingerprint
from keras_classics.core.picture_files import picture_endings
from keras_classics.data.holdout import SPLIT_NAMES, complete_splits
from keras_classics.data.load import Data, Info
from keras_classics.data.pictures.images import measure_images, read_image, resolve_size
from keras_classics.data.splits import Made, Pictures

Found = list[tuple[Path, str]]


def load_folder(
    path: str | Path,
    *,
    seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    strict: bool = False,
    validation: float = 0.1,
    test: float = 0.1,
) -> Data:
    """Read photographs whose class is the name of their folder.

    Pictures may lie deeper within a class's folder; hidden files and files that are no pictures
    by their ending are passed over. All pictures are decoded once to find the faulty ones, then
    again when they are asked for. What is held out is chosen by a hash of the seed and the
    picture's name; equal files are on one side.

    Args:
        path: The folder.
        seed: Chooses the pictures that are held out.
        image_size: Height and width, or one number for a square; None for the pictures' own.
        strict: Refuse a faulty picture instead of skipping and counting it.
        validation: Share of the training pictures that becomes the validation split.
        test: Share of them that becomes the test split.

    Raises:
        InputError: The folder is missing, has fewer than two classes, other classes in some
            split, or a split without sound pictures.
    """
    folder = Path(path).expanduser()
    size = resolve_size(image_size)
    roots = _split_folders(folder)
    classes = _class_folders(roots.get("train", folder))
    found = {split: _pictures(root, classes) for split, root in roots.items()}
    if not any(found.values()):
        raise InputError(
            explain(
                f"{folder} has no picture in {', '.join(classes)}",
                f"files ending in {', '.join(sorted(picture_endings()))}",
                "Put the pictures of each class into its folder.",
            )
        )
    found, faults = _sound(found, strict)
    found, rules = complete_splits(
        found,
        {"validation": validation, "test": test},
        seed,
        source=folder,
        what="picture",
        label=lambda picture: picture[1],
        same=lambda picture: (file_fingerprint(picture[0]),),
        key=lambda split, picture: f"{split}:{picture[1]}/{picture[0].name}",
        faults=faults,
    )
    rules = {**{split: str(root) for split, root in roots.items()}, **rules}
    return Data(
        **{split: _split(pictures, classes, folder, size) for split, pictures in found.items()},
        info=Info(
            name=f"folder:{path}",
            sizes={split: len(found[split]) for split in SPLIT_NAMES},
            image_shape=(*size, 3) if size else None,
            classes=classes,
            skipped=faults,
            split_rule="; ".join(f"{split}: {rules[split]}" for split in SPLIT_NAMES),
            origin=str(folder),
        ),
    )


def _split_folders(folder: Path) -> dict[str, Path]:
    """The folder of each split that has one; of `"train"` always."""
    if not folder.is_dir():
        raise InputError(
            explain(
                f"{folder} is not a folder",
                "a folder with a subfolder of pictures for each class",
                "Check the path.",
            )
        )
    splits = {name: split for split, names in SPLIT_NAMES.items() for name in names}
    roots: dict[str, Path] = {}
    for name in _subfolders(folder):
        split = splits.get(name.lower())
        if split and roots.setdefault(split, folder / name) != folder / name:
            raise InputError(
                explain(
                    f"Both {roots[split]} and {folder / name} are the {split} split",
                    "one folder for each split",
                    "Join them, or remove one.",
                )
            )
    if roots and "train" not in roots:
        name = next(iter(roots.values())).name
        raise InputError(
            explain(
                f"{folder} has the folder {name!r}, a split, and no folder for training",
                "folders of classes; or train, and perhaps val and test, with those in them",
                f"Put the classes for training into {folder / 'train'}, or rename the folder if it "
                "is a class.",
            )
        )
    return roots or {"train": folder}


def _class_folders(folder: Path) -> tuple[str, ...]:
    classes = _subfolders(folder)
    for name in classes:
        if fault := _no_text(folder / name):
            raise InputError(fault)
    if len(classes) < 2:
        raise InputError(
            explain(
                f"{folder} has {len(classes)} subfolders",
                "two and more, one for each class",
                "Sort the pictures into folders named after their classes.",
            )
        )
    return classes


def _subfolders(folder: Path) -> tuple[str, ...]:
    names = (each.name for each in folder.iterdir() if each.is_dir())
    return tuple(sorted(name for name in names if name[0] != "."))


def _pictures(folder: Path, classes: tuple[str, ...]) -> Found:
    """Every picture below a split's folder with its class."""
    strange = set(_subfolders(folder)) - set(classes)
    if strange:
        raise InputError(
            explain(
                f"{folder} has the class {sorted(strange)[0]!r}, which the training pictures "
                "have not",
                ", ".join(classes),
                "Remove or rename the folder.",
            )
        )
    endings = picture_endings()
    return [
        (path, name)
        for name in classes
        for path in sorted((folder / name).rglob("*"))
        if path.suffix.lower() in endings and path.name[0] != "."
    ]


def _sound(found: dict[str, Found], strict: bool) -> tuple[dict[str, Found], tuple[str, ...]]:
    """Leave out pictures that cannot be read."""
    faults: list[str] = []
    kept: dict[str, Found] = {}
    for split, pictures in found.items():
        measured = measure_images([path for path, _ in pictures])
        kept[split] = []
        for picture, size in zip(pictures, measured, strict=True):
            fault = _no_text(picture[0]) or (str(size) if isinstance(size, InputError) else None)
            if fault:
                if strict:
                    raise InputError(fault)
                faults.append(fault)
            else:
                kept[split].append(picture)
    return kept, tuple(faults)


def _no_text(path: Path) -> str | None:
    """What is wrong with a name of bytes that are no text: no table or record can have it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return explain(f"{str(path)!r} was found", "names in UTF-8", "Rename it.")
    return None


def _split(
    pictures: Found,
    classes: tuple[str, ...],
    folder: Path,
    size: tuple[int, int] | None,
) -> Pictures:
    return Pictures(
        Made([path for path, _ in pictures], partial(read_image, size=size)),
        [str(path.relative_to(folder)) for path, _ in pictures],
        labels=np.array([classes.index(name) for _, name in pictures], "int32"),
    )
