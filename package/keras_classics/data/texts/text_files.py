"""Text files as people have them: UTF-8, perhaps with a byte-order mark, perhaps gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import FLOOR_BYTES, MOST_EXPANSION


def read_text(file: Path) -> str:
    """Read a whole file; `.gz` is unpacked.

    Raises:
        InputError: The file is absent, no sound gzip file, or not UTF-8, with the line.
    """
    try:
        content = _unpacked(file) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(
            explain(f"{file} cannot be read ({error})", "a readable file", "Check the path.")
        ) from error
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            explain(
                f"{file}, line {line} is not valid UTF-8",
                "text files in UTF-8",
                "Save the file in UTF-8.",
            )
        ) from error


def _unpacked(file: Path) -> bytes:
    most = max(FLOOR_BYTES, MOST_EXPANSION * file.stat().st_size)
    with gzip.open(file) as packed:
        content = packed.read(most)
        if packed.read(1):
            raise ValueError(f"it unpacks to more than {MOST_EXPANSION} times its size")
    return content
