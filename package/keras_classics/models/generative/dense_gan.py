"""The first adversarial nets: dense, of rectifiers and of maxout.

Goodfellow et al., "Generative adversarial nets", NIPS 2014; sizes, starts and dropout are those of
the authors' settings for MNIST (goodfeli/adversarial, `mnist.yaml`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_rate, check_whole, check_wholes
from keras_classics.core.types import Name, Whole
from keras_classics.layers.image.maxout import Maxout


@checked
def gan_generator(
    image_shape: Sequence[Whole] = (28, 28, 1),
    *,
    latent: Whole = 100,
    units: Sequence[Whole] = (1200, 1200),
    name: Name = "gan_generator",
) -> keras.Model:
    """The generator: dense layers with ReLU, and a sigmoid.

    Args:
        image_shape: Height, width and channels of the pictures.
        latent: How many numbers a picture is made of.
        units: Width of each dense layer.
        name: Name of the model.

    Returns:
        A functional model from `(batch, latent)`, uniform between -1 and 1, to pictures float32
        `(batch, height, width, channels)` between 0 and 1.

    Raises:
        InputError: A size is not admitted.
    """
    shape = check_wholes("image_shape", image_shape, count=3)
    code = x = keras.Input((check_whole("latent", latent),), name="latent")
    for number, width in enumerate(check_wholes("units", units), start=1):
        x = layers.Dense(
            width, activation="relu", kernel_initializer=_uniform(0.05), name=f"dense{number}"
        )(x)
    x = layers.Dense(
        math.prod(shape), activation="sigmoid", kernel_initializer=_uniform(0.05),
        dtype="float32", name="pixels",
    )(x)  # fmt: skip
    picture = layers.Reshape(shape, dtype="float32", name="picture")(x)
    return keras.Model(code, picture, name=name)


@checked
def gan_discriminator(
    image_shape: Sequence[Whole] = (28, 28, 1),
    *,
    units: Sequence[Whole] = (240, 240),
    pieces: Whole = 5,
    dropout: float = 0.5,
    input_dropout: float = 0.2,
    name: Name = "gan_discriminator",
) -> keras.Model:
    """The discriminator: maxout layers, each behind dropout.

    Args:
        image_shape: Height, width and channels of the pictures.
        units: Width of each maxout layer.
        pieces: Linear pieces of a unit.
        dropout: Dropout rate of what all layers but the first take, that of the logit included.
        input_dropout: Of the pixels.
        name: Name of the model.

    Returns:
        A functional model from pictures to logits float32 `(batch, 1)`.

    Raises:
        InputError: A size or a rate is not admitted.
    """
    shape = check_wholes("image_shape", image_shape, count=3)
    pieces, rate = check_whole("pieces", pieces), check_rate("input_dropout", input_dropout)
    picture = keras.Input(shape, name="picture")
    x = layers.Flatten(name="flatten")(picture)
    for number, width in enumerate(check_wholes("units", units), start=1):
        x = layers.Dropout(rate, name=f"dropout{number}")(x)
        rate = check_rate("dropout", dropout)
        x = layers.Dense(width * pieces, kernel_initializer=_uniform(0.005), name=f"dense{number}")(
            x
        )
        x = Maxout(pieces, name=f"maxout{number}")(x)
    x = layers.Dropout(rate, name="dropout_logit")(x)
    logit = layers.Dense(1, kernel_initializer=_uniform(0.005), dtype="float32", name="logit")
    return keras.Model(picture, logit(x), name=name)


def _uniform(bound: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomUniform(-bound, bound)
