"""Average precision by the rules of KITTI's 2D benchmark (Geiger et al. 2012), as its kit has them.

Three grades, each with a least height in pixels, a greatest occlusion and truncation. What is
harder is neither right nor wrong to find, and so are boxes of a neighbouring class; what lies in a
DontCare region, or is found too small, is no mistake. The curve is read at scores that divide the
recall evenly, of which there are no more than true boxes: of fewer than 40 the figure stays below
1, as the kit's does.

The kit gives boxes to true boxes in the order of their file; here these are sorted first, so that
no order counts. Where boxes overlap much a figure may so differ from that of the kit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keras_classics.boxes.detections import NO_CLASS, Detections, Truth
from keras_classics.boxes.overlap import coverage, overlap

# 41 points of recall, 0 to 1; the older eleven are every fourth of them.
_POINTS = 41


class Grade(NamedTuple):
    """How hard a true box may be to count.

    Attributes:
        height: Pixels that a true box must exceed in height, and a mistake at least have.
        occlusion: Greatest of 0 (visible) to 3 (unknown).
        truncation: Greatest share beyond the border.
    """

    height: float
    occlusion: int
    truncation: float


GRADES = {
    "easy": Grade(40, 0, 0.15),
    "moderate": Grade(25, 1, 0.3),
    "hard": Grade(25, 2, 0.5),
}


class _Case(NamedTuple):
    """One picture, as one class and grade see it.

    Attributes:
        scores: `(n,)`.
        shared: Overlaps `(n, m)` with the true boxes of the class and its neighbour.
        small: bool `(n,)`, too low to be a mistake.
        free: bool `(n,)`, in a DontCare region.
        ignored: bool `(m,)`, neither right nor wrong to find.
    """

    scores: np.ndarray
    shared: np.ndarray
    small: np.ndarray
    free: np.ndarray
    ignored: np.ndarray


def kitti_figures(
    detections: Sequence[Detections],
    truths: Sequence[Truth],
    thresholds: Sequence[float | None],
    neighbours: Mapping[int, int],
    *,
    eleven: bool,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Average precisions of each class by grade.

    Args:
        detections: What was found in each picture.
        truths: What is there.
        thresholds: Of each class the overlap above which a detection is right; None for 0.5, which
            KITTI has for all but cars (0.7).
        neighbours: By class, another whose finding is no mistake.
        eleven: Whether to read 11 points of the curve, as before October 2019, or 40.

    Returns:
        `"AP easy"`, `"AP moderate"` and `"AP hard"`, `(classes,)` each; and how many true boxes of
        each class the hardest grade has.
    """
    figures = {f"AP {name}": np.full(len(thresholds), np.nan) for name in GRADES}
    counts = np.zeros(len(thresholds), "int64")
    for label, threshold in enumerate(thresholds):
        least = 0.5 if threshold is None else threshold
        for name, grade in GRADES.items():
            cases = [
                _case(found, there, label, neighbours.get(label), grade, least)
                for found, there in zip(detections, truths, strict=True)
            ]
            total = sum(int((~case.ignored).sum()) for case in cases)
            if name == "hard":
                counts[label] = total
            if total:
                figures[f"AP {name}"][label] = _grade_figure(cases, total, least, eleven)
    return figures, counts


def _case(
    found: Detections,
    there: Truth,
    label: int,
    neighbour: int | None,
    grade: Grade,
    threshold: float,
) -> _Case:
    own = there.box_labels == label
    seen = own if neighbour is None else own | (there.box_labels == neighbour)
    heights = there.boxes[:, 2] - there.boxes[:, 0]
    hard = (
        # The kit's own: a true box of exactly the least height is too low, a detection is not.
        (heights <= grade.height)
        | (there.occlusion > grade.occlusion)
        | (there.truncation > grade.truncation)
        | there.difficult
        | there.crowd
    )
    members = np.flatnonzero(found.box_labels == label)
    members = members[np.lexsort((*found.boxes[members].T[::-1], -found.scores[members]))]
    boxes = found.boxes[members]
    places = np.flatnonzero(seen)
    places = places[np.lexsort(there.boxes[places].T[::-1])]
    regions = coverage(boxes, there.boxes[there.box_labels == NO_CLASS])
    return _Case(
        found.scores[members],
        overlap(boxes, there.boxes[places]),
        boxes[:, 2] - boxes[:, 0] < grade.height,
        regions.max(axis=1, initial=0.0) > threshold,
        (hard | ~own)[places],
    )


def _grade_figure(cases: list[_Case], total: int, threshold: float, eleven: bool) -> float:
    hits = np.concatenate([_scores_of_hits(case, threshold) for case in cases])
    precision = np.zeros(_POINTS)
    for place, score in enumerate(_cuts(hits, total)):
        right = wrong = 0
        for case in cases:
            found = _count(case, threshold, score)
            right, wrong = right + found[0], wrong + found[1]
        precision[place] = right / max(1, right + wrong)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[::4].mean() if eleven else envelope[1:].mean())


def _scores_of_hits(case: _Case, threshold: float) -> np.ndarray:
    """Scores of what finds a true box that counts, each box taking the surest that is left."""
    taken = np.zeros(len(case.scores), bool)
    scores = []
    for place, ignored in enumerate(case.ignored):
        near = np.flatnonzero((case.shared[:, place] > threshold) & ~taken)
        if len(near):
            # Sorted, surest first.
            taken[near[0]] = True
            if not ignored and not case.small[near[0]]:
                scores.append(case.scores[near[0]])
    return np.array(scores)


def _cuts(scores: np.ndarray, total: int) -> list[float]:
    """Scores that divide the recall into steps as even as there are."""
    cuts, recall = list[float](), 0.0
    ordered = np.sort(scores)[::-1].tolist()
    for number, score in enumerate(ordered, start=1):
        last = number == len(ordered)
        left, right = number / total, (number if last else number + 1) / total
        if right - recall < recall - left and not last:
            continue
        cuts.append(score)
        recall += 1.0 / (_POINTS - 1)
    return cuts


def _count(case: _Case, threshold: float, score: float) -> tuple[int, int]:
    """What is right and what is wrong of the detections that are at least so sure."""
    sure = case.scores >= score
    taken = np.zeros(len(sure), bool)
    right = 0
    for place, ignored in enumerate(case.ignored):
        near = (case.shared[:, place] > threshold) & sure & ~taken
        # One that is large enough before one that is not.
        choices = near & ~case.small if (near & ~case.small).any() else near
        if not choices.any():
            continue
        best = int(np.where(choices, case.shared[:, place], -1.0).argmax())
        taken[best] = True
        right += not ignored and not case.small[best]
    wrong = sure & ~taken & ~case.small & ~case.free
    return right, int(wrong.sum())
