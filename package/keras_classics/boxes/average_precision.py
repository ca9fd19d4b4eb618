"""Average precision by the rules of PASCAL VOC and of COCO.

All are computed from one table: every detection of every picture, and whether it is right under
each overlap and range of sizes. KITTI's rules, which are of another kind, are in
`kitti_precision`; `average_precision` is the door to all of them.

What is equally sure is one step of the curve, and of equally sure detections in one picture the
upper left goes first: no figure depends on the order in which pictures, detections or true boxes
are given. Where a class or size has no true box its figure is NaN, which means leave out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from keras_classics.boxes.detections import (
    NO_CLASS,
    Detections,
    Truth,
    box_areas,
    check_labels,
    check_paired,
)
from keras_classics.boxes.kitti_precision import kitti_figures
from keras_classics.boxes.overlap import coverage, overlap
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_overlap,
    check_places,
    check_whole,
)

WRONG, RIGHT, NEITHER = 0, 1, -1

# Areas in square pixels, both ends within, as COCO has them.
SIZES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "small": (0.0, 32.0**2),
        "medium": (32.0**2, 96.0**2),
        "large": (96.0**2, 1e10),
    }
)
_ALL = (0.0, 1e10)
# Recalls of the curve, as VOC before 2010 and as COCO writes them.
_ELEVEN = np.arange(11) / 10
_HUNDRED_AND_ONE = np.linspace(0.0, 1.0, 101)


class Precision(NamedTuple):
    """Average precisions and recalls.

    Attributes:
        figures: By name, over all classes that have true boxes: `"AP"`, `"AP small"`, ...; with
            COCO's rules also `"AP50"`, `"AP75"` and the average recalls `"AR1"`, `"AR10"`,
            `"AR100"`, `"AR small"`, ...; with KITTI's `"AP easy"`, `"AP moderate"`, `"AP hard"`.
            NaN where there is no true box.
        by_class: The same of each class, `(classes,)` each.
        counts: int64 `(classes,)`, true boxes that count.
    """

    figures: dict[str, float]
    by_class: dict[str, np.ndarray]
    counts: np.ndarray


@dataclass(frozen=True)
class Rules:
    """What makes a detection right, and a curve a number.

    Attributes:
        thresholds: Overlaps from which a detection is right; figures are means over them.
        curve: `"eleven"` (VOC 2007), `"all"` (VOC 2010) or `"hundred and one"` (COCO) points.
        free: Whether a detection looks for the best box that is not taken (COCO), or is a
            duplicate where the best of all is (VOC).
        most: Detections of a class in a picture that count, the surest; None for all.
    """

    thresholds: tuple[float, ...] = (0.5,)
    curve: str = "all"
    free: bool = False
    most: int | None = None


RULES: Mapping[str, Rules] = MappingProxyType(
    {
        "voc07": Rules(curve="eleven"),
        "voc10": Rules(),
        "coco": Rules(
            tuple(np.linspace(0.5, 0.95, 10).tolist()), "hundred and one", free=True, most=100
        ),
    }
)
KITTI = ("kitti", "kitti11")


@checked
def average_precision(
    detections: Sequence[Detections],
    truths: Sequence[Truth],
    classes: Whole,
    *,
    rules: str = "coco",
    threshold: float | Mapping[int, float] | None = None,
    sizes: Mapping[str, tuple[float, float]] = SIZES,
    neighbours: Mapping[int, int] = MappingProxyType({}),
) -> Precision:
    """How well a detector finds what there is.

    Args:
        detections: What was found in each picture.
        truths: What is there, `Truth.of` each example of a data set.
        classes: Number of classes.
        rules: `"coco"` (ten overlaps, 101 recalls), `"voc07"` (11 recalls), `"voc10"` (the area
            below the curve), `"kitti"` (40 recalls) or `"kitti11"` (its 11 of before 10/2019).
        threshold: An overlap in place of those of the rules, above 0, or one by class; a class that
            is not among them keeps the rules' own. KITTI's own is 0.5, and for its cars
            `{car: 0.7}` is to be given, as no rule knows which class these are.
        sizes: Ranges of areas of which there are figures; for KITTI its grades take their place.
        neighbours: KITTI's alone: by class, another whose finding is no mistake, as a van is none
            for a car.

    Returns:
        Figures, the same by class, and how many true boxes there are.

    Raises:
        InputError: The rules are unknown, a class is beyond those there are, a threshold is no
            overlap, a range of sizes is none, or there is no picture, or not the truth for each.

    Example:
        ```python
        found = [kc.boxes.Detections([[10, 10, 50, 50]], [0], [0.9])]  # of each picture
        truths = [kc.boxes.Truth([[10, 10, 50, 46]], [0])]
        kc.boxes.average_precision(found, truths, 1, rules="voc10").figures
        ```
    """
    check_choice("rules", rules, (*RULES, *KITTI))
    classes = check_whole("classes", classes)
    check_paired(detections, truths)
    check_labels("detection", _joined([each.box_labels for each in detections]), classes)
    check_labels("true box", _joined([each.box_labels for each in truths]), classes, NO_CLASS)
    by_threshold = _thresholds(threshold, classes)
    check_places("neighbours", [*neighbours, *neighbours.values()], classes)
    for name, (low, high) in sizes.items():
        if not 0 <= low <= high:
            raise InputError(
                f"sizes[{name!r}]={(low, high)} were given",
                "a least and a greatest area in square pixels",
                "Give the smaller one first.",
            )
    if rules in KITTI:
        by_class, counts = kitti_figures(
            detections, truths, by_threshold, neighbours, eleven=rules == "kitti11"
        )
        return Precision(_means(by_class), by_class, counts)
    ranges = {"": _ALL, **{f" {name}": limits for name, limits in sizes.items()}}
    columns: list[dict[str, float]] = [{}] * classes
    for each in set(by_threshold):
        chosen = RULES[rules]
        if each is not None:
            chosen = replace(chosen, thresholds=(each,))
        table = _judge(detections, truths, chosen, tuple(ranges.values()))
        for label in range(classes):
            if by_threshold[label] == each:
                columns[label] = _class_figures(table, label, chosen, tuple(ranges))
    # A class with a threshold of its own has none of the figures at those of the rules.
    names = list(dict.fromkeys(name for column in columns for name in column))
    by_class = {name: np.array([column.get(name, np.nan) for column in columns]) for name in names}
    return Precision(_means(by_class), by_class, table.counts(classes)[:, 0])


def _thresholds(
    given: float | Mapping[int, float] | None, classes: int
) -> tuple[float | None, ...]:
    """The overlap of each class, None for that of the rules."""
    if not isinstance(given, Mapping):
        known = None if given is None else check_overlap("threshold", given)
        return (known,) * classes
    check_places("threshold", given, classes)
    found = {label: check_overlap("threshold", each) for label, each in given.items()}
    return tuple(found.get(label) for label in range(classes))


class _Table(NamedTuple):
    """Every detection that counts, by picture, class and falling score; and how many are true.

    Attributes:
        classes: `(n,)`.
        scores: `(n,)`.
        ranks: `(n,)`, from 0 on among the detections of its class in its picture.
        verdicts: int8 `(thresholds, ranges, n)`, `RIGHT`, `WRONG` or `NEITHER`.
        true_classes: `(m,)`.
        counted: bool `(ranges, m)`, whether a true box is to be found.
    """

    classes: np.ndarray
    scores: np.ndarray
    ranks: np.ndarray
    verdicts: np.ndarray
    true_classes: np.ndarray
    counted: np.ndarray

    def counts(self, classes: int) -> np.ndarray:
        """True boxes `(classes, ranges)` that are to be found."""
        members = self.true_classes == np.arange(classes)[:, None]
        return members.astype("int64") @ self.counted.T.astype("int64")


def _judge(
    detections: Sequence[Detections],
    truths: Sequence[Truth],
    rules: Rules,
    ranges: tuple[tuple[float, float], ...],
) -> _Table:
    """Say of every detection whether it is right, with each overlap and each range of areas."""
    found, there = _Column.of(detections), _Column.of(truths)
    scores = _joined([each.scores for each in detections])
    order = np.lexsort((*found.boxes.T[::-1], -scores, found.labels, found.pictures))
    found, scores = found.take(order), scores[order]
    ranks = found.ranks()
    if rules.most is not None:
        stay = ranks < rules.most
        found, scores, ranks = found.take(stay), scores[stay], ranks[stay]
    order = np.lexsort((*there.boxes.T[::-1], there.labels, there.pictures))
    there = there.take(order)
    crowd, difficult, areas = (
        _joined([getattr(each, name) for each in truths])[order]
        for name in ("crowd", "difficult", "areas")
    )
    low, high = np.array(ranges).T[:, :, None]
    crowd, difficult = crowd.astype(bool), difficult.astype(bool)
    ignored = crowd | difficult | (areas < low) | (areas > high)
    # What is found where nothing is counts only among those of its size.
    size = box_areas(found.boxes)
    beside = np.where((size < low) | (size > high), NEITHER, WRONG).astype("int8")
    verdicts = np.repeat(beside[None], len(rules.thresholds), axis=0)
    # No overlap is quite 1 in floating point.
    thresholds = np.minimum(rules.thresholds, 1 - 1e-10)
    starts = there.starts()
    for key, members in found.starts().items():
        targets = starts.get(key)
        if targets is None:
            continue
        boxes, others = found.boxes[members], there.boxes[targets]
        shared = overlap(boxes, others)
        if crowd[targets].any():
            shared = np.where(crowd[targets], coverage(boxes, others), shared)
        assign = _free_matches if rules.free else _best_matches
        chosen = assign(shared, thresholds, ignored[:, targets], crowd[targets])
        place = verdicts[:, :, members]
        verdicts[:, :, members] = np.where(chosen == _UNMATCHED, place, chosen)
    return _Table(found.labels, scores, ranks, verdicts, there.labels, ~ignored)


_UNMATCHED = 2


def _free_matches(
    shared: np.ndarray, thresholds: np.ndarray, ignored: np.ndarray, crowd: np.ndarray
) -> np.ndarray:
    """COCO: each takes the best box that is not taken, one that counts before one that does not.

    Args:
        shared: Overlaps `(detections, boxes)` of one picture and class, surest first.
        thresholds: `(thresholds,)`.
        ignored: bool `(ranges, boxes)`.
        crowd: bool `(boxes,)`, those that any number may take.

    Returns:
        int8 `(thresholds, ranges, detections)`.
    """
    verdicts = np.full((len(thresholds), len(ignored), len(shared)), _UNMATCHED, "int8")
    taken = np.zeros((len(thresholds), *ignored.shape), bool)
    rows, columns = np.ogrid[: len(thresholds), : len(ignored)]
    # Any that counts is preferred, however little it overlaps.
    preference = np.where(ignored, 0.0, 2.0)
    for number in np.flatnonzero(shared.max(axis=1) >= thresholds.min()):
        near = (shared[number] >= thresholds[:, None])[:, None] & ~taken
        worth = np.where(near, shared[number] + preference, -1.0)
        best = worth.argmax(axis=2)
        hit = near[rows, columns, best]
        neither = ignored[columns, best]
        verdicts[:, :, number] = np.where(hit, np.where(neither, NEITHER, RIGHT), _UNMATCHED)
        taken[rows, columns, best] |= hit & ~crowd[best]
    return verdicts


def _best_matches(
    shared: np.ndarray, thresholds: np.ndarray, ignored: np.ndarray, crowd: np.ndarray
) -> np.ndarray:
    """VOC: each has the box that it overlaps most; the second of one box is wrong.

    Where that is none that is to be found, or is too far, it may lie in a crowd. Args and result
    are those of `_free_matches`.
    """
    alone = np.where(crowd, -1.0, shared)
    best = alone.argmax(axis=1)
    near = alone[np.arange(len(shared)), best] >= thresholds[:, None]
    within = np.where(crowd, shared, -1.0).max(axis=1) >= thresholds[:, None]
    verdicts = np.full((len(thresholds), len(ignored), len(shared)), _UNMATCHED, "int8")
    for row, hits in enumerate(near):
        numbers = np.flatnonzero(hits)
        first = np.zeros(len(shared), bool)
        first[numbers[np.unique(best[numbers], return_index=True)[1]]] = True
        verdicts[row] = np.where(
            hits,
            np.where(ignored[:, best], NEITHER, np.where(first, RIGHT, WRONG)),
            np.where(within[row], NEITHER, _UNMATCHED),
        )
    return verdicts


def _class_figures(
    table: _Table, label: int, rules: Rules, names: tuple[str, ...]
) -> dict[str, float]:
    """Figures of one class."""
    members = np.flatnonzero(table.classes == label)
    members = members[np.argsort(-table.scores[members], kind="stable")]
    scores, verdicts = table.scores[members], table.verdicts[:, :, members]
    # The end of each run of equal scores: no threshold divides them.
    ends = np.append(scores[1:] != scores[:-1], True) if len(scores) else np.zeros(0, bool)
    right = np.cumsum(verdicts == RIGHT, axis=2)[:, :, ends]
    wrong = np.cumsum(verdicts == WRONG, axis=2)[:, :, ends]
    totals = table.counted[:, table.true_classes == label].sum(axis=1)
    precision = right / np.maximum(right + wrong, 1)
    envelope = np.maximum.accumulate(precision[:, :, ::-1], axis=2)[:, :, ::-1]
    figures = {}
    several = len(rules.thresholds) > 1
    for place, name in enumerate(names):
        if not totals[place]:
            areas = np.full(len(rules.thresholds), np.nan)
        else:
            areas = np.array(
                [
                    _area(recall, height, rules.curve)
                    for recall, height in zip(
                        right[:, place] / totals[place], envelope[:, place], strict=True
                    )
                ]
            )
        figures[f"AP{name}"] = float(np.mean(areas))
        if several and not name:
            figures |= {
                f"AP{100 * overlap:.0f}": float(area)
                for overlap, area in zip(rules.thresholds, areas, strict=True)
                if overlap in (0.5, 0.75)
            }
    if rules.free:
        figures |= _recalls(table.ranks[members], verdicts, totals, names, rules.most)
    return figures


def _recalls(
    ranks: np.ndarray,
    verdicts: np.ndarray,
    totals: np.ndarray,
    names: tuple[str, ...],
    most: int | None,
) -> dict[str, float]:
    """COCO's average recalls of one class: by the surest few of each picture, and by size."""
    figures = {}
    for few in (1, 10, 100):
        hits = (verdicts[:, 0, ranks < few] == RIGHT).sum(axis=1)
        figures[f"AR{few}"] = float(np.mean(hits / totals[0])) if totals[0] else float("nan")
    for place, name in enumerate(names[1:], start=1):
        hits = (verdicts[:, place] == RIGHT).sum(axis=1)
        figures[f"AR{name}"] = (
            float(np.mean(hits / totals[place])) if totals[place] else float("nan")
        )
    return figures


def _area(recall: np.ndarray, envelope: np.ndarray, curve: str) -> float:
    """The number that a curve of falling precision over growing recall is made into."""
    if curve == "all":
        return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    points = _ELEVEN if curve == "eleven" else _HUNDRED_AND_ONE
    places = np.searchsorted(recall, points, side="left")
    return float(np.append(envelope, 0.0)[places].mean())


@dataclass(frozen=True, eq=False)
class _Column:
    """Boxes of all pictures, one below the other."""

    pictures: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray

    @classmethod
    def of(cls, each: Sequence[Detections] | Sequence[Truth]) -> _Column:
        counts = [len(one) for one in each]
        return cls(
            np.repeat(np.arange(len(each)), counts),
            _joined([one.box_labels for one in each]).astype("int64"),
            np.concatenate([one.boxes for one in each]),
        )

    def take(self, which: np.ndarray) -> _Column:
        return _Column(self.pictures[which], self.labels[which], self.boxes[which])

    def starts(self) -> dict[tuple[int, int], slice]:
        """Where the rows of each picture and class lie, of sorted ones."""
        edges = np.flatnonzero(self._new())
        ends = [*edges, len(self.labels)][1:]
        keys = zip(self.pictures[edges].tolist(), self.labels[edges].tolist(), strict=True)
        return {key: slice(start, end) for key, start, end in zip(keys, edges, ends, strict=False)}

    def ranks(self) -> np.ndarray:
        """Place of each row among those of its picture and class, of sorted ones."""
        numbers = np.arange(len(self.labels))
        return numbers - np.maximum.accumulate(np.where(self._new(), numbers, 0))

    def _new(self) -> np.ndarray:
        if not len(self.labels):
            return np.zeros(0, bool)
        changed = (np.diff(self.pictures) != 0) | (np.diff(self.labels) != 0)
        return np.append(True, changed)


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(columns) if columns else np.zeros(0)


def _means(by_class: dict[str, np.ndarray]) -> dict[str, float]:
    """Over the classes that have a figure."""
    return {
        name: float(np.nanmean(each)) if not np.isnan(each).all() else float("nan")
        for name, each in by_class.items()
    }
