"""From pictures with boxes and proposals to the batches R-CNN's network is tuned on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.matching import sample_regions
from keras_classics.boxes.region_warping import CONTEXT, warp_regions
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count, Index
from keras_classics.core.errors import InputError
from keras_classics.data.batches import Axes, stream
from keras_classics.data.pictures.region_batches import matched_regions

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches


@checked
def warped_batches(
    examples: Sequence[Any],
    proposals: Sequence[ArrayLike],
    *,
    classes: Count,
    seed: Index,
    batch_size: Count = 128,
    size: Count = 227,
    context: Index = CONTEXT,
    square: bool = False,
    positive: float = 0.5,
    positive_share: float = 0.25,
    flip: bool = True,
    first: int = 0,
) -> Batches:
    """Endless training batches `(pictures, classes)` of warped regions, from any batch on.

    Girshick et al. (2014): of each batch of 128 regions 32 show something, of any class, and 96 are
    background, drawn from all pictures alike. True boxes are regions too; what lies mostly in a
    crowd, or in what is difficult, is none.

    Args:
        examples: Pictures with boxes, of any sizes, each with `image`, `boxes` and `box_labels`.
        proposals: `(n, 4)` for each picture.
        classes: Number of classes.
        seed: Chooses regions and mirroring.
        batch_size: Regions in a batch.
        size: Side that regions are warped to.
        context: Pixels of it around a region, as for `kc.models.warp_regions`.
        square: Whether regions keep their shape.
        positive: From this overlap with a true box on a region shows something.
        positive_share: The share of a batch that shows something, where there is enough.
        flip: Whether to mirror every second region.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Returns:
        Batches of float32 pictures `(batch_size, size, size, 3)`, -1 to 1, and int32 classes
        `(batch_size,)`, background being `classes`.

    Raises:
        InputError: There are not as many proposals as pictures, or no region at all.
    """
    images, known = matched_regions(examples, proposals, classes)
    overlaps = np.concatenate([np.zeros(0), *(each.overlaps for each in known)])
    if not (overlaps >= 0).any():
        raise InputError(
            f"{len(images)} pictures with {len(overlaps)} regions that show something or are "
            "background were given",
            "one or more",
            "Give proposals, such as those of kc.boxes.sliding_windows.",
        )
    begins = np.cumsum([0, *(len(each.boxes) for each in known)])

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([seed, number])
        drawn = sample_regions(
            overlaps, batch_size, rng, positive=positive, background=(0.0, positive),
            positive_share=positive_share,
        )  # fmt: skip
        pictures = np.empty((batch_size, size, size, 3), "float32")
        labels = np.full(batch_size, classes, "int32")
        owners = np.searchsorted(begins, drawn, side="right") - 1
        for owner in np.unique(owners):
            rows = np.flatnonzero(owners == owner)
            regions, places = known[owner], drawn[rows] - begins[owner]
            boxes = regions.boxes[places]
            pictures[rows] = warp_regions(
                images[owner], boxes, size, context=context, square=square
            )
            shows = regions.overlaps[places] >= positive
            labels[rows] = np.where(shows, regions.labels[places], classes)
        turned = rng.random(batch_size) < 0.5 * flip
        pictures[turned] = pictures[turned, :, ::-1]
        return pictures / 127.5 - 1.0, labels

    like = (
        Axes((batch_size, size, size, 3), "float32"),
        Axes((batch_size,), "int32"),
    )
    return stream(make, like, first=first)
