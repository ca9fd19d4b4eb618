"""A number for data, so that a run is not continued on others."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# So much of an array is looked at in one go: it may lie on a disk and be larger than memory.
BLOCK_BYTES = 2**24


def fingerprint(content: Any) -> str:
    """The number of some content: one other byte anywhere, or another order, and it is another.

    Args:
        content: Arrays, numbers, texts, bytes, None; sequences, mappings and dataclasses of these,
            and what tells its `columns`.

    Returns:
        32 hexadecimal digits.

    Raises:
        TypeError: It holds something else.
    """
    state = hashlib.blake2b(digest_size=16)
    _add(state, content)
    return state.hexdigest()


def _add(state: Any, content: Any) -> None:
    if isinstance(content, np.ndarray):
        state.update(f"array {content.dtype.str} {content.shape}".encode())
        if content.dtype.hasobject:
            _add(state, content.tolist())
            return
        if not content.ndim:
            state.update(content.tobytes())
            return
        rows = max(1, BLOCK_BYTES // max(1, content[:1].nbytes))
        for start in range(0, len(content), rows):
            state.update(content[start : start + rows].tobytes())
    elif content is None or isinstance(content, bool | int | float | str | bytes | np.generic):
        state.update(f"{type(content).__name__} {content!r};".encode())
    elif hasattr(content, "columns"):
        _add(state, content.columns)
    elif dataclasses.is_dataclass(content) and not isinstance(content, type):
        names = [field.name for field in dataclasses.fields(content)]
        _add(state, {name: getattr(content, name) for name in names})
    elif isinstance(content, Mapping):
        state.update(f"mapping {len(content)};".encode())
        for key, value in content.items():
            _add(state, key)
            _add(state, value)
    elif isinstance(content, Sequence):
        state.update(f"sequence {len(content)};".encode())
        for each in content:
            _add(state, each)
    else:
        raise TypeError(f"{type(content).__name__} has no fingerprint")
