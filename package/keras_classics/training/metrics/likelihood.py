"""How well a model foretells text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Figure
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Name
from keras_classics.data.texts.text_windows import text_windows
from keras_classics.training.trainers.truncated_bptt import TruncatedBPTT

# Characters that are read at once, in one row, where text is scored.
WINDOW = 250


@registered
class BitsPerCharacter(keras.metrics.SparseCategoricalCrossentropy):
    """Mean of `-log2 p` over all characters, those of no weight left out.

    Takes targets `(batch, time)`, logits `(batch, time, vocabulary)` and, as a weighted metric,
    weights `(batch, time)`. Divided into nats it is `log 2` times as large.

    Args:
        name: Name in the history.
    """

    @checked
    def __init__(self, name: Name = "bits_per_character", **kwargs: Any) -> None:
        super().__init__(name=name, from_logits=True, **kwargs)

    def result(self) -> Any:
        """From nats to bits."""
        return super().result() / math.log(2.0)

    def get_config(self) -> dict[str, Any]:
        """Name and dtype."""
        return {"name": self.name, "dtype": self.dtype}


@checked
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

    Raises:
        InputError: Nothing is to be scored, or an id is none of the vocabulary's.
    """
    vocabulary_size = check_whole("vocabulary_size", vocabulary_size)
    if not any(len(ids) > 1 for ids in documents):
        raise InputError(
            f"{len(documents)} documents without a second token were given",
            "one document or more of two tokens or more",
            "Give longer documents.",
        )
    largest = max((int(np.max(ids)) for ids in [*learnt, *documents] if len(ids)), default=0)
    if largest >= vocabulary_size:
        raise InputError(
            f"vocabulary_size={vocabulary_size} was given for ids up to {largest}",
            f"{largest + 1} or more",
            f"Pass vocabulary_size={largest + 1}, or the vocabulary's own length.",
        )
    counts = np.ones((vocabulary_size, vocabulary_size))
    for ids in learnt:
        np.add.at(counts, (ids[:-1], ids[1:]), 1)
    logs = np.log(counts / counts.sum(axis=1, keepdims=True))
    return -float(np.mean(np.concatenate([logs[ids[:-1], ids[1:]] for ids in documents])))


@checked
def text_nats(model: keras.Model, documents: Sequence[np.ndarray]) -> float:
    """Mean of `-log p` of each token of text under a model that reads it as it stands.

    Documents are read one after the other, each from zero states to its end, in a single row: cut
    into rows that begin anew, a short text would seem harder than it is.

    Args:
        model: A language model with explicit states, as `kc.models.language_model`.
        documents: Ids `(length,)` of each document, scored from its second token on.

    Returns:
        Nats for a token.
    """
    windows = text_windows(documents, batch_size=1, k1=WINDOW)
    reader = TruncatedBPTT(model, 1, WINDOW)
    reader.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=[
            keras.metrics.SparseCategoricalCrossentropy(name="nats", from_logits=True)
        ],
    )
    return float(reader.evaluate(windows.epoch(), verbose=0, return_dict=True)["nats"])


@checked
def text_metrics(
    model: keras.Model,
    learnt: Sequence[np.ndarray],
    splits: Mapping[str, Sequence[np.ndarray]],
    vocabulary_size: int,
) -> dict[str, dict[str, float]]:
    """How well a model foretells text, and beside it what the last character alone says.

    Args:
        model: A language model with explicit states, as `kc.models.language_model`.
        learnt: Ids `(length,)` of each document it learned from.
        splits: Documents that it has not seen, by the name of their split; one may be empty.
        vocabulary_size: Number of token ids.

    Returns:
        Of each split that is not empty, and of `"SPLIT, bigrams"`, what `likelihood` tells.
    """
    found = {}
    for split, documents in splits.items():
        if documents:
            found[split] = likelihood(text_nats(model, documents))
            found[f"{split}, bigrams"] = likelihood(bigram_nats(learnt, documents, vocabulary_size))
    return found


@checked
def likelihood(nats: Figure) -> dict[str, float]:
    """The same figure in its three units: nats, bits per character and perplexity.

    Args:
        nats: Mean of `-log p`.
    """
    return {
        "nats": nats,
        "bits_per_character": nats / math.log(2.0),
        "perplexity": math.exp(nats),
    }
