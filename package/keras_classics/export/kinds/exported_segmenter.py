"""Segmenters: pictures in, the class of every pixel out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_pair
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.types import Count, Tensor
from keras_classics.export.formats import (
    Exported,
    Program,
    check_names,
    require_tensorflow,
    write,
)
from keras_classics.export.reopening import Spec
from keras_classics.models.dense.segment import check_segmenter

# Masks are of 8 bits, and 255 is what does not count.
_MOST_CLASSES = 255


@checked
def export_segmenter(
    model: keras.Model,
    classes: Sequence[str],
    path: str | os.PathLike,
    *,
    format: str = "saved_model",
    image_size: Count | tuple[int, int] | None = None,
) -> Exported:
    """Write a segmenter with everything around it: pictures in, masks out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(images)` takes uint8 pictures
    `(batch, height, width, 3)` of any size and returns a dict: `"masks"` `(batch, height, width)`
    uint8, numbers of classes; `"probabilities"` `(batch, height, width, classes)`; and `"names"`
    `(batch, classes)`, what the numbers mean.

    Args:
        model: From pictures of -1 to 1 to logits or probabilities, such as `kc.models.fcn` trained
            on `kc.data.mask_batches`. What it ends in is read from its graph, see
            `kc.analysis.model_ends`: one unit has two classes.
        classes: Names of the classes, each its own.
        path: Folder of the SavedModel, or file ending in `.tflite` or `.onnx`.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        image_size: Height and width, or one number, of the only pictures it shall take; None for
            any, which LiteRT and ONNX may not take.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, the model is no segmenter or one of more
            than 255 classes, the names are not one for each class or the same for two, or the path
            does not fit the format.
        ImportError: A library of the format is not installed.

    Example:
        ```python
        trunk = kc.create_model("resnet_20_cifar", include_top=False, width=0.25)
        model = kc.models.fcn(trunk, 2, 4)
        print(kc.export.export_segmenter(model, ["ground", "cat"], "segmenter"))
        ```
    """
    tf = require_tensorflow(format, path)
    end = check_segmenter(model, coloured=True)
    check_layers(model)
    if len(classes) > _MOST_CLASSES:
        raise InputError(
            f"{len(classes)} classes were given",
            f"up to {_MOST_CLASSES}, which masks of 8 bits have numbers for",
            "Join classes, or export the probabilities of the Keras model itself.",
        )
    check_names(len(classes), end.classes)
    if twice := [name for name, count in Counter(classes).items() if count > 1]:
        raise InputError(
            f"{len(classes)} classes were given, more than one of them named {twice[0]!r}",
            "names by which classes can be told apart",
            "Give each class a name of its own.",
        )
    sides = (None, None) if image_size is None else check_pair("image_size", image_size)
    text = format == "saved_model"

    def serve(images: Tensor) -> dict[str, Tensor]:
        pictures = tf.cast(images, tf.float32) / 127.5 - 1.0
        said = end.probabilities(tf.cast(model(pictures, training=False), tf.float32))
        answer = {
            "masks": tf.cast(tf.argmax(said, axis=-1, output_type=tf.int32), tf.uint8),
            "probabilities": said,
        }
        # What runs elsewhere may have no texts.
        if not text:
            return answer
        names = tf.tile(tf.constant([list(classes)]), [tf.shape(images)[0], 1])
        return {**answer, "names": names}

    program = Program(
        serve=serve, inputs={"images": Spec((None, *sides, 3), "uint8")}, tracked=(model,)
    )
    return write(program, path, format)
