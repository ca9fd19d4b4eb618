"""The ReLUs of a model, and runs in which gradients pass them by another rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_classics.core.call_kinds import FUSED
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.gradients import ruled_gradient
from keras_classics.core.graphs.graph import Place
from keras_classics.core.keras_internals import operation_name, twin
from keras_classics.core.types import Tensor

RELUS = (keras.activations.relu, keras.activations.relu6)
# Keras's operations of the same, as functional models hold them; the last is that of
# `keras.activations.relu`.
RELU_OPERATIONS = ("Relu", "Relu6", "ReLU")

# From what a ReLU was given and the gradient of what it gave to the gradient that passes on.
Rule = Callable[[Tensor, Tensor], Tensor]


def ends_in_relu(operation: Any) -> bool:
    """Whether the last thing an operation does is a ReLU, with or without an upper bound."""
    if isinstance(operation, FUSED):
        operation = operation.activation
    if isinstance(operation, layers.ReLU) or operation_name(operation) in RELU_OPERATIONS:
        return not np.any(getattr(operation, "negative_slope", 0))
    return operation in RELUS


def ruled_relus(capture: Capture, rule: Rule) -> dict[Place, Callable[..., Any]]:
    """What is called in the place of each ReLU: the same, but for the way gradients pass it."""
    return {
        place: _ruled(place[-1].operation, rule)
        for place in capture.paths
        if ends_in_relu(place[-1].operation)
    }


def check_relus(capture: Capture) -> None:
    """Refuse models that a rule for ReLUs would pass through like any other.

    Raises:
        InputError: There is no ReLU, or the image has no gradient.
    """
    if not any(ends_in_relu(place[-1].operation) for place in capture.paths):
        raise InputError(
            f"{capture.model.name!r} has no ReLU",
            "models with ReLUs: layers with activation='relu', Activation or ReLU layers",
            "Take another method, such as 'grad_cam'; this one is made of ReLUs.",
        )
    capture.check_differentiable()


def _ruled(operation: Any, rule: Rule) -> Callable[..., Any]:
    if isinstance(operation, FUSED):
        before = twin(operation, activation=keras.activations.linear)

        def fused(*arguments: Any, **options: Any) -> Any:
            return ruled_gradient(operation.activation, before(*arguments, **options), rule)

        return fused

    def alone(inputs: Tensor, *arguments: Any, **options: Any) -> Any:
        return ruled_gradient(lambda x: operation(x, *arguments, **options), inputs, rule)

    return alone
