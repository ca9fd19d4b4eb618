"""SimpNet: a plain chain of 3x3 convolutions, with pooling that selects and then withholds.

Hasanpour, Rouhani, Fayyaz, Sabokrou, Adeli, "Towards principled design of deep convolutional
networks: introducing SimpNet", arXiv:1802.06205, 2018.

Thirteen units of convolution, normalisation, rectifier and dropout, with a maximum over 2x2 after
the fifth and tenth and over the whole map after the last. Where a pool stands, dropout follows it:
SAF-pooling withholds the strongest features. Widths and rates are those of the authors' Caffe
files; `FILTERS` has all seven columns, the named models are four of them.
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
from keras_classics.core.cards.recipe import SHIFT_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import InputError, check_choice, check_rate, check_wholes
from keras_classics.core.types import Tensor
from keras_classics.layers.image.pooling import SAFPooling
from keras_classics.models.image.blocks import convolution, normalization, relu

FILTERS = {
    "5m": (66, 128, 128, 128, 192, 192, 192, 192, 192, 288, 288, 355, 432),
    "8m": (128, 182, 182, 182, 182, 182, 182, 182, 182, 430, 430, 455, 600),
    "8m_cifar100": (128, 182, 182, 182, 182, 182, 182, 182, 182, 430, 430, 450, 600),
    "mnist": (66, 64, 64, 64, 96, 96, 96, 96, 96, 144, 144, 178, 216),
    "300k": (30, 40, 40, 40, 50, 50, 50, 50, 50, 58, 58, 70, 90),
    "600k": (40, 60, 60, 60, 72, 73, 73, 73, 75, 81, 82, 90, 120),
    "1m": (60, 80, 80, 80, 85, 85, 90, 90, 90, 110, 110, 127, 150),
}
# Units after which the map is pooled, the last over its whole size.
STAGE_ENDS = (5, 10, 13)


@dataclass(frozen=True, kw_only=True)
class SimpNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        filters: Filters of the thirteen units.
        dropout: Rate after each unit.
    """

    filters: tuple[int, ...]
    dropout: tuple[float, ...]


RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=100,
    iterations=400_000,
    schedule=Drops(at=(50_000, 95_000, 153_000, 195_000, 220_000, 270_000)),
    optimizer="Adadelta",
    options={"epsilon": 1e-3},
    weight_decay=5e-3,
    augmentation=SHIFT_AND_MIRROR,
    normalization=step("mean_std"),
)

_row = partial(
    SimpNetCard,
    paper='Hasanpour, Rouhani, Fayyaz, Sabokrou, Adeli, "Towards principled design of deep '
    'convolutional networks: introducing SimpNet", arXiv:1802.06205',
    family="simpnet",
    year=2018,
    idea="a simple chain, and pooling that withholds the strongest features while training",
    deviations="every kernel starts as Glorot's; the authors' large networks draw units 3 to 5 "
    "from a Gaussian of 0.01",
    input_shape=(32, 32, 3),
    classes=10,
    recipes={"paper": RECIPE},
    smallest_size=4,
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="simpnet_5m_cifar",
            builder="SimpNet5MCIFAR",
            summary="SimpNet of 5.48 million parameters.",
            filters=FILTERS["5m"],
            dropout=(0.2,) * 9 + (0.3,) * 4,
            parameters=5_478_223,
            multiply_adds=1_270_310_112,
            published="test accuracy 95.69 % on CIFAR-10, 78.16 % on CIFAR-100",
        ),
        _row(
            name="simpnet_8m_cifar",
            builder="SimpNet8MCIFAR",
            summary="SimpNet of 8.9 million parameters.",
            filters=FILTERS["8m"],
            dropout=(0.2,) * 13,
            parameters=8_902_729,
            multiply_adds=1_996_079_856,
            published="CIFAR-10 test accuracy 96.12 %",
        ),
        _row(
            name="simpnet_300k_cifar",
            builder="SimpNet300KCIFAR",
            summary="SimpNet of 0.3 million parameters.",
            filters=FILTERS["300k"],
            dropout=(0.0,) * 13,
            parameters=300_964,
            multiply_adds=97_439_364,
            published="CIFAR-10 test accuracy 93.25 %",
        ),
        _row(
            name="simpnet_600k_cifar",
            builder="SimpNet600KCIFAR",
            summary="SimpNet of 0.6 million parameters.",
            filters=FILTERS["600k"],
            dropout=(0.1,) * 9 + (0.2,) * 4,
            parameters=601_021,
            multiply_adds=206_968_368,
            published="test accuracy 94.03 % on CIFAR-10, 71.74 % on CIFAR-100",
        ),
    )
}


def simpnet(
    card: SimpNetCard,
    *,
    filters: tuple[int, ...] | None = None,
    dropout: float | None = None,
    global_pooling: str = "max",
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """SimpNet of any width.

    Args:
        card: Row of `VARIANTS`.
        filters: Filters of the thirteen units, in place of the card's; see `FILTERS`.
        dropout: One rate after every unit, in place of the card's.
        global_pooling: `"max"` as in the paper, or `"average"`.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    check_choice("global_pooling", global_pooling, ("max", "average"))
    filters = check_wholes("filters", card.filters if filters is None else filters)
    if dropout is not None:
        dropout = check_rate("dropout", dropout)
    if len(filters) != STAGE_ENDS[-1]:
        raise InputError(
            f"{len(filters)} widths were given to {card.name!r}",
            f"{STAGE_ENDS[-1]}, one for each unit",
            "Pass one of FILTERS, or use the width argument.",
        )
    rates = card.dropout if dropout is None else (dropout,) * len(filters)
    head = image_head(card, arguments)
    x, first = head.image, 1
    for stage, last in enumerate(STAGE_ENDS, start=1):
        for unit in range(first, last + 1):
            name, place = f"stage{stage}", unit - first + 1
            x = convolution(
                x,
                scaled(filters[unit - 1], width),
                3,
                use_bias=True,
                kernel_initializer="glorot_uniform",
                name=f"{name}_conv{place}",
            )
            x = normalization(x, name=f"{name}_norm{place}")
            x = relu(x, name=f"{name}_relu{place}")
            if unit < last:
                x = layers.Dropout(rates[unit - 1], name=f"{name}_dropout{place}")(x)
        if last < STAGE_ENDS[-1]:
            x = SAFPooling(2, rates[last - 1], name=f"{name}_out")(x)
        first = last + 1

    def top(x: Tensor) -> Tensor:
        if global_pooling == "average":
            x = global_average(x)
        else:
            x = layers.GlobalMaxPooling2D(name="head_pool")(x)
        return layers.Dropout(rates[-1], name="head_dropout")(x)

    return head.finish(x, top)


SimpNet5MCIFAR = register(VARIANTS["simpnet_5m_cifar"], simpnet)
SimpNet8MCIFAR = register(VARIANTS["simpnet_8m_cifar"], simpnet)
SimpNet300KCIFAR = register(VARIANTS["simpnet_300k_cifar"], simpnet)
SimpNet600KCIFAR = register(VARIANTS["simpnet_600k_cifar"], simpnet)
