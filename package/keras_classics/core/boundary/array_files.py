"""Files of named arrays: `.npz`, `.safetensors` and PyTorch's, read without running anything."""

from __future__ import annotations

import io
import json
import math
import mmap
import os
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.archive_files import open_archive
from keras_classics.core.boundary.files import opened, reading, write_whole
from keras_classics.core.boundary.text_files import parse_json
from keras_classics.core.boundary.torch_files import numbers_of, read_torch
from keras_classics.core.errors import InputError

# The largest networks have a few thousand; each takes time to open, however small it is.
_MOST_ARRAYS = 10_000
# Type names of the safetensors format.
KINDS = {
    "F64": "f8",
    "F32": "f4",
    "F16": "f2",
    "BF16": "bfloat16",
    "I64": "i8",
    "I32": "i4",
    "I16": "i2",
    "I8": "i1",
    "U64": "u8",
    "U32": "u4",
    "U16": "u2",
    "U8": "u1",
    "BOOL": "?",
}


@checked
def read_state(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read a file of named arrays.

    Args:
        path: A `.npz`, `.safetensors`, or PyTorch file (`.pth`, `.pt`, `.th`, `.bin`). Pickles in
            the last are not executed: only tensors are rebuilt, everything else is refused.

    Returns:
        Arrays by name; those of PyTorch files are read-only.

    Raises:
        InputError: The file is absent, of another kind, malformed, cut off, absurd or hostile.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"The file {str(path)!r} was given",
            ", ".join(READERS),
            "Save the state in one of these forms.",
        )
    with (
        reading(
            f"The file {str(path)!r}",
            f"a {path.suffix} file of named arrays and nothing else",
            "Fetch it again, or save only the state dictionary.",
        ),
        opened(path) as file,
    ):
        return reader(file.read())


def read_arrays(path: str | os.PathLike[str], allowed: str, remedy: str) -> dict[str, np.ndarray]:
    """Read the arrays of an `.npz` file: numbers and texts, no objects.

    No room is made for an array before its header agrees with the size of what is stored.

    Args:
        path: The file.
        allowed: What it should be, for the message.
        remedy: What to do, for the message.

    Returns:
        Arrays by name.

    Raises:
        InputError: It is absent, malformed, cut off, absurd or hostile.
    """
    with reading(path, allowed, remedy), opened(path) as file, open_archive(file) as archive:
        return _arrays(archive)


def storable(array: np.ndarray) -> np.ndarray:
    """An array as `.npz` files know it, which have no bfloat16; wider, it is the same number."""
    return array.astype("float32") if array.dtype.name == "bfloat16" else array


def _arrays(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    members = archive.infolist()
    if len(members) > _MOST_ARRAYS:
        raise ValueError(f"it has {len(members):,} arrays, more than {_MOST_ARRAYS:,}")
    return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}


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


def _read_npz(data: bytes) -> dict[str, np.ndarray]:
    with open_archive(io.BytesIO(data)) as archive:
        return _arrays(archive)


def _read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 + length:
        raise ValueError("its header is cut off")
    header = parse_json(data[8 : 8 + length])
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + length :]
    state: dict[str, np.ndarray] = {}
    spans = [(0, 0)]
    for name, entry in header.items():
        (start, end), shape = entry["data_offsets"], entry["shape"]
        if not 0 <= start <= end <= len(body):
            raise ValueError(f"the array {name!r} lies outside the file")
        if any(type(side) is not int or side < 0 for side in shape):
            raise ValueError(f"the array {name!r} has an impossible shape")
        numbers = numbers_of(KINDS[entry["dtype"]], body[start:end])
        if len(numbers) != math.prod(shape):
            raise ValueError(f"the array {name!r} has not the size of its shape")
        state[name] = numbers.reshape(shape)
        spans.append((start, end))
    if any(one[1] != other[0] for one, other in pairwise([*sorted(spans), (len(body),) * 2])):
        raise ValueError("its arrays overlap or leave gaps")
    return state


def write_safetensors(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], **facts: str
) -> None:
    """Write a `.safetensors` file, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        arrays: Numbers by name.
        **facts: Texts that its header carries along.

    Raises:
        InputError: The file cannot be written, or an array has no type of the format.
    """
    kinds = {np.dtype(kind): name for name, kind in KINDS.items() if name != "BF16"}
    entries: dict[str, Any] = {"__metadata__": facts} if facts else {}
    end = 0
    for name, array in arrays.items():
        # The name of bfloat16, which NumPy has by an extension alone.
        kind = "BF16" if array.dtype.name == "bfloat16" else kinds.get(array.dtype)
        if kind is None:
            raise InputError(
                f"The array {name!r} of {array.dtype} was given",
                f"arrays of {', '.join(str(dtype) for dtype in kinds)}",
                "Convert it.",
            )
        start, end = end, end + array.nbytes
        entries[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, end]}
    header = json.dumps(entries).encode()
    # Numbers begin where processors like them to.
    header += b" " * (-len(header) % 8)

    def write(fresh: Path) -> None:
        with fresh.open("xb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            for array in arrays.values():
                file.write(np.ascontiguousarray(array).tobytes())

    write_whole(path, write)


def mapped_bytes(file: IO[bytes]) -> np.ndarray:
    """The bytes of a file that this process has written, left on the disk until they are looked at.

    Args:
        file: The file, open, with something in it; it may be closed afterwards.

    Returns:
        uint8 `(bytes,)`, read-only.
    """
    file.flush()
    return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), "uint8")


READERS = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pth": read_torch,
    ".pt": read_torch,
    ".th": read_torch,
    ".bin": read_torch,
}
