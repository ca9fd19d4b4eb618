"""Wide ResNet: few wide residual blocks do better than many thin ones.

Zagoruyko, Komodakis, "Wide residual networks", BMVC 2016 (arXiv:1605.07146).

The networks for CIFAR are pre-activation ResNets of two 3x3 convolutions a unit, `n` units a stage
and `k` times as wide: depth `6 n + 4`, WRN-28-10 has n = 4 and k = 10. `dropout` stands between
the two convolutions (the paper has 0.3 on CIFAR, 0.4 on SVHN). WRN-50-2 for ImageNet is another
architecture, ResNet-50 with bottlenecks twice as wide inside, so `resnet` builds it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Unpack

import keras

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Drops, Recipe, step
from keras_classics.core.errors import check_rate, check_whole
from keras_classics.models.image.blocks import convolution
from keras_classics.models.image.resnet import ResNetCard, resnet
from keras_classics.models.image.resnet_v2 import (
    finish_preactivated,
    preactivation_stage,
)


@dataclass(frozen=True, kw_only=True)
class WideResNetCard(ModelCard):
    """A row of the CIFAR table.

    Attributes:
        units: Units in each of the three stages.
        widening: Factor on the widths 16, 32, 64 of the stages, not on the stem's.
    """

    units: int
    widening: int


CIFAR_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=128,
    epochs=200,
    schedule=Drops(at=(60, 120, 160), factor=0.2),
    options={"momentum": 0.9, "nesterov": True},
    weight_decay=5e-4,
    decayed="all",
    augmentation=(step("pad_crop", padding=4, mode="REFLECT"), step("flip")),
    normalization=step("mean_std"),
)
DROPOUT = replace(CIFAR_RECIPE, builder={"dropout": 0.3})
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
        step("area_crop", area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)),
        step("flip"),
        step("pca_colour", deviation=0.1),
    ),
    normalization=step("mean_std"),
    note="that of fb.resnet.torch, which the authors' code for ImageNet is",
)

_facts: dict[str, Any] = {
    "paper": 'Zagoruyko, Komodakis, "Wide residual networks", BMVC 2016, arXiv:1605.07146',
    "family": "wide_resnet",
    "year": 2016,
    "idea": "width instead of depth",
}
_cifar = partial(
    WideResNetCard,
    input_shape=(32, 32, 3),
    classes=10,
    recipes={"paper": CIFAR_RECIPE, "dropout": DROPOUT},
    **_facts,
)

VARIANTS = {
    card.name: card
    for card in (
        _cifar(
            name="wide_resnet_28_10_cifar",
            builder="WideResNet28_10CIFAR",
            summary="WRN-28-10 for CIFAR-10, the paper's best known.",
            units=4,
            widening=10,
            parameters=36_479_194,
            multiply_adds=5_243_328_768,
            published="test error 4.00 % on CIFAR-10, 19.25 % on CIFAR-100; with dropout 3.89 %, "
            "18.85 %",
        ),
        _cifar(
            name="wide_resnet_28_12_cifar",
            builder="WideResNet28_12CIFAR",
            summary="WRN-28-12 for CIFAR-10.",
            units=4,
            widening=12,
            parameters=52_517_850,
            multiply_adds=7_543_905_792,
        ),
        _cifar(
            name="wide_resnet_40_4_cifar",
            builder="WideResNet40_4CIFAR",
            summary="WRN-40-4 for CIFAR-10.",
            units=6,
            widening=4,
            parameters=8_949_210,
            multiply_adds=1_298_582_016,
        ),
        _cifar(
            name="wide_resnet_16_8_cifar",
            builder="WideResNet16_8CIFAR",
            summary="WRN-16-8 for CIFAR-10.",
            units=2,
            widening=8,
            parameters=10_961_370,
            multiply_adds=1_548_145_664,
        ),
    )
}
IMAGENET_VARIANTS = {
    card.name: card
    for card in (
        ResNetCard(
            name="wide_resnet_50_2",
            builder="WideResNet50_2",
            summary="WRN-50-2 for ImageNet: ResNet-50 with bottlenecks twice as wide.",
            recipes={"paper": IMAGENET_RECIPE},
            repeats=(3, 4, 6, 3),
            bottleneck=True,
            group_width=128,
            stride_in="3x3",
            input_shape=(224, 224, 3),
            classes=1000,
            parameters=68_883_240,
            multiply_adds=11_398_021_120,
            published="ImageNet validation, 1 crop: 21.9 % top-1, 5.79 % top-5 error",
            **_facts,
        ),
    )
}


def wide_resnet(
    card: WideResNetCard,
    *,
    dropout: float = 0.0,
    units: int | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Wide residual network for small images.

    Args:
        card: Row of `VARIANTS`.
        dropout: Rate between the two convolutions of a unit.
        units: Units in each stage, in place of the card's.
        width: Factor on the number of filters, the stem's included.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    units = check_whole("units", card.units if units is None else units)
    dropout = check_rate("dropout", dropout)
    head = image_head(card, arguments)
    x = convolution(head.image, scaled(16, width), 3, fan="fan_out", name="stem_conv")
    for stage in (1, 2, 3):
        filters = scaled(16 * card.widening, width) * 2 ** (stage - 1)
        pair = ((3, filters), (3, filters))
        x = preactivation_stage(
            x,
            pair,
            units,
            stage=stage,
            strides=1 if stage == 1 else 2,
            dropout=dropout,
        )
    return finish_preactivated(head, x)


WideResNet28_10CIFAR = register(VARIANTS["wide_resnet_28_10_cifar"], wide_resnet)
WideResNet28_12CIFAR = register(VARIANTS["wide_resnet_28_12_cifar"], wide_resnet)
WideResNet40_4CIFAR = register(VARIANTS["wide_resnet_40_4_cifar"], wide_resnet)
WideResNet16_8CIFAR = register(VARIANTS["wide_resnet_16_8_cifar"], wide_resnet)
WideResNet50_2 = register(IMAGENET_VARIANTS["wide_resnet_50_2"], resnet)
