"""How well a model foretells text."""

from __future__ import annotations

import math

import keras

from keras_classics.core.registration import registered


@registered
class BitsPerCharacter(keras.metrics.SparseCategoricalCrossentropy):
    """Mean of `-log2 p` over all characters, those of no weight left out.

    Takes targets `(batch, time)`, logits `(batch, time, vocabulary)` and, as a weighted metric,
    weights `(batch, time)`. Divided into nats it is `log 2` times as large.

    Args:
        name: Name in the history.
    """

    def __init__(self, name: str = "bits_per_character", **kwargs):
        super().__init__(name=name, from_logits=True, **kwargs)

    def result(self):
        """From nats to bits."""
        return super().result() / math.log(2.0)

    def get_config(self):
        """Name and dtype."""
        return {"name": self.name, "dtype": self.dtype}
