"""How well a model foretells text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np

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


def bigram_nats(
    learnt: Sequence[np.ndarray], documents: Sequence[np.ndarray], vocabulary_size: int
) -> float:
    """Mean of `-log p` of each token after its predecessor, counted in other text.

    Every pair counts once more than it was seen (Laplace), so that none is impossible.

    Args:
        learnt: Ids `(length,)` of each document that is counted.
        documents: Those that are scored, from their second token on.
        vocabulary_size: Number of token ids.

    Returns:
        Nats for a token.
    """
    counts = np.ones((vocabulary_size, vocabulary_size))
    for ids in learnt:
        np.add.at(counts, (ids[:-1], ids[1:]), 1)
    logs = np.log(counts / counts.sum(axis=1, keepdims=True))
    return -float(np.mean(np.concatenate([logs[ids[:-1], ids[1:]] for ids in documents])))
