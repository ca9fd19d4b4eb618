"""Files that are written whole or not at all, and files that are read without trusting them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from keras_classics.core.errors import InputError, explain

# What an archive may unpack to, as a multiple of its size, where it is more than the floor.
MOST_EXPANSION = 100
FLOOR_BYTES = 2**28


def write_whole(path: str | os.PathLike, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and move it there, making the folder.

    A kill, a full disk or a power cut at any moment leaves the former file as it was.

    Args:
        path: The file.
        write: Writes the content to the path it is given, which has the same ending.

    Raises:
        InputError: The file cannot be written.
    """
    path = Path(path)
    fresh = path.with_name(f"unfinished-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(fresh)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        # What is there of it would only take room on a disk that is full.
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise InputError(
            explain(
                f"{path} cannot be written ({error.strerror or error})",
                "a folder you may write to, with room on its disk",
                "Make room, or choose another with --out.",
            )
        ) from error


@contextlib.contextmanager
def reading(path: str | os.PathLike, allowed: str, remedy: str) -> Iterator[None]:
    """Make one sentence of whatever goes wrong while a file is read.

    Args:
        path: The file, for the message.
        allowed: What would be accepted.
        remedy: What to do, as a sentence.

    Raises:
        InputError: The code under it raised anything else.
    """
    try:
        yield
    except InputError:
        raise
    # A hostile file can make its reader fail in any way; none of them is our defect.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(explain(f"{path} cannot be read ({reason})", allowed, remedy)) from error


def read_json(path: str | os.PathLike, allowed: str, remedy: str) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        allowed: What it should be, for the message.
        remedy: What to do, for the message.

    Raises:
        InputError: It is absent or no JSON.
    """
    with reading(path, allowed, remedy):
        return json.loads(Path(path).read_text("utf-8"))


def open_archive(source: str | os.PathLike | BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive, unless it would unpack to absurd amounts or beside its folder.

    Args:
        source: A file, or its path.

    Raises:
        ValueError: The members together are more than 100 times as large as they are stored (and
            more than 256 MiB), or the name of one leads out of the archive.
        zipfile.BadZipFile: It is no zip archive.
    """
    archive = zipfile.ZipFile(source)
    members = archive.infolist()
    stored, unpacked = (
        sum(getattr(member, size) for member in members) for size in ("compress_size", "file_size")
    )
    if unpacked > max(FLOOR_BYTES, MOST_EXPANSION * stored):
        raise ValueError(f"it unpacks to more than {MOST_EXPANSION} times its size")
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"its member {member.filename!r} leads out of it")
    return archive


def read_arrays(source: str | os.PathLike | BinaryIO) -> dict[str, np.ndarray]:
    """Read the arrays of an `.npz` file.

    No room is made for an array before its header agrees with the size of what is stored.

    Args:
        source: A file, or its path.

    Raises:
        ValueError: It holds something else, or sizes do not agree. Damaged files raise others too:
            call it under `reading`.
    """
    with open_archive(source) as archive:
        return {
            member.filename.removesuffix(".npy"): _array(archive, member)
            for member in archive.infolist()
        }


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        first = version == (1, 0)
        read_header = (
            np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
        if dtype.hasobject or not dtype.itemsize:
            raise ValueError(f"the array {member.filename!r} holds neither numbers nor texts")
        if file.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
            raise ValueError(f"the array {member.filename!r} has not the size of its shape")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
