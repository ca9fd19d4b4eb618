"""What segmenters are compiled with."""

from __future__ import annotations

from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.types import Tensor
from keras_classics.data.pictures.mask_files import IGNORED
from keras_classics.training.metrics.pixel_figures import PixelFigure


@checked
def pixel_cross_entropy(*, ignore: int | None = IGNORED) -> keras.losses.Loss:
    """Cross-entropy of logits `(batch, height, width, classes)`, the mean over pixels that count.

    The paper's is the sum, so that its rates are smaller by the number of pixels.

    Args:
        ignore: Label of the pixels that do not count; None where all do.
    """
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=ignore, name="pixel_cross_entropy"
    )


@checked
def compile_segmenter(
    model: keras.Model,
    optimizer: Any,
    *,
    ignore: int | None = IGNORED,
    loss: Any = None,
    **options: Any,
) -> None:
    """Compile a network that labels pixels, with pixel accuracy and mean IU beside the loss.

    Args:
        model: Of pictures to logits `(batch, height, width, classes)`, such as `kc.models.fcn`.
        optimizer: As `compile` takes.
        ignore: Label of the pixels that do not count; None where all do.
        loss: As `compile` takes; by default `pixel_cross_entropy`.
        **options: Further arguments of `compile`.
    """
    output: Tensor = model.outputs[0]
    figures = [
        PixelFigure(output.shape[-1], figure, ignore) for figure in ("pixel accuracy", "mean IU")
    ]
    model.compile(
        optimizer, loss or pixel_cross_entropy(ignore=ignore), **{"metrics": figures, **options}
    )
