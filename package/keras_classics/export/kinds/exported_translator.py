"""Translators: sentences in, sentences out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.types import Tensor
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.decoding import CompiledSearch, Hypotheses
from keras_classics.export.formats import Exported, Program, require_tensorflow, write
from keras_classics.export.kinds.empty_batches import empty_batches_too
from keras_classics.export.kinds.text_in_graph import (
    GraphDictionary,
    GraphVocabulary,
    most_attended_in_graph,
)
from keras_classics.export.reopening import Spec
from keras_classics.models.sequence.translate import checked_dictionary
from keras_classics.models.sequence.translator import split_translator


@checked
def export_translator(
    model: keras.Model,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    path: str | os.PathLike,
    *,
    max_words: int,
    format: str = "saved_model",
    width: int = 5,
    n_best: int = 5,
    pair: tuple[str, str] | None = None,
    replace_unknowns: bool = False,
    dictionary: Mapping[str, str] | None = None,
    **beam_arguments: Any,
) -> Exported:
    """Write a translator with everything around it: sentences in, sentences out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(texts)` takes strings `(batch,)` in
    UTF-8, composed (Unicode's NFC) as nearly all text is, and returns a dict: `"translations"`
    `(batch, n_best)` strings, best first, `"log_probabilities"` and `"scores"` of the same shape,
    and where there is attention `"alignments"` `(batch, n_best, words and end, positions)`, where
    position 0 is the source's start, then come its words and its end. Splitting into words, both
    vocabularies and beam search are inside.

    A source vocabulary of sentencepieces cannot be inside without TensorFlow Text: then `serve`
    takes its numbers, `ids`, int32 `(batch, positions)` padded with 0, as `encode` writes them.

    LiteRT and ONNX can neither divide text nor join words: there `ids` come in too, for LiteRT one
    row of `max_words + 2`, and `"words"` `(batch, n_best, max_words + 1)` come out in place of
    translations, empty behind the end.

    Args:
        model: A translator, from `kc.models.translator` or `kc.models.multilingual_translator`.
        source_vocabulary: The vocabulary whose `encode` wrote the sources it was trained on.
        target_vocabulary: The same of the targets.
        path: Folder of the SavedModel, or file ending in `.tflite` or `.onnx`.
        max_words: Greatest length of a translation.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        width: Beams.
        n_best: Translations returned for a sentence.
        pair: Which languages of a multilingual translator.
        replace_unknowns: Let the model write the unknown word, which is banned otherwise, and
            print the source word it looks at most. Needs attention, and text as the input.
        dictionary: Translations by word, as for `kc.models.translate`: an unknown word becomes the
            translation of that source word.
        **beam_arguments: Further arguments of `kc.decoding.beam_search`.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, a vocabulary is another model's, unknown
            words cannot be replaced because there is no attention or no source text, a dictionary
            does not fit, the model does not translate that pair, or the path does not fit the
            format.
        ImportError: A library of the format is not installed.
    """
    tf = require_tensorflow(format, path)
    encoder, decoder = split_translator(model, pair)
    embedding = next(each for each in encoder.layers if isinstance(each, keras.layers.Embedding))
    source_vocabulary.check_matches(embedding.input_dim)
    target_vocabulary.check_matches(decoder.vocabulary_size)
    limits = {**target_vocabulary.search_limits(max_words), **beam_arguments}
    reads_text = format == "saved_model" and source_vocabulary.UNIT != "sentencepiece"
    if replace_unknowns:
        _check_replaceable(decoder, reads_text)
        limits["banned"] = tuple({*limits["banned"]} - {target_vocabulary.UNKNOWN})
    entries = checked_dictionary(dictionary, source_vocabulary, target_vocabulary, replace_unknowns)
    known = GraphDictionary(entries) if entries else None
    search = CompiledSearch(decoder, frozen=True, width=width, n_best=n_best, **limits)
    source, target = GraphVocabulary(source_vocabulary), GraphVocabulary(target_vocabulary)

    @empty_batches_too
    def serve(texts: Tensor) -> dict[str, Tensor]:
        source_words = source.split(texts)
        return answer(source.encode(source_words), source_words)

    def answer(source_ids: Tensor, source_words: Tensor | None = None) -> dict[str, Tensor]:
        found = cast(Hypotheses, search.decode(encoder(source_ids, training=False)))
        words = target.words(found.ids)
        if replace_unknowns:
            copied = most_attended_in_graph(source_words, found.alignments)
            copied = known.translate(copied) if known else copied
            words = tf.where(found.ids == target_vocabulary.UNKNOWN, copied, words)
        joined = format == "saved_model"
        result = {
            **({"translations": target.join(words)} if joined else {"words": words}),
            "log_probabilities": found.log_probabilities,
            "scores": found.scores,
        }
        return result if found.alignments is None else {**result, "alignments": found.alignments}

    if reads_text:
        program = Program(
            serve=serve,
            inputs={"texts": Spec((None,), "string")},
            # Tables have to be named; variables are found, and one named besides is written twice.
            tracked=(source.table, *([known.table] if known else [])),
        )
    else:
        shape = (1, max_words + 2) if format == "litert" else (None, None)
        program = Program(
            serve=answer,
            inputs={"ids": Spec(shape, "int32")},
            largest_id=len(source_vocabulary) - 1,
        )
    return write(program, path, format)


def _check_replaceable(decoder: keras.layers.Layer, reads_text: bool) -> None:
    if not reads_text:
        raise InputError(
            "replace_unknowns=True was given for a file that reads numbers",
            "False where the source is of sentencepieces or the format is not saved_model, as "
            "there are no words to copy",
            "Leave it out, or export words or characters as a SavedModel.",
        )
    if decoder.attention is None:
        raise InputError(
            "replace_unknowns=True was given for a translator without attention",
            "False, which never writes the unknown word",
            "Train with attention='additive' or one of Luong's to know what to copy.",
        )
