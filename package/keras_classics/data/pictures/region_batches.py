"""From pictures with boxes and proposals to the batches a detector of regions trains on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import (
    NO_CLASS,
    Truth,
    as_boxes,
    box_areas,
    check_labels,
    check_proposals,
)
from keras_classics.boxes.matching import match, sample_regions
from keras_classics.boxes.overlap import coverage
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count, Index
from keras_classics.core.errors import InputError
from keras_classics.core.pictures import check_picture
from keras_classics.data.batches import Axes, Visits, stream
from keras_classics.data.pictures.augmenting.box_augmentation import Views

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches

# A proposal that lies so far in a crowd, or in what is difficult, teaches nothing.
_UNSURE = 0.5


class MatchedRegions:
    """The regions of one picture, each with the true box it overlaps most.

    Attributes:
        true: float64 `(m, 4)`, the true boxes that are sure: no crowd, not difficult, of a class.
        true_labels: `(m,)`.
        boxes: float32 `(n, 4)`, the proposals and behind them the true boxes, which are proposals
            too, as in the papers' programs. What has no area shows nothing and is left out.
        truth: `(n,)`, of each region the true box, -1 where it overlaps none.
        overlaps: `(n,)`, how far; -1 of what lies mostly in a crowd, or in what is difficult or of
            no class, and is so neither something nor background.
        labels: `(n,)`, the class of the true box, the number of classes where there is none.
    """

    def __init__(self, truth: Truth, proposals: ArrayLike, classes: int) -> None:
        check_labels("true box", truth.box_labels, classes, NO_CLASS)
        sure = ~truth.crowd & ~truth.difficult & (truth.box_labels >= 0)
        counted = sure & (box_areas(truth.boxes) > 0)
        self.true, self.true_labels = truth.boxes[counted], truth.box_labels[counted]
        boxes = np.concatenate([as_boxes(proposals), self.true])
        boxes = boxes[box_areas(boxes) > 0]
        unsure = coverage(boxes, truth.boxes[~sure]).max(axis=1, initial=0.0) >= _UNSURE
        found = match(boxes, self.true)
        self.boxes, self.truth = boxes.astype("float32"), found.truth
        self.overlaps = np.where(unsure & (found.overlap < _UNSURE), -1.0, found.overlap)
        self.labels = np.append(self.true_labels, classes)[found.truth]


def matched_regions(
    examples: Sequence[Any], proposals: Sequence[ArrayLike], classes: int
) -> tuple[list[np.ndarray], list[MatchedRegions]]:
    """The pictures, and their regions.

    Raises:
        InputError: There are not as many proposals as pictures, or a picture is none.
    """
    check_proposals(proposals, len(examples))
    images, known = list[np.ndarray](), list[MatchedRegions]()
    for example, boxes in zip(examples, proposals, strict=True):
        check_picture(example.image, (1, 3), f"Picture {len(images)} of {len(examples)}")
        images.append(example.image)
        known.append(MatchedRegions(Truth.of(example), boxes, classes))
    return images, known


@checked
def region_batches(
    examples: Sequence[Any],
    proposals: Sequence[ArrayLike],
    *,
    classes: Count,
    batch_size: Count,
    seed: Index,
    regions: Count = 64,
    positive: float = 0.5,
    background: tuple[float, float] = (0.0, 0.5),
    augment: Sequence[str] = ("flip",),
    first: int = 0,
) -> Batches:
    """Endless training batches `({"image", "boxes"}, {"classes", "offsets"})`, from any batch on.

    Every epoch visits each picture once, augmented anew with its boxes and proposals; of each, so
    many regions are drawn, a quarter of which show something.

    Args:
        examples: Pictures with boxes, all of one size, each with `image`, `boxes` and `box_labels`.
        proposals: `(n, 4)` for each picture.
        classes: Number of classes.
        batch_size: Pictures in a batch; 2 in the paper.
        seed: Chooses orders, views and regions.
        regions: Regions of a picture in a batch.
        positive: From this overlap with a true box on a region shows something.
        background: Least and end of the overlaps of background; `(0.1, 0.5)` in the paper.
        augment: What is done to pictures, boxes and proposals: some of `"mosaic"`, `"scale"`,
            `"crop"`, `"flip"` and `"colour"`. `keras-classics draw-data` shows it.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Returns:
        Batches of float32 pictures, -1 to 1, and boxes `(batch, regions, 4)`; int32 classes
        `(batch, regions)`, background being `classes`; and `(batch, regions, 5)`: the class (-1 of
        background) and the offsets.

    Raises:
        InputError: Pictures differ in size, or are fewer than a batch, or not as many as proposals,
            or an augmentation is unknown.

    Example:
        ```python
        data = kc.data.load("scenes", train=8, image_size=64)
        proposals = [kc.boxes.sliding_windows((64, 64), sides=(32,))] * 8
        batches = kc.data.region_batches(
            data.train, proposals, classes=8, batch_size=2, regions=16, seed=0
        )
        inputs, targets = next(iter(batches))
        inputs["image"].shape, inputs["boxes"].shape  # (2, 64, 64, 3), (2, 16, 4)
        ```
    """
    # Read once: a split may decode its pictures anew.
    held = list(examples)
    images, known = matched_regions(held, proposals, classes)

    def teaches(regions: MatchedRegions) -> bool:
        overlaps = regions.overlaps
        empty = (overlaps >= background[0]) & (overlaps < background[1])
        return bool(((overlaps >= positive) | empty).any())

    for number, each in enumerate(known):
        if not teaches(each):
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
    shape = images[0].shape
    visits = Visits(len(images), batch_size, seed)
    views = Views(held, augment, proposals)

    def seen(number: int, rng: np.random.Generator) -> tuple[np.ndarray, MatchedRegions]:
        view, changed = views(number, rng)
        if not changed:
            return images[number], known[number]
        regions = MatchedRegions(Truth(view.boxes, **view.rows), view.proposals, classes)
        # Where too little is left of a picture, it is seen as it is.
        return (view.image, regions) if teaches(regions) else (images[number], known[number])

    def make(number: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        # With the engine, which readers of data do without.
        from keras_classics.boxes.box_regression import regression_targets

        epoch, place, chosen = visits(number)
        rng = np.random.default_rng([seed, epoch, place])
        pictures = np.empty((batch_size, *shape), "float32")
        boxes, true = np.empty((2, batch_size, regions, 4), "float32")
        labels = np.empty((batch_size, regions), "int32")
        for row, example in enumerate(chosen.tolist()):
            pictures[row], found = seen(example, rng)
            drawn = sample_regions(
                found.overlaps, regions, rng, positive=positive, background=background
            )
            shows = found.overlaps[drawn] >= positive
            labels[row] = np.where(shows, found.labels[drawn], classes)
            boxes[row] = true[row] = found.boxes[drawn]
            true[row, shows] = found.true[found.truth[drawn[shows]]]
        offsets = np.full((batch_size, regions, 5), -1, "float32")
        shown = labels < classes
        offsets[shown, 0] = labels[shown]
        # At once: a call of the engine for each picture takes longer.
        offsets[..., 1:] = regression_targets(boxes.reshape(-1, 4), true.reshape(-1, 4)).reshape(
            boxes.shape
        )
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
