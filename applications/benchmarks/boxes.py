"""Suppression, pooling of regions and average precision beside others'."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Callable
from typing import Annotated, Any

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import MEASURED, console, turns

MAP = (38, 50, 256)
STRIDE = 16


def boxes(
    *,
    pictures: Annotated[int, "pictures of the average precision"] = 200,
    regions: Annotated[int, "regions of a map"] = 64,
    repeats: Annotated[int, "turns; the fastest counts"] = 7,
) -> pd.DataFrame:
    """Milliseconds of boxes: suppression, pooling, average precision, of all threads together.

    Beside TensorFlow, KerasHub, keras-cv and pycocotools, as far as they are installed, all
    compiled alike. TensorFlow itself has no maxima over regions: its bilinear samples of a region,
    14 x 14 and pooled, are another operation, which is taken in their place.
    """
    rows = []
    for name, contenders in {
        **_suppressions(), **_poolings(regions), **_pyramids(), **_precisions(pictures)
    }.items():  # fmt: skip
        seconds = turns(contenders, repeats)["processor"] * 1e3
        ours = seconds.pop("ours")
        model, setting = name
        console.print(f"{model}, {setting}: ours {ours:.2f} ms, {seconds.round(2).to_dict()}")
        rows += [
            {"model": model, "setting": setting, "beside": peer, "ours": ours, "peer": each,
             "unit": "ms"}
            for peer, each in seconds.items()
        ]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=MEASURED)


def _optional(name: str) -> Any:
    """A package, or None and a word about it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        console.print(f"{name} is left out: {error}")
        return None


def _random(rng: np.random.Generator, count: int, size: float) -> np.ndarray:
    corners = rng.uniform(0, size * 0.7, (count, 2))
    found = np.concatenate([corners, corners + rng.uniform(10, size * 0.3, (count, 2))], axis=1)
    return found.astype("float32")


def _suppressions() -> dict[tuple[str, str], dict[str, Callable]]:
    import tensorflow as tf

    rng, hub, found = np.random.default_rng(0), _optional("keras_hub"), {}
    for count in (300, 2000):
        places, scores = _random(rng, count, 600), rng.random(count).astype("float32")
        contenders = {
            "ours": lambda b=places, s=scores: kc.boxes.suppress(b, s),
            "TensorFlow": lambda b=places, s=scores, n=count: tf.image.non_max_suppression(
                b, s, n, 0.3
            ).numpy(),
        }
        if hub is not None:
            layer = hub.layers.NonMaxSuppression(
                "yxyx", from_logits=False, iou_threshold=0.3, max_detections=count
            )
            contenders["KerasHub"] = lambda b=places, s=scores, f=layer: f(
                b[None], s[None, :, None]
            )
        found["suppression", f"{count} boxes"] = contenders
    return found


def _poolings(regions: int) -> dict[tuple[str, str], dict[str, Callable]]:
    import tensorflow as tf

    rng, height, width = np.random.default_rng(0), MAP[0] * STRIDE, MAP[1] * STRIDE
    maps = tf.constant(rng.normal(size=(1, *MAP)).astype("float32"))
    places = tf.constant(_random(rng, regions, height)[None])
    layer = kc.layers.RegionMaxPooling(7, STRIDE)
    shares = places[0] / [[height, width, height, width]]

    def sampled(maps):
        crops = tf.image.crop_and_resize(maps, shares, tf.zeros(regions, tf.int32), [14, 14])
        return tf.nn.max_pool2d(crops, 2, 2, "VALID")

    compiled, crops = (tf.function(each, autograph=False) for each in (layer, sampled))
    contenders = {
        "ours": lambda: compiled(maps, places).numpy(),
        "TensorFlow, samples": lambda: crops(maps).numpy(),
    }
    if (cv := _optional("keras_cv")) is not None:
        # Its graph cannot be compiled by XLA, so none is.
        pooler = tf.function(cv.layers.ROIPooler("yxyx", [7, 7], (height, width, 3)))
        contenders["keras-cv"] = lambda: pooler(maps, places).numpy()
    return {("region pooling", f"{regions} of {MAP[0]} x {MAP[1]} x {MAP[2]}"): contenders}


def _pyramids() -> dict[tuple[str, str], dict[str, Callable]]:
    import tensorflow as tf

    maps = tf.constant(np.random.default_rng(0).normal(size=(8, *MAP)).astype("float32"))
    layer = kc.layers.SpatialPyramidPooling((2, 3, 6))
    own = tf.function(layer, autograph=False)

    def theirs(maps):
        levels = [keras.ops.adaptive_max_pool(maps, level) for level in (2, 3, 6)]
        return tf.concat([tf.reshape(each, (8, -1)) for each in levels], axis=1)

    adaptive = tf.function(theirs, autograph=False)
    return {
        # Keras's kills the process at the level of 1.
        ("spatial pyramid", "levels 2, 3, 6 of 8 maps"): {
            "ours": lambda: own(maps).numpy(), "Keras, adaptive": lambda: adaptive(maps).numpy(),
        }
    }  # fmt: skip


def _precisions(pictures: int) -> dict[tuple[str, str], dict[str, Callable]]:
    rng, found, there = np.random.default_rng(0), [], []
    for _ in range(pictures):
        places = _random(rng, int(rng.integers(1, 12)), 400).astype("float64")
        labels = rng.integers(0, 10, len(places))
        near = np.repeat(places, 4, axis=0) + rng.normal(0, 8, (4 * len(places), 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        there.append(kc.boxes.Truth(places, labels))
        found.append(kc.boxes.Detections(near, np.repeat(labels, 4), rng.random(len(near))))
    contenders = {"ours": lambda: kc.boxes.average_precision(found, there, 10)}
    if _optional("pycocotools") is not None:
        contenders["pycocotools"] = lambda: _coco(found, there)
    return {("average precision", f"{pictures} pictures, 10 classes"): contenders}


def _coco(found: list, there: list) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def entries(each: Any, picture: int) -> list[dict[str, Any]]:
        return [
            {"image_id": picture, "category_id": int(label),
             "bbox": [box[1], box[0], box[3] - box[1], box[2] - box[0]]}
            for box, label in zip(each.boxes.tolist(), each.box_labels, strict=True)
        ]  # fmt: skip

    true = [entry for number, each in enumerate(there) for entry in entries(each, number)]
    for number, entry in enumerate(true, start=1):
        *_, width, height = entry["bbox"]
        entry |= {"id": number, "area": width * height, "iscrowd": 0}
    said = [
        entry | {"score": float(score)}
        for number, each in enumerate(found)
        for entry, score in zip(entries(each, number), each.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in range(len(there))], "info": {},
            "categories": [{"id": number} for number in range(10)], "annotations": true,
        }  # fmt: skip
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(said), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
