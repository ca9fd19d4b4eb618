"""What trained labellers say of sequences of any lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.decoding.ctc_search import ctc_beam_search, ctc_greedy
from keras_classics.layers.recurrent.one_hot import OneHot

if TYPE_CHECKING:
    from keras_classics.data.texts.sequences import LabelledSequences

# Sequences a model sees at once.
BATCH = 64


@checked
def vocabulary_size(model: keras.Model) -> int:
    """How many ids a labeller of texts reads, the padding and the unknown among them.

    Args:
        model: From `kc.models.tagger` or `kc.models.sequence_classifier`; of a model that reads no
            ids it is 0.
    """
    kinds = keras.layers.Embedding, OneHot
    reading = next((layer for layer in model.layers if isinstance(layer, kinds)), None)
    return getattr(reading, "size", getattr(reading, "input_dim", 0))


@checked
def label_probabilities(model: keras.Model, part: LabelledSequences) -> list[np.ndarray]:
    """Probabilities of the classes of sequences, or of each of their steps.

    Args:
        model: From `kc.models.tagger` or `kc.models.sequence_classifier`.
        part: The sequences; their targets do not count.

    Returns:
        Of each sequence `(steps, classes)`, the padding cut off, or `(classes,)`.
    """
    found = []
    for numbers, answers in _batches(model, part):
        for number, answer in zip(numbers, answers, strict=True):
            found.append(answer[: len(part.inputs[number])] if answer.ndim > 1 else answer)
    return found


@dataclass(frozen=True)
class Recognized:
    """What a recogniser read in a sequence.

    Attributes:
        best_path: The text of the most probable path.
        texts: Those of a beam search, the most probable first.
        log_probabilities: Of these.
        probabilities: `(steps, blank and labels)`.
    """

    best_path: str
    texts: list[str]
    log_probabilities: list[float]
    probabilities: np.ndarray


@checked
def recognize(
    model: keras.Model,
    part: LabelledSequences,
    labels: Sequence[str],
    *,
    width: int = 10,
    n_best: int = 1,
) -> list[Recognized]:
    """Read sequences with both decoders of CTC.

    Args:
        model: From `kc.models.ctc_recognizer`.
        part: The sequences; their targets do not count.
        labels: What is written for label 1, 2, ...
        width: Labellings the beam search follows.
        n_best: Texts it returns.
    """

    def text(ids: np.ndarray) -> str:
        return "".join(labels[label - 1] for label in ids if label)

    steps = part.lengths() // model.get_layer("steps").stride
    found = []
    for numbers, logits in _batches(model, part):
        greedy, beams = ctc_greedy(logits), ctc_beam_search(logits, width=width, n_best=n_best)
        shares = keras.ops.softmax(logits)
        rows = zip(numbers, *map(
            keras.ops.convert_to_numpy,
            (greedy.ids[:, 0], beams.ids, beams.log_probabilities, shares),
        ), strict=True)  # fmt: skip
        for number, path, ids, scores, share in rows:
            texts = [text(row) for row in ids]
            found.append(Recognized(text(path), texts, scores.tolist(), share[: steps[number]]))
    return found


def _batches(model: keras.Model, part: LabelledSequences) -> Iterator[tuple[range, np.ndarray]]:
    for start in range(0, len(part), BATCH):
        numbers = range(start, min(start + BATCH, len(part)))
        yield numbers, model.predict_on_batch(part.network_input(numbers))
