"""What a detector says of pictures: boxes, classes and scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.box_regression import apply_regression
from keras_classics.boxes.detections import Detections, as_boxes
from keras_classics.boxes.suppression import suppress
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.types import Whole
from keras_classics.data.captions.caption_batches import network_input


@checked
def detect(
    model: keras.Model,
    images: Sequence[np.ndarray],
    proposals: Sequence[ArrayLike],
    *,
    least_score: float = 0.05,
    threshold: float = 0.3,
    most: Whole = 100,
    batch_size: Whole = 16,
) -> list[Detections]:
    """Ask a detector of regions about pictures.

    Of each proposal and class the box is moved as the model says and clipped to the picture; of
    those of a class that overlap, the surest stays. Where the model takes pictures of one size,
    others are resized to it, and what is found is told in their own pixels.

    Args:
        model: As of `kc.models.fast_rcnn` or `kc.models.spp_net`.
        images: uint8 `(height, width, 3)` each.
        proposals: `(n, 4)` for each picture, perhaps none.
        least_score: Less probable boxes are left out.
        threshold: The overlap that suppression admits, as for `kc.boxes.suppress`.
        most: Boxes of a picture at most, over all classes.
        batch_size: Pictures that are read at once, where they are of one size.

    Returns:
        What was found in each picture, in its own pixels, surest first.

    Raises:
        InputError: Not as many proposals as pictures, or a picture is none.
    """
    if len(images) != len(proposals):
        raise InputError(
            f"{len(images)} pictures and proposals for {len(proposals)} were given",
            "equally many",
            "Give an empty array for a picture without proposals.",
        )
    channels = model.get_layer("image").output.shape[-1]
    for number, image in enumerate(images):
        if image.ndim != 3 or image.shape[-1] != channels or not image.size:
            raise InputError(
                f"Picture {number} of {len(images)} is of shape {image.shape}",
                f"(height, width, {channels}), none of them 0",
                "Read pictures by kc.data.read_image(path).",
            )
    most, batch_size = check_whole("most", most), check_whole("batch_size", batch_size)
    given = [as_boxes(each).astype("float32") for each in proposals]
    taken = model.get_layer("image").output.shape[1:3]
    found: list[Detections] = []
    for numbers in _groups([image.shape for image in images], batch_size):
        count = max(1, *(len(given[number]) for number in numbers))
        boxes = np.zeros((len(numbers), count, 4), "float32")
        for row, number in zip(boxes, numbers, strict=True):
            row[: len(given[number])] = given[number]
        pictures = np.stack([images[number] for number in numbers])
        own = pictures.shape[1:3]
        size = tuple(side or there for side, there in zip(taken, own, strict=True))
        factors = np.array([side / there for side, there in zip(size, own, strict=True)] * 2)
        prepared = network_input(pictures, size)
        # A tensor like the pictures: PyTorch takes no mixture.
        scaled = keras.ops.convert_to_tensor((boxes * factors).astype("float32"))
        said = model.predict_on_batch({"image": prepared, "boxes": scaled})
        probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(said["classes"]))
        for place, number in enumerate(numbers):
            rows = slice(len(given[number]))
            found.append(
                _decoded(
                    given[number],
                    probabilities[place, rows, :-1],
                    np.asarray(said["offsets"][place, rows]),
                    own,
                    (least_score, threshold, most),
                )
            )
    return found


def _groups(shapes: Sequence[tuple[int, ...]], batch_size: int) -> Iterator[list[int]]:
    """Pictures that follow one another and are of one size, so many at most."""
    group: list[int] = []
    for number, shape in enumerate(shapes):
        if group and (shape != shapes[group[0]] or len(group) == batch_size):
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _decoded(
    proposals: np.ndarray,
    probabilities: np.ndarray,
    offsets: np.ndarray,
    size: tuple[int, ...],
    rules: tuple[float, float, int],
) -> Detections:
    least_score, threshold, most = rules
    regions, labels = np.nonzero(probabilities >= least_score)
    scores = probabilities[regions, labels]
    boxes = apply_regression(proposals[regions], offsets[regions, labels], (size[0], size[1]))
    seen = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    boxes, labels, scores = boxes[seen], labels[seen], scores[seen]
    stay = suppress(boxes, scores, labels, threshold=threshold, most=most)
    return Detections(boxes[stay], labels[stay], scores[stay])
