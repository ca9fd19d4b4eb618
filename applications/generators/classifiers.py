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
# Pictures of the training that a seer learns from, with as many textures.
MOST_SEEN = 1500
# Of the waves that textures are made of: how many directions, and lengths in pixels.
DIRECTIONS, LENGTHS = 4, (4, 8, 16)


def classifier(
    shape: tuple, classes: int, *, narrowings: int = 3, smooth: bool = False
) -> keras.Model:
    """Blocks of two convolutions, one for each stride, and a layer of features.

    Smooth ones have batch norm and mean pools, through which pictures are descended for better
    (Gatys et al.).
    """
    picture = x = keras.Input(shape, name="picture")
    pool = layers.AveragePooling2D if smooth else layers.MaxPooling2D
    for stage in range(1, narrowings + 1):
        for depth in (1, 2):
            conv = layers.Conv2D(16 * stage, 3, padding="same", name=f"stage{stage}_conv{depth}")
            x = conv(x)
            if smooth:
                x = layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_bn{depth}")(x)
            x = layers.ReLU(name=f"stage{stage}_relu{depth}")(x)
        x = pool(2, name=f"stage{stage}_out")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(64, activation="relu", name="features")(x)
    return keras.Model(picture, layers.Dense(classes, name="logits")(x), name="seeing")


def trained_classifier(images: np.ndarray, labels: np.ndarray) -> keras.Model:
    """A classifier of pictures between -1 and 1 of one size, by whose features others are judged.

    It is the same for the same pictures, as is a seer.
    """
    keras.utils.set_random_seed(0)
    model = classifier(images.shape[1:], int(labels.max()) + 1, narrowings=2)
    return _fitted(model, images, labels, epochs=25)


def trained_seer(images: np.ndarray, labels: np.ndarray | None) -> keras.Model:
    """A loss network for pictures of any size: it tells pictures in any colours, and textures.

    What only told scenes apart would see neither colours nor stripes, and style is both.

    Args:
        images: uint8 `(count, height, width, 3)`.
        labels: Their classes; without, they are told from textures alone.
    """
    draw = np.random.default_rng(0)
    labels = np.zeros(len(images), int) if labels is None else labels
    images, labels = images[:MOST_SEEN], labels[:MOST_SEEN]
    classes = int(labels.max()) + 1
    patterns, kinds = textures(len(images), images.shape[1:3], draw)
    seen = np.concatenate([recoloured(images, draw), patterns]) / 127.5 - 1
    keras.utils.set_random_seed(0)
    model = classifier((None, None, 3), classes + DIRECTIONS * len(LENGTHS), smooth=True)
    return _fitted(model, seen, np.concatenate([labels, classes + kinds]), epochs=4)


def recoloured(images: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Channels in another order, every second a negative, in another contrast; float32."""
    found = np.empty(images.shape, "float32")
    for number, image in enumerate(images):
        picture = image[..., draw.permutation(3)].astype("float32")
        if draw.random() < 0.5:
            picture = 255 - picture
        found[number] = (picture - 128) * draw.uniform(0.5, 1.3) + draw.uniform(60, 190)
    return found.clip(0, 255)


def textures(
    count: int, size: tuple[int, int], draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Waves and stripes of any two colours, float32, and the class of direction and length."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    found, kinds = np.empty((count, *size, 3), "float32"), draw.integers(0, DIRECTIONS, count)
    lengths = draw.integers(0, len(LENGTHS), count)
    for number, (kind, length) in enumerate(zip(kinds, lengths, strict=True)):
        angle = np.pi / DIRECTIONS * (kind + draw.uniform(-0.3, 0.3))
        way = columns * np.cos(angle) + rows * np.sin(angle)
        pixels = LENGTHS[length] * draw.uniform(0.8, 1.25)
        wave = np.sin(2 * np.pi * (way / pixels + draw.random()))
        share = (1 + (np.sign(wave) if draw.random() < 0.5 else wave))[..., None] / 2
        one, other = draw.uniform(0, 255, (2, 3))
        found[number] = share * one + (1 - share) * other + draw.normal(0, 8, (*size, 3))
    return found.clip(0, 255), len(LENGTHS) * kinds + lengths


def _fitted(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, *, epochs: int
) -> keras.Model:
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
