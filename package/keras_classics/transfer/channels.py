"""A trained network for pictures with another number of channels."""

from __future__ import annotations

import keras
import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.graph import check_functional


def adapt_channels(model: keras.Model, channels: int) -> keras.Model:
    """The same network for pictures with `channels` channels, its first kernels adapted.

    For one channel a kernel is summed over its channels: a grey picture gives exactly what the old
    network gives for it repeated in every channel. For any other number, channel `i` gets the
    kernel of the old channel `i modulo old`, times `old / channels`, so that channels alike in
    distribution give the first layer's responses their old expectation. All other weights are
    copied.

    Args:
        model: A functional model on pictures `(batch, height, width, old)`; never changed.
        channels: The new number: 1 for grey, 4 with infrared, 13 for satellite bands, ...

    Returns:
        A model with the same names, whose weights are its own.

    Raises:
        InputError: `channels` is not positive, the input is no picture, or something else than
            kernels depends on its channels.
    """
    check_functional(model)
    if isinstance(channels, bool) or not isinstance(channels, int) or channels < 1:
        raise InputError(
            explain(
                f"channels={channels!r} was given",
                "a positive whole number",
                "Pass the number of channels of your pictures.",
            )
        )
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise InputError(
            explain(
                f"{model.name!r} takes {[tuple(x.shape) for x in model.inputs]}",
                "models of one picture (batch, height, width, channels)",
                "Build a new model for your inputs.",
            )
        )
    (old,) = model.inputs
    image = keras.Input((*old.shape[1:-1], channels), name=old.name, dtype=old.dtype)
    inputs = keras.tree.map_structure(lambda _: image, model.input)
    adapted = keras.models.clone_model(model, input_tensors=inputs)
    for layer, source in zip(adapted.layers, model.layers, strict=True):
        layer.set_weights(
            [
                _adapted(keras.ops.convert_to_numpy(theirs), ours, channels / old.shape[-1])
                for ours, theirs in zip(layer.weights, source.weights, strict=True)
            ]
        )
    return adapted


def _adapted(values: np.ndarray, variable: keras.Variable, growth: float) -> np.ndarray:
    """Weights in the shape of their new variable."""
    if values.shape == tuple(variable.shape):
        return values
    *window, inputs, outputs = values.shape if values.ndim == 4 else (0, 0)
    wanted = (*window, round(inputs * growth), outputs)
    if tuple(variable.shape) != wanted:
        raise InputError(
            explain(
                f"The weights {variable.path!r} of shape {values.shape} depend on the channels",
                "networks of which only kernels do",
                "Build a new model for these channels.",
            )
        )
    if wanted[-2] == 1:
        return values.sum(-2, keepdims=True)
    return values[..., np.arange(wanted[-2]) % inputs, :] / growth
