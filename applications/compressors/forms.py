"""Networks that are made beside the trained one, and the files of all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import keras_classics as kc

if TYPE_CHECKING:
    import keras


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


def opened(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """From a batch to what a file of one output says, on as many threads as there are processors.

    Args:
        path: Of Keras, of packed signs, or exported.
    """
    if path.suffix == ".keras":
        return kc.load_model(path).predict_on_batch
    if path.suffix == ".npz":
        return kc.compression.load_packed(path).predict
    model = kc.export.reopen(path, threads=kc.export.processors())
    (name,) = model.inputs
    return lambda x: next(iter(model({name: x}).values()))


def zipped_bytes(path: Path) -> int:
    """Of an exported file, or of all files in a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return sum(kc.compression.zipped_bytes(file) for file in files if file.is_file())
