"""From sentences in two languages to the batches a translator trains on.

Every batch is a pure function of the seed and its number: a run that was killed goes on with the
very batch it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.text_files import read_lines
from keras_classics.data.captions.caption_batches import steps_per_epoch
from keras_classics.data.texts.vocabulary import Vocabulary

if TYPE_CHECKING:
    import tensorflow as tf

# Batches whose sentences are sorted by length together; of more, the order would say too much.
_POOL = 32
# Lengths of batches, so that a compiler meets few of them.
STEP = 4


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
            explain(
                f"{len(long)} sentences are longer than {max_words} {vocabulary.UNIT}s; the first "
                f"has {len(rows[first]) - 2}: {texts[first][:60]!r}",
                "sentences within --max-words under --strict",
                "Raise --max-words, or leave out --strict to cut them.",
            )
        )
    for n in long:
        rows[n] = np.append(rows[n][: max_words + 1], np.int32(vocabulary.END))
    return rows, len(long)


def pad_rows(rows: Sequence[np.ndarray], multiple: int = 1, beyond: int = 0) -> np.ndarray:
    """Put rows of numbers into one array, padded on the right with 0.

    Args:
        rows: int `(length,)` each, at least one.
        multiple: The common length is the least multiple of this that holds the longest row,
        beyond: but for so many numbers, which come on top.

    Returns:
        int32 `(rows, length)`.
    """
    length = beyond + multiple * math.ceil((max(map(len, rows)) - beyond) / multiple)
    padded = np.full((len(rows), length), Vocabulary.PAD, "int32")
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def translation_batches(
    sources: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    *,
    batch_size: int,
    seed: int,
    first: int = 0,
) -> tf.data.Dataset:
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
        A dataset of int32 tensors, each `(batch_size, length)`, as long as the longest row of the
        batch, in steps of four, so that a compiler meets few lengths; `target_in` lacks the end,
        `target_out` the start.

    Raises:
        InputError: There are fewer pairs than a batch holds.
    """
    import tensorflow as tf

    steps = steps_per_epoch(len(sources), batch_size)
    lengths = np.array([[len(row) for row in side] for side in (targets, sources)])

    def generate() -> Iterator:
        epoch, place = divmod(first, steps)
        while True:
            for chosen in batches_by_length(lengths, batch_size, steps, [seed, epoch])[place:]:
                # The start stands in one of the two only.
                target = pad_rows([targets[n] for n in chosen], STEP, 1)
                source = pad_rows([sources[n] for n in chosen], STEP)
                yield source, target[:, :-1], target[:, 1:]
            epoch, place = epoch + 1, 0

    signature = (tf.TensorSpec((batch_size, None), "int32"),) * 3
    batches = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return batches.map(
        lambda source, target_in, target_out: (
            {"source": source, "target_in": target_in},
            target_out,
        )
    ).prefetch(2)


def multilingual_batches(
    pairs: Mapping[tuple[str, str], tuple[Sequence[np.ndarray], Sequence[np.ndarray]]],
    *,
    batch_size: int,
    seed: int,
    first: int = 0,
) -> tf.data.Dataset:
    """Endless batches for `kc.models.multilingual_translator`: in every step one of each pair.

    Args:
        pairs: By source and target language, the numbers of the source sentences and of their
            translations, as for `translation_batches`, like all that follow.
        batch_size: Pairs of sentences in a batch, of each pair of languages.
        seed: Chooses the orders.
        first: Number of the first batch.

    Returns:
        A dataset of the inputs by name, such as `"en_fr_source"` and `"en_fr_target_in"`, and of
        the targets by pair, such as `"en_fr"`; int32 `(batch_size, length)` each.

    Raises:
        InputError: A pair of languages has fewer sentences than a batch holds.
    """
    import tensorflow as tf

    names = [f"{source}_{target}" for source, target in pairs]
    streams = tuple(
        translation_batches(*sides, batch_size=batch_size, seed=seed, first=first)
        for sides in pairs.values()
    )

    def join(
        *batches: tuple[dict[str, tf.Tensor], tf.Tensor],
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        inputs: dict[str, tf.Tensor] = {}
        targets: dict[str, tf.Tensor] = {}
        for name, (read, written) in zip(names, batches, strict=True):
            inputs |= {f"{name}_{key}": value for key, value in read.items()}
            targets[name] = written
        return inputs, targets

    return tf.data.Dataset.zip(streams).map(join).prefetch(2)


def batches_by_length(
    lengths: np.ndarray, batch_size: int, steps: int, seed: list[int]
) -> np.ndarray:
    """Divide an epoch into batches of examples of about one length.

    Args:
        lengths: int `(sides, examples)`; the first side decides, then the next.
        batch_size: Examples in a batch.
        steps: Batches.
        seed: Chooses them.

    Returns:
        Numbers of the examples, `(steps, batch_size)`.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(lengths.shape[1])[: steps * batch_size]
    pools = [
        # By the target's length, then the source's.
        pool[np.lexsort(lengths[::-1, pool])]
        for pool in np.split(order, range(_POOL * batch_size, len(order), _POOL * batch_size))
    ]
    return rng.permutation(np.concatenate(pools).reshape(steps, batch_size))


def read_groups(file: str | Path) -> list[tuple[str, list[str]]]:
    """Read groups of sentences from a text file: an empty line ends a group.

    Args:
        file: The file, in UTF-8; `.gz` is unpacked.

    Returns:
        Each group's first sentence, as its name, and its sentences.

    Raises:
        InputError: There are fewer than two groups, or one of a single sentence.
    """
    groups: list[list[str]] = [[]]
    for line in map(str.strip, read_lines(file)):
        if line:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    groups = [group for group in groups if group]
    if len(groups) < 2 or min(map(len, groups)) < 2:
        raise InputError(
            explain(
                f"{file} has groups of {', '.join(str(len(group)) for group in groups) or 'no'} "
                "sentences",
                "two groups or more, each of two sentences or more, with empty lines between",
                "Write paraphrases below each other.",
            )
        )
    return [(group[0], group) for group in groups]
