"""Probabilities of classes, however a classifier ends, and the class that is followed in them."""

from __future__ import annotations

import keras
import numpy as np

from keras_classics.analysis.maps.cam_targets import PREDICTED, check_classes
from keras_classics.core.errors import InputError, explain
from keras_classics.core.graph import has_graph, origin


def class_probabilities(model: keras.Model, images, *, batch_size: int = 32) -> np.ndarray:
    """Probabilities of the classes, whether or not the model ends in softmax.

    Args:
        model: A classifier; of several outputs the first counts. A single unit is the sigmoid, or
            its logit, of the second of two classes.
        images: Pictures, prepared for the model.
        batch_size: Pictures the model sees at once.

    Returns:
        float64 `(batch, classes)`; each row adds up to 1.

    Raises:
        InputError: The model does not give a vector for each picture.
    """
    answers = []
    for start in range(0, len(images), batch_size):
        answer = model.predict_on_batch(images[start : start + batch_size])
        answers.append(np.asarray(keras.tree.flatten(answer)[0], "float64"))
    return probabilities_of(model, np.concatenate(answers))


def probabilities_of(model: keras.Model, scores: np.ndarray) -> np.ndarray:
    """Probabilities of the classes from what a classifier answered; see `class_probabilities`.

    Args:
        model: The classifier.
        scores: Its first output, float64 `(batch, classes)`.
    """
    if scores.ndim != 2:
        raise InputError(
            explain(
                f"The model {model.name!r} answers in the shape {scores.shape}",
                "classifiers, which answer (batch, classes)",
                "Put a pooling and a classifier on it.",
            )
        )
    if scores.shape[1] == 1:
        second = scores if _ends_in_sigmoid(model) else 0.5 * (1 + np.tanh(scores / 2))
        return np.concatenate([1 - second, second], axis=1)
    totals = scores.sum(axis=1, keepdims=True)
    # As exact as half precision is.
    if scores.min() >= 0 and np.allclose(totals, 1, atol=1e-2):
        return scores / totals
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def followed_classes(probabilities: np.ndarray, target) -> np.ndarray:
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


def _ends_in_sigmoid(model: keras.Model) -> bool:
    place = origin(model.outputs[0]) if has_graph(model) else None
    activation = getattr(place[-1].operation, "activation", None) if place else None
    return activation is keras.activations.sigmoid
