"""Network in network: a small dense network slides over the picture in place of a filter.

Lin, Chen, Yan, "Network in network", ICLR 2014 (arXiv:1312.4400, 2013).

A "mlpconv" is a convolution followed by two of 1x1, each rectified. There is no dense layer: the
last mlpconv has one map per class, whose average over the picture is the class's score. As in the
authors' configuration these last maps are rectified too, and the second pooling of the CIFAR net
takes averages, where the paper's text says maxima (`second_pool`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import (
    ImageArguments,
    global_average,
    image_head,
    scaled,
)
from keras_classics.core.cards.recipe import CROP_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import check_choice, check_rate
from keras_classics.core.types import Initializer, Tensor
from keras_classics.layers.image.pooling import CeilAveragePooling2D
from keras_classics.models.image.blocks import convolution, max_pooling, relu


@dataclass(frozen=True, kw_only=True)
class NINCard(ModelCard):
    """A row of the family's table.

    Attributes:
        filters: Widths of each mlpconv; the last one's third is the number of classes.
        kernels: Kernel size of the first convolution of each mlpconv.
        strides: Step of the first convolution; above 1 it is not padded.
        second_pool: Kind of the second pooling; all others take maxima.
        dropout_everywhere: After every pooling, not just before the last mlpconv.
    """

    filters: tuple[tuple[int, ...], ...]
    kernels: tuple[int, ...]
    strides: int
    second_pool: str
    dropout_everywhere: bool


# Figures of the released configurations, recalled.
CIFAR_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=128,
    iterations=120_000,
    schedule=Drops(at=(100_000, 110_000)),
    weight_decay=1e-4,
    normalization=step("contrast_zca"),
    note="rates and times of the released configuration, recalled; its rates of single layers are "
    "all one here",
)
IMAGENET_RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=64,
    iterations=450_000,
    schedule=Drops(at=(200_000, 400_000)),
    weight_decay=5e-4,
    resize=256,
    augmentation=CROP_AND_MIRROR,
    note="rates and times of the released configuration, recalled",
)

_row = partial(
    NINCard,
    family="nin",
    paper='Lin, Chen, Yan, "Network in network", ICLR 2014, arXiv:1312.4400',
    year=2013,
    idea="filters that are small networks, and averages instead of dense layers",
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="nin_cifar",
            builder="NINCIFAR",
            summary="Network in network for CIFAR-10: three mlpconvs.",
            recipes={"paper": CIFAR_RECIPE},
            filters=((192, 160, 96), (192, 192, 192), (192, 192)),
            kernels=(5, 5, 3),
            strides=1,
            second_pool="average",
            dropout_everywhere=True,
            input_shape=(32, 32, 3),
            classes=10,
            smallest_size=4,
            parameters=966_986,
            multiply_adds=222_486_528,
            published="CIFAR-10 test error 10.41 %, 8.81 % with augmentation",
            deviations="the second pooling takes averages, as in the released configuration",
        ),
        _row(
            name="nin_imagenet",
            builder="NINImageNet",
            summary="Network in network for ImageNet: four mlpconvs, as in Caffe's model zoo.",
            recipes={"paper": IMAGENET_RECIPE},
            filters=((96, 96, 96), (256, 256, 256), (384, 384, 384), (1024, 1024)),
            kernels=(11, 5, 3, 3),
            strides=4,
            second_pool="max",
            dropout_everywhere=False,
            input_shape=(227, 227, 3),
            classes=1000,
            smallest_size=39,
            parameters=7_595_176,
            multiply_adds=1_105_996_320,
            deviations="layers of the network in Caffe's model zoo",
        ),
    )
}


def nin(
    card: NINCard,
    *,
    second_pool: str | None = None,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: Initializer = "he_normal",
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Network in network for CIFAR or ImageNet.

    Args:
        card: Row of `VARIANTS`.
        second_pool: `"average"` or `"max"`; the card's by default.
        dropout: Rate after pooling.
        width: Factor on the number of filters.
        kernel_initializer: Initialiser of all kernels.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    second_pool = second_pool or card.second_pool
    check_choice("second_pool", second_pool, ("average", "max"))
    dropout = check_rate("dropout", dropout)
    head = image_head(card, arguments)
    convolve = partial(convolution, use_bias=True, kernel_initializer=kernel_initializer)
    last = len(card.filters)

    def pool(x: Tensor, stage: int) -> Tensor:
        name = f"stage{stage}_out"
        if stage == 2 and second_pool == "average":
            return CeilAveragePooling2D(3, 2, name=name)(x)
        return max_pooling(x, 3, 2, ceil_mode=True, name=name)

    def classify(x: Tensor) -> Tensor:
        x = convolve(x, head.units, 1, name="head_conv")
        return global_average(relu(x, name="head_relu"))

    x = head.image
    for stage, (filters, size) in enumerate(zip(card.filters, card.kernels, strict=True), start=1):
        if stage == last or (card.dropout_everywhere and stage > 1):
            x = layers.Dropout(dropout, name=f"stage{stage}_dropout")(x)
        for depth, count in enumerate(filters, start=1):
            strided = stage == depth == 1 and card.strides > 1
            x = convolve(
                x,
                scaled(count, width),
                size if depth == 1 else 1,
                card.strides if strided else 1,
                padding=0 if strided else None,
                name=f"stage{stage}_conv{depth}",
            )
            ends = stage == last and depth == len(filters)
            x = relu(x, name=f"stage{stage}_out" if ends else f"stage{stage}_relu{depth}")
        if stage < last:
            x = pool(x, stage)
    return head.finish(x, lambda features: features, classify)


NINCIFAR = register(VARIANTS["nin_cifar"], nin)
NINImageNet = register(VARIANTS["nin_imagenet"], nin)
