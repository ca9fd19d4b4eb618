"""Networks that are made beside the trained one, and how long each takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import keras_classics as kc

if TYPE_CHECKING:
    import keras

TURNS, CALLS = 5, 20


def seeded(seed: int) -> None:
    """Begin as a run of its own does, so that no form depends on those before it."""
    import keras

    keras.utils.set_random_seed(seed)


def copied(model: keras.Model) -> keras.Model:
    """The model once more, with weights of its own."""
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def of_signs(shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network whose convolutions but the first multiply signs."""
    import keras

    image = keras.Input(shape)
    x = keras.layers.Conv2D(64, 3, padding="same", use_bias=False)(image)
    for filters in (64, 128, 128):
        x = keras.layers.BatchNormalization()(keras.layers.MaxPooling2D(2, padding="same")(x))
        x = kc.layers.BinaryConv2D(filters, 3, input_scale=False, use_bias=False)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax")(x), name="signs")


def answers(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """From a batch to what an exported file of one output says."""
    model = kc.export.reopen(path)
    (name,) = model.inputs
    return lambda x: next(iter(model({name: x}).values()))


def measured(
    forms: Mapping[str, keras.Model],
    images: np.ndarray,
    labels: np.ndarray,
    bits: int,
    zipped: int | None,
    answer: Callable[[np.ndarray], object] | None,
) -> list[dict[str, object]]:
    """Lines of the ledger.

    Args:
        forms: Models by the names of their forms.
        images: Test pictures as the models take them.
        labels: Their classes.
        bits: Of a weight.
        zipped: Bytes of the form; by default those of the model's weights, zipped.
        answer: What answers in the model's place.
    """
    calls = {form: answer or model.predict_on_batch for form, model in forms.items()}
    taken = milliseconds(calls, images[0])
    found = []
    for form, model in forms.items():
        said = [np.asarray(calls[form](each[None]))[0] for each in images]
        line = {
            "form": form,
            "weights": sum(left for _, left in kc.compression.nonzeros(model).values()),
            "bits": bits,
            "zipped": kc.compression.zipped_bytes(model) if zipped is None else zipped,
            "milliseconds": taken[form],
            "accuracy": float((np.argmax(said, axis=-1) == labels).mean()),
            "note": "",
        }
        found.append(line)
    return found


def milliseconds(
    calls: Mapping[str, Callable[[np.ndarray], object]], picture: np.ndarray
) -> dict[str, float]:
    """Of a call of each, at its fastest turn; they take turns, so that all see the same machine.

    Args:
        calls: From a batch of one picture to an answer.
        picture: `(height, width, channels)`.
    """
    best = dict.fromkeys(calls, np.inf)
    for _ in range(TURNS + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            for _ in range(CALLS):
                call(picture[None])
            best[name] = min(best[name], 1e3 * (time.perf_counter() - began) / CALLS)
    return best
