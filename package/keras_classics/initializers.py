"""Initialisers of the papers that Keras lacks."""

from __future__ import annotations

import math

import keras

from keras_classics.core.registration import registered


@registered
class ReciprocalFanInUniform(keras.initializers.Initializer):
    """Uniform in `+-numerator / fan_in`, as LeNet-5 starts (LeCun 1998, appendix A).

    Args:
        numerator: The bound times the number of inputs of a unit; 2.4 in the paper.
        seed: Seed of the draw.
    """

    def __init__(self, numerator: float = 2.4, seed: int | None = None):
        self.numerator = numerator
        self.seed = seed

    def __call__(self, shape, dtype=None):
        """Draw a tensor; all axes of `shape` but the last are inputs of a unit."""
        bound = self.numerator / max(1, math.prod(shape[:-1]))
        return keras.random.uniform(shape, -bound, bound, dtype=dtype, seed=self.seed)

    def get_config(self):
        """The constructor's arguments."""
        return {"numerator": self.numerator, "seed": self.seed}
