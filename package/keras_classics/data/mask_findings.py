"""What the doctor finds in masks: how much of each class there is, and where nothing is said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_classics.data.faults import listed
from keras_classics.data.holdout import SPLIT_NAMES
from keras_classics.data.pictures.formats.mask_files import IGNORED

# From this share of ignored pixels on, the rest teaches little.
_MUCH = 0.5


class MaskFindings:
    """The pixels of each class in each split, and the masks that look wrong.

    Args:
        classes: Names of the classes of pixels.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = classes
        self.counts = {split: np.zeros(256, "int64") for split in SPLIT_NAMES}
        self.single, self.silent = list[str](), list[str]()

    def add(self, split: str, name: str, mask: np.ndarray) -> None:
        """Look at the mask of a picture.

        Args:
            split: Where it belongs.
            name: What the picture is called.
            mask: uint8 `(height, width)`.
        """
        counts = np.bincount(mask.ravel(), minlength=256)
        self.counts[split] += counts
        if np.count_nonzero(counts[:IGNORED]) == 1:
            self.single.append(name)
        if counts[IGNORED] > _MUCH * mask.size:
            self.silent.append(f"{name} ({counts[IGNORED] / mask.size:.0%})")

    def table(self) -> tuple[tuple[str, ...], ...]:
        """A heading and rows: of each class its share of the pixels that count, in percent."""
        rows = [("class", *(f"{split} %" for split in SPLIT_NAMES))]
        for number, name in enumerate(self.classes):
            shares = [
                100 * counts[number] / max(1, counts[:IGNORED].sum())
                for counts in self.counts.values()
            ]
            rows.append((name, *(f"{share:.2f}" for share in shares)))
        return tuple(rows)

    def remarks(self) -> list[str]:
        """What may be a mistake."""
        lacking = [
            name for number, name in enumerate(self.classes) if not self.counts["train"][number]
        ]
        single, half = "of a single class", "in more than half of"
        no_pixel = "no pixel in a training mask"
        return [
            *listed(self.single, f"mask is {single}", f"masks are {single}"),
            *listed(
                self.silent,
                f"mask does not count {half} its pixels",
                f"masks do not count {half} their pixels",
            ),
            *listed(lacking, f"class has {no_pixel}", f"classes have {no_pixel}"),
        ]
