"""What all contests have in common: turns, and the columns of a row."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console

# What a verb returns; the ratio and the facts of the machine come to it.
MEASURED = ["model", "setting", "beside", "ours", "peer", "unit"]

# A table that is piped away must not be cut to a terminal's width.
console = Console(width=None if sys.stdout.isatty() else 120)


def in_turns(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Seconds each contender takes at its fastest, after one call that does not count."""
    for contender in contenders.values():
        contender()
    best = dict.fromkeys(contenders, np.inf)
    for _ in range(repeats):
        for name, contender in contenders.items():
            gc.collect()
            began = time.perf_counter()
            contender()
            best[name] = min(best[name], time.perf_counter() - began)
    return best
