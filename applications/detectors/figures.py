"""What is counted of a detector: precision by class and size, and mistakes by their kind."""

from __future__ import annotations

import math
import types

import numpy as np

import keras_classics as kc


def truths_of(examples):
    """What is there in each picture."""
    return [kc.boxes.Truth.of(each) for each in examples]


def surest(detections, least):
    """The detections of a picture with at least a score."""
    stay = detections.scores >= least
    return kc.boxes.Detections(
        detections.boxes[stay], detections.box_labels[stay], detections.scores[stay]
    )


def precisions(found, truths, classes, **rules):
    """Figures over all classes, those that there are, and a column of each by class."""
    precision = kc.boxes.average_precision(found, truths, len(classes), **rules)
    known = {name: value for name, value in precision.figures.items() if not math.isnan(value)}
    columns = {name: precision.by_class[name] for name in known}
    return known, {"class": classes, "true boxes": precision.counts, **columns}


def mistakes(found, truths):
    """How many of the detections are right, and of each kind of mistake."""
    return kc.boxes.sort_errors(found, truths).counts


def told(boxes, names, scores):
    """Boxes as people read them."""
    return ", ".join(
        f"{name} {score:.0%} ({' '.join(f'{side:.0f}' for side in box)})"
        for name, score, box in zip(names, scores, boxes, strict=True)
    ) or "nothing"  # fmt: skip


def sure_rows(boxes, names, scores, least):
    """The boxes, names of classes and scores of what has at least a score, in lists."""
    rows = [row for row in zip(boxes, names, scores, strict=True) if row[2] >= least]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    kept = dict(zip(("boxes", "classes", "scores"), map(list, columns), strict=True))
    return {**kept, "boxes": [list(map(float, box)) for box in kept["boxes"]]}


def write_examples(folder, examples, found, classes):
    """Keep the examples by which a detector is judged wherever it lies.

    Args:
        folder: Of the run.
        examples: Of the test split; those of different sizes fit onto no sheet.
        found: What the detector finds in each.
        classes: Their names.
    """
    if len({each.image.shape for each in examples}) > 1:
        return

    def score(answers, _):
        some = slice(len(answers))
        return precisions(found[some], truths_of(examples[some]), classes)[0]

    names = [[classes[label] for label in each.box_labels] for each in found]
    answers = [told(each.boxes, own, each.scores) for each, own in zip(found, names, strict=True)]
    true = [references(each, classes) for each in examples]
    images = np.stack([each.image for each in examples])
    kc.export.write_examples(folder, images, true, answers, score)


def references(example, classes):
    """The true boxes of a picture, a text each."""
    return [
        f"{classes[label]} {' '.join(f'{side:g}' for side in box)}"
        for box, label in zip(example.boxes.tolist(), example.box_labels, strict=True)
    ]


def draw_answers(path, answers):
    """Draw what was found in pictures of which nobody says what is there.

    Args:
        path: File to write.
        answers: A picture, its name, and boxes, names of classes and scores of each.
    """
    classes = sorted({name for _, _, _, names, _ in answers for name in names})
    pictures = [types.SimpleNamespace(image=image, name=name, boxes=(), box_labels=())
                for image, name, *_ in answers]  # fmt: skip
    found = [
        kc.boxes.Detections(boxes, [classes.index(name) for name in names], scores)
        for _, _, boxes, names, scores in answers
    ]
    kc.analysis.draw_boxes(path, pictures, classes, found)
