"""Captioners: pictures in, sentences out."""

from __future__ import annotations

import os
from typing import Any, cast

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.types import Tensor
from keras_classics.data.captions.caption_batches import network_input
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.decoding import CompiledSearch, Hypotheses
from keras_classics.export.formats import Exported, Program, require_tensorflow, write
from keras_classics.export.kinds.text_in_graph import GraphVocabulary
from keras_classics.export.reopening import Spec
from keras_classics.models.sequence.captioner import DECODER, split_captioner


@checked
def export_captioner(
    model: keras.Model,
    vocabulary: Vocabulary,
    path: str | os.PathLike,
    *,
    image_size: tuple[int, int],
    max_words: int,
    format: str = "saved_model",
    width: int = 5,
    n_best: int = 5,
    **beam_arguments: Any,
) -> Exported:
    """Write a captioner with everything around it: pictures in, sentences out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(images)` takes uint8 pictures
    `(batch, height, width, 3)` of any size and returns a dict: `"captions"` `(batch, n_best)`
    strings, best first, `"log_probabilities"` and `"scores"` of the same shape. Resizing, beam
    search and vocabulary are inside.

    LiteRT and ONNX can neither resize as TensorFlow does nor join words: there the pictures must be
    of `image_size` (and for LiteRT one in a batch), and `"words"` `(batch, n_best, max_words + 1)`
    come in place of captions, empty behind the end.

    Args:
        model: A captioner, from `kc.models.captioner`.
        vocabulary: The vocabulary it was trained with.
        path: Folder of the SavedModel, or file ending in `.tflite` or `.onnx`.
        image_size: Height and width the encoder takes.
        max_words: Greatest length of a caption.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        width: Beams.
        n_best: Captions returned for an image.
        **beam_arguments: Further arguments of `kc.decoding.beam_search`.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, the vocabulary is another model's, or the
            path does not fit the format.
        ImportError: A library of the format is not installed.
    """
    require_tensorflow(format, path)
    encoder, _ = split_captioner(model)
    decoder = model.get_layer(DECODER)
    vocabulary.check_matches(decoder.vocabulary_size)
    limits = {**vocabulary.search_limits(max_words), **beam_arguments}
    search = CompiledSearch(decoder, frozen=True, width=width, n_best=n_best, **limits)
    text = GraphVocabulary(vocabulary)

    def serve(images: Tensor) -> dict[str, Tensor]:
        encoded = encoder(network_input(images, image_size), training=False)
        found = cast(Hypotheses, search.decode(encoded))
        words = text.words(found.ids)
        said = {"captions": text.join(words)} if format == "saved_model" else {"words": words}
        return {**said, "log_probabilities": found.log_probabilities, "scores": found.scores}

    shapes = {
        "saved_model": (None, None, None, 3),
        "litert": (1, *image_size, 3),
        "onnx": (None, *image_size, 3),
    }
    inputs = {"images": Spec(shapes[format], "uint8")}
    return write(Program(serve=serve, inputs=inputs, tracked=(model,)), path, format)
