"""The two tasks of Fast R-CNN: what a region shows, and where the box of that really is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, DType, Name, Optimizer, Reduction, Tensor
from keras_classics.models.regions.fast_rcnn import OFFSET_SCALE


@registered
class OffsetLoss(keras.losses.Loss):
    """Smooth L1 of the offsets of a region's own class, nothing of background.

    Girshick (2015), equations 2 and 3: `0.5 x^2` for `|x| < 1` and `|x| - 0.5` else, summed over
    the four numbers, where targets are divided by their standard deviations.

    Args:
        scale: Standard deviations of the four offsets.
        reduction: As Keras's losses take; the mean over all regions by default.
        name: Name of the loss.
        dtype: Type in which it is computed; that of `keras.config.floatx()` by default.
    """

    @checked
    def __init__(
        self,
        scale: Sequence[float] = OFFSET_SCALE,
        reduction: Reduction = "sum_over_batch_size",
        name: Name = "offset_loss",
        dtype: DType = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.scale = tuple(float(each) for each in scale)
        if len(self.scale) != 4 or min(self.scale) <= 0:
            raise InputError(
                f"scale={scale!r} was given",
                "four positive numbers",
                f"Leave it out for {OFFSET_SCALE}.",
            )

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each region.

        Args:
            y_true: `(batch, n, 5)`, class (-1 of background) and offsets.
            y_pred: `(batch, n, classes, 4)`.

        Returns:
            `(batch, n)`.
        """
        labels = ops.cast(y_true[..., 0], "int32")
        own = ops.one_hot(labels, ops.shape(y_pred)[2], dtype=y_pred.dtype)
        # No class is hot where there is none.
        said = ops.sum(own[..., None] * y_pred, axis=2)
        scale = ops.convert_to_tensor(self.scale, y_pred.dtype)
        apart = ops.absolute(said - y_true[..., 1:]) / scale
        smooth = ops.where(apart < 1.0, 0.5 * apart * apart, apart - 0.5)
        shows = ops.cast(labels >= 0, y_pred.dtype)
        return shows * ops.sum(smooth, axis=-1)

    def get_config(self) -> Config:
        """The arguments."""
        return {**super().get_config(), "scale": list(self.scale)}


@checked
def compile_detector(model: keras.Model, optimizer: Optimizer, **options: Any) -> None:
    """Compile a detector of regions with both losses, added up as in the paper.

    Args:
        model: As of `kc.models.fast_rcnn`.
        optimizer: As `compile` takes.
        **options: Further arguments of `compile`.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(64, 64, 3), width=0.125)
        model = kc.models.fast_rcnn(trunk, 5, units=(32,))
        kc.training.compile_detector(model, keras.optimizers.SGD(1e-3, momentum=0.9))
        ...  # model.fit(kc.data.region_batches(...), steps_per_epoch=..., epochs=...)
        ```
    """
    losses = {
        "classes": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "offsets": OffsetLoss(),
    }
    model.compile(optimizer, loss=losses, **options)
