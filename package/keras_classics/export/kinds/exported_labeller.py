"""Taggers and classifiers of texts: texts in, classes out."""

from __future__ import annotations

import os
from collections.abc import Sequence

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.graphs.model_ends import model_ends
from keras_classics.core.types import Tensor
from keras_classics.data.texts.text_units import Units
from keras_classics.export.formats import (
    Exported,
    Program,
    check_names,
    most_probable,
    require_tensorflow,
    write,
)
from keras_classics.export.kinds.empty_batches import empty_batches_too
from keras_classics.export.kinds.text_in_graph import codes_in_graph, words_in_graph
from keras_classics.export.reopening import Spec


@checked
def export_text_labeller(
    model: keras.Model,
    units: Units,
    classes: Sequence[str],
    path: str | os.PathLike,
    *,
    format: str = "saved_model",
) -> Exported:
    """Write a tagger or a classifier of texts with everything around it: texts in, classes out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(texts)` takes strings `(batch,)` in
    UTF-8 and returns a dict: `"units"` `(batch, units)`, the words or characters that were read,
    padded with empty ones (an empty text is all padding); `"classes"`, the most probable class of
    each unit `(batch, units)` or of each text `(batch,)`; and the `"probabilities"` of all classes.

    LiteRT and ONNX cannot divide text: there `ids` come in, int32 `(batch, units)` padded with 0,
    as `units.encode` writes them, for LiteRT one row; and no `"units"` come out.

    Args:
        model: From `kc.models.tagger` or `kc.models.sequence_classifier`.
        units: What it reads.
        classes: Names of the classes.
        path: Folder of the SavedModel, or file ending in `.tflite` or `.onnx`.
        format: `"saved_model"`, `"litert"` or `"onnx"`.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, the names are not one for each output, or
            the path does not fit the format.
        ImportError: A library of the format is not installed.
    """
    tf = require_tensorflow(format, path)
    (end,) = model_ends(model)
    check_names(len(classes), end.classes)

    def answer(ids: Tensor) -> dict[str, Tensor]:
        return most_probable(end.probabilities(model(ids, training=False)), classes)

    if format != "saved_model":
        shape = (1 if format == "litert" else None, None)
        program = Program(
            serve=answer,
            inputs={"ids": Spec(shape, "int32")},
            tracked=(model,),
            largest_id=len(units) - 1,
        )
        return write(program, path, format)
    numbers = tf.range(2, len(units), dtype=tf.int32)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(units.items, tf.string), numbers),
        default_value=units.UNKNOWN,
    )

    divide = {"word": words_in_graph, "character": codes_in_graph}[units.unit]

    @empty_batches_too
    def serve(texts: Tensor) -> dict[str, Tensor]:
        read = divide(texts)
        # A step at least, of padding: networks are not made for texts that are all empty.
        ids, written = table.lookup(read).to_tensor(0), read.to_tensor("")
        lacking = [[0, 0], [0, tf.cast(tf.shape(ids)[1] == 0, tf.int32)]]
        written = tf.pad(written, lacking, constant_values="")
        return {"units": written, **answer(tf.pad(ids, lacking))}

    program = Program(
        serve=serve, inputs={"texts": Spec((None,), "string")}, tracked=(model, table)
    )
    return write(program, path, format)
