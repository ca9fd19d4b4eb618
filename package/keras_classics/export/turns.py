"""How long each of several answers takes, and what it weighs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Key = TypeVar("Key")

# A turn takes about so long; contenders take turns, and the fastest of each counts.
_SECONDS_OF_A_TURN = 0.15


def timed(contenders: Mapping[Key, Callable[[], Any]], turns: int) -> dict[Key, float]:
    """Seconds of a call, of the fastest turn of each.

    Args:
        contenders: What is called.
        turns: Of each; they alternate, so that all see the same machine.
    """
    best: dict[Key, float] = {}
    calls = {}
    for key, call in contenders.items():
        call()
        began = time.perf_counter()
        call()
        calls[key] = max(1, int(_SECONDS_OF_A_TURN / (time.perf_counter() - began)))
    for _ in range(turns):
        for key, call in contenders.items():
            began = time.perf_counter()
            for _ in range(calls[key]):
                call()
            taken = (time.perf_counter() - began) / calls[key]
            best[key] = min(best.get(key, np.inf), taken)
    return best


def bytes_of(path: Path) -> int:
    """Of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
