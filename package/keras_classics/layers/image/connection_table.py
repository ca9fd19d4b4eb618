"""Convolution over a table of connections between maps."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, is_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Initializer, Sizes, Tensor
from keras_classics.layers.image.convolution import ConvolutionLayer


@registered
class ConnectionTableConv2D(ConvolutionLayer):
    """Convolution in which each output map sees only the input maps its row of a table names.

    LeNet-5's C3 is the known example, sparse convolutional fabrics are another. Only the links
    that exist have weights: the dense kernel is assembled from them in the forward pass, so absent
    links neither count nor learn. Input `(batch, height, width, channels)`, output
    `(batch, height', width', len(table))`.

    Args:
        table: For each output map the indices of its input maps.
        kernel_size: Side of the kernel, or its height and width.
        padding: `"valid"`, or `"same"` for zeros around.
        activation: Activation of the output.
        kernel_initializer: Initialiser of the links' kernels.
        strides: Step in both directions, or down and to the right.
        **kwargs: What else Keras's `Conv2D` takes but for groups: `dilation_rate`, `use_bias`,
            `bias_initializer`, regularisers, constraints.

    Raises:
        InputError: An argument is not admitted, or the table names an input map twice in a row
            or one that does not exist.
    """

    @checked
    def __init__(
        self,
        table: Sequence[Sequence[int]],
        kernel_size: int | tuple[int, int],
        padding: str = "valid",
        activation: Activation = "linear",
        kernel_initializer: Initializer = "glorot_uniform",
        strides: int | tuple[int, int] = 1,
        **kwargs: Any,
    ):
        self.table = [_checked(row) for row in table]
        super().__init__(
            len(self.table),
            kernel_size,
            strides,
            padding,
            activation=activation,
            kernel_initializer=kernel_initializer,
            **kwargs,
        )

    @property
    def links(self) -> int:
        """Number of map-to-map connections."""
        return sum(len(row) for row in self.table)

    def build(self, input_shape: Sizes) -> None:
        """One kernel for each link, one bias for each output map."""
        self.check_maps(input_shape)
        channels = input_shape[-1]
        if any(not 0 <= source < channels for row in self.table for source in row):
            raise InputError(
                f"The table names input map {max(max(row) for row in self.table)}",
                f"maps 0 to {channels - 1}",
                "Change the table or the number of maps before.",
            )
        self.kernel = self.add_weight(
            (*self.kernel_size, 1, self.links),
            self.kernel_initializer,
            name="kernel",
            **self.kernel_rules(),
        )
        self.add_bias((self.filters,))
        # Link 0 is the zero kernel of the connections that do not exist.
        position = np.zeros((channels, len(self.table)), "int32")
        pairs = ((source, target) for target, row in enumerate(self.table) for source in row)
        for link, (source, target) in enumerate(pairs, start=1):
            position[source, target] = link
        self.position = position

    def call(self, inputs: Tensor) -> Tensor:
        """Assemble the dense kernel and convolve."""
        links = ops.reshape(self.kernel, (*self.kernel_size, self.links))
        absent = ops.zeros_like(links[..., :1])
        kernel = ops.take(ops.concatenate([absent, links], axis=-1), self.position, axis=-1)
        return self.finished(self.convolved(inputs, kernel))

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Only the links that exist multiply."""
        return output_shape[1] * output_shape[2] * math.prod(self.kernel.shape)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        config = {**super().get_config(), "table": self.table}
        # The table's length.
        del config["filters"]
        return config


def _checked(row: Sequence[int]) -> list[int]:
    """The input maps of one output map, as Python's whole numbers."""
    maps = [operator.index(source) for source in row if is_whole(source)]
    if len(maps) == len(row) == len(set(maps)) and min(maps, default=0) >= 0:
        return maps
    raise InputError(
        f"The table has the row {list(row)}",
        "in each row different input maps, counted from 0",
        "Name each input map once: a second link between two maps adds nothing.",
    )
