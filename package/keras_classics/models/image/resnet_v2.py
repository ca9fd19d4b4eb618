"""ResNet v2: normalise and rectify before each convolution, and leave the shortcut untouched.

He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016 (arXiv:1603.05027).

The layout is that of the authors' Torch code: where a unit changes the shape, its first
normalisation and rectifier also feed the projection, which is a bare 1x1 convolution. On ImageNet
the stem is normalised, rectified and pooled, so the first unit has no activation of its own;
`stem="pool_first"` is timm's form, which pools the bare convolution and lets the first unit
normalise, with the same parameters. The stride is in the 3x3 convolution on ImageNet and in the
first 1x1 on CIFAR, as in the authors' code; `stride_in` moves it. `keras_v2_layout=True` is the
network of keras.applications, which is another: see `resnet_v2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import Head, ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import SHIFT_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_wholes,
)
from keras_classics.core.types import Tensor
from keras_classics.models.image.blocks import (
    convolution,
    max_pooling,
    norm_relu,
    zero_padded,
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


IMAGENET_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=256,
    epochs=90,
    schedule=Drops(at=(30, 60)),
    options={"momentum": 0.9, "nesterov": True},
    weight_decay=1e-4,
    decayed="all",
    resize=256,
    augmentation=(
        step("scale_jitter", smallest=256, largest=480),
        step("flip"),
        step("pca_colour", deviation=0.1),
    ),
    normalization=step("mean_std"),
)
# The rate begins low, as for the deep networks of the first paper.
CIFAR_RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=128,
    iterations=64_000,
    schedule=Drops(at=(400, 32_000, 48_000), factor=(10.0, 0.1, 0.1)),
    weight_decay=1e-4,
    decayed="all",
    augmentation=SHIFT_AND_MIRROR,
    normalization=step("mean_std"),
)

_row = partial(
    ResNetV2Card,
    paper='He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016, '
    "arXiv:1603.05027",
    family="resnet_v2",
    year=2016,
    idea="activation before convolution: nothing stands in the way of the shortcut",
)
_imagenet: dict[str, Any] = {
    "input_shape": (224, 224, 3),
    "classes": 1000,
    "filters": 64,
    "stride_in": "3x3",
    "recipes": {"paper": IMAGENET_RECIPE},
}
_cifar: dict[str, Any] = {
    "input_shape": (32, 32, 3),
    "classes": 10,
    "filters": 16,
    "stride_in": "1x1",
    "recipes": {"paper": CIFAR_RECIPE},
}

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="resnet_50_v2",
            builder="ResNet50V2",
            summary="Pre-activation ResNet-50 for ImageNet.",
            repeats=(3, 4, 6, 3),
            parameters=25_549_352,
            multiply_adds=4_089_184_256,
            **_imagenet,
        ),
        _row(
            name="resnet_101_v2",
            builder="ResNet101V2",
            summary="Pre-activation ResNet-101 for ImageNet.",
            repeats=(3, 4, 23, 3),
            parameters=44_541_480,
            multiply_adds=7_801_405_440,
            **_imagenet,
        ),
        _row(
            name="resnet_152_v2",
            builder="ResNet152V2",
            summary="Pre-activation ResNet-152 for ImageNet.",
            repeats=(3, 8, 36, 3),
            parameters=60_185_128,
            multiply_adds=11_513_626_624,
            **_imagenet,
        ),
        _row(
            name="resnet_200_v2",
            builder="ResNet200V2",
            summary="Pre-activation ResNet-200 for ImageNet, the paper's.",
            repeats=(3, 24, 36, 3),
            parameters=64_666_152,
            multiply_adds=15_007_481_856,
            published="ImageNet validation, 320 x 320 crop: 20.7 % top-1, 5.3 % top-5 error",
            **_imagenet,
        ),
        _row(
            name="resnet_164_v2_cifar",
            builder="ResNet164V2CIFAR",
            summary="Pre-activation ResNet-164 for CIFAR-10.",
            repeats=(18, 18, 18),
            parameters=1_703_258,
            multiply_adds=244_500_992,
            published="test error 5.46 % on CIFAR-10, 24.33 % on CIFAR-100",
            **_cifar,
        ),
        _row(
            name="resnet_1001_v2_cifar",
            builder="ResNet1001V2CIFAR",
            summary="Pre-activation ResNet-1001 for CIFAR-10.",
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
    keras_v2_layout: bool = False,
    norm_epsilon: float = 1e-5,
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
        keras_v2_layout: The network of keras.applications' `ResNet50V2` and its kin: the stride
            is in the last unit of every stage but the last stage, where a 1x1 pool is the
            shortcut; the stem is a bare convolution, padded with zeros before its pool; it, the
            projections and the last convolution of each unit have biases. Only on ImageNet, and
            `stem` has no say.
        norm_epsilon: Epsilon of batch normalisation; keras.applications has 1.001e-5.
        repeats: Units in each stage, in place of the card's.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    stride_in = stride_in or card.stride_in
    check_choice("stride_in", stride_in, ("1x1", "3x3"))
    check_choice("stem", stem, ("norm_first", "pool_first"))
    small_images = card.input_shape[0] == 32
    if keras_v2_layout and small_images:
        raise InputError(
            f"keras_v2_layout=True was given to {card.name!r}",
            "the networks for ImageNet, which keras.applications has too",
            "Leave it out for a CIFAR network.",
        )
    norm_epsilon = check_positive("norm_epsilon", norm_epsilon)
    norm_first = stem == "norm_first" and not small_images and not keras_v2_layout
    head = image_head(card, arguments)
    first = scaled(card.filters, width)
    if small_images:
        x = convolution(head.image, first, 3, fan="fan_out", name="stem_conv")
    else:
        x = convolution(
            head.image, first, 7, 2, fan="fan_out", use_bias=keras_v2_layout, name="stem_conv"
        )
        if norm_first:
            x = norm_relu(x, name="stem", epsilon=norm_epsilon)
        if keras_v2_layout:
            x = max_pooling(zero_padded(x, 1, name="stem_pool_pad"), 3, 2, name="stem_pool")
        else:
            x = max_pooling(x, 3, 2, padding=1, name="stem_pool")
    repeats = check_wholes("repeats", card.repeats if repeats is None else repeats)
    for stage, units in enumerate(repeats, start=1):
        filters = first * 2 ** (stage - 1)
        x = preactivation_stage(
            x,
            ((1, filters), (3, filters), (1, 4 * filters)),
            units,
            stage=stage,
            strides=1 if stage == (len(repeats) if keras_v2_layout else 1) else 2,
            strided=1 if stride_in == "1x1" else 2,
            activated=norm_first and stage == 1,
            epsilon=norm_epsilon,
            keras_v2_layout=keras_v2_layout,
        )
    return finish_preactivated(head, x, epsilon=norm_epsilon)


def preactivation_stage(
    x: Tensor,
    convolutions: tuple[tuple[int, int], ...],
    units: int,
    *,
    stage: int,
    strides: int,
    strided: int = 1,
    activated: bool = False,
    dropout: float = 0.0,
    epsilon: float = 1e-5,
    keras_v2_layout: bool = False,
) -> Tensor:
    """A stage of units of the same width.

    Args:
        x: Feature map.
        convolutions: Kernel size and filters of each convolution of a unit.
        units: Number of units.
        stage: Number of the stage, from 1.
        strides: Step of the first unit, in the layout of keras.applications of the last.
        strided: Which convolution has the stride, from 1.
        activated: Whether `x` is normalised and rectified already.
        dropout: Rate before the last convolution of each unit.
        epsilon: Epsilon of batch normalisation.
        keras_v2_layout: See `resnet_v2`.
    """
    strided_unit = units if keras_v2_layout else 1
    for unit in range(1, units + 1):
        name = f"stage{stage}_block{unit}"
        x = _unit(
            x,
            convolutions,
            strides=strides if unit == strided_unit else 1,
            strided=strided,
            activated=activated and unit == 1,
            dropout=dropout,
            epsilon=epsilon,
            keras_v2_layout=keras_v2_layout,
            name=name,
            out=f"stage{stage}_out" if unit == units else f"{name}_out",
        )
    return x


def finish_preactivated(head: Head, x: Tensor, epsilon: float = 1e-5) -> keras.Model:
    """The last normalisation and rectifier, which no unit supplies, and the tail."""
    return head.finish(norm_relu(x, name="head", epsilon=epsilon))


def _unit(
    x: Tensor,
    convolutions: Sequence[tuple[int, int]],
    *,
    strides: int,
    strided: int,
    activated: bool,
    dropout: float,
    epsilon: float,
    keras_v2_layout: bool,
    name: str,
    out: str,
) -> Tensor:
    filters = convolutions[-1][1]
    inner = x if activated else norm_relu(x, name=name, index=1, epsilon=epsilon)
    identity = x
    if x.shape[-1] != filters or (strides > 1 and not keras_v2_layout):
        identity = convolution(
            inner,
            filters,
            1,
            strides,
            fan="fan_out",
            use_bias=keras_v2_layout,
            name=f"{name}_shortcut_conv",
        )
    elif strides > 1:
        identity = max_pooling(x, 1, strides, name=f"{name}_shortcut_pool")
    for depth, (size, width) in enumerate(convolutions, start=1):
        last = depth == len(convolutions)
        if depth > 1:
            inner = norm_relu(inner, name=name, index=depth, epsilon=epsilon)
        if dropout and last:
            inner = layers.Dropout(dropout, name=f"{name}_dropout")(inner)
        inner = convolution(
            inner,
            width,
            size,
            strides if depth == strided else 1,
            fan="fan_out",
            use_bias=keras_v2_layout and last,
            name=f"{name}_conv{depth}",
        )
    return layers.Add(name=out)([inner, identity])


ResNet50V2 = register(VARIANTS["resnet_50_v2"], resnet_v2)
ResNet101V2 = register(VARIANTS["resnet_101_v2"], resnet_v2)
ResNet152V2 = register(VARIANTS["resnet_152_v2"], resnet_v2)
ResNet200V2 = register(VARIANTS["resnet_200_v2"], resnet_v2)
ResNet164V2CIFAR = register(VARIANTS["resnet_164_v2_cifar"], resnet_v2)
ResNet1001V2CIFAR = register(VARIANTS["resnet_1001_v2_cifar"], resnet_v2)
