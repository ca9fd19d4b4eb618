"""From pictures and captions to the batches a captioner trains on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.data.batches import Axes, Visits, stream
from keras_classics.data.texts.vocabulary import Vocabulary

if TYPE_CHECKING:
    from keras_classics.core.types import Tensor
    from keras_classics.data.batches import Batches


def network_input(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize pictures and bring them to what the models of this package take: -1 to 1.

    The one place where pictures become numbers for a captioner: training, evaluation and the
    exported model all call it.

    Args:
        images: uint8 `(batch, height, width, 3)` of any size.
        size: Height and width of the result; the aspect ratio is not kept.

    Returns:
        float32 `(batch, *size, 3)`.
    """
    from keras import ops

    resized = ops.cast(images, "float32")
    # Else without operations that not every format of export has.
    if tuple(images.shape[-3:-1]) != tuple(size):
        resized = ops.image.resize(resized, size, antialias=True, data_format="channels_last")
    return resized / 127.5 - 1.0


def encode_captions(
    captions: Sequence[Sequence[str]], vocabulary: Vocabulary, max_words: int
) -> list[np.ndarray]:
    """Encode all captions of each image: `(captions, max_words + 2)` int32 per image."""
    return [
        np.array([vocabulary.encode(text, max_words + 2) for text in texts], "int32")
        for texts in captions
    ]


def caption_batches(
    inputs: np.ndarray,
    tokens: Sequence[np.ndarray],
    *,
    batch_size: int,
    seed: int,
    first: int = 0,
    key: str = "image",
    prepare: Callable | None = None,
) -> Batches:
    """Endless training batches `({key, "target_in"}, target_out)`, from any batch on.

    Every epoch visits each image once, in a new order, with one of its captions drawn at random.
    Batches are as long as their longest caption, in steps of four, so that a compiler meets few
    lengths.

    Args:
        inputs: Pictures or stored encodings `(n, ...)`.
        tokens: Encoded captions of each image, from `encode_captions`.
        batch_size: Images in a batch; the rest of an epoch is left out.
        seed: Chooses orders and captions.
        first: Number of the first batch; batch `b` is the same whatever `first` is.
        key: Name of the model's input the pictures go to.
        prepare: Applied to each batch of `inputs`, by operations of the backend.

    Raises:
        InputError: There are fewer images than a batch holds, or they differ in size.
    """
    if not isinstance(inputs, np.ndarray):
        raise InputError(
            explain(
                "Pictures of different sizes were given",
                "pictures of one size",
                "Load the data with image_size=(height, width).",
            )
        )
    visits = Visits(len(inputs), batch_size, seed)
    counts = np.array([len(each) for each in tokens])
    begins, texts = np.cumsum(counts) - counts, np.concatenate(tokens)

    def make(number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        epoch, place, chosen = visits(number)
        chosen = np.sort(chosen)
        drawn = np.random.default_rng([seed, epoch, place * batch_size]).random(batch_size)
        said = texts[begins[chosen] + (drawn * counts[chosen]).astype(int)]
        longest = np.max(np.sum(said != Vocabulary.PAD, axis=1))
        said = said[:, : 1 + 4 * math.ceil((longest - 1) / 4)]
        return {key: inputs[chosen], "target_in": said[:, :-1]}, said[:, 1:]

    def prepared(given: dict[str, Tensor], target: Tensor) -> tuple[dict[str, Any], Tensor]:
        return {**given, key: prepare(given[key]) if prepare else given[key]}, target

    words = Axes((batch_size, None), "int32")
    pictures = Axes((batch_size, *inputs.shape[1:]), str(inputs.dtype))
    like = ({key: pictures, "target_in": words}, words)
    return stream(make, like, first=first, then=prepared)
