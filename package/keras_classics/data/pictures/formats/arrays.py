"""Pictures with classes that come as arrays: scikit-learn's digits, and `.npz` files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays
from keras_classics.core.errors import LARGEST, InputError, import_extra, shown
from keras_classics.core.versions import installed
from keras_classics.data.holdout import digest
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.images import eight_bit_rgb
from keras_classics.data.splits import Made, Pictures

# The scanned digits have 17 greys, 0 to 16.
_DIGITS_WHITE = 16

# Pictures and their labels.
Labelled = tuple[np.ndarray, np.ndarray]


@checked
def load_digits(asked: Asked, *, validation: float = 0.1, test: float = 0.2) -> Data:
    """1,797 scanned digits of 8 x 8 pixels that come with scikit-learn.

    Args:
        asked: The size, in place of 8 x 8 pixels, and the seed of the splits, in which all digits
            are equally frequent.
        validation: Share of the validation split.
        test: Share of the test split.

    Raises:
        InputError: A share is not between 0 and 1.
        ImportError: scikit-learn is not installed.
    """
    digits = import_extra("sklearn.datasets", "digits").load_digits()
    images = np.round(digits.images * (255 / _DIGITS_WHITE)).astype("uint8")
    return _data(
        asked,
        {"train": (images, digits.target)},
        (validation, test),
        written="digit-{1:04d}",
        classes=tuple(map(str, range(10))),
        origin="UCI optical recognition of handwritten digits, test part, as in scikit-learn",
        made_with=installed(["scikit-learn", "numpy"]),
    )


@checked
def load_npz(asked: Asked, *, validation: float = 0.1, test: float = 0.1) -> Data:
    """Pictures in one or two `.npz` files, the first for training, the second for the test.

    A file has `x`, `(n, height, width)` or `(n, height, width, 1 or 3)`, uint8 or floats of 0 to
    1, and `y`, whole numbers `(n,)` or `(n, 1)`; perhaps `classes`, their names. One file may
    also hold all, as Keras's `mnist.npz` does: `x_train`, `y_train`, `x_test`, `y_test`.

    Args:
        asked: `FILE` or `FILE,FILE`.
        validation: Share of the training pictures that becomes the validation split.
        test: Share that becomes the test split where the files have none.

    Raises:
        InputError: A file is missing, damaged or of other contents, or a share not within 0 to 1.
    """
    parts, classes = {}, None
    for split, path in asked.files(["train"], ["train", "test"]).items():
        arrays = read_npz(path)
        if "classes" in arrays and not classes:
            classes = tuple(map(str, arrays["classes"].tolist()))
        both = "x_train" in arrays
        for name in ("train", "test") if both else (split,):
            ending = f"_{name}" if both else ""
            if f"x{ending}" in arrays or name == split:
                parts[name] = _pictures(path, arrays, ending)
    classes, parts = _numbered(asked.argument, classes, parts)
    shares = validation, test
    return _data(
        asked, parts, shares, written="{0}-{1:06d}", classes=classes, origin=asked.argument
    )


def _data(
    asked: Asked,
    parts: dict[str, Labelled],
    shares: tuple[float, float],
    *,
    written: str,
    **facts: Any,
) -> Data:
    """Hold out what is absent; name pictures by their place, give them three channels and a size.

    The same picture twice is on one side, or it would be known before it is asked about.
    """
    size, (images, labels) = asked.size, parts["train"]
    places, rules = asked.divided(
        {split: range(len(part[0])) for split, part in parts.items()},
        shares,
        "picture",
        label=labels.__getitem__,
        same=lambda n: (digest(images[n]),),
    )

    def pictures(split: str) -> Pictures:
        source = split if split in parts else "train"
        chosen = slice(None) if split == source != "train" else places[split]
        images, labels = (array[chosen] for array in parts[source])
        images = images[..., None] if images.ndim == 3 else images
        # Three times the same, without taking three times the memory.
        coloured: Any = np.broadcast_to(images, (*images.shape[:3], 3))
        if size not in (None, images.shape[1:3]):
            coloured = Made(coloured, partial(eight_bit_rgb, size=size))
        names = [written.format(source, n) for n in places[split]]
        return Pictures(coloured, names, labels.astype("int32"))

    return asked.data(
        {split: pictures(split) for split in places},
        rules,
        image_shape=(*(size or images.shape[1:3]), 3),
        **facts,
    )


def _numbered(
    files: str, classes: tuple[str, ...] | None, parts: dict[str, Labelled]
) -> tuple[tuple[str, ...], dict[str, Labelled]]:
    """Names of the classes, and the pictures with their numbers from 0 on."""
    known = np.unique(np.concatenate([labels for _, labels in parts.values()]))
    if len(known) < 2:
        raise InputError(
            f"All pictures of {files} are of the class {known[0]}",
            "two classes and more",
            "Add pictures of another class: there is nothing to tell apart.",
        )
    if classes is None:
        # Named by the numbers that occur: labels may begin at 1, and leave numbers out.
        return tuple(map(str, known)), {
            split: (images, np.searchsorted(known, labels))
            for split, (images, labels) in parts.items()
        }
    if known[-1] >= len(classes):
        raise InputError(
            f"{files} has the class {known[-1]} and {len(classes)} names in 'classes'",
            "a name for each class, counted from 0",
            "Correct 'classes' or leave it out.",
        )
    return classes, parts


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of an `.npz` file.

    Raises:
        InputError: The file is missing or damaged, or has objects.
    """
    return read_arrays(
        path,
        "an .npz file without pickled objects, whose arrays are not packed to less than a third",
        "Check the path, or write it with numpy.savez(file, x=pictures, y=classes).",
    )


def _pictures(path: Path, arrays: dict[str, np.ndarray], ending: str) -> Labelled:
    """Checked pictures and classes of one split."""
    x, y = f"x{ending}", f"y{ending}"
    remedy = f"Write numpy.savez(file, {x}=pictures, {y}=classes)."
    if x not in arrays or y not in arrays:
        raise InputError(f"{path} holds {shown(list(arrays))}", f"{x} and {y}", remedy)
    images, labels = arrays[x], arrays[y]
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise InputError(
            f"{y} of {path} is of shape {labels.shape}, as if one-hot",
            "one whole number of 0 and above for each picture",
            f"Write numpy.savez(file, {x}=pictures, {y}=classes.argmax(axis=1)).",
        )
    labels = labels.reshape(-1)
    if images.dtype.kind == "f" and images.size and 0 <= images.min() and images.max() <= 1:
        images = np.round(255 * images).astype("uint8")
    rank = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (1, 3))
    if images.dtype != np.uint8 or not rank or not images.size:
        raise InputError(
            f"{x} of {path} is {images.dtype} {images.shape}",
            "uint8, or floats of 0 to 1, (n, height, width) or (n, height, width, 1 or 3)",
            remedy,
        )
    fitting = labels.dtype.kind in "iu" and len(labels) == len(images)
    if not fitting or not 0 <= labels.min() <= labels.max() <= LARGEST:
        if len(labels) == len(images):
            numbered = "classes, numbers = numpy.unique(old, return_inverse=True)"
            named = f"numpy.savez(file, {x}=pictures, {y}=numbers, classes=classes.astype(str))"
            remedy = f"Write {numbered} and {named}."
        raise InputError(
            f"{y} of {path} is {labels.dtype} {labels.shape} for {len(images)} pictures",
            "one whole number of 0 and above for each picture",
            remedy,
        )
    return images, labels.astype("int32")
