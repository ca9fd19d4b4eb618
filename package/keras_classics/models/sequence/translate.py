"""Sentences in, sentences out, with a translator in hand and its two vocabularies."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_lengths
from keras_classics.core.graphs.gradients import unrecorded
from keras_classics.core.types import Count
from keras_classics.data.batches import pad_arrays
from keras_classics.data.texts.dictionary import dictionary_units
from keras_classics.data.texts.sentence_batches import encode_sentences
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.decoding import (
    CompiledSearch,
    Ensemble,
    Hypotheses,
    perplexity,
    replace_unknowns,
    score,
)
from keras_classics.layers.recurrent.decoder import RecurrentDecoder
from keras_classics.models.sequence.translator import split_translator


class Translation(NamedTuple):
    """The best translation of a sentence.

    Attributes:
        text: The translation.
        log_probability: Natural logarithm of the probability of its words and its end.
        alignments: `(words and end, positions)`, the attention behind each word; None without.
    """

    text: str
    log_probability: float
    alignments: np.ndarray | None


@checked
def translate(
    model: keras.Model | Sequence[keras.Model],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    texts: Sequence[str],
    *,
    max_words: int,
    width: int = 5,
    replace: bool = False,
    dictionary: Mapping[str, str] | None = None,
    batch_size: Count = 100,
    pair: tuple[str, str] | None = None,
    **beam_arguments: Any,
) -> Iterator[Translation]:
    """Translate sentences by beam search, as the model exported by `export_translator` does.

    The search is compiled at a model's first call, for each form of the beam and each shape of a
    batch, and kept for the next as long as the model is; its weights may change in between.

    Args:
        model: A translator; or several, with the same vocabularies, that write together as a
            `kc.decoding.Ensemble`.
        source_vocabulary: The vocabulary of the sentences.
        target_vocabulary: That of the translations.
        texts: The sentences; what is beyond `max_words` is cut.
        max_words: Greatest length of sentences and translations, in units of their vocabularies.
        width: Beams.
        replace: Write for an unknown word the source word looked at most; otherwise the unknown
            word is banned.
        dictionary: Translations by word, each one unit of its vocabulary, for what is replaced;
            what it lacks is copied.
        batch_size: Sentences translated at once.
        pair: Which languages of a multilingual translator.
        **beam_arguments: Further arguments of `kc.decoding.beam_search`: `length_penalty`,
            `alpha`, `coverage`, ...

    Yields:
        The translation of each sentence, in order.

    Raises:
        InputError: Unknown words are to be replaced and there is no attention; there is a
            dictionary and they are not, or it has more than words; the vocabularies of several
            models are of different sizes; or the model does not translate that pair.

    Example:
        ```python
        english, french = ["a red circle", "a green ring"], ["un cercle rouge", "un anneau vert"]
        source = kc.data.make_vocabulary("word", english)
        target = kc.data.make_vocabulary("token", french)
        model = kc.models.translator(len(source), len(target), units=8)  # to be trained before
        (found,) = kc.models.translate(model, source, target, english[:1], max_words=5, width=2)
        found.text  # some of the French words
        found.log_probability  # below 0
        ```
    """
    encode, decoder, attends = _taken_apart(model, pair)
    limits = {**target_vocabulary.search_limits(max_words), **beam_arguments}
    if replace:
        if not attends:
            raise InputError(
                "Unknown words were to be replaced by a translator without attention",
                "replace=False, which never writes the unknown word",
                "Train with attention to know what to copy.",
            )
        limits["banned"] = tuple({*limits["banned"]} - {target_vocabulary.UNKNOWN})
    known = checked_dictionary(dictionary, source_vocabulary, target_vocabulary, replace)
    search = _kept_search(model, pair, decoder, {"width": width, **limits})
    rows, _ = encode_sentences(texts, source_vocabulary, max_words)
    for start in range(0, len(rows), batch_size):
        with unrecorded():
            encoded = encode(pad_arrays(rows[start : start + batch_size], multiple=8))
            found = cast(Hypotheses, search(encoded))
        ids, scores = (
            keras.ops.convert_to_numpy(each[:, 0]) for each in (found.ids, found.log_probabilities)
        )
        alignments = None
        if found.alignments is not None:
            alignments = keras.ops.convert_to_numpy(found.alignments[:, 0])
        for place, numbers in enumerate(ids):
            weights = None if alignments is None else alignments[place]
            if weights is not None and replace and target_vocabulary.UNKNOWN in numbers:
                source = ["", *source_vocabulary.split(texts[start + place])[:max_words], ""]
                text = _replaced(numbers, source, weights, target_vocabulary, known)
            else:
                text = target_vocabulary.decode(numbers)
            yield Translation(text, float(scores[place]), weights)


@checked
def translation_perplexity(
    model: keras.Model | Sequence[keras.Model],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    texts: Sequence[str],
    references: Sequence[str],
    *,
    max_words: int,
    batch_size: Count = 100,
    pair: tuple[str, str] | None = None,
) -> float:
    """How much of a surprise each unit of true translations is to a translator that is shown them.

    `exp(-log p / N)` of all translations, where each unit is foretold from the true ones before it
    (teacher forcing). N counts the units of the target vocabulary (words, tokens, characters or
    sentencepieces) and the end of every sentence; a unit the vocabulary lacks is the unknown word.
    So only translators into one vocabulary compare.

    Args:
        model: A translator, or several, as for `translate`, like all but `references`.
        source_vocabulary: The vocabulary of the sentences.
        target_vocabulary: That of the translations.
        texts: The sentences; what is beyond `max_words` is cut.
        references: The true translation of each, likewise.
        max_words: Greatest length of both, in units of their vocabularies.
        batch_size: Sentences scored at once.
        pair: Which languages of a multilingual translator.

    Returns:
        The perplexity of all translations together, 1 or above.

    Raises:
        InputError: There is not a reference for each sentence, the vocabularies of several models
            are of different sizes, or the model does not translate that pair.
    """
    check_lengths("texts", texts, "references", references)
    encode, decoder, _ = _taken_apart(model, pair)
    sources, _ = encode_sentences(texts, source_vocabulary, max_words)
    targets, _ = encode_sentences(references, target_vocabulary, max_words)
    limits = target_vocabulary.search_limits(max_words)
    marks = {name: limits[name] for name in ("start", "end", "pad")}
    log_probability = 0.0
    for first in range(0, len(sources), batch_size):
        chosen = slice(first, first + batch_size)
        # The start is given.
        written = pad_arrays([row[1:] for row in targets[chosen]])
        with unrecorded():
            state = decoder.initial_state(encode(pad_arrays(sources[chosen], multiple=8)))
            scores = score(decoder.step, state, written, **marks)
        log_probability += float(keras.ops.sum(scores))
    return float(perplexity(log_probability, sum(len(row) - 1 for row in targets)))


@checked
def sentence_states(
    model: keras.Model, rows: Sequence[np.ndarray], pair: tuple[str, str] | None = None
) -> np.ndarray:
    """What the encoder of a translator ends with for each sentence.

    Args:
        model: A translator.
        rows: Numbers of each sentence, from `kc.data.encode_sentences`.
        pair: Which languages of a multilingual translator.

    Returns:
        The final states, float `(sentences, units)`.
    """
    encoder, _ = split_translator(model, pair)
    with unrecorded():
        encoded = encoder(pad_arrays(rows))
    return keras.ops.convert_to_numpy(encoded["states"] if isinstance(encoded, dict) else encoded)


def _taken_apart(
    model: keras.Model | Sequence[keras.Model], pair: tuple[str, str] | None
) -> tuple[Callable, RecurrentDecoder | Ensemble, bool]:
    """The encoder and the decoder of one translator or of several; whether there is attention."""
    models = [model] if isinstance(model, keras.Model) else model
    parts = [split_translator(each, pair) for each in models]
    attends = all(decoder.attention for _, decoder in parts)
    if len(parts) == 1:
        return *parts[0], attends
    ensemble = Ensemble([decoder for _, decoder in parts])
    return lambda source: [encoder(source) for encoder, _ in parts], ensemble, attends


# By the (first) model the searches made for it, the latest of each form last.
_SEARCHES: weakref.WeakKeyDictionary[keras.Model, OrderedDict[tuple, CompiledSearch]] = (
    weakref.WeakKeyDictionary()
)
_KEPT = 4


def _kept_search(
    model: keras.Model | Sequence[keras.Model],
    pair: tuple[str, str] | None,
    decoder: RecurrentDecoder | Ensemble,
    options: dict[str, Any],
) -> CompiledSearch:
    """The search that was compiled for these models and options, or a new one."""
    first, *others = [model] if isinstance(model, keras.Model) else model
    form = (*map(weakref.ref, others), pair, *sorted(options.items()))
    try:
        hash(form)
    except TypeError:
        return _search(decoder, options)
    kept = _SEARCHES.setdefault(first, OrderedDict())
    if form not in kept:
        kept[form] = _search(decoder, options)
        if len(kept) > _KEPT:
            kept.popitem(last=False)
    kept.move_to_end(form)
    return kept[form]


def _search(decoder: RecurrentDecoder | Ensemble, options: dict[str, Any]) -> CompiledSearch:
    # Without XLA, as in the exported model: the two must say the same to the last word.
    return CompiledSearch(decoder, jit_compile=False, **options)


def checked_dictionary(
    dictionary: Mapping[str, str] | None,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    replace: bool,
) -> dict[str, str]:
    """A dictionary in units of the vocabularies, empty where there is none.

    Raises:
        InputError: There is one though unknown words are not replaced, or it has more than words.
    """
    if dictionary is None:
        return {}
    if not replace:
        raise InputError(
            "A dictionary was given for a translator that never writes the unknown word",
            "one that replaces unknown words",
            "Have them replaced (--unknowns replace), or leave the dictionary out.",
        )
    return dictionary_units(dictionary, source_vocabulary, target_vocabulary)


def _replaced(
    numbers: np.ndarray,
    source: list[str],
    weights: np.ndarray,
    vocabulary: Vocabulary,
    dictionary: Mapping[str, str],
) -> str:
    special = (vocabulary.PAD, vocabulary.START, vocabulary.END)
    words = [vocabulary.words[number] for number in numbers if number not in special]
    return vocabulary.join(replace_unknowns(words, weights, source, dictionary=dictionary))
