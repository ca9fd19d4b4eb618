"""Pictures full of boxes drawn at random, and what other tools say of them."""

from __future__ import annotations

import contextlib
import io

import numpy as np

from keras_classics.boxes import Detections, Truth

# The order of pycocotools' twelve figures.
TWELVE = (
    "AP", "AP50", "AP75", "AP small", "AP medium", "AP large",
    "AR1", "AR10", "AR100", "AR small", "AR medium", "AR large",
)  # fmt: skip


def golden():
    """Four true boxes; hit, miss, hit, hit, miss by falling score."""
    true = [[0, n * 20, 10, n * 20 + 10] for n in range(4)]
    found = [true[0], [50, 0, 60, 10], true[1], true[2], [50, 40, 60, 50]]
    return (
        [Detections(found, [0] * 5, [0.9, 0.8, 0.7, 0.6, 0.5])],
        [Truth(true, [0] * 4)],
    )


def random_set(seed: int, *, whole: bool = False):
    """Up to 6 pictures of up to 4 classes, with crowds, duplicates, near misses and nothing."""
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(1, 5))
    detections, truths = [], []
    for _ in range(int(rng.integers(1, 7))):
        count = int(rng.integers(0, 9))
        corners = rng.uniform(0, 200, (count, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(2, 130, (count, 2))], axis=1)
        labels = rng.integers(classes, size=count)
        crowd = rng.random(count) < 0.15
        near = np.repeat(boxes, rng.integers(0, 4, count), axis=0)
        near = near + rng.normal(0, 6, near.shape)
        corners = rng.uniform(0, 200, (int(rng.integers(0, 6)), 2))
        stray = np.concatenate([corners, corners + rng.uniform(2, 130, corners.shape)], axis=1)
        found = np.concatenate([near, stray])
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        if whole:
            boxes, found = boxes.round(), found.round()
        detections.append(
            Detections(found, rng.integers(classes, size=len(found)), rng.random(len(found)))
        )
        truths.append(Truth(boxes, labels, crowd=crowd))
    return detections, truths, classes


def by_pycocotools(detections, truths, classes):
    """The twelve figures of pycocotools, NaN in place of -1."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def xywh(box):
        return [box[1], box[0], box[3] - box[1], box[2] - box[0]]

    true, found = [], []
    for picture, there in enumerate(truths):
        for box, label, crowd, area in zip(
            there.boxes.tolist(), there.box_labels, there.crowd, there.areas, strict=True
        ):
            # From 1 on: 0 is taken for no match.
            true.append(
                {"id": len(true) + 1, "image_id": picture, "category_id": int(label),
                 "bbox": xywh(box), "area": float(area), "iscrowd": int(crowd)}
            )  # fmt: skip
    for picture, each in enumerate(detections):
        for box, label, score in zip(
            each.boxes.tolist(), each.box_labels, each.scores, strict=True
        ):
            found.append(
                {"image_id": picture, "category_id": int(label), "bbox": xywh(box),
                 "score": float(score)}
            )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": number} for number in range(len(truths))],
            "categories": [{"id": number} for number in range(classes)],
            "annotations": true,
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(found) if found else COCO(), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return np.where(judge.stats < 0, np.nan, judge.stats)
