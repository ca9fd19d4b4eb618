"""Pictures in, sentences out, with a captioner in hand and its vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_axes
from keras_classics.core.types import Count
from keras_classics.data.captions.caption_batches import network_input
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.decoding import CompiledSearch
from keras_classics.models.sequence.captioner import DECODER, split_captioner


class Caption(NamedTuple):
    """A caption of a picture.

    Attributes:
        text: The caption.
        log_probability: Natural logarithm of the probability of its words and its end.
    """

    text: str
    log_probability: float


@checked
def encode_images(model: keras.Model, images: np.ndarray, *, batch_size: Count = 128) -> np.ndarray:
    """What the encoder of a captioner makes of pictures.

    Args:
        model: A captioner, from `kc.models.captioner`.
        images: uint8 `(n, height, width, 3)`, of any size where the encoder's is known; of an
            encoder of clips `(n, frames, height, width, 3)`, of its own size.
        batch_size: Pictures encoded at once.

    Returns:
        float32 `(n, ...)`, what the decoder takes as `"encoded"`.
    """
    encoder, _ = split_captioner(model)
    clips = len(encoder.inputs[0].shape) > 4
    check_axes("images", images, f"(n, {'frames, ' * clips}height, width, 3)")
    if not len(images):
        raise InputError("No picture was given", "one picture or more", "Give pictures to caption.")
    parts = [
        encoder.predict_on_batch(encoder_input(encoder, images[start : start + batch_size]))
        for start in range(0, len(images), batch_size)
    ]
    return np.concatenate(parts).astype("float32")


def encoder_input(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    """Pictures as the encoder of a captioner takes them: resized to its size, -1 to 1.

    Args:
        encoder: The first of `kc.models.split_captioner`.
        images: As for `encode_images`.
    """
    height, width = encoder.inputs[0].shape[-3:-1]
    size = (height or images.shape[-3], width or images.shape[-2])
    return keras.ops.convert_to_numpy(network_input(images, size))


@checked
def caption(
    model: keras.Model,
    vocabulary: Vocabulary,
    images: np.ndarray,
    *,
    max_words: int,
    width: int = 5,
    n_best: int = 1,
    batch_size: Count = 100,
    **beam_arguments: Any,
) -> Iterator[list[Caption]]:
    """Caption pictures by beam search, as the model exported by `export_captioner` does.

    Args:
        model: A captioner, from `kc.models.captioner`.
        vocabulary: The vocabulary it was trained with.
        images: As for `encode_images`.
        max_words: Greatest length of a caption.
        width: Beams.
        n_best: Captions of a picture, at most `width`.
        batch_size: Pictures captioned at once.
        **beam_arguments: Further arguments of `kc.decoding.beam_search`.

    Yields:
        The captions of each picture, best first.

    Example:
        ```python
        vocabulary = kc.data.make_vocabulary("word", ["a red circle", "a green ring"])
        encoder = kc.models.VGG11(
            include_top=False, pooling="avg", input_shape=(32, 32, 3), width=0.125
        )
        model = kc.models.captioner(encoder, len(vocabulary), units=8)  # to be trained before
        photographs = np.zeros((2, 32, 32, 3), "uint8")
        first, second = kc.models.caption(model, vocabulary, photographs, max_words=5, width=2)
        first[0].text  # some of the words
        first[0].log_probability  # below 0
        ```
    """
    # Without XLA, as in the exported model: the two must say the same to the last word.
    search = CompiledSearch(
        model.get_layer(DECODER),
        jit_compile=False,
        width=width,
        n_best=n_best,
        **{**vocabulary.search_limits(max_words), **beam_arguments},
    )
    encoded = encode_images(model, images)
    for start in range(0, len(images), batch_size):
        found = search(encoded[start : start + batch_size])
        ids, scores = (
            keras.ops.convert_to_numpy(each) for each in (found.ids, found.log_probabilities)
        )
        for rows, values in zip(ids, scores, strict=True):
            yield [
                Caption(vocabulary.decode(row), float(value))
                for row, value in zip(rows.tolist(), values, strict=True)
            ]
