"""Weights that a diverged training left behind are refused before anything is made of them."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_classics.core.errors import InputError


def check_finite(variable: keras.Variable, array: np.ndarray) -> None:
    """Refuse weights that are infinite or no numbers.

    Args:
        variable: For the message.
        array: Its values.

    Raises:
        InputError: One is.
    """
    if not np.isfinite(array).all():
        raise InputError(
            f"The weights of {variable.path} are not all finite",
            "numbers",
            "Train the model again from a checkpoint before they were.",
        )


def check_finite_weights(model: keras.Model) -> None:
    """Refuse a model of which a weight is infinite or no number.

    Raises:
        InputError: One is.
    """
    for variable in model.weights:
        if keras.backend.is_float_dtype(variable.dtype):
            check_finite(variable, ops.convert_to_numpy(ops.cast(variable, "float32")))
