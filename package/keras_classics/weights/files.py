"""Files of named arrays: `.npz`, `.safetensors` and PyTorch's, read without running anything."""

from __future__ import annotations

import io
import json
import math
import os
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import read_arrays, reading
from keras_classics.weights.pickles import numbers_of, read_torch

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
    "U8": "u1",
    "BOOL": "?",
}


def read_state(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read a file of named arrays.

    Args:
        path: A `.npz`, `.safetensors`, or PyTorch file (`.pth`, `.pt`, `.th`, `.bin`). Pickles in
            the last are not executed: only tensors are rebuilt, everything else is refused.

    Returns:
        Arrays by name; those of PyTorch files are read-only.

    Raises:
        InputError: The file is of another kind, malformed, cut off, absurd or hostile.
        OSError: The file cannot be opened.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            explain(
                f"The file {str(path)!r} was given",
                ", ".join(READERS),
                "Save the state in one of these forms.",
            )
        )
    data = path.read_bytes()
    with reading(
        f"The file {str(path)!r}",
        f"a {path.suffix} file of named arrays and nothing else",
        "Fetch it again, or save only the state dictionary.",
    ):
        return reader(data)


def _read_npz(data: bytes) -> dict[str, np.ndarray]:
    return read_arrays(io.BytesIO(data))


def _read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 + length:
        raise ValueError("its header is cut off")
    header = data[8 : 8 + length]
    # Deeper nesting would overflow the stack of the JSON reader; a header has three levels.
    if max(accumulate((byte in b"[{") - (byte in b"]}") for byte in header), default=0) > 50:
        raise ValueError("its header is no table of arrays")
    header = json.loads(header)
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + length :]
    state, spans = {}, [(0, 0)]
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


READERS = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pth": read_torch,
    ".pt": read_torch,
    ".th": read_torch,
    ".bin": read_torch,
}
