"""Classifiers of clips: frames in, classes out."""

from __future__ import annotations

import os
from collections.abc import Sequence

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.model_ends import model_ends
from keras_classics.core.types import Tensor
from keras_classics.export.formats import (
    Exported,
    Program,
    check_names,
    most_probable,
    require_tensorflow,
    write,
)
from keras_classics.export.kinds.empty_batches import empty_batches_too
from keras_classics.export.reopening import Spec


@checked
def export_clip_classifier(
    model: keras.Model,
    classes: Sequence[str],
    path: str | os.PathLike,
    *,
    format: str = "saved_model",
) -> Exported:
    """Write a classifier of clips with the names of its classes: frames in, classes out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(clips)` takes uint8 `(batch, frames,
    height, width, 3)`, of any number of frames. It returns a dict: `"classes"`, the most probable
    of each, `(batch,)`, and the `"probabilities"` of all classes.

    Args:
        model: From `kc.models.video_classifier`, whose encoder takes values from 0 to 255.
        classes: Names of the classes.
        path: Folder of the SavedModel, or file ending in `.tflite` or `.onnx`.
        format: `"saved_model"`, `"litert"` or `"onnx"`.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, the model takes no clips, the names are
            not one for each output, or the path does not fit the format.
        ImportError: A library of the format is not installed.
    """
    tf = require_tensorflow(format, path)
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 5:
        raise InputError(
            f"The model {model.name!r} was given, which takes no clips",
            "a model of kc.models.video_classifier",
            "Use kc.export.export_classifier for pictures.",
        )
    (end,) = model_ends(model)
    check_names(len(classes), end.classes)

    @empty_batches_too
    def serve(clips: Tensor) -> dict[str, Tensor]:
        answers = model(tf.cast(clips, tf.float32), training=False)
        return most_probable(end.probabilities(answers), classes)

    rows = 1 if format == "litert" else None
    spec = Spec((rows, None, *model.input_shape[2:]), "uint8")
    return write(Program(serve=serve, inputs={"clips": spec}, tracked=(model,)), path, format)
