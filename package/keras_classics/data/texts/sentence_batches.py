"""From sentences in two languages to the batches a translator trains on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.data.batches import Axes, Visits, pad_arrays, stream
from keras_classics.data.texts.vocabulary import Vocabulary

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches

# Lengths of batches, so that a compiler meets few of them.
STEP = 4


@checked
def encode_sentences(
    texts: Sequence[str], vocabulary: Vocabulary, max_words: int, *, strict: bool = False
) -> tuple[list[np.ndarray], int]:
    """Encode sentences, each as long as it is, and cut those beyond a limit.

    Args:
        texts: The sentences.
        vocabulary: Of their language.
        max_words: Greatest number of its units that is kept; start and end come on top.
        strict: Refuse longer sentences instead.

    Returns:
        int32 numbers of each sentence, from start to end, and how many sentences were cut.

    Raises:
        InputError: Under `strict`, a sentence is longer than the limit.
    """
    rows = [np.array(vocabulary.encode(text), "int32") for text in texts]
    long = [n for n, row in enumerate(rows) if len(row) > max_words + 2]
    if long and strict:
        first = long[0]
        raise InputError(
            f"{len(long)} sentences are longer than {max_words} {vocabulary.UNIT}s; the first "
            f"has {len(rows[first]) - 2}: {texts[first][:60]!r}",
            "sentences within --max-words under --strict",
            "Raise --max-words, or leave out --strict to cut them.",
        )
    for n in long:
        rows[n] = np.append(rows[n][: max_words + 1], np.int32(vocabulary.END))
    return rows, len(long)


@checked
def translation_batches(
    sources: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    *,
    batch_size: Count,
    seed: int,
    first: int = 0,
) -> Batches:
    """Endless batches `({"source", "target_in"}, target_out)`, from any batch on, padded with 0.

    Every epoch visits each pair once, in a new order, except the rest that fills no batch. Batches
    are of sentences of about one length: 32 batches drawn at random are sorted, cut and shuffled.

    Args:
        sources: Numbers of each source sentence, from `encode_sentences`.
        targets: Numbers of each translation.
        batch_size: Pairs in a batch.
        seed: Chooses the orders.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Returns:
        Batches of int32 `(batch_size, length)`, as long as the longest row of the
        batch, in steps of four, so that a compiler meets few lengths; `target_in` lacks the end,
        `target_out` the start.

    Raises:
        InputError: There are fewer pairs than a batch holds.
    """
    make = _pairs(sources, targets, batch_size, seed)
    rows = Axes((batch_size, None), "int32")
    return stream(make, ({"source": rows, "target_in": rows}, rows), first=first)


def _pairs(
    sources: Sequence[np.ndarray], targets: Sequence[np.ndarray], batch_size: Count, seed: int
) -> Callable[[int], tuple[dict[str, np.ndarray], np.ndarray]]:
    """What makes the batch of a number."""
    lengths = np.array([[len(row) for row in side] for side in (targets, sources)])
    visits = Visits(len(sources), batch_size, seed, lengths)

    def make(number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        _, _, chosen = visits(number)
        # The start stands in one of the two only.
        target = pad_arrays([targets[n] for n in chosen], STEP, beyond=1)
        source = pad_arrays([sources[n] for n in chosen], STEP)
        return {"source": source, "target_in": target[:, :-1]}, target[:, 1:]

    return make


@checked
def multilingual_batches(
    pairs: Mapping[tuple[str, str], tuple[Sequence[np.ndarray], Sequence[np.ndarray]]],
    *,
    batch_size: Count,
    seed: int,
    first: int = 0,
) -> Batches:
    """Endless batches for `kc.models.multilingual_translator`: in every step one of each pair.

    Args:
        pairs: By source and target language, the numbers of the source sentences and of their
            translations, as for `translation_batches`, like all that follow.
        batch_size: Pairs of sentences in a batch, of each pair of languages.
        seed: Chooses the orders.
        first: Number of the first batch.

    Returns:
        Batches of the inputs by name, such as `"en_fr_source"` and `"en_fr_target_in"`, and of
        the targets by pair, such as `"en_fr"`; int32 `(batch_size, length)` each.

    Raises:
        InputError: A pair of languages has fewer sentences than a batch holds.
    """
    makers = {
        f"{source}_{target}": _pairs(*sides, batch_size, seed)
        for (source, target), sides in pairs.items()
    }

    def make(number: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        inputs: dict[str, np.ndarray] = {}
        targets: dict[str, np.ndarray] = {}
        for name, maker in makers.items():
            read, targets[name] = maker(number)
            inputs |= {f"{name}_{key}": value for key, value in read.items()}
        return inputs, targets

    sides = ("source", "target_in")
    rows = Axes((batch_size, None), "int32")
    inputs = {f"{name}_{side}": rows for name in makers for side in sides}
    return stream(make, (inputs, dict.fromkeys(makers, rows)), first=first)
