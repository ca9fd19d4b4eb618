"""Shipping: models with everything they need inside, for processes without Keras and without us."""

from __future__ import annotations

import os
from collections import Counter

import keras
import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.data.captioning import network_input
from keras_classics.data.vocabulary import Vocabulary
from keras_classics.decoding import beam_search
from keras_classics.layers.dirac import DiracConv2D
from keras_classics.models.sequence.captioner import DECODER, split_captioner


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

    `tf.saved_model.load(path).serve(images)` takes uint8 pictures `(batch, height, width, 3)` of
    any size and returns a dict: `"captions"` `(batch, n_best)` strings, best first,
    `"log_probabilities"` and `"scores"` of the same shape. Resizing, beam search and vocabulary
    are inside.

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
    if keras.config.backend() != "tensorflow":
        raise InputError(
            explain(
                f"A SavedModel was asked for on the {keras.config.backend()} backend",
                "the TensorFlow backend",
                "Save the model as .keras and export it with KERAS_BACKEND=tensorflow.",
            )
        )
    import tensorflow as tf

    encoder, _ = split_captioner(model)
    decoder = model.get_layer(DECODER)
    vocabulary.check_matches(decoder.vocabulary_size)
    words = tf.constant(["", "", "", *vocabulary.words[3:]])

    def serve(images):
        encoded = encoder(network_input(images, image_size), training=False)
        found = beam_search(
            decoder.step,
            decoder.initial_state(encoded),
            width=width,
            n_best=n_best,
            **vocabulary.search_limits(max_words),
            **beam_arguments,
        )
        sentences = tf.strings.reduce_join(tf.gather(words, found.ids), axis=-1, separator=" ")
        return {
            "captions": tf.strings.strip(sentences),
            "log_probabilities": found.log_probabilities,
            "scores": found.scores,
        }

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, [tf.TensorSpec((None, None, None, 3), tf.uint8, "images")])
    archive.write_out(str(path), verbose=False)


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
