"""The mean of losses that a trainer has computed itself."""

from __future__ import annotations

import keras

from keras_classics.core.types import Tensor


class BatchMean(keras.losses.Loss):
    """The mean over the batch, divided among replicas as Keras does with its own losses.

    Called on the losses of the examples, twice: Keras wants two arguments.
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The losses themselves."""
        return y_pred
