"""What a bad figure is owed to when it is no bad detector: ids or boxes in another convention."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from keras_classics.boxes.average_precision import average_precision
from keras_classics.boxes.detections import Detections, Truth, box_areas, check_paired
from keras_classics.boxes.overlap import overlap
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole

# What boxes would be if their four numbers were something else.
READINGS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {
        "xyxy": lambda four: four[:, [1, 0, 3, 2]],
        "xywh": lambda four: np.stack(
            [four[:, 1], four[:, 0], four[:, 1] + four[:, 3], four[:, 0] + four[:, 2]], axis=1
        ),
        "yxhw": lambda four: np.concatenate([four[:, :2], four[:, :2] + four[:, 2:]], axis=1),
        "center_xywh": lambda four: np.concatenate(
            [
                four[:, [1, 0]] - four[:, [3, 2]] / 2,
                four[:, [1, 0]] + four[:, [3, 2]] / 2,
            ],
            axis=1,
        ),
    }
)
# What leads from each to ours; Keras knows all but the third.
_CONVERSIONS: Mapping[str, str] = MappingProxyType(
    {
        name: f"keras.utils.bounding_boxes.convert_format(boxes, source={name!r}, target='yxyx')"
        for name in READINGS
    }
    | {"yxhw": "numpy.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)"}
)
# By so much another reading has to be better to be believed.
_MARGIN = 0.2
_SHIFTS = (-1, 1)


@checked
def diagnose(
    detections: Sequence[Detections], truths: Sequence[Truth], classes: Whole
) -> list[str]:
    """Say what would make the figures much better, as far as a convention explains them.

    Looked at are other readings of the four numbers of a box (by how far true boxes are covered,
    whatever the class), coordinates that are shares of the picture's sides, and ids of classes
    that are shifted by one.

    Args:
        detections: What was found in each picture.
        truths: What is there.
        classes: Number of classes.

    Returns:
        A sentence for each suspicion; empty where there is none.

    Raises:
        InputError: There is no picture, or not the truth for each.

    Example:
        ```python
        found = [kc.boxes.Detections([[10, 10, 50, 50]], [1], [0.9])]
        truths = [kc.boxes.Truth([[10, 10, 50, 50]], [0])]
        kc.boxes.diagnose(found, truths, 2)  # sentences; none where nothing looks wrong
        ```
    """
    check_paired(detections, truths)
    found = [each.boxes for each in detections]
    there = [each.boxes for each in truths]
    sentences = []
    plain = _coverage(found, there)
    others = {name: _coverage(list(map(read, found)), there) for name, read in READINGS.items()}
    best = max(others, key=lambda name: others[name])
    if others[best] > plain + _MARGIN:
        sentences.append(
            f"The boxes seem to be {best} given as yxyx: read so they overlap the true ones by "
            f"{others[best]:.2f} in the mean, and by {plain:.2f} as given. Convert them by "
            f"{_CONVERSIONS[best]}."
        )
    extents = [np.concatenate(each).max(initial=0.0) for each in (found, there)]
    if 0 < extents[0] <= 2.0 < extents[1]:
        sentences.append(
            "The boxes seem to be shares of the picture's sides: none reaches beyond 2. Multiply "
            "them by height and width."
        )
    # Under another convention no class is right.
    figures = {0: _figure(detections, truths, classes, 0)}
    figures |= {shift: _figure(detections, truths, classes, shift) for shift in _SHIFTS}
    shift = max(_SHIFTS, key=lambda each: figures[each])
    if figures[shift] > figures[0] + _MARGIN:
        sentences.append(
            f"The ids of the classes seem to be shifted: with {shift:+d} AP50 is "
            f"{figures[shift]:.2f}, and {figures[0]:.2f} as given. Number classes from 0 on."
        )
    return sentences


def _coverage(found: Sequence[np.ndarray], there: Sequence[np.ndarray]) -> float:
    """Mean over true boxes of the overlap with the detection that overlaps each most."""
    best = []
    for boxes, others in zip(found, there, strict=True):
        if len(boxes):
            sound = boxes[(boxes[:, 2:] >= boxes[:, :2]).all(axis=1) & (box_areas(boxes) > 0)]
            best.append(overlap(others, sound).max(axis=1, initial=0.0))
        else:
            best.append(np.zeros(len(others)))
    joined = np.concatenate(best)
    return float(joined.mean()) if joined.size else 0.0


def _figure(
    detections: Sequence[Detections], truths: Sequence[Truth], classes: Whole, shift: int
) -> float:
    count = int(classes)
    shifted = []
    for each in detections:
        labels = each.box_labels + shift
        stay = (labels >= 0) & (labels < count)
        shifted.append(Detections(each.boxes[stay], labels[stay], each.scores[stay]))
    figure = average_precision(shifted, truths, count, rules="voc10", sizes={}).figures["AP"]
    return 0.0 if np.isnan(figure) else figure
