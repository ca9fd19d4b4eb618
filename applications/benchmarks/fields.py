"""Fully connected random fields: the filter of landmarks beside the exact form."""

from __future__ import annotations

import multiprocessing
import resource
from typing import Annotated

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import MEASURED, console, turns

# Up to here the exact form may keep its kernel; beyond, it is computed anew for each iteration.
MOST_KEPT = 2**30
# Rows of the kernel at a time.
BLOCK = 256
QUANTITIES = {"processor's time": "ms", "growth of the process": "MB"}


def fields(
    *,
    sizes: Annotated[str, "heights x widths of pictures, with commas"] = "64x64,180x240",
    classes: Annotated[int, "classes of pixels"] = 12,
    iterations: Annotated[int, "of mean field"] = 10,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """Milliseconds and megabytes of a random field over a picture, landmarks beside exact.

    `kc.layers.MeanFieldCRF` with the widths of `kc.models.dense_crf`. Where the exact kernel has
    more than a gigabyte, its rows are computed anew for each iteration. Each form is measured in
    a process of its own, so that the memory is its own.
    """
    rows = []
    for size in sizes.split(","):
        height, width = (int(side) for side in size.split("x"))
        kept = 4 * (height * width) ** 2 <= MOST_KEPT
        beside = "exact" if kept else "exact, row by row"
        ours, peer = (
            _apart(form, (height, width, classes), iterations, repeats)
            for form in ("landmarks", beside)
        )
        setting = f"{height} x {width}, {classes} classes, {iterations} iterations"
        console.print(f"{setting}: ours {ours}, {beside} {peer}")
        rows += [
            {"model": f"random field: {quantity}", "setting": setting, "beside": beside,
             "ours": mine, "peer": theirs, "unit": unit}
            for (quantity, unit), mine, theirs in zip(
                QUANTITIES.items(), ours, peer, strict=True
            )
        ]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=MEASURED)


def _apart(form: str, size: tuple[int, int, int], iterations: int, repeats: int) -> list[float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(refine, (form, size, iterations, repeats))


def refine(form: str, size: tuple[int, int, int], iterations: int, repeats: int) -> list[float]:
    """The `QUANTITIES` of a form."""
    logits, image = drawn(size)
    layer = field("landmarks" if form == "landmarks" else "exact", iterations)
    inputs = [keras.Input((None, None, each.shape[-1])) for each in (logits, image)]
    model = keras.Model(inputs, layer(inputs))
    # What any call takes, whatever its filter.
    model.predict_on_batch([logits[:, :2, :2], image[:, :2, :2]])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if form == "exact, row by row":
        taken = turns({form: lambda: row_by_row(layer, logits[0], image[0])}, repeats)
    else:
        taken = turns({form: lambda: model.predict_on_batch([logits, image])}, repeats)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return [1e3 * float(taken["processor"].iloc[0]), grown]


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
    near = places / np.float32(layer.spatial_width)
    alike = np.hstack([
        places / np.float32(layer.bilateral_width),
        image.reshape(-1, 3) / np.float32(layer.colour_width),
    ])  # fmt: skip
    weights = [np.asarray(each) for each in (layer.spatial, layer.bilateral)]
    compatibility = np.asarray(layer.compatibility)
    unary = refined = logits.reshape(-1, classes)

    def gathered(features: np.ndarray, x: np.ndarray) -> np.ndarray:
        # Of ones too, which the sums of a kernel are.
        x = np.hstack([x, np.ones((len(x), 1), "float32")])
        found = []
        for start in range(0, len(features), BLOCK):
            apart = np.zeros((len(features[start : start + BLOCK]), len(features)), "float32")
            for axis in features.T:
                apart += np.square(axis[start : start + BLOCK, None] - axis)
            found.append(np.exp(-0.5 * apart, out=apart) @ x)
        sums = np.vstack(found)
        return sums[:, :-1] / sums[:, -1:]

    for _ in range(layer.inference_iterations):
        likely = np.exp(refined - refined.max(-1, keepdims=True))
        likely /= likely.sum(-1, keepdims=True)
        message = sum(
            weight * gathered(features, likely)
            for weight, features in zip(weights, (near, alike), strict=True)
        )
        refined = unary - message @ compatibility
    return refined.reshape(logits.shape)
