"""Activation functions of the papers that Keras lacks."""

from __future__ import annotations

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.registration import registered


@registered
@checked
def scaled_tanh(x: keras.KerasTensor) -> keras.KerasTensor:
    """LeCun's squashing function `1.7159 tanh(2 x / 3)`: about 1 at 1 and -1 at -1."""
    x = keras.ops.convert_to_tensor(x)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        x = keras.ops.cast(x, keras.config.floatx())
    return 1.7159 * keras.ops.tanh(x * (2.0 / 3.0))


@registered
@checked
def threshold(x: keras.KerasTensor) -> keras.KerasTensor:
    """Rosenblatt's unit: 1 where its sum is positive, else 0. It has no useful gradient."""
    x = keras.ops.convert_to_tensor(x)
    return keras.ops.cast(x > 0, x.dtype)


@registered
@checked
def sign(x: keras.KerasTensor) -> keras.KerasTensor:
    """+1 where the sum is positive, else -1. It has no useful gradient; see `binary_sign`."""
    x = keras.ops.convert_to_tensor(x)
    return 2 * keras.ops.cast(x > 0, x.dtype) - 1
