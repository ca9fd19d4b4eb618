"""Recurrent layers by name, as the builders of sequence models ask for them."""

from __future__ import annotations

from functools import partial

import keras
from keras import layers

from keras_classics.core.errors import check_choice

# The course's GRU applies the reset gate before the recurrent product; Keras's default, the one
# cuDNN computes, applies it after and has a second row of biases.
RECURRENT_LAYERS = {
    "elman": layers.SimpleRNN,
    "gru": partial(layers.GRU, reset_after=False),
    "gru_reset_after": layers.GRU,
    "lstm": layers.LSTM,
}


def recurrent_layer(cell: str, units: int, **arguments) -> keras.layers.RNN:
    """A recurrent layer that returns its whole sequence of outputs; its `cell` makes single steps.

    Args:
        cell: A key of `RECURRENT_LAYERS`.
        units: Width of the state.
        **arguments: Passed to the Keras layer.

    Raises:
        ValueError: The name is unknown.
    """
    check_choice("cell", cell, tuple(RECURRENT_LAYERS), "Use 'gru', the course's.")
    return RECURRENT_LAYERS[cell](units, return_sequences=True, **arguments)
