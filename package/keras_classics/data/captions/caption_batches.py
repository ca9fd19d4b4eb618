"""From pictures and captions to the batches a captioner trains on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.data.batches import Axes, Visits, pad_arrays, stream
from keras_classics.data.splits import Pictures
from keras_classics.data.texts.sentence_batches import STEP, encode_sentences
from keras_classics.data.texts.vocabulary import Vocabulary

if TYPE_CHECKING:
    from keras_classics.core.types import Count, Tensor
    from keras_classics.data.batches import Batches


@checked
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


@checked
def caption_batches(
    part: Pictures,
    vocabulary: Vocabulary,
    *,
    max_words: int,
    batch_size: Count,
    seed: int,
    first: int = 0,
    size: tuple[int, int] | None = None,
    encoded: np.ndarray | None = None,
) -> Batches:
    """Endless training batches `({"image", "target_in"}, target_out)`, from any batch on.

    Every epoch visits each picture once, in a new order, with one of its captions drawn at random.
    Batches are as long as their longest caption, in steps of four, so that a compiler meets few
    lengths.

    Args:
        part: Pictures with captions, such as `kc.data.collect(split, "captions")`; or clips, uint8
            `(n, frames, height, width, 3)`, as its `images`.
        vocabulary: Of the captions.
        max_words: Words of a caption, at most; longer ones are cut.
        batch_size: Pictures in a batch; the rest of an epoch is left out.
        seed: Chooses orders and captions.
        first: Number of the first batch; batch `b` is the same whatever `first` is.
        size: Height and width that pictures are resized to; by default they stay as they are.
        encoded: What a frozen encoder says of each picture, `(n, ...)`, such as
            `kc.models.encode_images`: it goes, in place of the pictures, to the input `"encoded"`.

    Returns:
        Batches of pictures as the models of this package take them, -1 to 1, or of encodings; and
        int32 `(batch_size, length)`, of which `target_in` lacks the end, `target_out` the start.

    Raises:
        InputError: There are fewer pictures than a batch holds, or they differ in size.

    Example:
        ```python
        data = kc.data.load("scenes", train=8, image_size=32)
        part = kc.data.collect(data.train, "captions")
        texts = [caption for captions in part.captions for caption in captions]
        vocabulary = kc.data.make_vocabulary("word", texts)
        batches = kc.data.caption_batches(part, vocabulary, max_words=20, batch_size=4, seed=0)
        inputs, target_out = next(iter(batches))
        inputs["image"].shape  # (4, 32, 32, 3)
        ```
    """
    inputs, key = (part.images, "image") if encoded is None else (encoded, "encoded")
    if not isinstance(inputs, np.ndarray):
        raise InputError(
            "Pictures of different sizes were given",
            "pictures of one size",
            "Load the data with image_size=(height, width).",
        )
    said = part.captions or ()
    rows, _ = encode_sentences([text for each in said for text in each], vocabulary, max_words)
    counts = np.array([len(each) for each in said])
    begins = np.cumsum(counts) - counts
    visits = Visits(len(inputs), batch_size, seed)

    def make(number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        epoch, place, chosen = visits(number)
        chosen = np.sort(chosen)
        drawn = np.random.default_rng([seed, epoch, place * batch_size]).random(batch_size)
        captions = begins[chosen] + (drawn * counts[chosen]).astype(int)
        # The start stands in one of the two only.
        words = pad_arrays([rows[n] for n in captions], STEP, beyond=1)
        return {key: inputs[chosen], "target_in": words[:, :-1]}, words[:, 1:]

    def prepared(given: dict[str, Tensor], target: Tensor) -> tuple[dict[str, Any], Tensor]:
        if encoded is None:
            given = {**given, key: network_input(given[key], size or inputs.shape[-3:-1])}
        return given, target

    words = Axes((batch_size, None), "int32")
    pictures = Axes((batch_size, *inputs.shape[1:]), str(inputs.dtype))
    like = ({key: pictures, "target_in": words}, words)
    return stream(make, like, first=first, then=prepared)
