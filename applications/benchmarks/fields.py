"""Fully connected random fields: the filter of landmarks beside the exact form."""

from __future__ import annotations

import multiprocessing
import re
import resource
import time
from typing import Annotated

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import MEASURED, turns

# Up to here the exact form may keep its kernel; beyond, it is computed anew for each iteration.
MOST_KEPT = 2**30
# Rows of the kernel at a time.
BLOCK = 64
BY_ROWS = "exact, row by row"


def fields(
    *,
    sizes: Annotated[str, "heights x widths of pictures, with commas"] = "64x64,180x240",
    classes: Annotated[int, "classes of pixels"] = 12,
    iterations: Annotated[int, "of mean field"] = 10,
    repeats: Annotated[int, "turns; the fastest counts, and of rows the only one"] = 3,
) -> pd.DataFrame:
    """Milliseconds and megabytes of a random field over a picture, landmarks beside exact.

    `kc.layers.MeanFieldCRF` with the widths of `kc.models.dense_crf`. Where the exact kernel has
    more than a gigabyte, its rows are computed anew for each iteration. Each form is measured in
    a process of its own, so that the memory is its own. The error is that of the probabilities,
    as a share of what the exact form changes of them.
    """
    rows = []
    for height, width in read_sizes(sizes):
        beside = "exact" if 4 * (height * width) ** 2 <= MOST_KEPT else BY_ROWS
        ours, peer = (
            _apart(form, (height, width, classes), iterations, repeats)
            for form in ("landmarks", beside)
        )
        setting = f"{height} x {width}, {classes} classes, {iterations} iterations"
        quantities = [
            ("processor's time", "ms", ours[0], peer[0]),
            ("growth of the process", "MB", ours[1], peer[1]),
            ("error", "% of the change", error((height, width, classes), ours[2], peer[2]), np.nan),
        ]
        rows += [
            {"model": f"random field: {quantity}", "setting": setting, "beside": beside,
             "ours": mine, "peer": theirs, "unit": unit}
            for quantity, unit, mine, theirs in quantities
        ]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=MEASURED)


def read_sizes(text: str) -> list[tuple[int, int]]:
    """Heights and widths.

    Raises:
        InputError: They are none.
    """
    side = r"([1-9]\d{0,3})"
    found = [re.fullmatch(f"{side}x{side}", part.strip()) for part in text.split(",")]
    if not all(found):
        raise kc.InputError(
            f"--sizes {text} was given",
            "heights and widths such as 64x64,180x240",
            "Write two numbers of up to four digits for each size, with an x between them.",
        )
    return [(int(each[1]), int(each[2])) for each in found if each]


def error(size: tuple[int, int, int], found: np.ndarray, exact: np.ndarray) -> float:
    """Mean absolute error of the probabilities, in percent of what the exact form changes."""
    before, ours, theirs = (softmax(each) for each in (drawn(size)[0][0], found, exact))
    return 100 * float(np.abs(ours - theirs).mean() / np.abs(theirs - before).mean())


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    likely = np.exp(logits - logits.max(-1, keepdims=True))
    return likely / likely.sum(-1, keepdims=True)


def _apart(
    form: str, size: tuple[int, int, int], iterations: int, repeats: int
) -> tuple[float, float, np.ndarray]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(refine, (form, size, iterations, repeats))


def refine(
    form: str, size: tuple[int, int, int], iterations: int, repeats: int
) -> tuple[float, float, np.ndarray]:
    """Milliseconds, megabytes and refined logits of a form."""
    logits, image = drawn(size)
    layer = field("landmarks" if form == "landmarks" else "exact", iterations)
    inputs = [keras.Input((None, None, each.shape[-1])) for each in (logits, image)]
    model = keras.Model(inputs, layer(inputs))
    # What any call takes, whatever its filter.
    model.predict_on_batch([logits[:, :2, :2], image[:, :2, :2]])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if form == BY_ROWS:
        began = time.process_time()
        refined = row_by_row(layer, logits[0], image[0])
        seconds = time.process_time() - began
    else:
        taken = turns({form: lambda: model.predict_on_batch([logits, image])}, repeats)
        seconds = float(taken["processor"].iloc[0])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if form != BY_ROWS:
        refined = model.predict_on_batch([logits, image])[0]
    return 1e3 * seconds, grown, refined


def field(filtering: str, iterations: int) -> kc.layers.MeanFieldCRF:
    """A layer with pydensecrf's customary widths."""
    return kc.layers.MeanFieldCRF(
        iterations, iterations, bilateral_width=80.0, colour_width=13.0, filtering=filtering
    )


def drawn(size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits and a picture of slopes with some noise, a batch of one."""
    height, width, classes = size
    rng = np.random.default_rng(0)
    slopes = np.add.outer(np.linspace(0, 90, height), np.linspace(30, 150, width))[..., None]
    image = slopes * [1.0, 0.8, 0.6] + rng.normal(0, 4, (height, width, 3))
    logits = rng.normal(size=(1, height, width, classes))
    return logits.astype("float32"), image[None].astype("float32")


def row_by_row(layer: kc.layers.MeanFieldCRF, logits: np.ndarray, image: np.ndarray) -> np.ndarray:
    """What the exact form says, of a kernel that is never whole in memory.

    Args:
        layer: Whose weights and widths count.
        logits: `(height, width, classes)`.
        image: `(height, width, 3)`.

    Returns:
        Refined logits `(height, width, classes)`.
    """
    height, width, classes = logits.shape
    places = np.indices((height, width), "float32").reshape(2, -1).T
    features = np.hstack([
        places / np.float32(layer.bilateral_width),
        image.reshape(-1, 3) / np.float32(layer.colour_width),
    ])  # fmt: skip
    # The middle among them keeps squares small, whose differences are distances.
    features = features - features.mean(axis=0)
    squares, ones = -0.5 * np.square(features).sum(1, keepdims=True), np.ones((len(features), 1))
    these = np.hstack([features, squares, ones]).astype("float32")
    those = np.hstack([features, ones, squares]).astype("float32").T
    along = [
        np.exp(-0.5 * np.square(np.subtract.outer(each, each) / layer.spatial_width))
        for each in map(np.arange, (height, width))
    ]

    def alike(x: np.ndarray) -> np.ndarray:
        found = []
        for start in range(0, len(these), BLOCK):
            rows = these[start : start + BLOCK] @ those
            found.append(np.exp(rows, out=rows) @ x)
        return np.vstack(found)

    def near(x: np.ndarray) -> np.ndarray:
        maps = x.reshape(height, width, -1)
        maps = np.einsum("hk,kwc->hwc", along[0], maps)
        return np.einsum("wk,hkc->hwc", along[1], maps).reshape(len(x), -1)

    weights = [np.asarray(each) for each in (layer.spatial, layer.bilateral)]
    compatibility = np.asarray(layer.compatibility)
    unary = refined = logits.reshape(-1, classes)
    for _ in range(layer.inference_iterations):
        # Of ones too, which the sums of a kernel are.
        likely = np.hstack([softmax(refined), ones]).astype("float32")
        message = 0.0
        for weight, kernel in zip(weights, (near, alike), strict=True):
            gathered = kernel(likely)
            message = message + weight * gathered[:, :-1] / gathered[:, -1:]
        refined = unary - message @ compatibility
    return refined.reshape(logits.shape)
