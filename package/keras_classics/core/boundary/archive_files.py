"""Zip archives, which `.npz`, `.keras` and PyTorch's files are."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np

from keras_classics.core.boundary.files import file_size, most_bytes, opened, reading


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive, unless it would unpack to absurd amounts or beside its folder.

    Args:
        file: The file, which stays open as long as the archive is used.

    Raises:
        ValueError: The members together are much larger than the file, or the name of one leads
            out of the archive.
        zipfile.BadZipFile: It is no zip archive.
    """
    archive = zipfile.ZipFile(file)
    members = archive.infolist()
    # Not the sizes that members say they are stored with: several may lie in the same place.
    unpacked, most = sum(member.file_size for member in members), most_bytes(file_size(file))
    if unpacked > most:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, more than {most:,}")
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"its member {member.filename!r} leads out of it")
    return archive


def zipped_file_size(file: str | os.PathLike[str]) -> int:
    """How many bytes a file takes in a zip archive, without its headers.

    Args:
        file: Any that fits into memory.

    Raises:
        InputError: It cannot be read.
    """
    with reading(file, "a file", "Name another."), opened(file) as content:
        return len(zlib.compress(content.read(), 6))


def zipped_size(arrays: Iterable[np.ndarray]) -> int:
    """How many bytes arrays take in a zip archive, without its headers.

    Args:
        arrays: Of numbers.
    """
    return sum(len(zlib.compress(np.ascontiguousarray(each).tobytes(), 6)) for each in arrays)
