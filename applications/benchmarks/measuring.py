"""What all contests have in common: turns, and the columns of a row."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import keras_classics as kc

# The peer of a model nobody else has.
ALONE = "alone"

# What a verb returns; the ratio and the facts of the machine come to it.
MEASURED = ["model", "setting", "beside", "ours", "peer", "unit"]

# The columns of `turns`, and what a row's name has behind it.
CLOCKS = {"wall": "", "processor": ", processor's time"}

console = kc.cli.plain_console()


def limit_threads(count: int) -> None:
    """Let an operation of TensorFlow use so many threads.

    Raises:
        InputError: TensorFlow has started.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
    except RuntimeError as error:
        raise kc.InputError(
            "TensorFlow already runs on several threads",
            "a process in which it has not started",
            "Run the verb by itself.",
        ) from error


def say_left_out(peer: str, extra: str) -> None:
    """Tell that a contender is missing, and what would bring it.

    Args:
        peer: What is not installed.
        extra: The extra that has it.
    """
    console.print(
        f"{peer} is not installed, and left out: pip install 'keras-classics[{extra}]', or in a "
        f"clone '.[{extra}]'"
    )


def in_turns(contenders: dict[Any, Callable[[], Any]], repeats: int) -> dict[Any, float]:
    """Seconds each contender takes at its fastest, after one call that does not count."""
    return turns(contenders, repeats)["wall"].to_dict()


def turns(contenders: dict[Any, Callable[[], Any]], repeats: int) -> pd.DataFrame:
    """As `in_turns`, a line for each contender, with `"wall"` and `"processor"` seconds.

    The processor's are those of all threads of this process, at the turn that took the fewest.
    """
    for contender in contenders.values():
        contender()
    clocks = {"wall": time.perf_counter, "processor": time.process_time}
    best = {name: np.full(len(clocks), np.inf) for name in contenders}
    for _ in range(repeats):
        for name, contender in contenders.items():
            gc.collect()
            began = [clock() for clock in clocks.values()]
            contender()
            taken = np.array([clock() for clock in clocks.values()]) - began
            best[name] = np.minimum(best[name], taken)
    return pd.DataFrame.from_dict(best, orient="index", columns=list(clocks))
