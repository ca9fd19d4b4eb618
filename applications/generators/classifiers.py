"""What sees the pictures that are made: classifiers trained on the spot, or networks by name."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import keras
import numpy as np
from keras import layers

import keras_classics as kc
from explainers.classifiers import pixels_of, prepared_as, with_weights

# As the classifiers that are trained here see pictures: between -1 and 1.
OWN_PIXELS = "tf"


def classifier(shape: tuple, classes: int, *, narrowings: int = 3) -> keras.Model:
    """Blocks of two convolutions, one for each stride, and a layer of features."""
    picture = x = keras.Input(shape, name="picture")
    for stage in range(1, narrowings + 1):
        for depth in (1, 2):
            conv = layers.Conv2D(16 * stage, 3, padding="same", name=f"stage{stage}_conv{depth}")
            x = layers.ReLU(name=f"stage{stage}_relu{depth}")(conv(x))
        x = layers.MaxPooling2D(2, name=f"stage{stage}_out")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(64, activation="relu", name="features")(x)
    return keras.Model(picture, layers.Dense(classes, name="logits")(x), name="seeing")


def trained_classifier(
    images: np.ndarray, labels: np.ndarray, *, epochs: int, narrowings: int = 3, any_size: bool
) -> keras.Model:
    """A classifier of pictures between -1 and 1, the same for the same pictures."""
    keras.utils.set_random_seed(0)
    shape = (None, None, images.shape[-1]) if any_size else images.shape[1:]
    model = classifier(shape, int(labels.max()) + 1, narrowings=narrowings)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    model.fit(images, labels, batch_size=32, epochs=epochs, verbose=0)
    return model


def network_of(name: str, weights: str) -> keras.Model:
    """A network of the catalogue with some weights, or of a file."""
    if name.endswith(".keras"):
        return kc.load_model(name)
    return with_weights(name, weights, {})


def preparation(name: str | None, pixels: str | None, flag: str) -> Callable:
    """From pictures between 0 and 255 to what a network takes; None is one trained here."""
    if name is None or (pixels is None and name.endswith(".keras")):
        return prepared_as(pixels or OWN_PIXELS)
    asked = argparse.Namespace(model=name, pixels=pixels, model_options={})
    return pixels_of(asked, kc.card(name).name, flag)
