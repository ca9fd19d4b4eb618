"""Convolution by XNOR and bit counts beside a convolution of real numbers."""

from __future__ import annotations

import importlib.util
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import MEASURED, console, in_turns, limit_threads


def binary(
    *,
    channels: Annotated[int, "channels of input and output"] = 256,
    size: Annotated[int, "height and width of the maps"] = 14,
    calls: Annotated[int, "convolutions of a turn"] = 100,
    repeats: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Milliseconds of a 3 x 3 XNOR convolution beside TensorFlow's of real numbers, one thread.

    The kernel is packed beforehand; "packing" counts the packing of the input too. Without numba
    (pip install 'keras-classics[binary]') only NumPy is measured.
    """
    import tensorflow as tf

    limit_threads(1)
    draw = np.random.default_rng(0)
    signs = draw.choice(np.float32([-1, 1]), (1, size, size, channels))
    kernel = draw.choice(np.float32([-1, 1]), (3, 3, channels, channels))
    pack, packed = kc.compression.pack_signs, kc.compression.pack_signs(signs)
    real = partial(tf.nn.conv2d, tf.constant(signs), tf.constant(kernel), 1, "SAME")

    contenders = {"tf.nn.conv2d": lambda: real().numpy()}
    for engine in ("numba", "numpy"):
        if importlib.util.find_spec(engine) is None:
            console.print(f"{engine} is not installed, and left out: pip install {engine}")
            continue
        convolve = partial(
            kc.compression.xnor_convolution,
            kernel=pack(kernel, axis=-2), channels=channels, padding=1, engine=engine,
        )  # fmt: skip
        contenders[engine] = partial(convolve, packed)
        contenders[f"{engine}, packing"] = lambda convolve=convolve: convolve(pack(signs))
    expected = contenders["tf.nn.conv2d"]()
    if not all(np.array_equal(contender(), expected) for contender in contenders.values()):
        raise RuntimeError("The contenders do not agree.")

    def often(contender):
        for _ in range(calls):
            contender()

    seconds = in_turns({name: partial(often, c) for name, c in contenders.items()}, repeats)
    rows = pd.DataFrame(
        {"model": list(seconds), "ours": 1e3 / calls * pd.Series([*seconds.values()])}
    )
    setting = f"3 x 3, {channels} channels, {size} x {size}, one thread"
    rows = rows.assign(beside="tf.nn.conv2d", peer=rows["ours"][0], setting=setting, unit="ms")
    return rows[1:].reindex(columns=MEASURED)
