"""From pictures and captions to the batches a captioner trains on.

Every batch is a pure function of the seed and its number: a run that was killed goes on with the
very batch it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.progress import tracked
from keras_classics.data.texts.vocabulary import Vocabulary

if TYPE_CHECKING:
    import tensorflow as tf

# Pictures beyond this are kept in a file instead of in memory.
MEMORY_BYTES = 4 * 2**30


@dataclass(frozen=True)
class CaptionedImages:
    """A split read once: pictures `(n, height, width, 3)` uint8, their captions and names."""

    images: np.ndarray
    captions: list[tuple[str, ...]]
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)


def collect(
    split: tf.data.Dataset, *, count: int, cache: Path | None = None, description: str = "Reading"
) -> CaptionedImages:
    """Read a split of `kc.data.load` with a progress bar.

    Args:
        split: Elements with `"image"` (all of one size), `"captions"` and `"name"`.
        count: Number of images to read.
        cache: A `.npy` file for the pictures, used when they exceed `MEMORY_BYTES`.
        description: Text beside the progress bar.

    Raises:
        InputError: The pictures differ in size, have no captions, or there are none.
    """
    if "captions" not in split.element_spec:
        raise InputError(
            explain(
                "Pictures without captions were given",
                "data with captions",
                "Use scenes, captions:FOLDER, or a captioned set such as tfds:coco_captions.",
            )
        )
    images, captions, names = None, [], []
    elements = split.take(count).prefetch(64).as_numpy_iterator()
    for number, element in enumerate(tracked(elements, description, count)):
        image = element["image"]
        if images is None:
            images = _room((count, *image.shape), cache)
        if image.shape != images.shape[1:]:
            raise InputError(
                explain(
                    f"The pictures have different sizes ({image.shape[:2]} after "
                    f"{images.shape[1:3]})",
                    "pictures of one size",
                    "Load the data with image_size=(height, width).",
                )
            )
        images[number] = image
        captions.append(tuple(text.decode() for text in element["captions"]))
        names.append(element["name"].decode())
    if images is None:
        raise InputError(
            explain("A split without images was given", "at least one image", "Check the data.")
        )
    return CaptionedImages(images[: len(names)], captions, names)


def _room(shape: tuple[int, ...], cache: Path | None) -> np.ndarray:
    if cache is None or math.prod(shape) <= MEMORY_BYTES:
        return np.empty(shape, "uint8")
    # A file of its own, should there be a link to another.
    cache.unlink(missing_ok=True)
    return np.lib.format.open_memmap(cache, "w+", "uint8", shape)


def network_input(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resize pictures and bring them to what the models of this package take: -1 to 1.

    The one place where pictures become numbers for a captioner: training, evaluation and the
    exported model all call it.

    Args:
        images: uint8 tensor `(batch, height, width, 3)` of any size.
        size: Height and width of the result; the aspect ratio is not kept.

    Returns:
        float32 `(batch, *size, 3)`.
    """
    import tensorflow as tf

    if tuple(images.shape[-3:-1]) == tuple(size):
        # Without operations that not every format of export has.
        resized = tf.cast(images, "float32")
    else:
        resized = tf.image.resize(images, size, antialias=True)
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
) -> tf.data.Dataset:
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
        prepare: Applied to each batch of `inputs`, as TensorFlow operations.

    Raises:
        InputError: There are fewer images than a batch holds.
    """
    import tensorflow as tf

    steps = steps_per_epoch(len(inputs), batch_size)

    def generate() -> Iterator:
        number = first
        while True:
            epoch, place = divmod(number, steps)
            order = np.random.default_rng([seed, epoch]).permutation(len(inputs))
            for start in range(place * batch_size, steps * batch_size, batch_size):
                chosen = np.sort(order[start : start + batch_size])
                pick = np.random.default_rng([seed, epoch, start]).random(batch_size)
                texts = np.stack(
                    [tokens[i][int(p * len(tokens[i]))] for i, p in zip(chosen, pick, strict=True)]
                )
                longest = np.max(np.sum(texts != Vocabulary.PAD, axis=1))
                yield inputs[chosen], texts[:, : 1 + 4 * math.ceil((longest - 1) / 4)]
                number += 1

    signature = (
        tf.TensorSpec((batch_size, *inputs.shape[1:]), inputs.dtype),
        tf.TensorSpec((batch_size, None), "int32"),
    )

    def arrange(pictures: tf.Tensor, texts: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        given = pictures if prepare is None else prepare(pictures)
        return {key: given, "target_in": texts[:, :-1]}, texts[:, 1:]

    batches = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return batches.map(arrange, num_parallel_calls=1).prefetch(2)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Number of whole batches in an epoch.

    Raises:
        InputError: There is not even one.
    """
    if images < batch_size:
        raise InputError(
            explain(
                f"{images} training images were given for batches of {batch_size}",
                "at least one whole batch",
                "Use a smaller --batch-size or more images.",
            )
        )
    return images // batch_size
