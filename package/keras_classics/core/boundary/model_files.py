"""Keras's own files, `.keras` and `.h5`: saved whole or not at all, loaded without running them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import keras

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.archive_files import open_archive
from keras_classics.core.boundary.files import file_size, most_bytes, opened, reading, write_whole
from keras_classics.core.boundary.model_configs import check_configuration
from keras_classics.core.boundary.model_sizes import bytes_asked_for
from keras_classics.core.boundary.text_files import parse_json
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import check_model
from keras_classics.core.graphs.variables import warn_of_no_numbers
from keras_classics.core.keras_internals import deep_graphs

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_HDF5 = b"\x89HDF\r\n\x1a\n"
# What a small file may ask for; a larger one for as much as weights and the optimizer's averages of
# them take, which are not in the file where it was not trained, and its content beside them.
_FLOOR_BYTES, _MOST_EXPANSION = 2**26, 4
MODEL_ENDINGS = (".keras",)
WEIGHT_ENDINGS = (".weights.h5", ".h5", ".keras")


@checked
def save_model(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Save a model as a `.keras` file; what stood there stays until the new one is complete.

    Args:
        model: The model.
        path: The file, ending in `.keras`; its folder is made if absent.

    Raises:
        InputError: It is no model, or the file cannot be written or has another ending.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        kc.save_model(model, "lenet.keras")  # whole, or not at all
        ```
    """
    check_model(model)
    _ending(path, MODEL_ENDINGS)
    write_whole(path, model.save)


@checked
def load_model(path: str | os.PathLike[str]) -> keras.Model:
    """Load a `.keras` file, which may come from a stranger.

    Nothing the file holds is run: Lambda layers, wrapped PyTorch modules, SavedModels, vocabularies
    in other files, classes that are neither Keras's nor registered, functions that are not of a
    model, operations that would run meanwhile, and archives that unpack to absurd amounts or beside
    their folder are refused. How much memory the layers and what they are compiled with ask for is
    seen from the configuration; where it is far more than the file holds, they are refused before
    any is taken. Several threads may load at once.

    Args:
        path: The file, ending in `.keras`.

    Raises:
        InputError: The file is absent, damaged, hostile or of another kind.

    Example:
        ```python
        kc.save_model(kc.create_model("lenet_5"), "lenet.keras")
        model = kc.load_model("lenet.keras")
        ```
    """
    ending = _ending(path, MODEL_ENDINGS)
    with (
        reading(
            path,
            "a complete .keras file of layers of Keras and of this package, whose variables are "
            "made by add_weight",
            "Fetch it again, or train again; a Lambda layer can be written as a registered layer.",
        ),
        _own_copy(path, ending) as (file, copy),
    ):
        try:
            with open_archive(file) as archive:
                _check_archive(archive, file_size(file))
            with deep_graphs():
                model = keras.saving.load_model(copy, safe_mode=True)
        except TypeError as error:
            # Keras's own text is about every layer around the one that is wrong, and then that.
            reason: BaseException = error
            while isinstance(reason, TypeError) and reason.__context__:
                reason = reason.__context__
            raise ValueError(str(reason)) from error
    warn_of_no_numbers(path, model.variables)
    return model


def of_configuration(config: Any, size: int) -> Any:
    """A model or layer out of its configuration in a file of another kind, with the same care.

    Args:
        config: What `keras.saving.serialize_keras_object` gave.
        size: Bytes of what the file holds.

    Raises:
        ValueError: It is hostile, or asks for far more memory than the file holds. Keras raises
            whatever else it wants.
    """
    if not isinstance(config, dict):
        raise ValueError("a configuration in it is none")
    check_configuration(config)
    asked = bytes_asked_for(config)
    if asked > max(_FLOOR_BYTES, _MOST_EXPANSION * size):
        raise ValueError(f"it holds {size:,} bytes and its layers ask for {asked:,}")
    with deep_graphs():
        return keras.saving.deserialize_keras_object(config, safe_mode=True)


@checked
def load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Load a file of weights, `.weights.h5`, `.h5` or `.keras`, which may come from a stranger.

    Args:
        model: A model of the same layers.
        path: The file.

    Raises:
        InputError: The file is absent, damaged, hostile or of another model, which is left as it
            was.
    """
    ending = _ending(path, WEIGHT_ENDINGS)
    with (
        reading(
            path,
            f"a complete file of the weights of {model.name!r}, {', '.join(WEIGHT_ENDINGS)}",
            "Fetch it again, or build the model with the options the file was made for.",
        ),
        _own_copy(path, ending) as (file, copy),
    ):
        if ending in MODEL_ENDINGS:
            with open_archive(file) as archive:
                _check_weights(archive)
        else:
            _check_arrays(file, file_size(file))
        former = [(each, keras.ops.convert_to_numpy(each)) for each in model.variables]
        try:
            model.load_weights(copy)
        except Exception as error:
            # Keras finds out layer by layer what does not fit.
            for variable, value in former:
                variable.assign(value)
            if (shapes := _other_shapes(str(error))) is not None:
                raise ValueError(shapes) from error
            raise
    warn_of_no_numbers(path, model.variables)


def _other_shapes(reason: str) -> str | None:
    """What of Keras's words says which shapes differ; it says much before that."""
    pattern = r"<\w+ name=(\w+).*variable\.shape=(\(.*?\)).*value\.shape=(\(.*?\))"
    if (found := re.search(pattern, reason, re.DOTALL)) is None:
        return None
    layer, here, there = found.groups()
    return f"{layer} is of shape {there} in the file and of {here} in the model"


def _ending(path: str | os.PathLike[str], allowed: tuple[str, ...]) -> str:
    """The ending of a file, by which Keras chooses what it takes the content for."""
    for ending in allowed:
        if os.fspath(path).endswith(ending):
            return ending
    raise InputError(
        f"The file {os.fspath(path)!r} was given",
        f"a file ending in {', '.join(allowed)}",
        f"Save the model by kc.save_model, to a file ending in {allowed[0]}."
        if allowed == MODEL_ENDINGS
        else f"Save the weights by model.save_weights, to a file ending in {allowed[0]}.",
    )


@contextlib.contextmanager
def _own_copy(path: str | os.PathLike[str], ending: str) -> Iterator[tuple[BinaryIO, Path]]:
    """A copy of a file, open and by its path, which is what is looked at and what Keras opens.

    Keras opens files by their paths alone. What stands at a path may be another file from one
    moment to the next; the copy is where nobody else writes.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, opened(path) as source:
        copy = Path(folder, f"copy{ending}")
        _check_beginning(source, ending)
        try:
            with copy.open("xb") as target:
                shutil.copyfileobj(source, target, 2**20)
        except OSError as error:
            raise InputError(
                f"{path} cannot be copied to {folder} ({error.strerror or error})",
                "room for it in the folder of temporary files",
                "Make room, or set TMPDIR to a folder with more.",
            ) from error
        with opened(copy) as file:
            yield file, copy


def _check_beginning(source: BinaryIO, ending: str) -> None:
    """Refuse what is no file of its kind before it is copied, however large it is."""
    if ending in MODEL_ENDINGS:
        if not zipfile.is_zipfile(source):
            raise ValueError("it is no zip archive")
    elif source.read(len(_HDF5)) != _HDF5:
        raise ValueError("it is no HDF5 file")
    source.seek(0)


def _check_archive(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse a model that asks for absurdly more memory than its file of a size holds."""
    held = _check_weights(archive)
    config = parse_json(archive.read(_CONFIG))
    if not isinstance(config, dict):
        raise ValueError("it has no configuration of a model")
    check_configuration(config)
    asked = held + bytes_asked_for(config)
    if asked > max(_FLOOR_BYTES, _MOST_EXPANSION * size):
        raise ValueError(
            f"it holds {size:,} bytes and asks for {asked:,}: its layers ask for more weights than "
            "it holds"
        )


def _check_weights(archive: zipfile.ZipFile) -> int:
    """Check an archive's weights; how many bytes they have there."""
    size = archive.getinfo(_WEIGHTS).file_size
    with archive.open(_WEIGHTS) as file:
        _check_arrays(file, size)
    return size


def _check_arrays(file: Any, size: int) -> None:
    """Refuse arrays that announce absurdly more than an HDF5 file of a size can hold.

    Links out of the file are refused too; arrays that lie outside are by Keras.
    """
    announced = 0

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        nonlocal announced
        if isinstance(item, h5py.Dataset):
            if item.dtype.hasobject or item.dtype.kind in "cS":
                raise ValueError(f"{name!r} in it holds no real numbers")
            announced += item.nbytes

    with h5py.File(file, "r") as found:
        found.visititems(add)
        elsewhere = found.visititems_links(
            lambda name, link: None if isinstance(link, h5py.HardLink) else name
        )
    if elsewhere:
        raise ValueError(f"{elsewhere!r} in it leads elsewhere")
    if announced > most_bytes(size):
        raise ValueError(f"its arrays announce {announced:,} bytes in a file of {size:,}")
