"""Networks from a picture to a picture: style transfer and super-resolution.

Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", ECCV
2016, arXiv:1603.08155. Ulyanov, Vedaldi, Lempitsky, "Instance normalization: the missing ingredient
for fast stylization", arXiv:1607.08022. Of a picture of 256 x 256:

| style network | map | super-resolution x4 (x8: one more u64) |
|---|---|---|
| mirrored border of 40 | 336 x 336 x 3 | |
| c9s1-32 | 336 x 336 x 32 | c9s1-64 |
| d64, d128: 3 x 3, stride 2 | 84 x 84 x 128 | |
| 5 blocks of two 3 x 3 without padding | 64 x 64 x 128 | 4 blocks, 64 wide |
| u64, u32: 3 x 3, stride 1/2 | 256 x 256 x 32 | u64, u64 |
| c9s1-3, tanh | 256 x 256 x 3 | c9s1-3, tanh |
"""

from __future__ import annotations

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.types import Name, Tensor, Whole
from keras_classics.layers.image.reflection import ReflectionPadding2D
from keras_classics.layers.image.upsampling import CropToReference

NORMALIZATIONS = ("instance", "batch")
ENLARGINGS = ("transposed", "nearest")
FACTORS = (4, 8)
# Of ImageNet, red, green and blue: the middle of what the networks read and make.
MEANS = (123.68, 116.779, 103.939)
# The released code's, so that dark and bright are within tanh's reach.
AMPLITUDE = 150.0


@checked
def style_network(
    *,
    normalization: str = "instance",
    filters: Whole = 32,
    blocks: Whole = 5,
    enlarging: str = "transposed",
    name: Name = "style_network",
) -> keras.Model:
    """Johnson's network that gives any picture one style.

    Args:
        normalization: `"instance"`: of each picture on its own, as in the released code; `"batch"`,
            as in the paper.
        filters: Channels of the first map; the second and third have twice and four times as many.
        blocks: Residual blocks. Each takes 4 rows and columns of the map off, 16 of the picture,
            for which the border is made: 8 pixels of it for each block, the paper's 40 for 5.
        enlarging: How the map grows back: `"transposed"`, the paper's convolutions of stride 1/2,
            or `"nearest"`: each pixel four times before a plain convolution, which leaves no
            chequered pattern (Odena, Dumoulin, Olah, distill.pub, 2016).
        name: Name of the model.

    Returns:
        A functional model from RGB pictures of any size, `(batch, height, width, 3)` between 0 and
        255, to float32 ones of the same size between -47 and 274: cut them to between 0 and 255.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.style_network(filters=4, blocks=1)
        styled = ops.clip(model(np.zeros((1, 48, 64, 3))), 0, 255)  # (1, 48, 64, 3)
        ```
    """
    check_choice("normalization", normalization, NORMALIZATIONS)
    check_choice("enlarging", enlarging, ENLARGINGS)
    filters, blocks = check_whole("filters", filters), check_whole("blocks", blocks)
    picture = keras.Input((None, None, 3), name="picture")
    x = ReflectionPadding2D(8 * blocks, name="border")(_centred(picture))
    x = _convolution(x, filters, 9, 1, normalization, "stage1")
    x = _convolution(x, 2 * filters, 3, 2, normalization, "stage2")
    x = _convolution(x, 4 * filters, 3, 2, normalization, "stage3")
    for number in range(1, blocks + 1):
        x = _block(x, 4 * filters, normalization, f"stage3_block{number}", padding="valid")
    for number, width in ((4, 2 * filters), (5, filters)):
        x = _enlarged(x, width, normalization, f"stage{number}", enlarging)
    # Of sides that 4 does not divide the map is up to 3 pixels larger.
    whole = CropToReference(dtype="float32", name="styled")([_picture(x), picture])
    return keras.Model(picture, whole, name=name)


@checked
def super_resolution(
    factor: Whole = 4,
    *,
    normalization: str = "batch",
    filters: Whole = 64,
    blocks: Whole = 4,
    residual: bool = False,
    enlarging: str = "transposed",
    name: Name = "super_resolution",
) -> keras.Model:
    """Johnson's network that makes pictures larger.

    Args:
        factor: 4 or 8.
        normalization: `"batch"`, as in the paper, `"instance"`, or `"none"`, with which brightness
            is kept and detail is nearer (Lim et al., arXiv:1707.02921).
        filters: Channels of all maps.
        blocks: Residual blocks.
        residual: Whether what is made is added to the enlargement from where it begins (Kim, Lee,
            Lee, arXiv:1511.04587, of a bicubic one), so that little training is not worse than
            none. It is bilinear: bicubic ones are not the same on all engines.
        enlarging: As of `style_network`.
        name: Name of the model.

    Returns:
        A functional model from RGB pictures of any size, `(batch, height, width, 3)` between 0 and
        255, to float32 ones of factor times the size.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.super_resolution(4, filters=4, blocks=1)
        model(np.zeros((1, 12, 16, 3))).shape  # (1, 48, 64, 3)
        ```
    """
    if factor not in FACTORS:
        raise InputError(
            f"factor={factor} was given", "4 or 8, the paper's", "Leave factor out for 4."
        )
    check_choice("normalization", normalization, (*NORMALIZATIONS, "none"))
    check_choice("enlarging", enlarging, ENLARGINGS)
    filters, blocks = check_whole("filters", filters), check_whole("blocks", blocks)
    picture = keras.Input((None, None, 3), name="picture")
    # Where nothing else does, the picture comes in numbers near 1.
    unit = AMPLITUDE if normalization == "none" else 1.0
    x = _convolution(_centred(picture, unit), filters, 9, 1, normalization, "stage1")
    for number in range(1, blocks + 1):
        x = _block(x, filters, normalization, f"stage1_block{number}", padding="same")
    for number in range(2, factor.bit_length() + 1):
        x = _enlarged(x, filters, normalization, f"stage{number}", enlarging)
    if not residual:
        return keras.Model(picture, _picture(x), name=name)
    x = layers.Conv2D(3, 9, padding="same", kernel_initializer="zeros", name="picture_conv")(x)
    x = layers.Activation("tanh", dtype="float32", name="picture_tanh")(x)
    x = layers.Rescaling(AMPLITUDE, dtype="float32", name="detail")(x)
    whole = layers.Add(dtype="float32", name="picture_values")([_bilinear(picture, factor), x])
    return keras.Model(picture, whole, name=name)


def _bilinear(picture: Tensor, factor: int) -> Tensor:
    """A picture, enlarged; Keras's own `UpSampling2D` cannot be exported for any size.

    Of pixels that are repeated, the mean of so many and then of two is bilinear.
    """
    whole = {"strides": 1, "padding": "valid", "dtype": "float32"}
    wide = layers.ZeroPadding2D(1, dtype="float32", name="large_room")(picture)
    # Beyond its border the picture goes on as it ends.
    bordered = CropToReference((-1, -1), dtype="float32", name="large_border")([picture, wide])
    x = layers.UpSampling2D(factor, dtype="float32", name="large_repeated")(bordered)
    x = layers.AveragePooling2D(factor, **whole, name="large_mean1")(x)
    x = layers.AveragePooling2D(2, **whole, name="large_mean2")(x)
    return layers.Cropping2D(factor // 2, dtype="float32", name="large")(x)


def _centred(picture: Tensor, unit: float = 1.0) -> Tensor:
    shift = [-each / unit for each in MEANS]
    return layers.Rescaling(1 / unit, shift, name="centre")(picture)


def _picture(x: Tensor) -> Tensor:
    x = layers.Conv2D(3, 9, padding="same", name="picture_conv")(x)
    x = layers.Activation("tanh", dtype="float32", name="picture_tanh")(x)
    return layers.Rescaling(AMPLITUDE, list(MEANS), dtype="float32", name="picture_values")(x)


def _convolution(
    x: Tensor, filters: int, kernel: int, strides: int, normalization: str, stage: str
) -> Tensor:
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", name=f"{stage}_conv")(x)
    return layers.ReLU(name=f"{stage}_relu")(_normalised(x, normalization, stage))


def _enlarged(x: Tensor, filters: int, normalization: str, stage: str, enlarging: str) -> Tensor:
    if enlarging == "nearest":
        x = layers.UpSampling2D(2, name=f"{stage}_up")(x)
        return _convolution(x, filters, 3, 1, normalization, stage)
    x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", name=f"{stage}_conv")(x)
    return layers.ReLU(name=f"{stage}_relu")(_normalised(x, normalization, stage))


def _block(x: Tensor, filters: int, normalization: str, block: str, padding: str) -> Tensor:
    """Two convolutions, one ReLU between them, none after the sum (Gross and Wilber's block)."""
    way = x
    for number in (1, 2):
        part = f"{block}_conv{number}"
        way = layers.Conv2D(filters, 3, padding=padding, name=part)(way)
        way = _normalised(way, normalization, part)
        if number == 1:
            way = layers.ReLU(name=f"{part}_relu")(way)
    if padding == "valid":
        x = layers.Cropping2D(2, name=f"{block}_crop")(x)
    return layers.Add(name=f"{block}_out")([way, x])


def _normalised(x: Tensor, normalization: str, stage: str) -> Tensor:
    if normalization == "none":
        return x
    if normalization == "batch":
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{stage}_bn")(x)
    return layers.GroupNormalization(-1, epsilon=1e-5, name=f"{stage}_in")(x)
