"""The two halves of a variational autoencoder, dense or convolutional.

Kingma, Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114: one hidden layer of
500 on each side. Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders", ICLR 2016,
arXiv:1509.00519: two of 200, tanh, and 50 numbers as code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole, check_wholes
from keras_classics.core.types import Activation, Name, Tensor, Whole


@checked
def vae_encoder(
    image_shape: Sequence[Whole] = (28, 28, 1),
    *,
    latent: Whole = 20,
    filters: Sequence[Whole] = (),
    units: Sequence[Whole] = (500,),
    activation: Activation = "tanh",
    name: Name = "vae_encoder",
) -> keras.Model:
    """The encoder: from a picture to a Gaussian over codes.

    Args:
        image_shape: Height, width and channels of the pictures.
        latent: Numbers of a code.
        filters: Channels of convolutions of 3 x 3 with stride 2 before the dense layers; none for a
            dense network.
        units: Width of each dense layer.
        activation: Of all of them.
        name: Name of the model.

    Returns:
        A functional model from pictures to `{"mean": (batch, latent), "log_variance": (batch,
        latent)}`, float32.

    Raises:
        InputError: A size is not admitted.

    Example:
        ```python
        model = kc.models.vae_encoder((8, 8, 1), latent=3, units=(16,))
        codes = model(np.zeros((4, 8, 8, 1)))
        codes["mean"].shape  # (4, 3)
        ```
    """
    shape = _checked_shape(image_shape, len(filters))
    latent = check_whole("latent", latent)
    picture = x = keras.Input(shape, name="picture")
    for number, width in enumerate(_widths("filters", filters), start=1):
        x = layers.Conv2D(
            width, 3, strides=2, padding="same", activation=activation, name=f"stage{number}_conv"
        )(x)
    x = layers.Flatten(name="flatten")(x)
    for number, width in enumerate(_widths("units", units), start=1):
        x = layers.Dense(width, activation=activation, name=f"dense{number}")(x)
    return keras.Model(
        picture,
        {
            each: layers.Dense(latent, dtype="float32", name=each)(x)
            for each in ("mean", "log_variance")
        },
        name=name,
    )


@checked
def vae_decoder(
    image_shape: Sequence[Whole] = (28, 28, 1),
    *,
    latent: Whole = 20,
    filters: Sequence[Whole] = (),
    units: Sequence[Whole] = (500,),
    activation: Activation = "tanh",
    name: Name = "vae_decoder",
) -> keras.Model:
    """The decoder: from a code to what the pixels are distributed about.

    Args:
        image_shape: Height, width and channels of the pictures; both sides are divisible by 2 once
            for each of `filters`.
        latent: Numbers of a code.
        filters: Channels of transposed convolutions of 4 x 4 with stride 1/2 behind the dense
            layers, the first of which are those of the map they begin from.
        units: Width of each dense layer.
        activation: Of all of them.
        name: Name of the model.

    Returns:
        A functional model from `(batch, latent)` to float32 `(batch, height, width, channels)`,
        without an activation: logits of pixels, or their means, see `kc.training.VAETrainer`.

    Raises:
        InputError: A size is not admitted.

    Example:
        ```python
        model = kc.models.vae_decoder((8, 8, 1), latent=3, units=(16,))
        pictures = ops.sigmoid(model(np.random.default_rng(0).normal(size=(4, 3))))  # (4, 8, 8, 1)
        ```
    """
    shape = _checked_shape(image_shape, len(filters))
    maps = _widths("filters", filters)
    code = x = keras.Input((check_whole("latent", latent),), name="latent")
    for number, width in enumerate(_widths("units", units), start=1):
        x = layers.Dense(width, activation=activation, name=f"dense{number}")(x)
    if not maps:
        x = layers.Dense(math.prod(shape), dtype="float32", name="pixels")(x)
        return keras.Model(
            code, layers.Reshape(shape, dtype="float32", name="picture")(x), name=name
        )
    low = (shape[0] >> len(maps), shape[1] >> len(maps), maps[0])
    x = layers.Dense(math.prod(low), activation=activation, name="project")(x)
    x = layers.Reshape(low, name="project_map")(x)
    for number, channels in enumerate([*maps[1:], shape[2]], start=1):
        x = _enlarged(x, channels, number, activation, number == len(maps))
    return keras.Model(code, x, name=name)


def _enlarged(x: Tensor, width: int, number: int, activation: Activation, last: bool) -> Tensor:
    # A side that the stride divides leaves no chequered pattern.
    return layers.Conv2DTranspose(
        width, 4, strides=2, padding="same",
        activation=None if last else activation,
        dtype="float32" if last else None,
        name="picture" if last else f"stage{number}_conv",
    )(x)  # fmt: skip


def _widths(argument: str, given: Sequence[Whole]) -> tuple[int, ...]:
    return check_wholes(argument, given) if len(given) else ()


def _checked_shape(image_shape: Sequence[Whole], halvings: int) -> tuple[int, int, int]:
    height, width, channels = check_wholes("image_shape", image_shape, count=3)
    if height % 2**halvings or width % 2**halvings:
        raise InputError(
            f"Pictures of {height} x {width} were given to be halved {halvings} times",
            f"sides divisible by {2**halvings}",
            "Give fewer filters, or resize the pictures.",
        )
    return height, width, channels
