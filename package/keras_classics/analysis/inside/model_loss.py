"""The loss of a model as a pure function, ready to be traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.gradients import unrecorded
from keras_classics.core.types import Tensor

# From labels and outputs to one value for each example.
Measure = Callable[[Any, Any], Tensor]


def model_loss(
    model: keras.Model, measure: Measure | None, inputs: Any, labels: Any
) -> Callable[[Any, Any, Any], Tensor]:
    """What `model.evaluate` calls the loss of a batch, penalties included.

    Args:
        model: A compiled model, unless there is a measure.
        measure: What is taken in place of the loss: from labels and outputs to one value for each
            example.
        inputs: A batch, as tensors.
        labels: Its labels, as tensors.

    Returns:
        From inputs, labels and outputs to the mean over the batch, float32.

    Raises:
        InputError: The model is not compiled and there is no measure.
    """
    if measure is not None:
        return lambda inputs, labels, outputs: ops.mean(
            ops.cast(measure(labels, outputs), "float32")
        )
    if not model.compiled or model.loss is None:
        raise InputError(
            f"The model {model.name!r} has no loss",
            "a compiled model, or a measure of labels and outputs",
            "Compile it: model.compile(loss='sparse_categorical_crossentropy').",
        )
    # What Keras makes at the first loss is made here, where there may be new variables.
    with unrecorded():
        kept = [ops.copy(each.value) for each in model.metrics_variables]
        model.compute_loss(inputs, labels, model(inputs, training=False), training=False)
        for variable, value in zip(model.metrics_variables, kept, strict=False):
            variable.assign(value)
    return lambda inputs, labels, outputs: ops.cast(
        model.compute_loss(inputs, labels, outputs, training=False), "float32"
    )
