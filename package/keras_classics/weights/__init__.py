"""Other people's weights onto our names, exactly or not at all."""

from keras_classics.core.boundary.array_files import read_state
from keras_classics.weights.keras_applications import TWINS, load_keras_applications
from keras_classics.weights.published import PUBLISHED, decode_predictions, preprocess
from keras_classics.weights.recurrent import (
    flip_update_gate,
    load_torch_recurrent,
    torch_recurrent_state,
)
from keras_classics.weights.torch import load_torch

__all__ = [
    "PUBLISHED",
    "TWINS",
    "decode_predictions",
    "flip_update_gate",
    "load_keras_applications",
    "load_torch",
    "load_torch_recurrent",
    "preprocess",
    "read_state",
    "torch_recurrent_state",
]
