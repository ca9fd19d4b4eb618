"""Shipping: models with everything they need inside, for processes without Keras and without us."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.data.captioning import network_input
from keras_classics.data.graph_text import GraphVocabulary, most_attended_in_graph
from keras_classics.data.preparation import Preparation
from keras_classics.data.sequences import Units
from keras_classics.data.speech import frame_count, log_mel
from keras_classics.data.vocabulary import Vocabulary
from keras_classics.decoding import CompiledSearch, ctc_beam_search
from keras_classics.layers.dirac import DiracConv2D
from keras_classics.models.sequence.captioner import DECODER, split_captioner
from keras_classics.models.sequence.translator import split_translator


def export_captioner(
    model: keras.Model,
    vocabulary: Vocabulary,
    path: str | os.PathLike,
    *,
    image_size: tuple[int, int],
    max_words: int,
    width: int = 5,
    n_best: int = 5,
    **beam_arguments,
) -> None:
    """Write a captioner as one SavedModel: pictures in, sentences out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(images)` takes uint8 pictures
    `(batch, height, width, 3)` of any size and returns a dict: `"captions"` `(batch, n_best)`
    strings, best first, `"log_probabilities"` and `"scores"` of the same shape. Resizing, beam
    search and vocabulary are inside.

    Args:
        model: A captioner, from `kc.models.captioner`.
        vocabulary: The vocabulary it was trained with.
        path: Folder of the SavedModel.
        image_size: Height and width the encoder takes.
        max_words: Greatest length of a caption.
        width: Beams.
        n_best: Captions returned for an image.
        **beam_arguments: Further arguments of `kc.decoding.beam_search`.

    Raises:
        InputError: The Keras backend is not TensorFlow, or the vocabulary is another model's.
    """
    tf = _tensorflow()
    encoder, _ = split_captioner(model)
    decoder = model.get_layer(DECODER)
    vocabulary.check_matches(decoder.vocabulary_size)
    limits = {**vocabulary.search_limits(max_words), **beam_arguments}
    search = CompiledSearch(decoder, width=width, n_best=n_best, **limits)
    text = GraphVocabulary(vocabulary)

    def serve(images):
        found = search.decode(encoder(network_input(images, image_size), training=False))
        return {
            "captions": text.join(text.words(found.ids)),
            "log_probabilities": found.log_probabilities,
            "scores": found.scores,
        }

    _write(serve, tf.TensorSpec((None, None, None, 3), tf.uint8, "images"), path, model)


def export_translator(
    model: keras.Model,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    path: str | os.PathLike,
    *,
    max_words: int,
    width: int = 5,
    n_best: int = 5,
    pair: tuple[str, str] | None = None,
    replace_unknowns: bool = False,
    **beam_arguments,
) -> None:
    """Write a translator as one SavedModel: sentences in, sentences out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(texts)` takes strings `(batch,)` in
    UTF-8, composed (Unicode's NFC) as nearly all text is, and returns a dict: `"translations"`
    `(batch, n_best)` strings, best first, `"log_probabilities"` and `"scores"` of the same shape,
    and where there is attention `"alignments"` `(batch, n_best, words and end, positions)`, where
    position 0 is the source's start, then come its words and its end. Splitting into words, both
    vocabularies and beam search are inside.

    A source vocabulary of sentencepieces cannot be inside without TensorFlow Text: then `serve`
    takes its numbers, int32 `(batch, positions)` padded with 0, as `encode` writes them.

    Args:
        model: A translator, from `kc.models.translator` or `kc.models.multilingual_translator`.
        source_vocabulary: The vocabulary whose `encode` wrote the sources it was trained on.
        target_vocabulary: The same of the targets.
        path: Folder of the SavedModel.
        max_words: Greatest length of a translation.
        width: Beams.
        n_best: Translations returned for a sentence.
        pair: Which languages of a multilingual translator.
        replace_unknowns: Let the model write the unknown word, which is banned otherwise, and
            print the source word it looks at most. Needs attention, and text as the input.
        **beam_arguments: Further arguments of `kc.decoding.beam_search`.

    Raises:
        InputError: The Keras backend is not TensorFlow, a vocabulary is another model's, or
            unknown words cannot be replaced because there is no attention or no source text.
        ValueError: The model does not translate that pair.
    """
    tf = _tensorflow()
    encoder, decoder = split_translator(model, pair)
    embedding = next(each for each in encoder.layers if isinstance(each, keras.layers.Embedding))
    source_vocabulary.check_matches(embedding.input_dim)
    target_vocabulary.check_matches(decoder.vocabulary_size)
    limits = {**target_vocabulary.search_limits(max_words), **beam_arguments}
    if replace_unknowns:
        _check_replaceable(decoder, source_vocabulary)
        limits["banned"] = tuple({*limits["banned"]} - {target_vocabulary.UNKNOWN})
    search = CompiledSearch(decoder, width=width, n_best=n_best, **limits)
    source, target = GraphVocabulary(source_vocabulary), GraphVocabulary(target_vocabulary)

    def serve(texts):
        source_words = source.split(texts)
        return answer(source.encode(source_words), source_words)

    def answer(source_ids, source_words=None):
        found = search.decode(encoder(source_ids, training=False))
        words = target.words(found.ids)
        if replace_unknowns:
            copied = most_attended_in_graph(source_words, found.alignments)
            words = tf.where(found.ids == target_vocabulary.UNKNOWN, copied, words)
        result = {
            "translations": target.join(words),
            "log_probabilities": found.log_probabilities,
            "scores": found.scores,
        }
        return result if found.alignments is None else {**result, "alignments": found.alignments}

    if source_vocabulary.UNIT == "sentencepiece":
        _write(answer, tf.TensorSpec((None, None), tf.int32, "ids"), path)
    else:
        # Tables have to be named; variables are found, and one named besides is written twice.
        _write(serve, tf.TensorSpec((None,), tf.string, "texts"), path, source.table)


def export_classifier(
    model: keras.Model,
    preparation: Preparation,
    classes: Sequence[str],
    path: str | os.PathLike,
    *,
    best: int = 5,
) -> None:
    """Write a classifier as one SavedModel: pictures in, names of classes out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(images)` takes uint8 pictures
    `(batch, height, width, 3)` of any size and returns a dict: `"classes"` `(batch, best)` strings,
    most probable first, their `"probabilities"`, and `"all_probabilities"` `(batch, classes)`.
    Resizing, crops and normalisation are inside.

    Args:
        model: A classifier with one output.
        preparation: What it was trained with.
        classes: Names of the classes.
        path: Folder of the SavedModel.
        best: Classes named for a picture, at most.

    Raises:
        InputError: The Keras backend is not TensorFlow, or the names are not one for each output.
    """
    tf = _tensorflow()
    _check_names(len(classes), model.output_shape[-1])
    names = tf.constant(list(classes))

    def serve(images):
        views = preparation.views(images)
        answers = model(tf.reshape(views, (-1, *preparation.input_shape)), training=False)
        answers = tf.reshape(answers, (-1, preparation.test_crops, len(classes)))
        probabilities = tf.reduce_mean(tf.cast(answers, tf.float32), axis=1)
        top = tf.math.top_k(probabilities, min(best, len(classes)))
        return {
            "classes": tf.gather(names, top.indices),
            "probabilities": top.values,
            "all_probabilities": probabilities,
        }

    _write(serve, tf.TensorSpec((None, None, None, 3), tf.uint8, "images"), path, model)


def export_recognizer(
    model: keras.Model,
    labels: Sequence[str],
    path: str | os.PathLike,
    *,
    width: int = 10,
    n_best: int = 3,
) -> None:
    """Write a recogniser as one SavedModel: lines or recordings in, texts out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(inputs, lengths)` takes what
    `kc.data.load` gives, padded behind the end: uint8 pictures `(batch, height, width, 3)` of the
    height the model was built for, or recordings float32 `(batch, samples)` of -1 to 1 at
    8 kHz; and int32 widths or numbers of samples, `(batch,)`. It returns a dict: `"texts"`
    `(batch, n_best)` strings, most probable first, and `"log_probabilities"`. Features, the
    network and beam search are inside.

    Args:
        model: A recogniser, from `kc.models.ctc_recognizer`, for grey pictures of 0 to 1 or
            `kc.data.log_mel`.
        labels: What is written for label 1, 2, ...
        path: Folder of the SavedModel.
        width: Labellings that are followed.
        n_best: Texts returned.

    Raises:
        InputError: The Keras backend is not TensorFlow, or the labels are not one for each output.
    """
    tf = _tensorflow()
    _check_names(len(labels), model.output_shape[-1] - 1)
    written = tf.constant(["", *labels])
    _, height, *rest = model.get_layer("sequence").output.shape
    images = len(rest) == 2

    def serve(inputs, lengths):
        if images:
            inputs = tf.image.rgb_to_grayscale(tf.cast(inputs, tf.float32) / 255.0)
        else:
            inputs, lengths = log_mel(inputs), frame_count(lengths)
        logits = model({"sequence": inputs, "length": lengths}, training=False)
        found = ctc_beam_search(logits, width=width, n_best=n_best)
        texts = tf.strings.reduce_join(tf.gather(written, found.ids), axis=-1)
        return {"texts": texts, "log_probabilities": found.log_probabilities}

    inputs = (
        tf.TensorSpec((None, height, None, 3), tf.uint8, "inputs")
        if images
        else tf.TensorSpec((None, None), tf.float32, "inputs")
    )
    _write(serve, [inputs, tf.TensorSpec((None,), tf.int32, "lengths")], path, model)


def export_text_labeller(
    model: keras.Model, units: Units, classes: Sequence[str], path: str | os.PathLike
) -> None:
    """Write a tagger or a classifier of texts as one SavedModel: texts in, classes out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(texts)` takes strings `(batch,)` in
    UTF-8 and returns a dict: `"units"` `(batch, units)`, the words or characters that were read,
    padded with empty ones; `"classes"`, the most probable class of each unit `(batch, units)` or
    of each text `(batch,)`; and the `"probabilities"` of all classes.

    Args:
        model: From `kc.models.tagger` or `kc.models.sequence_classifier`.
        units: What it reads.
        classes: Names of the classes.
        path: Folder of the SavedModel.

    Raises:
        InputError: The Keras backend is not TensorFlow, or the names are not one for each output.
    """
    tf = _tensorflow()
    _check_names(len(classes), model.output_shape[-1])
    names = tf.constant(list(classes))
    numbers = tf.range(2, len(units), dtype=tf.int32)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(units.items, tf.string), numbers),
        default_value=units.UNKNOWN,
    )

    def serve(texts):
        words = units.unit == "word"
        read = tf.strings.split(texts) if words else tf.strings.unicode_split(texts, "UTF-8")
        probabilities = model(table.lookup(read).to_tensor(0), training=False)
        found = tf.gather(names, tf.argmax(probabilities, axis=-1))
        return {"units": read.to_tensor(""), "classes": found, "probabilities": probabilities}

    _write(serve, [tf.TensorSpec((None,), tf.string, "texts")], path, model, table)


def fold(model: keras.Model) -> keras.Model:
    """The same function with fewer layers: batch normalisation and Dirac kernels folded away.

    At inference a normalisation right after a convolution or dense layer is a change of its kernel
    and bias; a `DiracConv2D` is a plain convolution. The result has neither, its convolutions have
    the names they had, and its weights are its own. It is meant for use, not for more training.

    Args:
        model: A built functional model.

    Returns:
        A new model whose outputs equal the old one's at inference.
    """
    sources = {id(layer.output): layer for layer in model.layers if _foldable(layer)}
    readers = Counter(
        id(tensor) for layer in model.layers for tensor in keras.tree.flatten(layer.input)
    )
    readers.update(id(tensor) for tensor in model.outputs)
    norms = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            source = sources.get(id(layer.input))
            # A convolution that others read too must go on giving them what it gave.
            if source is not None and readers[id(layer.input)] == 1 and _normalizes_last(layer):
                norms[source.name] = layer
    gone = {norm.name for norm in norms.values()}

    def clone(layer):
        if layer.name not in norms and not isinstance(layer, DiracConv2D):
            return type(layer).from_config(layer.get_config())
        return _plain(layer, use_bias=layer.name in norms)

    def call(layer, *inputs, **arguments):
        return inputs[0] if layer.name in gone else layer(*inputs, **arguments)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in folded.layers:
        if not layer.weights:
            continue
        source = model.get_layer(layer.name)
        if source.name in norms:
            layer.set_weights(_folded(source, norms[source.name]))
        elif isinstance(source, DiracConv2D):
            layer.set_weights([_array(source.effective_kernel())])
        else:
            layer.set_weights(source.get_weights())
    return folded


def _tensorflow():
    if keras.config.backend() != "tensorflow":
        raise InputError(
            explain(
                f"A SavedModel was asked for on the {keras.config.backend()} backend",
                "the TensorFlow backend",
                "Save the model as .keras and export it with KERAS_BACKEND=tensorflow.",
            )
        )
    import tensorflow as tf

    return tf


def _check_names(given: int, outputs: int) -> None:
    if given != outputs:
        raise InputError(
            explain(
                f"{given} names were given for {outputs} classes",
                "one name for each class",
                "Give the classes the model was trained on.",
            )
        )


def _check_replaceable(decoder: keras.layers.Layer, source_vocabulary: Vocabulary) -> None:
    if source_vocabulary.UNIT == "sentencepiece":
        raise InputError(
            explain(
                "replace_unknowns=True was given for a source vocabulary of sentencepieces",
                "False, as the exported model reads numbers and has no words to copy",
                "Leave it out; sentencepieces know nearly every word.",
            )
        )
    if decoder.attention is None:
        raise InputError(
            explain(
                "replace_unknowns=True was given for a translator without attention",
                "False, which never writes the unknown word",
                "Train with attention='additive' or one of Luong's to know what to copy.",
            )
        )


def _write(serve: Callable, signature, path: str | os.PathLike, *tracked) -> None:
    archive = keras.export.ExportArchive()
    for each in tracked:
        archive.track(each)
    archive.add_endpoint("serve", serve, signature if isinstance(signature, list) else [signature])
    archive.write_out(str(path), verbose=False)


def _foldable(layer: keras.layers.Layer) -> bool:
    kinds = (keras.layers.Conv2D, keras.layers.Dense, DiracConv2D)
    linear = getattr(layer, "activation", None) in (None, keras.activations.linear)
    return type(layer) in kinds and linear


def _normalizes_last(norm: keras.layers.BatchNormalization) -> bool:
    return norm.axis in (-1, len(norm.output.shape) - 1)


def _plain(layer: keras.layers.Layer, *, use_bias: bool) -> keras.layers.Layer:
    if isinstance(layer, DiracConv2D):
        return keras.layers.Conv2D(
            layer.filters,
            layer.kernel_size,
            padding="same",
            use_bias=use_bias,
            dtype=layer.dtype_policy,
            name=layer.name,
        )
    return type(layer).from_config({**layer.get_config(), "use_bias": use_bias})


def _folded(layer: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """Kernel and bias of the layer with the normalisation after it."""
    kernel = layer.effective_kernel() if isinstance(layer, DiracConv2D) else layer.kernel
    mean, variance = map(_array, (norm.moving_mean, norm.moving_variance))
    gain = 1.0 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        gain = gain * _array(norm.gamma)
    bias = -mean * gain
    if norm.center:
        bias = bias + _array(norm.beta)
    if getattr(layer, "use_bias", False):
        bias = bias + _array(layer.bias) * gain
    return [_array(kernel) * gain, bias]


def _array(tensor) -> np.ndarray:
    # In double precision, so that folding itself loses nothing.
    return keras.ops.convert_to_numpy(tensor).astype("float64")
