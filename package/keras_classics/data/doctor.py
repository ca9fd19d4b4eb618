"""The doctor of data sets: what is wrong with one, with the names of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from keras_classics.core.progress import tracked
from keras_classics.data.faults import listed
from keras_classics.data.holdout import SPLIT_NAMES, digest
from keras_classics.data.load import Data, options_of
from keras_classics.data.mask_findings import MaskFindings

# Shorter sides are seen by few networks.
_SMALL = 8.0
_NAMED = 5


class Findings(NamedTuple):
    """What was found.

    Attributes:
        facts: Lines about the set.
        table: A heading and rows: of each class its boxes, pictures, or share of the pixels in
            percent, in each split.
        faults: What was left out when the set was read, one sentence each.
        remarks: What was not left out and may be a mistake.
    """

    facts: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    faults: tuple[str, ...]
    remarks: tuple[str, ...]


def examine(data: Data) -> Findings:
    """Look at every example of a set once.

    Args:
        data: The set, read without `strict`.
    """
    info = data.info
    facts = [f"{info.name}: " + ", ".join(f"{n} {split}" for split, n in info.sizes.items())]
    facts += [f"splits: {info.split_rule}"] if info.split_rule else []
    facts += [f"origin: {info.origin}"] if info.origin else []
    names = {"boxes": "boxes", "class_mask": "the class of every pixel"}
    if kinds := [name for field, name in names.items() if data.has(field)]:
        asked = info.pixel_classes or "masks" not in options_of(info.name)
        more = "" if asked else f"; with masks=True {names['class_mask']}"
        facts.append(f"looked at: {', '.join(kinds)}{more}")
    remarks = [*info.remarks, *_id_gaps(data), *_near_names(info.classes or ())]
    counts: dict[str, Counter[int]] = {}
    seen: dict[tuple[Any, ...], tuple[str, str, list[Any]]] = {}
    empty, small, twice, left_out = list[str](), list[str](), list[str](), list[str]()
    shapes = Counter[tuple[int, ...]]()
    masks = MaskFindings(info.pixel_classes or ())
    for split in SPLIT_NAMES:
        counts[split] = Counter()
        examples = getattr(data, split)
        for example in tracked(examples, f"Examining {split}", len(examples)):
            _count(example, counts[split])
            image = getattr(example, "image", None)
            if image is None:
                continue
            shapes[image.shape[:2]] += 1
            said = _said(example)
            where, name, other = seen.setdefault(
                (image.shape, digest(image)), (split, example.name, said)
            )
            if where != split or other != said:
                otherwise = ", and something else is said of it" if other != said else ""
                remarks.append(
                    f"The picture {example.name} of {split} is {name} of {where} too{otherwise}."
                )
            mask = getattr(example, "class_mask", None)
            if mask is not None:
                masks.add(split, example.name, mask)
            boxes = getattr(example, "boxes", None)
            if boxes is None:
                continue
            if lost := getattr(example, "left_out", 0):
                left_out.append(f"{example.name} ({lost})")
            if not len(boxes):
                empty.append(example.name)
            else:
                sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
                small += [f"{example.name} ({side:g})" for side in sides[sides < _SMALL]]
                pairs = np.column_stack([boxes, example.box_labels])
                if len(np.unique(pairs, axis=0)) < len(pairs):
                    twice.append(example.name)
    if shapes:
        (least, most) = min(shapes), max(shapes)
        sizes = f"{least[0]} x {least[1]}"
        sizes += f" to {most[0]} x {most[1]}" if most != least else ""
        facts.append(f"pictures: {sizes} pixels (height x width), {counted(len(shapes), 'size')}")
    lost_boxes = "boxes without area or class, which are left out"
    double = "the same box of the same class twice"
    below = f"a side below {_SMALL:g} pixels"
    remarks += listed(left_out, f"picture has {lost_boxes}", f"pictures have {lost_boxes}")
    remarks += listed(empty, "picture has no box", "pictures have no box")
    remarks += listed(small, f"box has {below}", f"boxes have {below}")
    remarks += listed(twice, f"picture has {double}", f"pictures have {double}")
    table: tuple[tuple[str, ...], ...] = ()
    if info.classes:
        rows = [
            (name, *(str(counts[split][number]) for split in SPLIT_NAMES))
            for number, name in enumerate(info.classes)
        ]
        table = (("class", *SPLIT_NAMES), *rows)
        lacking = [
            name
            for number, name in enumerate(info.classes)
            if not counts["train"][number] and any(counts[split][number] for split in SPLIT_NAMES)
        ]
        remarks += listed(
            lacking, "class is in no training example", "classes are in no training example"
        )
    elif info.pixel_classes:
        table = masks.table()
    remarks += masks.remarks()
    return Findings(tuple(facts), table, tuple(info.skipped), tuple(remarks))


def counted(number: int, what: str) -> str:
    """A number and what there are so many of, such as `"1 fault"` and `"2 faults"`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _said(example: Any) -> list[Any]:
    """What is to be learned of a picture, whatever the order of its objects."""
    mask = getattr(example, "class_mask", None)
    boxes, objects = getattr(example, "boxes", None), list[Any]()
    if boxes is not None:
        objects = np.column_stack([boxes, example.box_labels]).tolist()
    return [
        getattr(example, "label", None),
        None if mask is None else digest(mask),
        sorted(objects),
    ]


def _count(example: Any, counter: Counter[int]) -> None:
    labels = getattr(example, "box_labels", None)
    if labels is None:
        label = getattr(example, "label", None)
        labels = [] if label is None else [label]
    counter.update(int(label) for label in labels)


def _id_gaps(data: Data) -> list[str]:
    """Numbers that a file has for its classes, where they are not ours."""
    ids, names = data.info.class_ids, data.info.classes
    if not ids or not names or ids == tuple(range(len(ids))):
        return []
    if len(ids) == 1:
        return [f"The file numbers its only class, {names[0]}, {ids[0]}: here it is 0."]
    # Ids may be any numbers: what lies between two far ones is not counted up.
    between = (range(low + 1, high) for low, high in pairwise(sorted(ids)))
    missing = list(islice(chain.from_iterable(between), _NAMED + 1))
    gaps = f", without {', '.join(map(str, missing[:_NAMED]))}" if missing else ""
    gaps += ", ..." if len(missing) > _NAMED else ""
    return [
        f"The file numbers its {len(ids)} classes {min(ids)} to {max(ids)}{gaps}: here they are 0 "
        f"to {len(ids) - 1} ({names[0]} {ids[0]} -> 0, {names[-1]} {ids[-1]} -> {len(ids) - 1})."
    ]


def _near_names(classes: Sequence[str]) -> list[str]:
    """Names that differ by case or spaces only."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault("".join(name.lower().replace("_", " ").split()), []).append(name)
    return [
        f"The classes {', '.join(map(repr, names))} may be one."
        for names in groups.values()
        if len(names) > 1
    ]
