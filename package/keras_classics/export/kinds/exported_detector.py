"""Detectors of regions: pictures in, boxes with names of classes out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import as_boxes
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_probability, check_whole
from keras_classics.core.types import Tensor, Whole
from keras_classics.data.captions.caption_batches import network_input
from keras_classics.export.formats import (
    Exported,
    Program,
    check_names,
    require_tensorflow,
    write,
)
from keras_classics.export.kinds.empty_batches import empty_batches_too
from keras_classics.export.reopening import Arrays, Spec


@checked
def export_detector(
    model: keras.Model,
    classes: Sequence[str],
    path: str | os.PathLike,
    *,
    image_size: tuple[int, int],
    windows: ArrayLike | None = None,
    format: str = "saved_model",
    least_score: float = 0.05,
    threshold: float = 0.3,
    most: Whole = 100,
) -> Exported:
    """Write a detector with everything around it: pictures in; boxes, classes and scores out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(images)` takes uint8 pictures
    `(batch, height, width, 3)` of any size and returns a dict: `"boxes"` `(batch, n, 4)`, `(ymin,
    xmin, ymax, xmax)` in the pictures' own pixels, `"classes"` `(batch, n)` strings, `"scores"`
    `(batch, n)`, surest first, and `"counts"` `(batch,)`, how many of a picture's rows are
    detections; the others are empty, as `n` is that of the picture with the most. Of one picture in
    which nothing is found `boxes[0]` is `(0, 4)`. Resizing, moving and suppression are inside.

    Args:
        model: A detector, from `kc.models.fast_rcnn` or `kc.models.spp_net`.
        classes: Names of the classes.
        path: Folder of the SavedModel.
        image_size: Height and width that pictures are resized to for the network.
        windows: `(n, 4)` in pixels of the resized picture, such as `kc.boxes.sliding_windows`, that
            are looked at in every picture; None where `serve(images, proposals)` takes proposals
            `(batch, n, 4)` in the pictures' own pixels.
        format: `"saved_model"`; LiteRT and ONNX have no suppression by class.
        least_score: Less probable boxes are left out.
        threshold: The overlap that suppression admits.
        most: Boxes of a picture at most.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The file differs from the model.
        InputError: The Keras backend is not TensorFlow, the names are not one for each class, or
            another format was asked for.
    """
    if format != "saved_model":
        raise InputError(
            f"format={format!r} was given for a detector",
            "'saved_model': LiteRT and ONNX have no suppression class by class",
            "Leave format out.",
        )
    tf = require_tensorflow(format, path)
    check_names(len(classes), model.get_layer("classes").output.shape[-1] - 1)
    most, threshold = check_whole("most", most), check_probability("threshold", threshold)
    # The operation takes what is above.
    above = float(np.nextafter(np.float32(check_probability("least_score", least_score)), -1))
    size = tf.constant(image_size, tf.float32)

    def answered(images: Tensor, boxes: Tensor, scale: Tensor) -> dict[str, Tensor]:
        """What is found, of boxes in the network's pixels; `scale` leads to the picture's."""
        said = model({"image": network_input(images, image_size), "boxes": boxes}, training=False)
        probabilities = tf.nn.softmax(said["classes"])[..., :-1]
        count = tf.shape(boxes)[1]
        places = tf.repeat(boxes[:, :, None], len(classes), axis=2)
        moved = keras.utils.bounding_boxes.decode_deltas_to_boxes(
            places, said["offsets"], "yxyx", "yxyx"
        )
        moved = tf.clip_by_value(moved, 0.0, tf.concat([size, size], axis=0)) * scale
        # What has been clipped away is nothing.
        seen = tf.reduce_all(moved[..., 2:] > moved[..., :2], axis=-1)
        found = tf.image.combined_non_max_suppression(
            moved,
            tf.where(seen, probabilities, -1.0),
            # A picture without proposals has room for none, which the operation does not take.
            max_output_size_per_class=tf.maximum(1, tf.minimum(count, most)),
            max_total_size=most,
            iou_threshold=threshold,
            score_threshold=above,
            clip_boxes=False,
        )
        counts = found.valid_detections
        widest = tf.reduce_max(counts)
        names = tf.gather(tf.constant(list(classes)), tf.cast(found.nmsed_classes, tf.int32))
        filled = tf.range(most)[None] < counts[:, None]
        return {
            "boxes": found.nmsed_boxes[:, :widest],
            "classes": tf.where(filled, names, "")[:, :widest],
            "scores": found.nmsed_scores[:, :widest],
            "counts": counts,
        }

    def scales(images: Tensor) -> Tensor:
        there = tf.cast(tf.shape(images)[1:3], tf.float32)
        return tf.concat([there / size, there / size], axis=0)

    inputs = {"images": Spec((None, None, None, 3), "uint8")}
    if windows is None:
        inputs["proposals"] = Spec((None, None, 4), "float32")

        def serve(images: Tensor, proposals: Tensor) -> dict[str, Tensor]:
            return answered(images, proposals / scales(images), scales(images))

        asked = empty_batches_too(serve)
        program = Program(serve=asked, inputs=inputs, tracked=(model,), batches=_samples())
    else:
        grid = tf.constant(as_boxes(windows), tf.float32)

        def serve_alone(images: Tensor) -> dict[str, Tensor]:
            boxes = tf.tile(grid[None], [tf.shape(images)[0], 1, 1])
            return answered(images, boxes, scales(images))

        asked = empty_batches_too(serve_alone)
        program = Program(serve=asked, inputs=inputs, tracked=(model,))
    return write(program, path, format)


def _samples() -> list[Arrays]:
    """Pictures with proposals that are boxes, which numbers drawn at random are not."""
    rng: Any = np.random.default_rng(0)
    found: list[Arrays] = []
    for count, height, width, boxes in ((3, 48, 60, 7), (1, 96, 72, 4)):
        corners = rng.uniform(0, 20, (count, boxes, 2))
        regions = np.concatenate([corners, corners + rng.uniform(5, 25, corners.shape)], axis=2)
        images = rng.integers(0, 256, (count, height, width, 3), "uint8")
        found.append({"images": images, "proposals": regions.astype("float32")})
    return found
