"""DCGAN: a generator and a discriminator of strided convolutions alone.

Goodfellow et al., "Generative adversarial nets", NIPS 2014. Radford, Metz, Chintala, "Unsupervised
representation learning with deep convolutional generative adversarial networks", ICLR 2016,
arXiv:1511.06434. For pictures of 64 x 64:

| generator | map | discriminator | map |
|---|---|---|---|
| dense, normalised | 4 x 4 x 1024 | 5 x 5, stride 2, not normalised | 32 x 32 x 128 |
| 5 x 5, stride 1/2 | 8 x 8 x 512 | 5 x 5, stride 2 | 16 x 16 x 256 |
| 5 x 5, stride 1/2 | 16 x 16 x 256 | 5 x 5, stride 2 | 8 x 8 x 512 |
| 5 x 5, stride 1/2 | 32 x 32 x 128 | 5 x 5, stride 2 | 4 x 4 x 1024 |
| 5 x 5, stride 1/2, tanh, not normalised | 64 x 64 x 3 | dense | logit |

Other sizes have more steps or fewer: they are halved while they are even and the half is 4 or more.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_rate, check_whole, check_wholes
from keras_classics.core.types import Name, Tensor, Whole

# Of all kernels, and of the scales of normalisation about 1.
DEVIATION = 0.02
SMALLEST_SIDE = 4
SLOPE = 0.2


@checked
def dcgan_generator(
    image_shape: Sequence[Whole] = (64, 64, 3),
    *,
    latent: Whole = 100,
    filters: Whole = 128,
    kernel: Whole = 5,
    name: Name = "dcgan_generator",
) -> keras.Model:
    """The generator: from numbers to a picture.

    Args:
        image_shape: Height, width and channels of the pictures. Height and width are even, and 8 or
            more.
        latent: How many numbers a picture is made of.
        filters: Channels of the last map before the picture; each map before has twice as many.
        kernel: Side of the kernels. One that the stride of 2 does not divide, as the paper's 5,
            may leave a chequered pattern; 4 does not.
        name: Name of the model.

    Returns:
        A functional model from `(batch, latent)`, uniform between -1 and 1 in the paper, to
        pictures float32 `(batch, height, width, channels)` between -1 and 1.

    Raises:
        InputError: A size is not admitted.

    Example:
        ```python
        model = kc.models.dcgan_generator((16, 16, 1), latent=10, filters=8)
        model(np.random.default_rng(0).uniform(-1, 1, (4, 10))).shape  # (4, 16, 16, 1)
        ```
    """
    height, width, channels = _checked_shape(image_shape)
    steps = halvings(height, width)
    latent, filters = check_whole("latent", latent), check_whole("filters", filters)
    kernel = check_whole("kernel", kernel)
    deep = filters * 2 ** (steps - 1)
    low = (height >> steps, width >> steps)
    code = keras.Input((latent,), name="latent")
    x = layers.Dense(
        low[0] * low[1] * deep, use_bias=False, kernel_initializer=_normal(), name="project"
    )(code)
    x = layers.Reshape((*low, deep), name="project_map")(x)
    x = layers.ReLU(name="project_relu")(_normalised(x, "project"))
    for number in range(1, steps):
        stage = f"stage{number}"
        x = layers.Conv2DTranspose(
            deep >> number, kernel, strides=2, padding="same", use_bias=False,
            kernel_initializer=_normal(), name=f"{stage}_conv",
        )(x)  # fmt: skip
        x = layers.ReLU(name=f"{stage}_relu")(_normalised(x, stage))
    x = layers.Conv2DTranspose(
        channels, kernel, strides=2, padding="same", kernel_initializer=_normal(),
        name=f"stage{steps}_conv",
    )(x)  # fmt: skip
    picture = layers.Activation("tanh", dtype="float32", name="picture")(x)
    return keras.Model(code, picture, name=name)


@checked
def dcgan_discriminator(
    image_shape: Sequence[Whole] = (64, 64, 3),
    *,
    filters: Whole = 128,
    kernel: Whole = 5,
    dropout: float = 0.0,
    name: Name = "dcgan_discriminator",
) -> keras.Model:
    """The discriminator: from a picture to the logit of its being real.

    Args:
        image_shape: As for `dcgan_generator`.
        filters: Channels of the first map; each map behind it has twice as many.
        kernel: Side of the kernels.
        dropout: Dropout rate behind each map; none in the paper.
        name: Name of the model.

    Returns:
        A functional model from pictures `(batch, height, width, channels)` between -1 and 1 to
        logits float32 `(batch, 1)`.

    Raises:
        InputError: A size or the rate is not admitted.

    Example:
        ```python
        model = kc.models.dcgan_discriminator((16, 16, 1), filters=8)
        model(np.zeros((4, 16, 16, 1))).shape  # (4, 1)
        ```
    """
    height, width, channels = _checked_shape(image_shape)
    filters, kernel = check_whole("filters", filters), check_whole("kernel", kernel)
    dropout = check_rate("dropout", dropout)
    picture = x = keras.Input((height, width, channels), name="picture")
    for number in range(1, halvings(height, width) + 1):
        stage = f"stage{number}"
        x = layers.Conv2D(
            filters << (number - 1), kernel, strides=2, padding="same", use_bias=number == 1,
            kernel_initializer=_normal(), name=f"{stage}_conv",
        )(x)  # fmt: skip
        if number > 1:
            x = _normalised(x, stage)
        x = layers.LeakyReLU(SLOPE, name=f"{stage}_relu")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"{stage}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    logit = layers.Dense(1, kernel_initializer=_normal(), dtype="float32", name="logit")(x)
    return keras.Model(picture, logit, name=name)


def halvings(height: int, width: int) -> int:
    """How often both sides are halved before one is odd, or less than 4."""
    count = 0
    while not (height | width) & 1 and min(height, width) >= 2 * SMALLEST_SIDE:
        height, width, count = height // 2, width // 2, count + 1
    return count


def _checked_shape(image_shape: Sequence[Whole]) -> tuple[int, int, int]:
    height, width, channels = check_wholes("image_shape", image_shape, count=3)
    if not halvings(height, width):
        raise InputError(
            f"image_shape={(height, width, channels)} was given",
            f"even heights and widths from {2 * SMALLEST_SIDE} on",
            f"Pad or resize the pictures, for example to image_shape=(32, 32, {channels}).",
        )
    return height, width, channels


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=DEVIATION)


def _normalised(x: Tensor, stage: str) -> Tensor:
    scale = keras.initializers.RandomNormal(1.0, DEVIATION)
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=scale, name=f"{stage}_bn"
    )(x)
