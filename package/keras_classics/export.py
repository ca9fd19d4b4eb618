"""Shipping: models with everything they need inside, for processes without Keras and without us."""

from __future__ import annotations

import os

import keras

from keras_classics.core.errors import InputError, explain
from keras_classics.data.captioning import network_input
from keras_classics.data.vocabulary import Vocabulary
from keras_classics.decoding import beam_search
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
            start=vocabulary.START,
            end=vocabulary.END,
            pad=vocabulary.PAD,
            banned=(vocabulary.PAD, vocabulary.START, vocabulary.UNKNOWN),
            max_length=max_words + 1,
            width=width,
            n_best=n_best,
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
