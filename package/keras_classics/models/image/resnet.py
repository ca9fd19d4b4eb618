"""ResNet: blocks learn what to add to their input, so depth stops hurting.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016 (arXiv:1512.03385).

The paper's networks for ImageNet (18 to 152) and the plain twins it compares them with: the same
layers without shortcuts; those for CIFAR-10 are in `resnet_cifar`. As in the paper a bottleneck
block has its stride in the first 1x1 convolution; `stride_in="3x3"` gives the later form (v1.5) of
Torch and timm, with the same parameters. Shortcuts are option B on ImageNet (a projection where
the shape changes) and option A on CIFAR (zeros appended, no parameters). `survival` adds
stochastic depth (Huang et al., ECCV 2016). ResNeXt and the bottleneck form of Wide ResNet are rows
of other files built by this one: they differ in the groups and the width of the 3x3 convolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Drops, Recipe, step
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_probability,
    check_wholes,
)
from keras_classics.core.types import Tensor
from keras_classics.layers.image.shortcuts import ZeroPaddedShortcut
from keras_classics.layers.image.stochastic_depth import MODES, RESCALES, StochasticDepth
from keras_classics.models.image.blocks import (
    convolution,
    max_pooling,
    normalization,
    relu,
)


@dataclass(frozen=True, kw_only=True)
class ResNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        repeats: Blocks in each stage; a stage is twice as wide as the one before.
        bottleneck: 1x1, 3x3, 1x1 convolutions instead of two 3x3.
        residual: False for the plain twins.
        filters: Filters of the stem and of the first stage, before the bottleneck's fourfold.
        groups: Groups of a bottleneck's 3x3 convolution (ResNeXt's cardinality).
        group_width: Filters of one group where the stage has 64.
        stride_in: Convolution of a bottleneck block that has the stride.
        shortcut: `"A"` or `"B"`.
    """

    repeats: tuple[int, ...]
    bottleneck: bool = False
    residual: bool = True
    filters: int = 64
    groups: int = 1
    group_width: int = 64
    stride_in: str = "1x1"
    shortcut: str = "B"

    @property
    def small_images(self) -> bool:
        """Whether it is one of the CIFAR networks, which have a 3x3 stem without pooling."""
        return self.input_shape[0] == 32


IMAGENET_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=256,
    iterations=600_000,
    schedule=Drops(at=(200_000, 400_000)),
    weight_decay=1e-4,
    resize=256,
    augmentation=(
        step("scale_jitter", smallest=256, largest=480),
        step("flip"),
        step("pca_colour", deviation=0.1),
    ),
    normalization=step("per_pixel_mean"),
    test_crops=10,
    note="the paper drops the rate on a plateau; when, is ours",
)

_row = partial(
    ResNetCard,
    paper='He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, '
    "arXiv:1512.03385",
    family="resnet",
    year=2015,
)
RESIDUAL = partial(_row, idea="blocks learn what to add to their input")
PLAIN = partial(_row, idea="the twin without shortcuts: depth alone hurts", residual=False)
_imagenet = {
    "input_shape": (224, 224, 3),
    "classes": 1000,
    "recipes": {"paper": IMAGENET_RECIPE},
}

VARIANTS = {
    card.name: card
    for card in (
        RESIDUAL(
            name="resnet_18",
            builder="ResNet18",
            summary="ResNet-18 for ImageNet: basic blocks.",
            repeats=(2, 2, 2, 2),
            parameters=11_689_512,
            multiply_adds=1_814_073_344,
            published="ImageNet validation, 10 crops: 27.88 % top-1 error",
            **_imagenet,
        ),
        RESIDUAL(
            name="resnet_34",
            builder="ResNet34",
            summary="ResNet-34 for ImageNet: basic blocks.",
            repeats=(3, 4, 6, 3),
            parameters=21_797_672,
            multiply_adds=3_663_761_408,
            published="ImageNet validation, 10 crops: 24.52 % top-1, 7.46 % top-5 error",
            **_imagenet,
        ),
        RESIDUAL(
            name="resnet_50",
            builder="ResNet50",
            summary="ResNet-50 for ImageNet: bottleneck blocks.",
            repeats=(3, 4, 6, 3),
            bottleneck=True,
            parameters=25_557_032,
            multiply_adds=3_857_973_248,
            published="ImageNet validation, 10 crops: 22.85 % top-1, 6.71 % top-5 error",
            **_imagenet,
        ),
        RESIDUAL(
            name="resnet_101",
            builder="ResNet101",
            summary="ResNet-101 for ImageNet: bottleneck blocks.",
            repeats=(3, 4, 23, 3),
            bottleneck=True,
            parameters=44_549_160,
            multiply_adds=7_570_194_432,
            published="ImageNet validation, 10 crops: 21.75 % top-1, 6.05 % top-5 error",
            **_imagenet,
        ),
        RESIDUAL(
            name="resnet_152",
            builder="ResNet152",
            summary="ResNet-152 for ImageNet: bottleneck blocks.",
            repeats=(3, 8, 36, 3),
            bottleneck=True,
            parameters=60_192_808,
            multiply_adds=11_282_415_616,
            published="ImageNet validation, 10 crops: 21.43 % top-1, 5.71 % top-5 error",
            **_imagenet,
        ),
        PLAIN(
            name="plain_18",
            builder="Plain18",
            summary="ResNet-18 without shortcuts.",
            repeats=(2, 2, 2, 2),
            parameters=11_515_688,
            multiply_adds=1_794_805_760,
            published="ImageNet validation, 10 crops: 27.94 % top-1 error",
            **_imagenet,
        ),
        PLAIN(
            name="plain_34",
            builder="Plain34",
            summary="ResNet-34 without shortcuts.",
            repeats=(3, 4, 6, 3),
            parameters=21_623_848,
            multiply_adds=3_644_493_824,
            published="ImageNet validation, 10 crops: 28.54 % top-1, 10.02 % top-5 error",
            **_imagenet,
        ),
    )
}


@dataclass(frozen=True)
class _Settings:
    """The builder's choices a block needs to know."""

    card: ResNetCard
    stride_in: str
    shortcut: str
    conv_bias: bool
    epsilon: float

    def convolutions(self, filters: int) -> tuple[tuple[int, int, int], ...]:
        """Kernel size, filters and groups of a block's convolutions in a stage of `filters`."""
        if not self.card.bottleneck:
            return ((3, filters, 1), (3, filters, 1))
        groups = self.card.groups
        inner = max(1, filters * self.card.group_width // 64) * groups
        return ((1, inner, 1), (3, inner, groups), (1, 4 * filters, 1))


def resnet(
    card: ResNetCard,
    *,
    stride_in: str | None = None,
    shortcut: str | None = None,
    survival: float = 1.0,
    survival_mode: str = "batch",
    survival_rescale: str = "test",
    conv_bias: bool = False,
    norm_epsilon: float = 1e-5,
    repeats: tuple[int, ...] | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Residual network or its plain twin.

    Args:
        card: Row of `VARIANTS`.
        stride_in: Convolution of a bottleneck block that has the stride: `"1x1"` as in the
            paper, `"3x3"` as in Torch, torchvision and timm; the card's by default.
        shortcut: `"A"` appends zeros, `"B"` projects where the shape changes, `"C"` projects in
            every block; the paper's own choice by default (B on ImageNet, A on CIFAR).
        survival: Stochastic depth: the probability with which the last block is kept while
            training; block l of L is kept with `1 - l / L * (1 - survival)`. The paper has 0.5.
        survival_mode: `"batch"` or `"row"`, see `StochasticDepth`.
        survival_rescale: `"test"` or `"train"`, see `StochasticDepth`.
        conv_bias: Give the convolutions biases, as keras.applications does.
        norm_epsilon: Epsilon of batch normalisation.
        repeats: Blocks in each stage, in place of the card's.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    stride_in, shortcut = stride_in or card.stride_in, shortcut or card.shortcut
    check_choice("stride_in", stride_in, ("1x1", "3x3"))
    check_choice("shortcut", shortcut, ("A", "B", "C"))
    check_choice("survival_mode", survival_mode, MODES)
    check_choice("survival_rescale", survival_rescale, RESCALES)
    survival = check_probability("survival", survival)
    norm_epsilon = check_positive("norm_epsilon", norm_epsilon)
    if survival != 1 and not card.residual:
        raise InputError(
            f"survival={survival} was given to {card.name!r}",
            "1, because a plain network has no shortcut to pass a dropped block by",
            "Build the residual twin.",
        )
    head = image_head(card, arguments)
    settings = _Settings(card, stride_in, shortcut, conv_bias, norm_epsilon)
    repeats, done = check_wholes("repeats", card.repeats if repeats is None else repeats), 0
    first = scaled(card.filters, width)
    x = _stem(head.image, first, settings)
    for stage, blocks in enumerate(repeats, start=1):
        for block in range(1, blocks + 1):
            name = f"stage{stage}_block{block}"
            done += 1
            drop = None
            if survival != 1:
                kept = 1 - done / sum(repeats) * (1 - survival)
                drop = StochasticDepth(
                    kept, survival_mode, survival_rescale, name=f"{name}_dropout"
                )
            x = _block(
                x,
                first * 2 ** (stage - 1),
                strides=2 if block == 1 and stage > 1 else 1,
                settings=settings,
                drop=drop,
                name=name,
                out=f"stage{stage}_out" if block == blocks else f"{name}_out",
            )
    return head.finish(x)


def _stem(x: Tensor, filters: int, settings: _Settings) -> Tensor:
    small_images = settings.card.small_images
    size, strides = (3, 1) if small_images else (7, 2)
    x = _conv_norm(x, filters, size, strides, settings, conv="stem_conv", norm="stem_norm")
    x = relu(x, name="stem_relu")
    if small_images:
        return x
    return max_pooling(x, 3, 2, padding=1, name="stem_pool")


def _block(
    x: Tensor,
    filters: int,
    *,
    strides: int,
    settings: _Settings,
    drop: StochasticDepth | None,
    name: str,
    out: str,
) -> Tensor:
    """Two 3x3 convolutions, or 1x1, 3x3 and a wider 1x1; then the sum."""
    convolutions = settings.convolutions(filters)
    strided = 2 if settings.card.bottleneck and settings.stride_in == "3x3" else 1
    inner = x
    for depth, (size, width, groups) in enumerate(convolutions, start=1):
        inner = _conv_norm(
            inner,
            width,
            size,
            strides if depth == strided else 1,
            settings,
            groups=groups,
            conv=f"{name}_conv{depth}",
            norm=f"{name}_norm{depth}",
        )
        if depth < len(convolutions):
            inner = relu(inner, name=f"{name}_relu{depth}")
    if settings.card.residual:
        identity = _shortcut(x, inner.shape[-1], strides, settings, name=f"{name}_shortcut")
        if drop:
            inner = drop(inner)
        inner = layers.Add(name=f"{name}_add")([inner, identity])
    return relu(inner, name=out)


def _shortcut(x: Tensor, filters: int, strides: int, settings: _Settings, *, name: str) -> Tensor:
    same_shape = strides == 1 and x.shape[-1] == filters
    if same_shape and settings.shortcut != "C":
        return x
    if settings.shortcut == "A":
        return ZeroPaddedShortcut(filters, strides, name=name)(x)
    return _conv_norm(x, filters, 1, strides, settings, conv=f"{name}_conv", norm=f"{name}_norm")


def _conv_norm(
    x: Tensor,
    filters: int,
    size: int,
    strides: int,
    settings: _Settings,
    *,
    conv: str,
    norm: str,
    groups: int = 1,
) -> Tensor:
    x = convolution(
        x, filters, size, strides, use_bias=settings.conv_bias, groups=groups, name=conv
    )
    return normalization(x, epsilon=settings.epsilon, name=norm)


ResNet18 = register(VARIANTS["resnet_18"], resnet)
ResNet34 = register(VARIANTS["resnet_34"], resnet)
ResNet50 = register(VARIANTS["resnet_50"], resnet)
ResNet101 = register(VARIANTS["resnet_101"], resnet)
ResNet152 = register(VARIANTS["resnet_152"], resnet)
Plain18 = register(VARIANTS["plain_18"], resnet)
Plain34 = register(VARIANTS["plain_34"], resnet)
