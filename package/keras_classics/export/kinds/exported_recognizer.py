"""Recognisers: lines or recordings in, texts out; and classifiers of recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.graphs.model_ends import model_ends
from keras_classics.core.types import Tensor
from keras_classics.data.sound.recordings import frame_count, log_mel
from keras_classics.decoding import ctc_beam_search
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
def export_recognizer(
    model: keras.Model,
    labels: Sequence[str],
    path: str | os.PathLike,
    *,
    width: int = 10,
    n_best: int = 3,
    format: str = "saved_model",
) -> Exported:
    """Write a recogniser with everything around it: lines or recordings in, texts out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(inputs, lengths)` takes what
    `kc.data.load` gives, padded behind the end: uint8 pictures `(batch, height, width, 3)` of the
    height the model was built for, or recordings float32 `(batch, samples)` of -1 to 1 at
    8 kHz; and int32 widths or numbers of samples, `(batch,)`. It returns a dict: `"texts"`
    `(batch, n_best)` strings, most probable first, and `"log_probabilities"`. Features, the
    network and beam search are inside.

    Args:
        model: A recogniser, from `kc.models.ctc_recognizer`, for grey pictures of 0 to 1 or
            recordings, as `kc.data.Transcription` makes them.
        labels: What is written for label 1, 2, ...
        path: Folder of the SavedModel.
        width: Labellings that are followed.
        n_best: Texts returned.
        format: `"saved_model"`; neither LiteRT nor ONNX has that search today, and
            `kc.export.export_model` writes the network alone for them.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, the labels are not one for each output, or
            the path does not fit the format.
        ImportError: A library of the format is not installed.

    Example:
        ```python
        labels = ["one", "two"]
        model = kc.models.ctc_recognizer(labels=2, input_shape=(None, 24), units=8)
        kc.export.export_recognizer(model, labels, "recognizer", width=3)
        ```
    """
    tf = require_tensorflow(format, path)
    check_names(len(labels), model.output_shape[-1] - 1)
    written = tf.constant(["", *labels])
    _, height, *rest = model.get_layer("sequence").output.shape
    images = len(rest) == 2

    @empty_batches_too
    def serve(inputs: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        if images:
            inputs = tf.image.rgb_to_grayscale(tf.cast(inputs, tf.float32) / 255.0)
        else:
            inputs, lengths = log_mel(inputs), frame_count(lengths)
        logits = model({"sequence": inputs, "length": lengths}, training=False)
        found = ctc_beam_search(logits, width=width, n_best=n_best)
        texts = tf.strings.reduce_join(tf.gather(written, found.ids), axis=-1)
        return {"texts": texts, "log_probabilities": found.log_probabilities}

    rows = 1 if format == "litert" else None
    taken = Spec((rows, height, None, 3), "uint8") if images else Spec((rows, None), "float32")
    program = Program(
        serve=serve,
        inputs={"inputs": taken, "lengths": Spec((rows,), "int32")},
        tracked=(model,),
    )
    return write(program, path, format)


@checked
def export_sound_classifier(
    model: keras.Model,
    classes: Sequence[str],
    path: str | os.PathLike,
    *,
    format: str = "saved_model",
) -> Exported:
    """Write a classifier of recordings with everything around it: sounds in, classes out.

    After `shipped = tf.saved_model.load(path)`, `shipped.serve(inputs, lengths)` takes recordings
    float32 `(batch, samples)` of -1 to 1 at 8 kHz, padded behind the end, and int32 numbers of
    samples `(batch,)`, 129 and above. It returns a dict: `"classes"`, the most probable of each,
    `(batch,)`, and the `"probabilities"` of all classes.

    Args:
        model: From `kc.models.sequence_classifier`, for frames as
            `keras_classics.data.sound.recordings.log_mel_frames` makes them, padded with zeros.
        classes: Names of the classes.
        path: Folder of the SavedModel.
        format: `"saved_model"`; `kc.export.export_model` writes the network alone in others.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it.
        InputError: The Keras backend is not TensorFlow, the names are not one for each output, or
            the path does not fit the format.
        ImportError: A library of the format is not installed.

    Example:
        ```python
        classes = ["one", "two"]
        model = kc.models.sequence_classifier(classes=2, input_size=24, units=8)
        kc.export.export_sound_classifier(model, classes, "words")
        ```
    """
    tf = require_tensorflow(format, path)
    (end,) = model_ends(model)
    check_names(len(classes), end.classes)

    @empty_batches_too
    def serve(inputs: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        frames, counts = log_mel(inputs), frame_count(lengths)
        # Networks take frames of zeros for padding.
        real = tf.sequence_mask(counts, tf.shape(frames)[1])
        heard = tf.where(real[..., None], frames, 0.0)
        return most_probable(end.probabilities(model(heard, training=False)), classes)

    rows = 1 if format == "litert" else None
    program = Program(
        serve=serve,
        inputs={
            "inputs": Spec((rows, None), "float32"),
            "lengths": Spec((rows,), "int32"),
        },
        tracked=(model,),
    )
    return write(program, path, format)
