"""Convolution over a table of connections between maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.errors import InputError, check_choice, check_whole, explain
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Initializer, Shape, Sizes, Tensor
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class ConnectionTableConv2D(ImageLayer):
    """Convolution in which each output map sees only the input maps its row of a table names.

    LeNet-5's C3 is the known example, sparse convolutional fabrics are another. Only the links
    that exist have weights: the dense kernel is assembled from them in the forward pass, so absent
    links neither count nor learn. Input `(batch, height, width, channels)`, output
    `(batch, height', width', len(table))`.

    Args:
        table: For each output map the indices of its input maps.
        kernel_size: Side of the square kernel.
        padding: `"valid"` or `"same"`.
        activation: Activation of the output.
        kernel_initializer: Initialiser of the links' kernels.
        strides: Step in both directions.

    Raises:
        InputError: The table names an input map that does not exist.
    """

    def __init__(
        self,
        table: Sequence[Sequence[int]],
        kernel_size: int,
        padding: str = "valid",
        activation: Activation = "linear",
        kernel_initializer: Initializer = "glorot_uniform",
        strides: int = 1,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.table = [list(row) for row in table]
        self.kernel_size = check_whole("kernel_size", kernel_size)
        check_choice("padding", padding, ("valid", "same"))
        self.padding = padding
        self.strides = check_whole("strides", strides)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    @property
    def links(self) -> int:
        """Number of map-to-map connections."""
        return sum(len(row) for row in self.table)

    def build(self, input_shape: Sizes) -> None:
        """One square kernel for each link, one bias for each output map."""
        channels = input_shape[-1]
        if any(not 0 <= source < channels for row in self.table for source in row):
            raise InputError(
                explain(
                    f"The table names input map {max(max(row) for row in self.table)}",
                    f"maps 0 to {channels - 1}",
                    "Change the table or the number of maps before.",
                )
            )
        size = self.kernel_size
        self.kernel = self.add_weight(
            shape=(size, size, 1, self.links), initializer=self.kernel_initializer, name="kernel"
        )
        self.bias = self.add_weight(shape=(len(self.table),), initializer="zeros", name="bias")
        # Link 0 is the zero kernel of the connections that do not exist.
        position = np.zeros((channels, len(self.table)), "int32")
        pairs = ((source, target) for target, row in enumerate(self.table) for source in row)
        for link, (source, target) in enumerate(pairs, start=1):
            position[source, target] = link
        self.position = position

    def call(self, inputs: Tensor) -> Tensor:
        """Assemble the dense kernel and convolve."""
        size = self.kernel_size
        links = ops.reshape(self.kernel, (size, size, self.links))
        absent = ops.zeros_like(links[..., :1])
        kernel = ops.take(ops.concatenate([absent, links], axis=-1), self.position, axis=-1)
        return self.activation(ops.conv(inputs, kernel, self.strides, self.padding) + self.bias)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Sizes of a convolution."""
        batch, height, width, _ = input_shape
        loss = self.kernel_size - 1 if self.padding == "valid" else 0
        shrunk = [
            None if side is None else -(-(side - loss) // self.strides) for side in (height, width)
        ]
        return (batch, *shrunk, len(self.table))

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Only the links that exist multiply."""
        return output_shape[1] * output_shape[2] * self.kernel_size**2 * self.links

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "table": self.table,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "strides": self.strides,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
