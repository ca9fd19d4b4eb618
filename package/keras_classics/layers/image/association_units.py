"""Rosenblatt's layer of associations: units that look at random points and do not learn."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Sizes, Tensor


@registered
class AssociationUnits(keras.layers.Layer):
    """Units of 0 and 1, each of a few random inputs, that never change.

    Rosenblatt, "The perceptron", 1958: an A-unit adds up the inputs at its excitatory connections,
    takes off those at its inhibitory ones, and is on where the sum reaches its threshold. A
    perceptron that learns from them can tell what no plane in the inputs separates. Input `(batch,
    features)`, output `(batch, units)`.

    Args:
        units: How many.
        excitatory: Connections of each that add, drawn with replacement.
        inhibitory: Connections that take off.
        threshold: The least sum of a unit that is on.
        seed: Chooses the connections.

    Example:
        ```python
        layer = kc.layers.AssociationUnits(200)
        layer(np.random.default_rng(0).integers(0, 2, (4, 64))).shape  # (4, 200), of 0 and 1
        model = keras.Sequential([keras.Input((64,)), layer, keras.layers.Dense(1)])
        ```
    """

    @checked
    def __init__(
        self,
        units: int,
        excitatory: int = 5,
        inhibitory: int = 5,
        threshold: float = 1.0,
        seed: int = 0,
        **kwargs: Any,
    ):
        kwargs.setdefault("trainable", False)
        super().__init__(**kwargs)
        self.units = check_whole("units", units)
        self.excitatory = check_whole("excitatory", excitatory)
        self.inhibitory = check_whole("inhibitory", inhibitory, 0)
        self.threshold = float(threshold)
        self.seed = check_whole("seed", seed, 0)

    def build(self, input_shape: Sizes) -> None:
        """The connections as a kernel `(features, units)` of whole numbers."""
        features = input_shape[-1]
        rng = np.random.default_rng(self.seed)
        kernel, units = np.zeros((features, self.units)), np.arange(self.units)
        for count, side in ((self.excitatory, 1), (self.inhibitory, -1)):
            for _ in range(count):
                kernel[rng.integers(features, size=self.units), units] += side
        self.kernel = self.add_weight(
            kernel.shape, lambda shape, dtype: ops.convert_to_tensor(kernel, dtype), name="kernel"
        )

    def call(self, inputs: Tensor) -> Tensor:
        """1 where a unit is on."""
        return ops.cast(ops.matmul(inputs, self.kernel) >= self.threshold, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One number for each unit."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "excitatory": self.excitatory,
            "inhibitory": self.inhibitory,
            "threshold": self.threshold,
            "seed": self.seed,
        }
