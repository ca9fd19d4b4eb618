"""What segmenters are compiled with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_probability
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Count, Tensor
from keras_classics.data.pictures.formats.mask_files import IGNORED
from keras_classics.models.dense.segment import check_segmenter
from keras_classics.training.metrics.mask_pairs import (
    check_batch,
    check_labels,
    check_whole_numbers,
    read_labels,
)
from keras_classics.training.metrics.pixel_figures import PixelFigure

# Of the mean weight of a batch, in which perhaps no pixel counts.
_LEAST = 1e-12


@registered
class PixelCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits, the mean over the pixels that count, each by its class's weight.

    The mean is over a batch; where a strategy of `tf.distribute` divides one, over each replica's
    part, and the loss is the mean of these, however many pixels count in each.

    Args:
        ignore: Label of the pixels that do not count; None where all do.
        class_weights: Of each class, such as `median_frequency_weights`; None for all alike.
        name: Name of the loss.

    Raises:
        InputError: A weight is none.

    Example:
        ```python
        loss = kc.training.PixelCrossEntropy(class_weights=[0.5, 2.0])
        print(loss(np.array([[[0, 1, 255]]]), np.zeros((1, 1, 3, 2), "float32")))
        ```
    """

    @checked
    def __init__(
        self,
        ignore: int | None = IGNORED,
        class_weights: Sequence[float] | None = None,
        name: str = "pixel_cross_entropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.ignore = ignore
        self.class_weights = None
        if class_weights is not None:
            self.class_weights = [
                check_positive(
                    f"class_weights[{label}]",
                    each,
                    "Give each class a number above 0, and 1 to one without pixels.",
                )
                for label, each in enumerate(class_weights)
            ]

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Losses whose mean over all places is the mean over the pixels that count.

        Args:
            y_true: Whole numbers `(batch, height, width)`, or with a last axis of 1.
            y_pred: Logits `(batch, height, width, classes)`.

        Returns:
            float32 `(batch, height, width)`, 0 where nothing counts, NaN where a label that counts
            is none of the classes.

        Raises:
            InputError: Masks are not of the answers' height and width, or there are not as many
                weights as classes.
        """
        check_batch(y_true, y_pred, y_pred.shape[-1])
        said = ops.cast(y_pred, "float32")
        given = ops.reshape(y_true, ops.shape(said)[:-1])
        labels, counted, unknown = read_labels(given, said.shape[-1], self.ignore)
        losses = ops.sparse_categorical_crossentropy(labels, said, from_logits=True)
        weights = ops.cast(counted, "float32")
        if self.class_weights is not None:
            if len(self.class_weights) != said.shape[-1]:
                raise InputError(
                    f"{len(self.class_weights)} class_weights were given for answers of shape "
                    f"{tuple(said.shape)}",
                    f"{said.shape[-1]}, one for each class",
                    "Give what kc.training.median_frequency_weights says of all classes.",
                )
            # Only what they are beside each other counts, and large ones have no sum.
            greatest = max(self.class_weights)
            table = ops.convert_to_tensor([w / greatest for w in self.class_weights], "float32")
            weights = weights * ops.take(table, labels)
        losses = losses * weights / ops.maximum(ops.mean(weights), _LEAST)
        # Engines refuse such labels each in its own way, or pass over them.
        return ops.where(unknown, float("nan"), losses)

    def get_config(self) -> Config:
        """The arguments."""
        own = {"ignore": self.ignore, "class_weights": self.class_weights}
        return {**super().get_config(), **own}


@checked
def median_frequency_weights(
    masks: Sequence[np.ndarray] | np.ndarray,
    classes: Count,
    *,
    exponent: float = 1.0,
    ignore: int | None = IGNORED,
) -> list[float]:
    """Weights by which rare classes count as much as common ones, or nearly.

    Eigen, Fergus, "Predicting depth, surface normals and semantic labels with a common multi-scale
    convolutional architecture", ICCV 2015: the frequency of a class is its share of the pixels of
    those pictures that have it, its weight the median of the frequencies divided by its own.

    Args:
        masks: Of the training pictures, whole numbers `(height, width)` each.
        classes: Number of classes.
        exponent: Of these weights: 1 for the paper's, 0.5 for their roots, which say less of what
            is not there, 0 for all alike.
        ignore: Label of the pixels that do not count; None where all do.

    Returns:
        The weight of each class; 1 for one without pixels.

    Raises:
        InputError: The exponent is none of 0 to 1, masks are not of whole numbers, a label that
            counts is none of the classes, or no pixel is of one.
    """
    exponent = check_probability("exponent", exponent)
    own, among = np.zeros(classes), np.zeros(classes)
    for number, mask in enumerate(masks):
        labels = np.asarray(mask)
        check_whole_numbers(labels, "A mask")
        labels = labels[labels != ignore]
        check_labels(labels, classes, f"Mask {number}")
        counts = np.bincount(labels, minlength=classes)
        own += counts
        among += counts.sum() * (counts > 0)
    known = own > 0
    if not known.any():
        raise InputError(
            f"{len(masks)} masks without a pixel of {classes} classes were given",
            "masks in which classes occur",
            "Give the masks of the training pictures, those of data.train.",
        )
    frequencies = own[known] / among[known]
    weights = np.ones(classes)
    weights[known] = (np.median(frequencies) / frequencies) ** exponent
    return [float(each) for each in weights]


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
        loss: As `compile` takes; by default `PixelCrossEntropy`. The paper's is the sum over
            pixels, so that its rates are smaller by their number.
        **options: Further arguments of `compile`.

    Raises:
        InputError: The model does not give logits, for two classes or more, for every pixel of its
            pictures.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.125)
        model = kc.models.fcn(trunk, 5, 8)
        kc.training.compile_segmenter(model, keras.optimizers.Adam())
        ...  # model.fit(kc.data.mask_batches(...), steps_per_epoch=..., epochs=...)
        ```
    """
    check_segmenter(model, logits=True)
    output: Tensor = model.outputs[0]
    figures = [
        PixelFigure(output.shape[-1], figure, ignore) for figure in ("pixel accuracy", "mean IU")
    ]
    model.compile(optimizer, loss or PixelCrossEntropy(ignore), **{"metrics": figures, **options})
