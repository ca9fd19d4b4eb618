"""Other people's weights onto our names, exactly or not at all."""

from keras_classics.weights.files import read_state
from keras_classics.weights.keras_applications import load_keras_applications
from keras_classics.weights.torch import load_torch

__all__ = ["load_keras_applications", "load_torch", "read_state"]
