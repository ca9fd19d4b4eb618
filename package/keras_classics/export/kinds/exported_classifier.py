"""Classifiers: pictures in, names of classes out."""

from __future__ import annotations

import os
from collections.abc import Sequence

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.model_ends import model_ends
from keras_classics.core.types import Tensor
from keras_classics.data.pictures.preparation import Preparation
from keras_classics.export.folding import fold, foldable
from keras_classics.export.formats import (
    Exported,
    Program,
    check_names,
    require_tensorflow,
    write,
)
from keras_classics.export.kinds.preparation_in_graph import views_in_graph
from keras_classics.export.reopening import Spec


@checked
def export_classifier(
    model: keras.Model,
    preparation: Preparation,
    classes: Sequence[str],
    path: str | os.PathLike,
    *,
    format: str = "saved_model",
    best: int = 5,
) -> Exported:
    """Write a classifier with everything around it: pictures in, names of classes out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(images)` takes uint8 pictures
    `(batch, height, width, 3)` of any size and returns a dict: `"classes"` `(batch, best)` strings,
    most probable first, their `"probabilities"`, and `"all_probabilities"` `(batch, classes)`.
    Resizing, crops and normalisation are inside, batch normalisation is folded away.

    LiteRT and ONNX cannot resize as TensorFlow does: there the pictures' sides must have the length
    `preparation.resize`.

    Args:
        model: A classifier; of several outputs the first counts. What it ends in is read from its
            graph, see `kc.analysis.model_ends`: one sigmoid unit has two classes.
        preparation: What it was trained with.
        classes: Names of the classes.
        path: Folder of the SavedModel, or file ending in `.tflite` or `.onnx`.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        best: Classes named for a picture, at most.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, the names are not one for each class, the
            model does not end in softmax, sigmoid or logits, or the path does not fit the format.
        ImportError: A library of the format is not installed.
    """
    tf = require_tensorflow(format, path)
    check_layers(model)
    end = model_ends(model)[0]
    check_names(len(classes), end.classes)
    shipped = fold(model) if foldable(model) else model

    def serve(images: Tensor) -> dict[str, Tensor]:
        views = views_in_graph(preparation, images)
        answers = shipped(tf.reshape(views, (-1, *preparation.input_shape)), training=False)
        first = tf.cast(keras.tree.flatten(answers)[0], tf.float32)
        found = tf.reshape(end.probabilities(first), (-1, preparation.test_crops, len(classes)))
        probabilities = tf.reduce_mean(found, axis=1)
        top = tf.math.top_k(probabilities, min(best, len(classes)))
        return {
            "classes": tf.gather(tf.constant(list(classes)), top.indices),
            "probabilities": top.values,
            "all_probabilities": probabilities,
        }

    side = None if format == "saved_model" else preparation.resize
    program = Program(
        serve=serve, inputs={"images": Spec((None, side, side, 3), "uint8")}, tracked=(shipped,)
    )
    return write(program, path, format)
