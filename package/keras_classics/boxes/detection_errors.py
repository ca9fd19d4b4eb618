"""Over what a detector errs: every detection sorted by its mistake, every true box by its finder.

After Hoiem et al. (2012) and Bolya et al. (TIDE, 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_classics.boxes.detections import NO_CLASS, Detections, Truth, check_paired
from keras_classics.boxes.overlap import coverage, overlap
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_overlap, check_probability

KINDS = ("right", "localisation", "class", "both", "duplicate", "background", "neither")


class SortedErrors(NamedTuple):
    """What became of detections and of true boxes.

    Attributes:
        counts: How many detections are of each of `KINDS`, and how many true boxes are `"missed"`.
        detections: Of each picture, the kind of each detection, in the order given.
        missed: Of each picture, bool, whether each true box was missed.
    """

    counts: dict[str, int]
    detections: list[list[str]]
    missed: list[np.ndarray]


@checked
def sort_errors(
    detections: Sequence[Detections],
    truths: Sequence[Truth],
    *,
    threshold: float = 0.5,
    background: float = 0.1,
) -> SortedErrors:
    """Sort detections by their mistakes.

    A detection, the surest first, is

    - `"right"` where it overlaps a true box of its class by the threshold that none found before;
    - `"neither"` where that box is difficult, or where so large a share of the detection lies in a
      crowd of its class, or in a region of no class;
    - `"duplicate"` where it was found before;
    - `"class"` where it overlaps a box of another class by the threshold;
    - `"localisation"` where it overlaps one of its class by less, yet by more than background;
    - `"both"` where it so overlaps one of another class;
    - `"background"` else.

    Args:
        detections: What was found in each picture; leave out unsure ones before.
        truths: What is there.
        threshold: The overlap from which a box is found.
        background: The overlap up to which there is nothing, no more than the threshold.

    Returns:
        Counts, and the kinds by picture.

    Raises:
        InputError: There is no picture, or not the truth for each, or an overlap is none.
    """
    check_paired(detections, truths)
    threshold = check_overlap("threshold", threshold)
    background = check_probability("background", background)
    if background > threshold:
        raise InputError(
            f"background={background:g} and threshold={threshold:g} were given",
            "a background of less overlap than what is found",
            "Give a lower background.",
        )
    kinds, missed = [], []
    for found, there in zip(detections, truths, strict=True):
        names, taken = _sorted_picture(found, there, threshold, background)
        kinds.append(names)
        counted = ~there.difficult & ~there.crowd & (there.box_labels >= 0)
        missed.append(~taken & counted)
    counts = {kind: sum(names.count(kind) for names in kinds) for kind in KINDS}
    counts["missed"] = int(sum(each.sum() for each in missed))
    return SortedErrors(counts, kinds, missed)


def _sorted_picture(
    found: Detections, there: Truth, threshold: float, background: float
) -> tuple[list[str], np.ndarray]:
    shared = overlap(found.boxes, there.boxes)
    same = found.box_labels[:, None] == there.box_labels
    own = np.where(same & ~there.crowd, shared, 0.0)
    counted = ~there.difficult & ~there.crowd & (there.box_labels >= 0)
    others = np.where(~same & counted, shared, 0.0)
    open_to_all = (same & there.crowd) | (there.box_labels == NO_CLASS)
    within = np.where(open_to_all, coverage(found.boxes, there.boxes), 0.0).max(axis=1, initial=0.0)
    taken = np.zeros(len(there), bool)
    kinds = [""] * len(found)
    for number in np.lexsort((*found.boxes.T[::-1], -found.scores)).tolist():
        near = np.flatnonzero(own[number] >= threshold)
        free = near[~taken[near] & ~there.difficult[near]]
        if len(free):
            taken[free[own[number, free].argmax()]] = True
            kinds[number] = "right"
        elif there.difficult[near].any() or within[number] >= threshold:
            kinds[number] = "neither"
        elif len(near):
            kinds[number] = "duplicate"
        elif others[number].max(initial=0.0) >= threshold:
            kinds[number] = "class"
        elif own[number].max(initial=0.0) > background:
            kinds[number] = "localisation"
        elif others[number].max(initial=0.0) > background:
            kinds[number] = "both"
        else:
            kinds[number] = "background"
    return kinds, taken
