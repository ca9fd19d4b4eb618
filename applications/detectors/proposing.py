"""Proposals of a detector, by its settings, and how good those of each kind are."""

from __future__ import annotations

import time

import numpy as np

import keras_classics as kc

KINDS = ("grid", "fast", "quality")


def propose(images, settings, kind=None):
    """Proposals for each picture: the windows of a grid, or by selective search.

    Args:
        images: uint8 `(height, width, 3)` each.
        settings: `proposals`, `sides`, `step` and `least_side` count.
        kind: One of `KINDS` in place of the setting.
    """
    kind = kind or settings.proposals
    if kind != "grid":
        search = {"mode": kind, "least_side": settings.least_side}
        return [kc.boxes.selective_search(image, **search) for image in images]
    sizes = {image.shape[:2] for image in images}
    grids = {size: windows(size, settings) for size in sizes}
    return [grids[image.shape[:2]] for image in images]


def windows(size, settings):
    """The grid of squares over a picture of a size, without those with too short a side."""
    found = kc.boxes.sliding_windows(size, sides=settings.sides, aspects=(1.0,), step=settings.step)
    return found[(found[:, 2:] - found[:, :2]).min(axis=1) >= settings.least_side]


def few(proposals, count, seed):
    """So many of the proposals of each picture at most, drawn at random."""
    rng = np.random.default_rng(seed)
    return [each[np.sort(rng.permutation(len(each))[:count])] for each in proposals]


def qualities(examples, classes, settings):
    """Recall, mean average best overlap and seconds for a picture, of each kind."""
    truths = [kc.boxes.Truth.of(each) for each in examples]
    images = [each.image for each in examples]
    rows = {}
    for kind in KINDS:
        begun = time.perf_counter()
        found = propose(images, settings, kind)
        seconds = (time.perf_counter() - begun) / len(images)
        good = kc.boxes.proposal_quality(found, truths, len(classes))
        strict = kc.boxes.proposal_quality(found, truths, len(classes), threshold=0.7)
        rows[kind] = {"proposals": good.mean_count, "recall at 0.5": good.recall,
                      "recall at 0.7": strict.recall, "MABO": good.mabo,
                      "seconds": seconds}  # fmt: skip
    return rows
