"""What is counted of a segmenter."""

from __future__ import annotations

import statistics
from typing import NamedTuple

import numpy as np

import keras_classics as kc

# Side of the scenes. Averaged over steps of 8 and enlarged again, masks of 128 pixels keep a mean
# IU of 0.82, of 192 one of 0.90.
SCENE_SIDE = 192


class Shown(NamedTuple):
    """A picture with what was said of its pixels."""

    image: np.ndarray
    name: str
    class_mask: np.ndarray


def scores(examples, found, classes):
    """The four figures and the F of outlines; and a column of IU by class."""
    truth = [each.class_mask for each in examples]
    counts = kc.training.pixel_confusion(truth, found, len(classes))
    metrics = kc.training.pixel_figures(counts)
    metrics["boundary F"] = kc.training.boundary_f(truth, found, len(classes))
    by_class = {
        "class": list(classes),
        "pixels": counts.sum(axis=1),
        "IU": kc.training.intersections_over_unions(counts),
    }
    return metrics, by_class


def write_examples(folder, examples, found, classes):
    """Keep the examples by which a segmenter is judged wherever it lies.

    Args:
        folder: Of the run.
        examples: Of the test split; those of different sizes fit onto no sheet.
        found: What the segmenter says of each.
        classes: Their names.
    """
    if len({each.image.shape for each in examples}) > 1:
        return

    def score(answers, _):
        some = slice(len(answers))
        return scores(examples[some], found[some], classes)[0]

    references = [[told(each.class_mask, classes)] for each in examples]
    answers = [told(mask, classes) for mask in found]
    images = np.stack([each.image for each in examples])
    kc.export.write_examples(folder, images, references, answers, score)


def told(mask, classes):
    """The pixels of each class as people read them."""
    counts = np.bincount(mask[mask < len(classes)].ravel(), minlength=len(classes))
    return ", ".join(f"{classes[n]} {counts[n]}" for n in np.flatnonzero(counts))


def means(rows):
    """Of rows of each kind the means, and the standard deviation of the mean IU."""
    found = {}
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        names = [name for name in own[0] if name not in ("kind", "seed")]
        found[kind] = {name: statistics.fmean(row[name] for row in own) for name in names}
        if len(own) > 1:
            found[kind]["+- mean IU"] = statistics.stdev(row["mean IU"] for row in own)
    return found
