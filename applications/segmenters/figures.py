"""What is counted of a segmenter."""

from __future__ import annotations

import os
import re
import statistics
from typing import NamedTuple

import numpy as np

import keras_classics as kc

# Side of the scenes. Averaged over steps of 8 and enlarged again, masks of 128 pixels keep a mean
# IU of 0.82, of 192 one of 0.90.
SCENE_SIDE = 192
# Forty windows take half a megabyte; of smaller ones less is known than of whole pictures.
WINDOW = 80


class Shown(NamedTuple):
    """A picture with what was said of its pixels."""

    image: np.ndarray
    name: str
    class_mask: np.ndarray


def scores(truth, found, classes):
    """Of masks the four figures and the F of outlines; and a column of IU by class."""
    counts = kc.training.pixel_confusion(truth, found, len(classes))
    metrics = kc.training.pixel_figures(counts)
    metrics["boundary F"] = kc.training.boundary_f(truth, found, len(classes))
    by_class = {
        "class": list(classes),
        "pixels": counts.sum(axis=1),
        "IU": kc.training.intersections_over_unions(counts),
    }
    return metrics, by_class


def write_examples(folder, examples, say, classes):
    """Keep the examples by which a segmenter is judged wherever it lies: windows of its pictures.

    Args:
        folder: Of the run.
        examples: Of the test split; those of different sizes fit onto no sheet.
        say: From pictures to masks.
        classes: Their names.
    """
    if len({each.image.shape for each in examples}) > 1:
        return
    cut = [window_of(each.class_mask) for each in examples]
    images = np.stack([each.image[place] for each, place in zip(examples, cut, strict=True)])
    masks = [each.class_mask[place] for each, place in zip(examples, cut, strict=True)]

    def score(answers, references):
        shape = masks[0].shape
        truth = [mask_of(text, shape, classes) for (text,) in references]
        found = [mask_of(text, shape, classes) for text in answers]
        return scores(truth, found, classes)[0]

    references = [[told(mask, classes)] for mask in masks]
    answers = [told(mask, classes) for mask in say(images)]
    kc.export.write_examples(folder, images, references, answers, score)


def window_of(mask):
    """Where in a mask the most outlines are: two slices of at most `WINDOW` pixels."""
    sides = [min(WINDOW, side) for side in mask.shape]
    outlines = np.pad(kc.data.boundary_map(mask) == 1, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    down, right = sides
    counts = (
        outlines[down:, right:] - outlines[:-down, right:] - outlines[down:, :-right]
        + outlines[:-down, :-right]
    )  # fmt: skip
    corner = np.unravel_index(counts.argmax(), counts.shape)
    return tuple(slice(at, at + side) for at, side in zip(corner, sides, strict=True))


def told(mask, classes):
    """The pixels row by row: each class and how many follow; nothing is said of ``-``."""
    pixels = mask.ravel()
    starts = np.flatnonzero(np.diff(pixels, prepend=-1))
    lengths = np.diff(starts, append=len(pixels))
    names = [*_spelled(classes), *["-"] * (256 - len(classes))]
    return ", ".join(
        f"{names[pixels[start]]} {length}" for start, length in zip(starts, lengths, strict=True)
    )


def _spelled(classes):
    """Names as `told` has them: a number in place of one that could be read as something else."""
    unclear = re.compile(r"\d, |^-$|^#\d+$")
    return [f"#{n}" if unclear.search(name) else name for n, name in enumerate(classes)]


def mask_of(text, shape, classes):
    """The mask of a text by `told`."""
    runs = [run.rsplit(" ", 1) for run in re.split(r"(?<=\d), ", text)]
    labels = {**{name: label for label, name in enumerate(_spelled(classes))}, "-": 255}
    values = [labels[name] for name, _ in runs]
    return np.repeat(values, [int(length) for _, length in runs]).reshape(shape)


def shortened(name):
    """What of a name leaves room behind it: file systems take 255 bytes."""
    # As a file system has it, whose names need not be text.
    kept = os.fsencode(name)
    return name if len(kept) <= 200 else kept[:200].decode(errors="ignore")


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
