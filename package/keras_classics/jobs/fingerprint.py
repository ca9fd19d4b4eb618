"""A number for data, so that a run is not continued on others."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.files import opened

# Of larger arrays this much is looked at, in rows spread evenly over them.
MOST_BYTES = 2**26


def fingerprint(content: Any) -> str:
    """The number of some content: of other content, or in another order, it is another.

    Args:
        content: Arrays, numbers, texts, None; sequences, mappings and dataclasses of these, and
            objects that tell theirs by a `config`.

    Returns:
        32 hexadecimal digits.

    Raises:
        TypeError: It holds something else.
    """
    state = hashlib.blake2b(digest_size=16)
    _add(state, content)
    return state.hexdigest()


def file_fingerprint(path: Path) -> str:
    """The number of a file's bytes."""
    state = hashlib.blake2b(digest_size=16)
    with opened(path) as file:
        while block := file.read(2**20):
            state.update(block)
    return state.hexdigest()


def _add(state: Any, content: Any) -> None:
    if isinstance(content, np.ndarray):
        state.update(f"array {content.dtype.str} {content.shape}".encode())
        if content.dtype.hasobject:
            _add(state, content.tolist())
            return
        rows = max(1, MOST_BYTES // max(1, content[:1].nbytes)) if content.ndim else 1
        if content.ndim and len(content) > rows:
            content = content[np.linspace(0, len(content) - 1, rows).astype("int64")]
        state.update(np.ascontiguousarray(content).tobytes())
    elif content is None or isinstance(content, bool | int | float | str | bytes | np.generic):
        state.update(f"{type(content).__name__} {content!r};".encode())
    elif dataclasses.is_dataclass(content) and not isinstance(content, type):
        names = [field.name for field in dataclasses.fields(content)]
        _add(state, {name: getattr(content, name) for name in names})
    elif isinstance(content, Mapping):
        state.update(f"mapping {len(content)};".encode())
        for key, value in content.items():
            _add(state, key)
            _add(state, value)
    elif isinstance(content, list | tuple):
        state.update(f"sequence {len(content)};".encode())
        for each in content:
            _add(state, each)
    else:
        raise TypeError(f"{type(content).__name__} has no fingerprint")
