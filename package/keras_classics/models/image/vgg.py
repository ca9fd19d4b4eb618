"""VGG: depth from small kernels, nothing but 3x3 convolutions and 2x2 pooling.

Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition",
arXiv:1409.1556, 2014.

The configurations are those of the paper's table 1, under their letters; D is the VGG-16 and E the
VGG-19 of every library. The paper starts deep networks from trained shallow ones; like its later
note says, Glorot's initialisation makes that unnecessary and is the default here. `batch_norm`
adds a normalisation after each convolution and keeps the biases, as torchvision does.
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
from keras_classics.core.errors import check_rate, check_whole
from keras_classics.core.types import Initializer, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.normalization import LocalResponseNormalization
from keras_classics.models.image.blocks import convolution, normalization, relu

WIDTHS = (64, 128, 256, 512, 512)


@dataclass(frozen=True, kw_only=True)
class VGGCard(ModelCard):
    """A row of table 1: the kernel sizes of each of the five stages."""

    kernels: tuple[tuple[int, ...], ...]
    local_response_normalization: bool = False


RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=256,
    iterations=370_000,
    schedule=Drops(at=(150_000, 250_000, 330_000)),
    weight_decay=5e-4,
    resize=256,
    augmentation=(
        step("scale_jitter", smallest=256, largest=512),
        step("flip"),
        step("pca_colour", deviation=0.1),
    ),
    note="the paper drops the rate three times on a plateau; when, is ours; its dense evaluation "
    "is one centre crop here",
)

_row = partial(
    VGGCard,
    family="vgg",
    paper='Simonyan, Zisserman, "Very deep convolutional networks for large-scale image '
    'recognition", arXiv:1409.1556',
    year=2014,
    idea="depth from small kernels: only 3x3 convolutions",
    input_shape=(224, 224, 3),
    classes=1000,
    smallest_size=32,
    recipes={"paper": RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="vgg_a",
            builder="VGG11",
            summary="Configuration A: 8 convolutions.",
            kernels=((3,), (3,), (3, 3), (3, 3), (3, 3)),
            parameters=132_863_336,
            multiply_adds=7_609_090_048,
            published="ImageNet validation error, one scale: 29.6 % top-1, 10.4 % top-5",
        ),
        _row(
            name="vgg_a_lrn",
            builder="VGG11LRN",
            summary="Configuration A-LRN: response normalisation after the first convolution.",
            kernels=((3,), (3,), (3, 3), (3, 3), (3, 3)),
            local_response_normalization=True,
            parameters=132_863_336,
            multiply_adds=7_609_090_048,
            published="ImageNet validation error, one scale: 29.7 % top-1, 10.5 % top-5",
        ),
        _row(
            name="vgg_b",
            builder="VGG13",
            summary="Configuration B: 10 convolutions.",
            kernels=((3, 3),) * 5,
            parameters=133_047_848,
            multiply_adds=11_308_466_176,
            published="ImageNet validation error, one scale: 28.7 % top-1, 9.9 % top-5",
        ),
        _row(
            name="vgg_c",
            builder="VGG16C",
            summary="Configuration C: 13 convolutions, the last of each late stage 1x1.",
            kernels=((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
            parameters=133_638_952,
            multiply_adds=11_770_888_192,
            published="ImageNet validation error, scale jitter: 27.3 % top-1, 8.8 % top-5",
        ),
        _row(
            name="vgg_d",
            builder="VGG16",
            summary="Configuration D, the VGG-16 of every library: 13 convolutions of 3x3.",
            kernels=((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
            parameters=138_357_544,
            multiply_adds=15_470_264_320,
            published="ImageNet validation error, scale jitter: 25.6 % top-1, 8.1 % top-5",
        ),
        _row(
            name="vgg_e",
            builder="VGG19",
            summary="Configuration E, the VGG-19 of every library: 16 convolutions of 3x3.",
            kernels=((3, 3), (3, 3), (3,) * 4, (3,) * 4, (3,) * 4),
            parameters=143_667_240,
            multiply_adds=19_632_062_464,
            published="ImageNet validation error, scale jitter: 25.5 % top-1, 8.0 % top-5",
        ),
    )
}


def vgg(
    card: VGGCard,
    *,
    batch_norm: bool = False,
    width: float = 1.0,
    dense_units: int = 4096,
    dropout: float = 0.5,
    kernel_initializer: Initializer = "glorot_uniform",
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """VGG of any configuration.

    Args:
        card: Row of `VARIANTS`.
        batch_norm: Normalise after each convolution.
        width: Factor on the number of filters.
        dense_units: Units of each of the two hidden dense layers.
        dropout: Rate after each hidden dense layer.
        kernel_initializer: Initialiser of all kernels.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    dense_units, dropout = check_whole("dense_units", dense_units), check_rate("dropout", dropout)
    head = image_head(card, arguments, fixed_size=True)
    x = head.image
    for stage, (kernels, filters) in enumerate(zip(card.kernels, WIDTHS, strict=True), start=1):
        for depth, kernel_size in enumerate(kernels, start=1):
            x = convolution(
                x,
                scaled(filters, width),
                kernel_size,
                use_bias=True,
                kernel_initializer=kernel_initializer,
                name=f"stage{stage}_conv{depth}",
            )
            if batch_norm:
                x = normalization(x, name=f"stage{stage}_norm{depth}")
            x = relu(x, name=f"stage{stage}_relu{depth}")
            if card.local_response_normalization and stage == 1:
                x = LocalResponseNormalization(name=f"stage{stage}_lrn{depth}")(x)
        x = layers.MaxPooling2D(2, name=f"stage{stage}_out")(x)

    def top(x: Tensor) -> Tensor:
        x = layers.Flatten(name="head_flatten")(x)
        for depth in (1, 2):
            x = layers.Dense(
                dense_units,
                "relu",
                kernel_initializer=own_draw(kernel_initializer, f"head_dense{depth}"),
                name=f"head_dense{depth}",
            )(x)
            x = layers.Dropout(dropout, name=f"head_dropout{depth}")(x)
        return x

    return head.finish(x, top, kernel_initializer=own_draw(kernel_initializer, "predictions"))


VGG11 = register(VARIANTS["vgg_a"], vgg)
VGG11LRN = register(VARIANTS["vgg_a_lrn"], vgg)
VGG13 = register(VARIANTS["vgg_b"], vgg)
VGG16C = register(VARIANTS["vgg_c"], vgg)
VGG16 = register(VARIANTS["vgg_d"], vgg)
VGG19 = register(VARIANTS["vgg_e"], vgg)
