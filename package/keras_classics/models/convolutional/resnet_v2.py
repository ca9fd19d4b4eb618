"""ResNet v2: normalise and rectify before each convolution, and leave the shortcut untouched.

He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016 (arXiv:1603.05027).

The layout is that of the authors' Torch code: where a unit changes the shape, its first
normalisation and rectifier also feed the projection, which is a bare 1x1 convolution. On ImageNet
the stem is normalised, rectified and pooled, so the first unit has no activation of its own;
`stem="pool_first"` is timm's form, which pools the bare convolution and lets the first unit
normalise, with the same parameters. The stride is in the 3x3 convolution on ImageNet and in the
first 1x1 on CIFAR, as in the authors' code; `stride_in` moves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.builder import Head, ImageArguments, image_head, scaled
from keras_classics.core.catalogue import ModelCard, register
from keras_classics.core.errors import check_choice
from keras_classics.models.convolutional.blocks import (
    Tensor,
    convolution,
    max_pooling,
    norm_relu,
)


@dataclass(frozen=True, kw_only=True)
class ResNetV2Card(ModelCard):
    """A row of the family's table; all are bottlenecks.

    Attributes:
        repeats: Units in each stage; a stage is twice as wide as the one before.
        filters: Filters of the stem and of the first stage, before the bottleneck's fourfold.
        stride_in: Convolution of a unit that has the stride.
    """

    repeats: tuple[int, ...]
    filters: int
    stride_in: str


_row = partial(
    ResNetV2Card,
    paper='He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016, '
    "arXiv:1603.05027",
    family="resnet_v2",
    year=2016,
    idea="activation before convolution: nothing stands in the way of the shortcut",
)
_imagenet = {
    "input_shape": (224, 224, 3), "classes": 1000, "filters": 64, "stride_in": "3x3"
}  # fmt: skip
_cifar = {"input_shape": (32, 32, 3), "classes": 10, "filters": 16, "stride_in": "1x1"}

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="resnet_50_v2",
            repeats=(3, 4, 6, 3),
            parameters=25_549_352,
            multiply_adds=4_089_184_256,
            **_imagenet,
        ),
        _row(
            name="resnet_101_v2",
            repeats=(3, 4, 23, 3),
            parameters=44_541_480,
            multiply_adds=7_801_405_440,
            **_imagenet,
        ),
        _row(
            name="resnet_152_v2",
            repeats=(3, 8, 36, 3),
            parameters=60_185_128,
            multiply_adds=11_513_626_624,
            **_imagenet,
        ),
        _row(
            name="resnet_200_v2",
            repeats=(3, 24, 36, 3),
            parameters=64_666_152,
            multiply_adds=15_007_481_856,
            published="ImageNet validation, 320 x 320 crop: 20.7 % top-1, 5.3 % top-5 error",
            **_imagenet,
        ),
        _row(
            name="resnet_164_v2_cifar",
            repeats=(18, 18, 18),
            parameters=1_703_258,
            multiply_adds=244_500_992,
            published="test error 5.46 % on CIFAR-10, 24.33 % on CIFAR-100",
            **_cifar,
        ),
        _row(
            name="resnet_1001_v2_cifar",
            repeats=(111, 111, 111),
            parameters=10_327_706,
            multiply_adds=1_487_849_984,
            published="test error 4.92 % on CIFAR-10, 22.71 % on CIFAR-100",
            **_cifar,
        ),
    )
}


def resnet_v2(
    card: ResNetV2Card,
    *,
    stride_in: str | None = None,
    stem: str = "norm_first",
    repeats: tuple[int, ...] | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Pre-activation residual network of bottleneck units.

    Args:
        card: Row of `VARIANTS`.
        stride_in: Convolution of a unit that has the stride, `"3x3"` or `"1x1"` (the first one);
            the card's by default.
        stem: On ImageNet, `"norm_first"` normalises and rectifies before pooling, `"pool_first"`
            leaves that to the first unit, as timm does.
        repeats: Units in each stage, in place of the card's.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        ValueError: An argument is not admitted.
    """
    stride_in = stride_in or card.stride_in
    check_choice("stride_in", stride_in, ("1x1", "3x3"))
    check_choice("stem", stem, ("norm_first", "pool_first"))
    small_images = card.input_shape[0] == 32
    norm_first = stem == "norm_first" and not small_images
    head = image_head(card, arguments)
    first = scaled(card.filters, width)
    if small_images:
        x = convolution(head.image, first, 3, fan="fan_out", name="stem_conv")
    else:
        x = convolution(head.image, first, 7, 2, fan="fan_out", name="stem_conv")
        if norm_first:
            x = norm_relu(x, name="stem")
        x = max_pooling(x, 3, 2, padding=1, name="stem_pool")
    for stage, units in enumerate(repeats or card.repeats, start=1):
        filters = first * 2 ** (stage - 1)
        x = preactivation_stage(
            x,
            ((1, filters), (3, filters), (1, 4 * filters)),
            units,
            stage=stage,
            strided=1 if stride_in == "1x1" else 2,
            activated=norm_first and stage == 1,
        )
    return finish_preactivated(head, x)


def preactivation_stage(
    x: Tensor,
    convolutions: tuple[tuple[int, int], ...],
    units: int,
    *,
    stage: int,
    strided: int = 1,
    activated: bool = False,
    dropout: float = 0.0,
) -> Tensor:
    """A stage of units of the same width; the first unit of all but stage 1 has stride 2.

    Args:
        x: Feature map.
        convolutions: Kernel size and filters of each convolution of a unit.
        units: Number of units.
        stage: Number of the stage, from 1.
        strided: Which convolution has the stride, from 1.
        activated: Whether `x` is normalised and rectified already.
        dropout: Rate before the last convolution of each unit.
    """
    for unit in range(1, units + 1):
        name = f"stage{stage}_block{unit}"
        x = _unit(
            x,
            convolutions,
            strides=2 if unit == 1 and stage > 1 else 1,
            strided=strided,
            activated=activated and unit == 1,
            dropout=dropout,
            name=name,
            out=f"stage{stage}_out" if unit == units else f"{name}_out",
        )
    return x


def finish_preactivated(head: Head, x: Tensor) -> keras.Model:
    """The last normalisation and rectifier, which no unit supplies, and the tail."""
    return head.finish(norm_relu(x, name="head"))


def _unit(x, convolutions, *, strides, strided, activated, dropout, name, out) -> Tensor:
    filters = convolutions[-1][1]
    inner = x if activated else norm_relu(x, name=name, index=1)
    identity = x
    if strides > 1 or x.shape[-1] != filters:
        shortcut = f"{name}_shortcut_conv"
        identity = convolution(inner, filters, 1, strides, fan="fan_out", name=shortcut)
    for depth, (size, width) in enumerate(convolutions, start=1):
        if depth > 1:
            inner = norm_relu(inner, name=name, index=depth)
        if dropout and depth == len(convolutions):
            inner = layers.Dropout(dropout, name=f"{name}_dropout")(inner)
        step = strides if depth == strided else 1
        inner = convolution(inner, width, size, step, fan="fan_out", name=f"{name}_conv{depth}")
    return layers.Add(name=out)([inner, identity])


@register(VARIANTS["resnet_50_v2"], resnet_v2)
def ResNet50V2(**arguments) -> keras.Model:
    """Pre-activation ResNet-50 for ImageNet."""
    return resnet_v2(VARIANTS["resnet_50_v2"], **arguments)


@register(VARIANTS["resnet_101_v2"], resnet_v2)
def ResNet101V2(**arguments) -> keras.Model:
    """Pre-activation ResNet-101 for ImageNet."""
    return resnet_v2(VARIANTS["resnet_101_v2"], **arguments)


@register(VARIANTS["resnet_152_v2"], resnet_v2)
def ResNet152V2(**arguments) -> keras.Model:
    """Pre-activation ResNet-152 for ImageNet."""
    return resnet_v2(VARIANTS["resnet_152_v2"], **arguments)


@register(VARIANTS["resnet_200_v2"], resnet_v2)
def ResNet200V2(**arguments) -> keras.Model:
    """Pre-activation ResNet-200 for ImageNet, the paper's."""
    return resnet_v2(VARIANTS["resnet_200_v2"], **arguments)


@register(VARIANTS["resnet_164_v2_cifar"], resnet_v2)
def ResNet164V2CIFAR(**arguments) -> keras.Model:
    """Pre-activation ResNet-164 for CIFAR-10."""
    return resnet_v2(VARIANTS["resnet_164_v2_cifar"], **arguments)


@register(VARIANTS["resnet_1001_v2_cifar"], resnet_v2)
def ResNet1001V2CIFAR(**arguments) -> keras.Model:
    """Pre-activation ResNet-1001 for CIFAR-10."""
    return resnet_v2(VARIANTS["resnet_1001_v2_cifar"], **arguments)
