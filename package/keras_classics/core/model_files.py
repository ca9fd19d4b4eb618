"""Keras's own files, `.keras` and `.h5`: saved whole or not at all, loaded without running them."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import h5py
import keras

from keras_classics.core.files import (
    FLOOR_BYTES,
    MOST_EXPANSION,
    open_archive,
    reading,
    write_whole,
)

_WEIGHTS = "model.weights.h5"
# Of every number the file holds a model may have one, and its optimizer some more; where it was not
# trained they are not in the file. Small models have variables besides.
_COPIES, _SLACK = 4, 10**6


def save_model(model: keras.Model, path: str | os.PathLike) -> None:
    """Save a model as a `.keras` file; what stood there stays until the new one is complete.

    Args:
        model: The model.
        path: The file; its folder is made if absent.

    Raises:
        InputError: The file cannot be written.
    """
    write_whole(path, model.save)


def load_model(path: str | os.PathLike) -> keras.Model:
    """Load a `.keras` file, which may come from a stranger.

    Nothing the file holds is run: Lambda layers, wrapped PyTorch modules, SavedModels, vocabularies
    in other files and classes that are neither Keras's nor registered are refused, and so are
    archives that unpack to absurd amounts or beside their folder, and layers of far more weights
    than the file holds, before room is made for them.

    Args:
        path: The file.

    Raises:
        InputError: The file is absent, damaged, hostile or of another kind.
    """
    with reading(
        path,
        "a complete .keras file of layers of Keras and of this package",
        "Fetch it again, or train again; a Lambda layer can be written as a registered layer.",
    ):
        with open_archive(path) as archive:
            held = sum(member.file_size for member in archive.infolist())
            if _WEIGHTS in archive.namelist():
                with archive.open(_WEIGHTS) as file:
                    _check_sizes(file, archive.getinfo(_WEIGHTS).file_size)
        try:
            with _limited(_SLACK + _COPIES * held):
                return keras.saving.load_model(path, safe_mode=True)
        except TypeError as error:
            # Keras's own text is about every layer around the one that is wrong, and then that.
            reason: BaseException = error
            while isinstance(reason, TypeError) and reason.__context__:
                reason = reason.__context__
            raise ValueError(str(reason)) from error


def load_weights(model: keras.Model, path: str | os.PathLike) -> None:
    """Load a file of weights, `.weights.h5`, `.h5` or `.keras`, which may come from a stranger.

    Args:
        model: A model of the same layers.
        path: The file.

    Raises:
        InputError: The file is absent, damaged, hostile or of another model.
    """
    with reading(
        path,
        f"a complete file of the weights of {model.name!r}, .weights.h5, .h5 or .keras",
        "Fetch it again, or build the model with the options the file was made for.",
    ):
        if str(path).endswith(".keras"):
            open_archive(path).close()
        elif str(path).endswith(".h5"):
            with Path(path).open("rb") as file:
                _check_sizes(file, Path(path).stat().st_size)
        model.load_weights(path)


@contextlib.contextmanager
def _limited(most: int) -> Iterator[None]:
    """Refuse to make variables of more than a number of numbers together."""
    make, made = keras.Variable.__init__, 0

    def counted(variable, initializer, shape=None, *args, **kwargs):
        nonlocal made
        made += 0 if shape is None else math.prod(shape)
        if made > most:
            raise ValueError("its layers ask for more weights than it holds")
        make(variable, initializer, shape, *args, **kwargs)

    keras.Variable.__init__ = counted
    try:
        yield
    finally:
        keras.Variable.__init__ = make


def _check_sizes(file: BinaryIO, size: int) -> None:
    """Refuse arrays that announce absurdly more than an HDF5 file of a size can hold.

    Links out of the file are refused too; arrays that lie outside are by Keras.
    """
    announced = 0

    def add(_, item):
        nonlocal announced
        if isinstance(item, h5py.Dataset):
            announced += item.nbytes

    with h5py.File(file, "r") as found:
        found.visititems(add)
        elsewhere = found.visititems_links(
            lambda name, link: None if isinstance(link, h5py.HardLink) else name
        )
    if elsewhere:
        raise ValueError(f"{elsewhere!r} in it leads elsewhere")
    if announced > max(FLOOR_BYTES, MOST_EXPANSION * size):
        raise ValueError(f"its arrays announce {announced:,} bytes in a file of {size:,}")
