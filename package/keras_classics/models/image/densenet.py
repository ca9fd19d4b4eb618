"""DenseNet: each layer reads all feature maps before it and adds a few of its own.

Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", CVPR 2017
(arXiv:1608.06993).

The networks for ImageNet, and those for CIFAR in the basic form (one 3x3 convolution a layer) and
the BC form (a 1x1 bottleneck before it, and transitions that halve the channels). The stem of the
CIFAR networks follows the paper: 16 filters in the basic form, twice the growth in BC; the
released code has twice the growth always, `stem_filters` gives that. The figures for growth 48
(DenseNet-161) come from the authors' repository.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import SHIFT_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import check_rate, check_whole, check_wholes
from keras_classics.core.types import Tensor
from keras_classics.models.image.blocks import (
    convolution,
    max_pooling,
    norm_relu,
)


@dataclass(frozen=True, kw_only=True)
class DenseNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        repeats: Layers in each dense block.
        growth: Feature maps each layer adds.
        bottleneck: The BC form.
    """

    repeats: tuple[int, ...]
    growth: int
    bottleneck: bool = True


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
)
CIFAR_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=64,
    epochs=300,
    schedule=Drops(at=(150, 225)),
    options={"momentum": 0.9, "nesterov": True},
    weight_decay=1e-4,
    decayed="all",
    augmentation=SHIFT_AND_MIRROR,
    normalization=step("mean_std"),
)
# Without augmentation the paper has dropout instead.
UNAUGMENTED = replace(CIFAR_RECIPE, augmentation=(), builder={"dropout": 0.2})

_row = partial(
    DenseNetCard,
    paper='Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", '
    "CVPR 2017, arXiv:1608.06993",
    family="densenet",
    year=2017,
    idea="every layer reads all feature maps before it",
)
# Each transition halves the map, which must leave something.
_imagenet = partial(
    _row,
    input_shape=(224, 224, 3),
    classes=1000,
    smallest_size=29,
    recipes={"paper": IMAGENET_RECIPE},
)
_cifar = partial(
    _row,
    input_shape=(32, 32, 3),
    classes=10,
    smallest_size=4,
    recipes={"paper": CIFAR_RECIPE, "unaugmented": UNAUGMENTED},
)

VARIANTS = {
    card.name: card
    for card in (
        _imagenet(
            name="densenet_121",
            builder="DenseNet121",
            summary="DenseNet-121 for ImageNet: growth 32.",
            repeats=(6, 12, 24, 16),
            growth=32,
            parameters=7_978_856,
            multiply_adds=2_834_161_664,
            published="ImageNet validation, 1 crop: 25.02 % top-1, 7.71 % top-5 error",
        ),
        _imagenet(
            name="densenet_161",
            builder="DenseNet161",
            summary="DenseNet-161 for ImageNet: growth 48.",
            repeats=(6, 12, 36, 24),
            growth=48,
            parameters=28_681_000,
            multiply_adds=7_727_907_072,
            published="ImageNet validation, 1 crop: 22.2 % top-1 error",
        ),
        _imagenet(
            name="densenet_169",
            builder="DenseNet169",
            summary="DenseNet-169 for ImageNet: growth 32.",
            repeats=(6, 12, 32, 32),
            growth=32,
            parameters=14_149_480,
            multiply_adds=3_359_843_328,
            published="ImageNet validation, 1 crop: 23.80 % top-1, 6.85 % top-5 error",
        ),
        _imagenet(
            name="densenet_201",
            builder="DenseNet201",
            summary="DenseNet-201 for ImageNet: growth 32.",
            repeats=(6, 12, 48, 32),
            growth=32,
            parameters=20_013_928,
            multiply_adds=4_291_365_888,
            published="ImageNet validation, 1 crop: 22.58 % top-1, 6.34 % top-5 error",
        ),
        _imagenet(
            name="densenet_264",
            builder="DenseNet264",
            summary="DenseNet-264 for ImageNet: growth 32.",
            repeats=(6, 12, 64, 48),
            growth=32,
            parameters=33_337_704,
            multiply_adds=5_751_653_376,
            published="ImageNet validation, 1 crop: 22.15 % top-1, 6.12 % top-5 error",
        ),
        _cifar(
            name="densenet_40_k12_cifar",
            builder="DenseNet40_k12CIFAR",
            summary="DenseNet of 40 layers and growth 12 for CIFAR-10.",
            repeats=(12, 12, 12),
            growth=12,
            bottleneck=False,
            parameters=1_019_722,
            multiply_adds=264_812_928,
            published="augmented: test error 5.24 % on CIFAR-10, 24.42 % on CIFAR-100",
        ),
        _cifar(
            name="densenet_100_k12_cifar",
            builder="DenseNet100_k12CIFAR",
            summary="DenseNet of 100 layers and growth 12 for CIFAR-10.",
            repeats=(32, 32, 32),
            growth=12,
            bottleneck=False,
            parameters=6_979_642,
            multiply_adds=1_769_516_448,
            published="augmented: test error 4.10 % on CIFAR-10, 20.20 % on CIFAR-100",
        ),
        _cifar(
            name="densenet_100_k24_cifar",
            builder="DenseNet100_k24CIFAR",
            summary="DenseNet of 100 layers and growth 24 for CIFAR-10.",
            repeats=(32, 32, 32),
            growth=24,
            bottleneck=False,
            parameters=27_249_082,
            multiply_adds=6_889_347_744,
            published="augmented: test error 3.74 % on CIFAR-10, 19.25 % on CIFAR-100",
        ),
        _cifar(
            name="densenet_bc_100_k12_cifar",
            builder="DenseNetBC100_k12CIFAR",
            summary="DenseNet-BC of 100 layers and growth 12 for CIFAR-10.",
            repeats=(16, 16, 16),
            growth=12,
            parameters=769_162,
            multiply_adds=287_929_692,
            published="augmented: test error 4.51 % on CIFAR-10, 22.27 % on CIFAR-100",
        ),
        _cifar(
            name="densenet_bc_250_k24_cifar",
            builder="DenseNetBC250_k24CIFAR",
            summary="DenseNet-BC of 250 layers and growth 24 for CIFAR-10.",
            repeats=(41, 41, 41),
            growth=24,
            parameters=15_324_406,
            multiply_adds=5_418_785_724,
            published="augmented: test error 3.62 % on CIFAR-10, 17.60 % on CIFAR-100",
        ),
        _cifar(
            name="densenet_bc_190_k40_cifar",
            builder="DenseNetBC190_k40CIFAR",
            summary="DenseNet-BC of 190 layers and growth 40 for CIFAR-10.",
            repeats=(31, 31, 31),
            growth=40,
            parameters=25_624_430,
            multiply_adds=9_301_945_740,
            published="augmented: test error 3.46 % on CIFAR-10, 17.18 % on CIFAR-100",
        ),
    )
}


def densenet(
    card: DenseNetCard,
    *,
    stem_filters: int | None = None,
    dropout: float = 0.0,
    repeats: tuple[int, ...] | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Densely connected network.

    Args:
        card: Row of `VARIANTS`.
        stem_filters: Filters of the stem, in place of the paper's (see the module).
        dropout: Rate after each convolution but the first; the paper has 0.2 on CIFAR and SVHN
            without augmentation.
        repeats: Layers in each dense block, in place of the card's.
        width: Factor on the growth.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    head = image_head(card, arguments)
    growth = scaled(card.growth, width)
    if stem_filters is not None:
        stem_filters = check_whole("stem_filters", stem_filters)
    stem = stem_filters or (2 * growth if card.bottleneck else scaled(16, width))
    if card.input_shape[0] == 32:
        x = convolution(head.image, stem, 3, fan="fan_out", name="stem_conv")
    else:
        x = convolution(head.image, stem, 7, 2, fan="fan_out", name="stem_conv")
        x = norm_relu(x, name="stem")
        x = max_pooling(x, 3, 2, padding=1, name="stem_pool")
    repeats = check_wholes("repeats", card.repeats if repeats is None else repeats)
    dropout = check_rate("dropout", dropout)
    for stage, blocks in enumerate(repeats, start=1):
        for block in range(1, blocks + 1):
            name = f"stage{stage}_block{block}"
            x = _layer(
                x,
                growth,
                bottleneck=card.bottleneck,
                dropout=dropout,
                name=name,
                out=f"stage{stage}_out" if block == blocks else f"{name}_out",
            )
        if stage < len(repeats):
            kept = x.shape[-1] // 2 if card.bottleneck else x.shape[-1]
            x = _convolution(x, kept, 1, dropout=dropout, name=f"stage{stage}")
            x = layers.AveragePooling2D(2, name=f"stage{stage}_pool")(x)
    return head.finish(norm_relu(x, name="head"))


def _layer(
    x: Tensor, growth: int, *, bottleneck: bool, dropout: float, name: str, out: str
) -> Tensor:
    """The feature maps so far and the new ones."""
    sizes = ((1, 4 * growth), (3, growth)) if bottleneck else ((3, growth),)
    new = x
    for depth, (size, filters) in enumerate(sizes, start=1):
        new = _convolution(new, filters, size, dropout=dropout, name=name, index=depth)
    return layers.Concatenate(name=out)([x, new])


def _convolution(
    x: Tensor, filters: int, size: int, *, dropout: float, name: str, index: int | str = ""
) -> Tensor:
    x = norm_relu(x, name=name, index=index)
    x = convolution(x, filters, size, fan="fan_out", name=f"{name}_conv{index}")
    return layers.Dropout(dropout, name=f"{name}_dropout{index}")(x) if dropout else x


DenseNet121 = register(VARIANTS["densenet_121"], densenet)
DenseNet161 = register(VARIANTS["densenet_161"], densenet)
DenseNet169 = register(VARIANTS["densenet_169"], densenet)
DenseNet201 = register(VARIANTS["densenet_201"], densenet)
DenseNet264 = register(VARIANTS["densenet_264"], densenet)
DenseNet40_k12CIFAR = register(VARIANTS["densenet_40_k12_cifar"], densenet)
DenseNet100_k12CIFAR = register(VARIANTS["densenet_100_k12_cifar"], densenet)
DenseNet100_k24CIFAR = register(VARIANTS["densenet_100_k24_cifar"], densenet)
DenseNetBC100_k12CIFAR = register(VARIANTS["densenet_bc_100_k12_cifar"], densenet)
DenseNetBC250_k24CIFAR = register(VARIANTS["densenet_bc_250_k24_cifar"], densenet)
DenseNetBC190_k40CIFAR = register(VARIANTS["densenet_bc_190_k40_cifar"], densenet)
