"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters, from thin 1x1 layers.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer
parameters and <0.5MB model size", arXiv:1602.07360, 2016.

A fire module squeezes the channels by a 1x1 convolution, then expands them eight times by as many
1x1 as 3x3 kernels. The classifier is a 1x1 convolution, rectified and averaged over the picture.
`squeezenet_1_1` is the authors' later release: a smaller first kernel and earlier pooling.
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
from keras_classics.core.cards.recipe import CROP_AND_MIRROR, Linear, Recipe
from keras_classics.core.errors import check_rate
from keras_classics.core.types import Initializer, Tensor
from keras_classics.models.image.blocks import convolution, max_pooling, relu


@dataclass(frozen=True, kw_only=True)
class SqueezeNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        stem: Filters and kernel size of the first convolution.
        squeeze: Channels each fire module of each stage squeezes to; a stage begins with pooling.
    """

    stem: tuple[int, int]
    squeeze: tuple[tuple[int, ...], ...]


RECIPE = Recipe(
    learning_rate=0.04,
    batch_size=512,
    iterations=170_000,
    schedule=Linear(),
    weight_decay=2e-4,
    resize=256,
    augmentation=CROP_AND_MIRROR,
    note="batch, length and decay of the released configuration, recalled",
)

_row = partial(
    SqueezeNetCard,
    family="squeezenet",
    paper='Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, "SqueezeNet: AlexNet-level accuracy '
    'with 50x fewer parameters and <0.5MB model size", arXiv:1602.07360',
    year=2016,
    idea="squeeze the channels before every 3x3 kernel",
    input_shape=(224, 224, 3),
    classes=1000,
    recipes={"paper": RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="squeezenet_1_0",
            builder="SqueezeNet1_0",
            summary="SqueezeNet 1.0, the network of the paper.",
            stem=(96, 7),
            squeeze=((16, 16, 32), (32, 48, 48, 64), (64,)),
            smallest_size=21,
            parameters=1_248_424,
            multiply_adds=818_924_576,
            published="ImageNet validation: 57.5 % top-1, 80.3 % top-5 accuracy",
        ),
        _row(
            name="squeezenet_1_1",
            builder="SqueezeNet1_1",
            summary="SqueezeNet 1.1: the same accuracy for less than half of the multiply-adds.",
            stem=(64, 3),
            squeeze=((16, 16), (32, 32), (48, 48, 64, 64)),
            smallest_size=17,
            parameters=1_235_496,
            multiply_adds=349_151_936,
        ),
    )
}


def squeezenet(
    card: SqueezeNetCard,
    *,
    bypass: bool = False,
    squeeze: tuple[tuple[int, ...], ...] | None = None,
    width: float = 1.0,
    dropout: float = 0.5,
    kernel_initializer: Initializer = "glorot_uniform",
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """SqueezeNet of either version.

    Args:
        card: Row of `VARIANTS`.
        bypass: Add a fire module's input to its output wherever both have the same channels, the
            paper's simple bypass (around its modules 3, 5, 7 and 9).
        squeeze: Squeezed channels of each module of each stage, in place of the card's.
        width: Factor on the number of filters.
        dropout: Rate before the last convolution.
        kernel_initializer: Initialiser of all kernels but those of the last convolution, which
            start normal with a deviation of 0.01.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    dropout = check_rate("dropout", dropout)
    head = image_head(card, arguments)
    convolve = partial(convolution, use_bias=True, kernel_initializer=kernel_initializer)

    def fire(x: Tensor, squeezed: int, *, name: str, out: str) -> Tensor:
        thin = relu(convolve(x, squeezed, 1, name=f"{name}_conv"), name=f"{name}_relu")
        wide = []
        for branch, size in enumerate((1, 3), start=1):
            y = convolve(thin, 4 * squeezed, size, name=f"{name}_branch{branch}_conv")
            wide.append(relu(y, name=f"{name}_branch{branch}_relu"))
        if not bypass or x.shape[-1] != 8 * squeezed:
            return layers.Concatenate(name=out)(wide)
        return layers.Add(name=out)([x, layers.Concatenate(name=f"{name}_concat")(wide)])

    def classify(x: Tensor) -> Tensor:
        initializer = keras.initializers.RandomNormal(stddev=0.01)
        x = convolve(x, head.units, 1, kernel_initializer=initializer, name="head_conv")
        return global_average(relu(x, name="head_relu"))

    filters, size = card.stem
    x = convolve(head.image, scaled(filters, width), size, 2, padding=0, name="stem_conv")
    x = relu(x, name="stem_relu")
    for stage, modules in enumerate(squeeze or card.squeeze, start=1):
        x = max_pooling(x, 3, 2, ceil_mode=True, name=f"stage{stage}_pool")
        for block, squeezed in enumerate(modules, start=1):
            name = f"stage{stage}_block{block}"
            out = f"stage{stage}_out" if block == len(modules) else f"{name}_out"
            x = fire(x, scaled(squeezed, width), name=name, out=out)
    return head.finish(x, layers.Dropout(dropout, name="head_dropout"), classify)


SqueezeNet1_0 = register(VARIANTS["squeezenet_1_0"], squeezenet)
SqueezeNet1_1 = register(VARIANTS["squeezenet_1_1"], squeezenet)
