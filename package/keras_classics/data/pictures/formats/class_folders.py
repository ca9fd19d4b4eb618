"""Photographs with classes from a folder: a subfolder for each class.

The folder holds the classes' folders, or `train`, `val` (or `validation`, `valid`, `dev`) and
`test`, each with the same classes' folders. A split that is absent is held out of training.
Pictures in no folders, or all in one, have no classes: who needs none can learn from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import file_fingerprint
from keras_classics.core.boundary.picture_files import picture_endings
from keras_classics.core.errors import InputError
from keras_classics.data.holdout import SPLIT_OF
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.images import measure_images, read_image
from keras_classics.data.pictures.picture_places import picture_files
from keras_classics.data.splits import Made, Pictures


class Classed(NamedTuple):
    """An example that lies in the folder of its class.

    Attributes:
        path: The file or folder that it is.
        class_name: Name of its class.
        files: The files it is made of.
    """

    path: Path
    class_name: str
    files: tuple[Path, ...]


@checked
def load_folder(asked: Asked, *, validation: float = 0.1, test: float = 0.1) -> Data:
    """Read photographs whose class is the name of their folder, if there are two and more.

    Pictures may lie deeper within a class's folder; hidden files and files that are no pictures
    by their ending are passed over. All pictures are decoded once to find the faulty ones, then
    again when they are asked for. What is held out is chosen by a hash of the seed and the
    picture's name; equal files are on one side.

    Args:
        asked: The folder.
        validation: Share of the training pictures that becomes the validation split.
        test: Share of them that becomes the test split.

    Raises:
        InputError: The folder is missing, has other classes in some split, or a split without
            sound pictures.
    """

    def sound(root: Path, classes: Sequence[str]) -> list[Classed]:
        # Who names a pipe or a folder like a picture is told so.
        found = [
            Classed(path, name, (path,))
            for name in classes or [""]
            for path in picture_files(root / name, regular=False)
        ]
        if not found:
            raise InputError(
                f"{root} has no picture{' in ' if classes else ''}{', '.join(classes)}",
                f"files ending in {', '.join(sorted(picture_endings()))}",
                "Put the pictures of each class into a folder of its own, or all into this one "
                "where classes are not needed.",
            )
        named = list[Path]()
        for each in found:
            with asked.faults.noting():
                _check_text(each.path)
                named.append(each.path)
        sizes = measure_images(named, asked.faults)
        return [each for each in found if each.path in sizes]

    def made(part: Sequence[Classed], names: Sequence[str], labels: np.ndarray | None) -> Pictures:
        images = Made([each.path for each in part], partial(read_image, size=asked.size))
        return Pictures(images, names, labels=labels)

    return classed_data(asked, (validation, test), "picture", sound, made, plain=True)


def classed_data(
    asked: Asked,
    shares: tuple[float, float],
    what: str,
    sound: Callable[[Path, Sequence[str]], list[Classed]],
    made: Callable[[Sequence[Classed], Sequence[str], Any], Sequence[Any]],
    *,
    plain: bool = False,
) -> Data:
    """Make a data set of what lies in folders of classes; the module describes the layout.

    Args:
        asked: The folder.
        shares: Those of validation and test, where they are held out.
        what: One example, such as `"picture"`.
        sound: From a split's folder and the classes to what can be read in them.
        made: From such examples, what each is called and the number of its class to a split.
        plain: Of fewer than two folders, what lies in them and beside them is read without classes;
            labels are then None. Folders are then remarked: they may be a level too high.

    Raises:
        InputError: The folder is not laid out so, or a split has no example.
    """
    folder, size = asked.path, asked.size
    roots = split_folders(folder)
    unsorted = plain and len(_subfolders(roots["train"])) < 2
    classes = () if unsorted else class_folders(roots["train"])
    for root in roots.values():
        if unsorted and (inner := _subfolders(root)):
            asked.faults.remarks.append(
                f"{root} has {inner[0]!r} in place of two folders of classes and more, and its "
                f"{what}s are read without classes; if they have some, name the folder in which "
                "each class has a folder of its own"
                if root == roots["train"]
                else f"{root} has folders such as {inner[0]!r}, and as {roots['train']} has not "
                f"two, {what}s are read without classes"
            )
        elif strange := set(_subfolders(root)) - set(classes):
            raise InputError(
                f"{root} has the class {min(strange)!r}, which the training {what}s have not",
                ", ".join(classes),
                "Remove or rename the folder.",
            )
    splits, held = asked.divided(
        {split: sound(root, classes) for split, root in roots.items()},
        shares,
        what,
        label=lambda each: each.class_name,
        same=lambda each: (tuple(map(file_fingerprint, each.files)),),
        key=lambda split, each: f"{split}:{each.class_name}/{each.path.name}",
    )
    return asked.data(
        {
            split: made(
                part,
                [str(each.path.relative_to(folder)) for each in part],
                None
                if unsorted
                else np.array([classes.index(each.class_name) for each in part], "int32"),
            )
            for split, part in splits.items()
        },
        {**{split: str(root) for split, root in roots.items()}, **held},
        image_shape=(*size, 3) if size else None,
        classes=classes,
    )


def split_folders(folder: Path) -> dict[str, Path]:
    """The folder of each split that has one; of `"train"` always.

    Raises:
        InputError: There is no folder, two of a split, or none for training.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder",
            "a folder with a subfolder of pictures for each class",
            "Check the path.",
        )
    roots: dict[str, Path] = {}
    for name in _subfolders(folder):
        split = SPLIT_OF.get(name.lower())
        if split and roots.setdefault(split, folder / name) != folder / name:
            raise InputError(
                f"Both {roots[split]} and {folder / name} are the {split} split",
                "one folder for each split",
                "Join them, or remove one.",
            )
    if roots and "train" not in roots:
        name = next(iter(roots.values())).name
        raise InputError(
            f"{folder} has the folder {name!r}, a split, and no folder for training",
            "folders of classes; or train, and perhaps val and test, with those in them",
            f"Put the classes for training into {folder / 'train'}, or rename the folder if it "
            "is a class.",
        )
    return roots or {"train": folder}


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the classes' folders in a folder.

    Raises:
        InputError: There are fewer than two.
    """
    classes = _subfolders(folder)
    for name in classes:
        _check_text(folder / name)
    if len(classes) < 2:
        raise InputError(
            f"{folder} has {len(classes)} subfolders",
            "two and more, one for each class",
            "Sort the pictures into folders named after their classes.",
        )
    return classes


def _subfolders(folder: Path) -> tuple[str, ...]:
    names = (each.name for each in folder.iterdir() if each.is_dir())
    return tuple(sorted(name for name in names if name[0] != "."))


def _check_text(path: Path) -> None:
    """Refuse a name of bytes that are no text."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{str(path)!r} was found", "names in UTF-8", "Rename it.") from error
