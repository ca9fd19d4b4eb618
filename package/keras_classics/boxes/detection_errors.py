"""Over what a detector errs: every detection sorted by its mistake, every true box by its finder.

After Hoiem et al. (2012) and Bolya et al. (TIDE, 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_classics.boxes.detections import Detections, Truth, check_paired
from keras_classics.boxes.overlap import overlap
from keras_classics.core.arguments import checked

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
    - `"neither"` where that box is difficult or a crowd;
    - `"duplicate"` where it was found before;
    - `"class"` where it overlaps a box of another class by the threshold;
    - `"localisation"` where it overlaps one of its class by less, yet by more than background;
    - `"both"` where it so overlaps one of another class;
    - `"background"` else.

    Args:
        detections: What was found in each picture; leave out unsure ones before.
        truths: What is there.
        threshold: The overlap from which a box is found.
        background: The overlap up to which there is nothing.

    Returns:
        Counts, and the kinds by picture.

    Raises:
        InputError: There is no picture, or not the truth for each.
    """
    check_paired(detections, truths)
    kinds, missed = [], []
    for found, there in zip(detections, truths, strict=True):
        names, taken = _sorted_picture(found, there, threshold, background)
        kinds.append(names)
        missed.append(~taken & ~there.difficult & ~there.crowd & (there.box_labels >= 0))
    counts = {kind: sum(names.count(kind) for names in kinds) for kind in KINDS}
    counts["missed"] = int(sum(each.sum() for each in missed))
    return SortedErrors(counts, kinds, missed)


def _sorted_picture(
    found: Detections, there: Truth, threshold: float, background: float
) -> tuple[list[str], np.ndarray]:
    shared = overlap(found.boxes, there.boxes)
    same = found.box_labels[:, None] == there.box_labels
    own, others = np.where(same, shared, 0.0), np.where(same, 0.0, shared)
    uncounted = there.difficult | there.crowd
    taken = np.zeros(len(there), bool)
    kinds = [""] * len(found)
    for number in np.lexsort((*found.boxes.T[::-1], -found.scores)).tolist():
        near = np.flatnonzero(own[number] >= threshold)
        free = near[~taken[near] & ~uncounted[near]]
        if len(free):
            taken[free[own[number, free].argmax()]] = True
            kinds[number] = "right"
        elif len(near):
            kinds[number] = "neither" if uncounted[near].any() else "duplicate"
        elif others[number].max(initial=0.0) >= threshold:
            kinds[number] = "class"
        elif own[number].max(initial=0.0) > background:
            kinds[number] = "localisation"
        elif others[number].max(initial=0.0) > background:
            kinds[number] = "both"
        else:
            kinds[number] = "background"
    return kinds, taken
