"""From pictures with boxes and proposals to the batches a detector of regions trains on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import Truth, as_boxes
from keras_classics.boxes.matching import match, sample_regions
from keras_classics.boxes.overlap import coverage
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import InputError, check_whole
from keras_classics.data.batches import Axes, Visits, stream

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches

# A proposal that lies so far in a crowd, or in what is difficult, teaches nothing.
_UNSURE = 0.5


class MatchedRegions:
    """The proposals of one picture, each with the true box it overlaps most."""

    def __init__(self, example: Any, proposals: ArrayLike, classes: int) -> None:
        truth = Truth.of(example)
        if truth.box_labels.max(initial=-1) >= classes:
            raise InputError(
                f"A box of class {truth.box_labels.max()} was given, with classes={classes}",
                f"0 to {classes - 1}",
                "Count classes from 0, and the background as none of them.",
            )
        sure = ~truth.crowd & ~truth.difficult & (truth.box_labels >= 0)
        true, labels = truth.boxes[sure], truth.box_labels[sure]
        # True boxes are proposals too, as in the paper's program.
        boxes = np.concatenate([as_boxes(proposals), true])
        unsure = coverage(boxes, truth.boxes[~sure]).max(axis=1, initial=0.0) >= _UNSURE
        found = match(boxes, true)
        self.boxes = boxes.astype("float32")
        self.overlaps = np.where(unsure & (found.overlap < _UNSURE), -1.0, found.overlap)
        # What has no area shows nothing, not even background.
        self.overlaps[(boxes[:, 2:] <= boxes[:, :2]).any(axis=1)] = -1.0
        self.labels = np.full(len(boxes), classes)
        self.offsets = np.zeros((len(boxes), 4), "float32")
        self.near = np.flatnonzero(found.truth >= 0)
        self.true = true[found.truth[self.near]]
        self.labels[self.near] = labels[found.truth[self.near]]


def matched_regions(
    examples: Sequence[Any], proposals: Sequence[ArrayLike], classes: int
) -> tuple[list[np.ndarray], list[MatchedRegions]]:
    """The pictures, and their regions.

    Raises:
        InputError: There are not as many proposals as pictures.
    """
    if len(examples) != len(proposals):
        raise InputError(
            f"{len(examples)} pictures and proposals for {len(proposals)} were given",
            "equally many",
            "Give an empty array for a picture without proposals.",
        )
    images, known = [], []
    for example, boxes in zip(examples, proposals, strict=True):
        images.append(example.image)
        known.append(MatchedRegions(example, boxes, classes))
    return images, known


@checked
def region_batches(
    examples: Sequence[Any],
    proposals: Sequence[ArrayLike],
    *,
    classes: Whole,
    batch_size: Whole,
    seed: int,
    regions: Whole = 64,
    positive: float = 0.5,
    background: tuple[float, float] = (0.0, 0.5),
    flip: bool = True,
    first: int = 0,
) -> Batches:
    """Endless training batches `({"image", "boxes"}, {"classes", "offsets"})`, from any batch on.

    Every epoch visits each picture once, mirrored by chance; of each, so many regions are drawn, a
    quarter of which show something.

    Args:
        examples: Pictures with boxes, all of one size, each with `image`, `boxes` and `box_labels`.
        proposals: `(n, 4)` for each picture.
        classes: Number of classes.
        batch_size: Pictures in a batch; 2 in the paper.
        seed: Chooses orders, mirroring and regions.
        regions: Regions of a picture in a batch.
        positive: From this overlap with a true box on a region shows something.
        background: Least and end of the overlaps of background; `(0.1, 0.5)` in the paper.
        flip: Whether to mirror every second picture.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Returns:
        Batches of float32 pictures, -1 to 1, and boxes `(batch, regions, 4)`; int32 classes
        `(batch, regions)`, background being `classes`; and `(batch, regions, 5)`: the class (-1 of
        background) and the offsets.

    Raises:
        InputError: Pictures differ in size, or are fewer than a batch, or not as many as proposals.
    """
    classes, regions = check_whole("classes", classes), check_whole("regions", regions)
    batch_size = check_whole("batch_size", batch_size)
    images, known = matched_regions(examples, proposals, classes)
    for number, each in enumerate(known):
        shows = each.overlaps >= positive
        if not (shows | ((each.overlaps >= background[0]) & (each.overlaps < background[1]))).any():
            raise InputError(
                f"Picture {number} of {len(known)} has no region that shows something or is "
                f"background, of {len(each.boxes)}",
                f"one that overlaps a true box by {positive} or more, or by {background[0]} to "
                f"below {background[1]}",
                "Give it proposals, as of kc.boxes.sliding_windows, or leave it out.",
            )
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise InputError(
            f"Pictures of {len(shapes)} sizes were given, such as {sorted(shapes)[:2]}",
            "pictures of one size",
            "Load them with image_size.",
        )
    _fill_offsets(known)
    visits = Visits(len(images), batch_size, seed)
    shape = images[0].shape

    def make(number: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        epoch, place, chosen = visits(number)
        rng = np.random.default_rng([seed, epoch, place])
        pictures = np.empty((batch_size, *shape), "float32")
        boxes = np.empty((batch_size, regions, 4), "float32")
        labels = np.empty((batch_size, regions), "int32")
        offsets = np.empty((batch_size, regions, 5), "float32")
        for row, example in enumerate(chosen):
            found = known[example]
            drawn = sample_regions(
                found.overlaps, regions, rng, positive=positive, background=background
            )
            shows = found.overlaps[drawn] >= positive
            labels[row] = np.where(shows, found.labels[drawn], classes)
            offsets[row, :, 0] = np.where(shows, found.labels[drawn], -1)
            offsets[row, :, 1:] = found.offsets[drawn]
            boxes[row] = found.boxes[drawn]
            image = images[example]
            if flip and rng.random() < 0.5:
                image = image[:, ::-1]
                boxes[row][:, [1, 3]] = shape[1] - boxes[row][:, [3, 1]]
                offsets[row, :, 2] *= -1.0
            pictures[row] = image
        return (
            {"image": pictures / 127.5 - 1.0, "boxes": boxes},
            {"classes": labels, "offsets": offsets},
        )

    like = (
        {"image": Axes((batch_size, *shape), "float32"),
         "boxes": Axes((batch_size, regions, 4), "float32")},
        {"classes": Axes((batch_size, regions), "int32"),
         "offsets": Axes((batch_size, regions, 5), "float32")},
    )  # fmt: skip
    return stream(make, like, first=first)


def _fill_offsets(known: Sequence[MatchedRegions]) -> None:
    """Compute the offsets of all pictures at once: a call of the engine for each takes longer."""
    # With the engine, which readers of data do without.
    from keras_classics.boxes.box_regression import regression_targets

    pairs = [(each.boxes[each.near], each.true) for each in known]
    boxes, true = (np.concatenate(each) for each in zip(*pairs, strict=True))
    offsets = regression_targets(boxes, true)
    ends = np.cumsum([len(each.near) for each in known])
    for each, part in zip(known, np.split(offsets, ends[:-1]), strict=True):
        each.offsets[each.near] = part
