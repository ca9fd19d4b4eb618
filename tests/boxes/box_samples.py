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


def random_street(seed):
    """A few pictures of cars (0), vans (1) and regions of no class, found more or less well."""
    rng = np.random.default_rng(seed)
    detections, truths = [], []
    for _ in range(int(rng.integers(1, 5))):
        count = int(rng.integers(1, 9))
        corners = rng.uniform(0, 90, (count, 2))
        boxes = np.concatenate([corners, corners + rng.uniform([18, 18], [70, 90], (count, 2))], 1)
        boxes = boxes[np.lexsort(boxes.T[::-1])]
        labels = rng.choice([0, 1, -1], size=count, p=[0.7, 0.15, 0.15])
        truths.append(Truth(
            boxes, labels, occlusion=rng.choice(4, size=count, p=[0.6, 0.2, 0.1, 0.1]),
            truncation=rng.choice([0.0, 0.2, 0.4, 0.8], size=count, p=[0.7, 0.1, 0.1, 0.1]),
        ))  # fmt: skip
        found = np.repeat(boxes, rng.integers(0, 4, count), axis=0)
        found = found + rng.normal(0, 5, found.shape)
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 8)
        detections.append(Detections(found, np.zeros(len(found)), rng.random(len(found))))
    return detections, truths


def by_kitti(detections, truths, grade, threshold, *, neighbour, eleven):
    """Average precision of class 0 step by step as in the C++ of KITTI's kit."""
    height, occlusion, truncation = grade
    cases, total = [], 0
    for found, there in zip(detections, truths, strict=True):
        # 0 counts, 1 is neither right nor wrong, -1 is not looked at.
        true = []
        for number, label in enumerate(there.box_labels):
            low = there.boxes[number, 2] - there.boxes[number, 0] <= height
            hard = (
                low or there.occlusion[number] > occlusion or there.truncation[number] > truncation
            )
            true.append((1 if hard else 0) if label == 0 else 1 if label == neighbour else -1)
        small = [int(box[2] - box[0] < height) for box in found.boxes]
        total += true.count(0)
        cases.append((found, there, true, small))
    if not total:
        return float("nan")

    def statistics(case, least, counting):
        found, there, true, small = case
        taken, right, scores = [False] * len(found), 0, []
        for number, state in enumerate(true):
            if state == -1:
                continue
            chosen, best, surest, low_one = None, 0.0, -np.inf, False
            for place, score in enumerate(found.scores):
                shared = _shared(found.boxes[place], there.boxes[number])
                if taken[place] or score < least or shared <= threshold:
                    continue
                if not counting:
                    if score > surest:
                        chosen, surest = place, score
                elif not small[place] and (shared > best or low_one):
                    chosen, best, low_one = place, shared, False
                elif small[place] and chosen is None:
                    chosen, low_one = place, True
            if chosen is not None:
                taken[chosen] = True
                if state == 0 and not small[chosen]:
                    right += 1
                    scores.append(found.scores[chosen])
        wrong = 0
        for place, score in enumerate(found.scores):
            if not (taken[place] or small[place] or score < least):
                regions = there.boxes[there.box_labels == -1]
                box = found.boxes[place]
                area = (box[2] - box[0]) * (box[3] - box[1])
                wrong += not any(_common(box, each) / area > threshold for each in regions)
        return right, wrong, scores

    hits = sorted((s for case in cases for s in statistics(case, -np.inf, False)[2]), reverse=True)
    cuts, recall = [], 0.0
    for number, score in enumerate(hits):
        left, last = (number + 1) / total, number == len(hits) - 1
        after = left if last else (number + 2) / total
        if after - recall < recall - left and not last:
            continue
        cuts.append(score)
        recall += 1 / 40
    precision = [0.0] * 41
    for place, cut in enumerate(cuts):
        counts = [statistics(case, cut, True)[:2] for case in cases]
        right, wrong = map(sum, zip(*counts, strict=True))
        precision[place] = right / max(1, right + wrong)
    curve = [max(precision[place:]) for place in range(41)]
    return sum(curve[::4]) / 11 if eleven else sum(curve[1:]) / 40


def _common(box, other):
    height = min(box[2], other[2]) - max(box[0], other[0])
    width = min(box[3], other[3]) - max(box[1], other[1])
    return max(0.0, height) * max(0.0, width)


def _shared(box, other):
    areas = [(each[2] - each[0]) * (each[3] - each[1]) for each in (box, other)]
    common = _common(box, other)
    return common / (sum(areas) - common)
