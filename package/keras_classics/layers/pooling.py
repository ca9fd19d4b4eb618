"""Pooling layers of the papers that Keras lacks."""

from __future__ import annotations

import keras
from keras import ops

from keras_classics.core.registration import registered


@registered
class TrainableSubsampling(keras.layers.Layer):
    """LeNet-5's subsampling: one coefficient and one bias for each map, then squashing.

    `y = activation(alpha * mean_2x2(x) + bias)`; the paper sums the four inputs, so its
    coefficient is a quarter of this `alpha`. Input `(batch, height, width, channels)`, output half
    as high and wide.

    Args:
        activation: Squashing function.
        pool_size: Side of the square, also the stride.
    """

    def __init__(self, activation="linear", pool_size: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.pool_size = pool_size

    def build(self, input_shape):
        """One coefficient and one bias for each channel."""
        channels = (input_shape[-1],)
        self.alpha = self.add_weight(shape=channels, initializer="ones", name="alpha")
        self.bias = self.add_weight(shape=channels, initializer="zeros", name="bias")

    def call(self, inputs):
        """Average, scale, shift, squash."""
        mean = ops.average_pool(inputs, self.pool_size, self.pool_size)
        return self.activation(self.alpha * mean + self.bias)

    def compute_output_shape(self, input_shape):
        """Height and width divided by the pool size, rounded down."""
        batch, height, width, channels = input_shape
        shrunk = [None if side is None else side // self.pool_size for side in (height, width)]
        return (batch, *shrunk, channels)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "pool_size": self.pool_size,
        }
