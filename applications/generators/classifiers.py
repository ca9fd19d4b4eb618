"""Small classifiers trained on the spot: what sees the pictures that are made."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers


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
