"""The F of outlines while a segmenter trains."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_overlap
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Count, Tensor
from keras_classics.data.pictures.formats.mask_files import IGNORED
from keras_classics.training.metrics.mask_pairs import check_batch, read_labels, without_answer


@registered
class BoundaryF(keras.metrics.Metric):
    """Mean F of the outlines of classes over all pictures since the last reset.

    That of `boundary_f`, whatever the batches were; NaN where it refuses labels.

    Args:
        classes: Number of classes.
        tolerance: The distance that is forgiven as a share of the picture's diagonal, rounded up to
            whole pixels.
        ignore: Label of the pixels that do not count, nor what is beside them; None where all do.
        name: Name in the history.

    Example:
        ```python
        metric = kc.training.BoundaryF(2)
        masks, answers = np.zeros((1, 32, 32), "int32"), np.zeros((1, 32, 32), "int32")
        masks[:, :, 16:] = answers[:, :, 17:] = 1
        metric.update_state(masks, np.eye(2)[answers])
        metric.result()  # 1.0: a pixel aside is forgiven
        ```
    """

    @checked
    def __init__(
        self,
        classes: Count,
        tolerance: float = 0.0075,
        ignore: int | None = IGNORED,
        name: str = "boundary_f",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.classes = classes
        self.tolerance = check_overlap("tolerance", tolerance)
        self.ignore = ignore
        self.total = self.add_variable((), "zeros", name="total")
        self.pictures = self.add_variable((), "zeros", name="pictures")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: None = None) -> None:
        """Score the pictures of a batch.

        Args:
            y_true: Whole numbers `(batch, height, width)`, or with a last axis of 1.
            y_pred: Logits or probabilities `(batch, height, width, classes)`.
            sample_weight: Without meaning here, and refused.

        Raises:
            InputError: Weights were given, shapes do not fit, or the size of the pictures is not
                known while the step is compiled.
        """
        check_batch(y_true, y_pred, self.classes, sample_weight)
        sides = tuple(y_pred.shape[1:3])
        if None in sides:
            sides = tuple(y_true.shape[1:3])
        if None in sides:
            raise InputError(
                f"Answers of shape {tuple(y_pred.shape)} were given",
                "pictures of known height and width, by whose diagonal distances are measured",
                "Train on views of one size, kc.data.mask_batches(..., size=...), or count "
                "afterwards by kc.training.boundary_f.",
            )
        distance = math.ceil(self.tolerance * math.hypot(*sides))
        given = ops.reshape(y_true, (-1, *sides, 1))
        labels, judged, unknown = read_labels(given, self.classes, self.ignore)
        lost = ops.reshape(without_answer(y_pred), (-1, *sides, 1))
        unknown = ops.logical_or(unknown, ops.logical_and(judged, lost))
        # Of what is no class there is no region.
        labels = ops.where(ops.logical_and(judged, ops.logical_not(unknown)), labels, -1)
        said = ops.reshape(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), (-1, *sides, 1))
        counted = 1.0
        if self.ignore is not None:
            counted = 1.0 - _within(1.0 - ops.cast(judged, "float32"), 1)
        classes = ops.arange(self.classes, dtype="int32")
        true, found = (
            _outlines(ops.cast(each == classes, "float32")) * counted for each in (labels, said)
        )
        drawn, told = (ops.sum(each, axis=(1, 2)) for each in (true, found))
        precision = ops.sum(_within(true, distance) * found, axis=(1, 2)) / ops.maximum(told, 1.0)
        recall = ops.sum(_within(found, distance) * true, axis=(1, 2)) / ops.maximum(drawn, 1.0)
        scores = 2.0 * precision * recall / ops.maximum(precision + recall, 1e-12)
        known = ops.cast(drawn > 0, "float32")
        number = ops.sum(known, axis=-1)
        means = ops.sum(scores * known, axis=-1) / ops.maximum(number, 1.0)
        means = ops.where(ops.any(unknown, axis=(1, 2, 3)), float("nan"), means)
        self.total.assign_add(ops.sum(means))
        self.pictures.assign_add(ops.sum(ops.cast(number > 0, "float32")))

    def result(self) -> Tensor:
        """0 to 1; NaN before the first outline, and where a label was no class or NaN was said."""
        return self.total / self.pictures

    def get_config(self) -> Config:
        """The arguments."""
        own = {"classes": self.classes, "tolerance": self.tolerance, "ignore": self.ignore}
        return {**super().get_config(), **own}


def _outlines(regions: Tensor) -> Tensor:
    """Of regions `(batch, height, width, classes)` of 0 and 1 the pixels beside something else."""
    padded = ops.pad(regions, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="symmetric")
    sides = [padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]]
    inside = sides[0] * sides[1] * sides[2] * sides[3]
    return regions * (1.0 - inside)


def _within(pixels: Tensor, distance: int) -> Tensor:
    """1 within a distance of pixels that are 1, of every channel by itself."""
    # Beyond the picture there is nothing to be near to.
    down, right = (
        np.arange(-reach, reach + 1)
        for reach in (min(distance, side - 1) for side in pixels.shape[1:3])
    )
    disk = (down[:, None] ** 2 + right**2 <= distance**2).astype("float32")
    kernel = np.repeat(disk[:, :, None, None], pixels.shape[-1], axis=2)
    counts = ops.depthwise_conv(
        pixels, ops.convert_to_tensor(kernel), padding="same", data_format="channels_last"
    )
    return ops.cast(counts > 0.5, "float32")
