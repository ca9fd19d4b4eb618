"""What a detector says of pictures: boxes, classes and scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.box_regression import apply_regression
from keras_classics.boxes.detections import Detections, as_boxes, box_areas, check_proposals
from keras_classics.boxes.suppression import suppress
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_probability, check_whole
from keras_classics.core.pictures import check_picture
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
        InputError: Not as many proposals as pictures, a picture is none or not of bytes, a score or
            overlap is not between 0 and 1, or the model says NaN.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(64, 64, 3), width=0.125)
        model = kc.models.fast_rcnn(trunk, 5, units=(32,))  # to be trained before
        photograph = np.zeros((64, 64, 3), "uint8")
        windows = kc.boxes.sliding_windows((64, 64), sides=(32,))
        (found,) = kc.models.detect(model, [photograph], [windows], most=3)
        found.boxes.shape  # (3, 4), surest first
        found.box_labels, found.scores  # (3,) each
        ```
    """
    check_proposals(proposals, len(images))
    channels = int(model.get_layer("image").output.shape[-1])
    for number, image in enumerate(images):
        check_picture(image, (channels,), f"Picture {number} of {len(images)}")
    most, batch_size = check_whole("most", most), check_whole("batch_size", batch_size)
    least_score = check_probability("least_score", least_score)
    threshold = check_probability("threshold", threshold)
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
            if not np.isfinite(probabilities[place, : len(given[number])]).all():
                raise InputError(
                    f"Of picture {number} {images[number].shape[:2]} the model says NaN",
                    "finite numbers",
                    "Train it anew if it diverged; of a picture larger than it was made for, "
                    "make it with a greater largest_map.",
                )
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
    # What has been clipped away is nothing.
    seen = box_areas(boxes) > 0
    boxes, labels, scores = boxes[seen], labels[seen], scores[seen]
    stay = suppress(boxes, scores, labels, threshold=threshold, most=most)
    return Detections(boxes[stay], labels[stay], scores[stay])
