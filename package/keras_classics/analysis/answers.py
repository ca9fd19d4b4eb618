"""Probabilities of classes, however a classifier ends, and the class that is followed in them."""

from __future__ import annotations

from typing import Any, cast

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.maps.cam_targets import PREDICTED, check_classes
from keras_classics.core.argument_kinds import Kind, kind_of
from keras_classics.core.arguments import as_taken, checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.graph import functional
from keras_classics.core.graphs.model_ends import model_ends


@checked
def class_probabilities(model: keras.Model, images: Any, *, batch_size: int = 32) -> np.ndarray:
    """Probabilities of the classes, whether or not the model ends in softmax.

    How it ends is read from its graph, see `kc.analysis.model_ends`: a softmax and sigmoids are
    taken as they are, casts, reshapes and scalings behind them undone; logits become a softmax. A
    single unit is the sigmoid, or its logit, of the second of two classes.

    Args:
        model: A functional or built sequential classifier; of several outputs the first counts.
        images: Pictures, prepared for the model; or a list or dict of what it takes.
        batch_size: Pictures the model sees at once.

    Returns:
        float64 `(batch, classes)`. Each row adds up to 1, but for several sigmoids: those are
        probabilities of labels that do not exclude each other.

    Raises:
        InputError: The model does not give a vector for each picture, has no graph of layers, or
            ends in something else than softmax, sigmoid or logits.
    """
    form = functional(model)
    given = keras.tree.flatten(images) if isinstance(images, dict | list | tuple) else [images]
    if len(given) != len(form.inputs):
        # A list of pictures, one by one.
        given = [images]
    arrays = cast(Kind, kind_of(ArrayLike))
    given = [np.asarray(as_taken(arrays, "images", each)) for each in given]
    answers = []
    batch_size = check_whole("batch_size", batch_size)
    for start in range(0, len(given[0]), batch_size):
        part = [each[start : start + batch_size] for each in given]
        answer = model.predict_on_batch(keras.tree.pack_sequence_as(form.input, part))
        answers.append(np.asarray(keras.tree.flatten(answer)[0], "float64"))
    return probabilities_of(model, np.concatenate(answers))


def probabilities_of(model: keras.Model, answers: np.ndarray) -> np.ndarray:
    """Probabilities of the classes from what a classifier answered; see `class_probabilities`.

    Args:
        model: The classifier.
        answers: Its first output, float64 `(batch, classes)`, or `(batch,)` of one unit.
    """
    end = model_ends(model)[0]
    if end.with_classes(answers).ndim != 2:
        raise InputError(
            f"The model {model.name!r} answers in the shape {answers.shape}",
            "classifiers, which answer (batch, classes)",
            "Put a pooling and a classifier on it.",
        )
    return end.probabilities(answers, np)


def followed_classes(probabilities: np.ndarray, target: Any) -> np.ndarray:
    """The class that is followed in each picture: the one asked for, or the likeliest.

    Args:
        probabilities: `(batch, classes)`.
        target: One class, one for each picture, or None.

    Returns:
        int32 `(batch,)`.

    Raises:
        InputError: A target is no class, or there is not one for each picture.
    """
    count, classes = probabilities.shape
    wanted = check_classes(target, classes, count)
    return np.where(wanted == PREDICTED, probabilities.argmax(axis=1), wanted).astype("int32")
