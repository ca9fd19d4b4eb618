"""Photographs with classes from a folder: a subfolder for each class.

The folder holds the classes' folders, or `train`, `val` (or `validation`, `valid`, `dev`) and
`test`, each with the same classes' folders. A split that is absent is held out of training.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.core.errors import InputError, explain
from keras_classics.core.picture_files import picture_endings
from keras_classics.data.load import SPLIT_NAMES, Data, Info
from keras_classics.data.pictures.images import image_tensor, measure_images, resolve_size

if TYPE_CHECKING:
    import tensorflow as tf

Pictures = list[tuple[Path, str]]


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
    again when the pipeline asks. What is held out is chosen by a hash of the seed and the
    picture's name.

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
    rule = {split: str(root) for split, root in roots.items()}
    for split, share in (("test", test), ("validation", validation)):
        if split not in found:
            found["train"], found[split] = _hold_out(found["train"], share, seed, split)
            rule[split] = f"{share:g} of train by a hash of seed {seed} and name"
    for split, pictures in found.items():
        if not pictures:
            first = f" The first of {len(faults)} faults: {faults[0]}" if faults else ""
            raise InputError(
                explain(
                    f"The {split} split of {folder} has no picture.{first}",
                    "at least one sound picture in each split",
                    "Add pictures, or hold out a greater share of them.",
                )
            )

    return Data(
        **{split: _dataset(pictures, classes, folder, size) for split, pictures in found.items()},
        info=Info(
            name=f"folder:{path}",
            sizes={split: len(found[split]) for split in SPLIT_NAMES},
            image_shape=(*size, 3) if size else None,
            classes=classes,
            skipped=faults,
            split_rule="; ".join(f"{split}: {rule[split]}" for split in SPLIT_NAMES),
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


def _pictures(folder: Path, classes: tuple[str, ...]) -> Pictures:
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


def _sound(found: dict[str, Pictures], strict: bool) -> tuple[dict[str, Pictures], tuple[str, ...]]:
    """Leave out pictures that cannot be read."""
    faults: list[str] = []
    kept: dict[str, Pictures] = {}
    for split, pictures in found.items():
        measured = measure_images([path for path, _ in pictures])
        kept[split] = []
        for picture, size in zip(pictures, measured, strict=True):
            if isinstance(size, InputError):
                if strict:
                    raise size
                faults.append(str(size))
            else:
                kept[split].append(picture)
    return kept, tuple(faults)


def _hold_out(pictures: Pictures, share: float, seed: int, split: str) -> tuple[Pictures, Pictures]:
    """Divide pictures into those that stay and a share of every class."""
    if not 0 < share < 1:
        raise InputError(
            explain(
                f"{split}={share} was given", "a share between 0 and 1", "Give for example 0.1."
            )
        )

    def rank(picture: tuple[Path, str]) -> bytes:
        path, name = picture
        return hashlib.sha256(f"{seed}:{split}:{name}/{path.name}".encode()).digest()

    held = set()
    for name in {name for _, name in pictures}:
        members = sorted((each for each in pictures if each[1] == name), key=rank)
        held |= set(members[: min(len(members) - 1, max(1, round(share * len(members))))])
    return [each for each in pictures if each not in held], [
        each for each in pictures if each in held
    ]


def _dataset(
    pictures: Pictures, classes: tuple[str, ...], folder: Path, size: tuple[int, int] | None
) -> tf.data.Dataset:
    import tensorflow as tf

    elements = tf.data.Dataset.from_tensor_slices(
        {
            "path": [os.fsencode(path) for path, _ in pictures],
            "label": [classes.index(name) for _, name in pictures],
            "name": [os.fsencode(path.relative_to(folder)) for path, _ in pictures],
        }
    )

    def complete(element: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {
            "image": image_tensor(element["path"], size, (*(size or (None, None)), 3)),
            "label": element["label"],
            "name": element["name"],
        }

    return elements.map(complete, num_parallel_calls=tf.data.AUTOTUNE)
