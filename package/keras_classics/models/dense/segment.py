"""What a segmenter says of pictures: probabilities for every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import check_functional
from keras_classics.core.graphs.model_ends import ModelEnd, model_ends
from keras_classics.core.keras_internals import layers_within
from keras_classics.core.shapes import agree
from keras_classics.data.pictures.mask_batches import picture_values
from keras_classics.layers.image.crf import MeanFieldCRF

_AT_ONCE = 16
# Of what the probabilities of a pixel add up to.
_ROUNDING = 0.05
# What brings those of independent sigmoids there.
SHARED_OUT = (
    "those of a network of several sigmoids divided by their sum: said / said.sum(axis=-1, "
    "keepdims=True)"
)


@checked
def segment(
    model: keras.Model,
    images: Sequence[np.ndarray] | np.ndarray,
    *,
    batch_size: Count | None = None,
) -> list[np.ndarray]:
    """Ask a segmenter about pictures, of whatever sizes it takes.

    Args:
        model: From pictures of -1 to 1 to logits or probabilities, such as `kc.models.fcn` or
            `kc.models.crf_rnn` trained on `kc.data.mask_batches`. What it ends in is read from its
            graph, see `kc.analysis.model_ends`: one unit has two classes.
        images: uint8 `(height, width, 3)` each.
        batch_size: Pictures of one size that are read at once; by default 16, and one where a
            random field is in the network, which takes some hundred megabytes for each.

    Returns:
        Of each picture float32 probabilities `(height, width, classes)`; their `argmax(-1)` is the
        mask. At each pixel they add up to 1, but for those of a network that ends in several
        sigmoids, which are independent.

    Raises:
        InputError: The model is no segmenter; or a picture is none, not uint8, or not of the size
            that the model takes.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.125)
        model = kc.models.fcn(trunk, 21, 32)  # to be trained before
        photographs = [np.zeros((32, 48, 3), "uint8"), np.zeros((64, 32, 3), "uint8")]
        probabilities = kc.models.segment(model, photographs)
        masks = [each.argmax(-1) for each in probabilities]  # (32, 48) and (64, 32)
        ```
    """
    end = check_segmenter(model)
    if batch_size is None:
        field = any(isinstance(each, MeanFieldCRF) for each in layers_within(model))
        batch_size = 1 if field else _AT_ONCE
    taken = model.inputs[0].shape[1:]
    by_size: dict[tuple[int, ...], list[int]] = {}
    for number, image in enumerate(images):
        image = np.asarray(image)
        shape = image.shape
        if image.dtype != "uint8" or not agree(taken, shape) or 0 in shape:
            wanted = ", ".join("any" if side is None else str(side) for side in taken)
            raise InputError(
                f"Picture {number} is {image.dtype} {shape}",
                f"uint8 pictures ({wanted}), height, width and channels",
                "Give uint8 pictures as kc.data.read_image reads them.",
            )
        by_size.setdefault(shape, []).append(number)
    found: dict[int, np.ndarray] = {}
    for numbers in by_size.values():
        for start in range(0, len(numbers), batch_size):
            chosen = numbers[start : start + batch_size]
            pictures = picture_values(np.stack([images[n] for n in chosen]))
            # Of networks in half precision too.
            answer = np.asarray(model.predict_on_batch(pictures), "float32")
            said = end.probabilities(answer, np)
            found.update(zip(chosen, said, strict=True))
    return [found[number] for number in range(len(images))]


def are_probabilities(said: np.ndarray) -> bool:
    """Whether numbers are probabilities of classes, of which each pixel has one.

    Args:
        said: float32 `(height, width, classes)`, which half precision or 8 bits may have rounded.
    """
    sound = np.isfinite(said).all() and said.min() >= 0
    return bool(sound and np.abs(said.sum(axis=-1) - 1).max() <= _ROUNDING)


def check_segmenter(
    model: keras.Model, *, coloured: bool = False, logits: bool = False
) -> ModelEnd:
    """Refuse what does not tell the classes of every pixel of its pictures.

    Args:
        model: The network.
        coloured: Whether its pictures have to have three channels.
        logits: Whether it has to end in logits, one for each of two or more classes; otherwise
            softmax, sigmoids and one unit for two classes do as well.

    Returns:
        How it ends.

    Raises:
        InputError: It has no graph, several inputs or outputs, maps of another size or other
            channels, or ends in something else.
    """
    check_functional(model)
    shapes = [tuple(each.shape) for each in (*model.inputs, *model.outputs)]
    if [len(each) for each in shapes] != [4, 4] or shapes[0][1:3] != shapes[1][1:3]:
        given, said = (
            ", ".join(str(tuple(each.shape)) for each in ends)
            for ends in (model.inputs, model.outputs)
        )
        raise InputError(
            f"{model.name!r} is a model of {given} to {said}",
            "one of pictures (batch, height, width, channels) to logits of their height and width",
            "Build it by kc.models.fcn.",
        )
    if coloured and shapes[0][-1] != 3:
        raise InputError(
            f"{model.name!r} takes pictures of shape {shapes[0]}",
            "pictures with three colours, (batch, height, width, 3)",
            "Build it on a backbone that takes three channels.",
        )
    (end,) = model_ends(model)
    allowed = "ends in logits, softmax or sigmoids"
    if logits:
        allowed = "logits, one for each of two or more classes, which softmax is meant to follow"
    if end.kind == "unknown":
        raise InputError(
            f"How {model.name!r} ends cannot be read: {end.reason}",
            allowed,
            "End it in keras.layers.Conv2D(classes, 1), without an activation.",
        )
    if logits and (end.kind != "logits" or end.units == 1):
        ending = "one unit" if end.units == 1 else end.kind
        raise InputError(
            f"{model.name!r} ends in {ending}",
            allowed,
            "Give its last layer one unit for each class, and no activation.",
        )
    return end
