"""AlexNet: a deep network on two graphics cards, with rectifiers and dropout, wins ImageNet.

Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
NIPS 2012.

`alexnet` is the network of the paper: the second, fourth and fifth convolutions see half of the
channels each, because the other half lived on the other card. `alexnet_single_tower` is the same
without that split. `alexnet_owt` is Krizhevsky's single tower of 2014 ("One weird trick for
parallelizing convolutional neural networks", arXiv:1404.5997), narrower, without response
normalisation: the AlexNet of torchvision. The paper prints an input of 224; its feature maps need
227 without padding, or 224 with 2 on every side.
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
from keras_classics.core.cards.recipe import CROP_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import check_choice, check_rate, check_whole
from keras_classics.core.types import Initializer, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.normalization import LocalResponseNormalization
from keras_classics.models.image.blocks import convolution, max_pooling, relu


@dataclass(frozen=True, kw_only=True)
class AlexNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        filters: Of the five convolutions.
        groups: Into how many the second, fourth and fifth convolutions are split.
        padding: Pixels around the picture.
        pool_padding: Pixels around the maps that are pooled.
        local_response_normalization: After the first and the second convolution.
        dropout_first: Dropout before each hidden dense layer instead of after it.
    """

    filters: tuple[int, ...] = (96, 256, 384, 384, 256)
    groups: int = 1
    padding: int = 0
    pool_padding: int = 0
    local_response_normalization: bool = True
    dropout_first: bool = False


RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=128,
    epochs=90,
    schedule=Drops(at=(30, 60, 80)),
    weight_decay=5e-4,
    resize=256,
    augmentation=(*CROP_AND_MIRROR, step("pca_colour", deviation=0.1)),
    normalization=step("per_pixel_mean"),
    test_crops=10,
    note="the paper drops the rate three times by hand; when, is ours",
)

_row = partial(
    AlexNetCard,
    family="alexnet",
    paper='Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural '
    'networks", NIPS 2012',
    year=2012,
    idea="depth, rectifiers and dropout, trained on two graphics cards",
    classes=1000,
    recipes={"paper": RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="alexnet",
            builder="AlexNet",
            summary="AlexNet of 2012: two groups, response normalisation, overlapping pooling.",
            groups=2,
            input_shape=(227, 227, 3),
            smallest_size=67,
            parameters=60_965_224,
            multiply_adds=724_406_816,
            published="ILSVRC-2012 validation, 10 crops: 40.7 % top-1, 18.2 % top-5 error",
            deviations="input 227 instead of the printed 224",
        ),
        _row(
            name="alexnet_single_tower",
            builder="AlexNetSingleTower",
            summary="AlexNet of 2012 without the split into two groups.",
            input_shape=(227, 227, 3),
            smallest_size=67,
            parameters=62_378_344,
            multiply_adds=1_135_256_096,
            deviations="not split into two groups; input 227",
        ),
        _row(
            name="alexnet_owt",
            builder="AlexNetOWT",
            summary='AlexNet of 2014 ("one weird trick"), the one of torchvision.',
            paper='Krizhevsky, "One weird trick for parallelizing convolutional neural networks", '
            "arXiv:1404.5997",
            year=2014,
            filters=(64, 192, 384, 256, 256),
            padding=2,
            local_response_normalization=False,
            dropout_first=True,
            input_shape=(224, 224, 3),
            smallest_size=63,
            parameters=61_100_840,
            multiply_adds=714_188_480,
            deviations="layers as in torchvision",
        ),
    )
}


def alexnet(
    card: AlexNetCard,
    *,
    order: str = "paper",
    alpha_over_n: bool = False,
    dropout: float = 0.5,
    dense_units: int = 4096,
    width: float = 1.0,
    kernel_initializer: Initializer = None,
    bias_value: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """AlexNet in one of its three forms.

    Args:
        card: Row of `VARIANTS`.
        order: `"paper"` normalises before pooling, `"caffenet"` after it.
        alpha_over_n: Divide the alpha of the response normalisation by its window, as Caffe does.
        dropout: Rate at each hidden dense layer.
        dense_units: Units of each of the two hidden dense layers.
        width: Factor on the number of filters.
        kernel_initializer: Initialiser of all kernels; by default the paper's, normal with a
            deviation of 0.01.
        bias_value: First value of the biases of the second, fourth and fifth convolution and of
            the hidden dense layers. Caffe's replication had to take 0.1.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    check_choice("order", order, ("paper", "caffenet"))
    dense_units, dropout = check_whole("dense_units", dense_units), check_rate("dropout", dropout)
    head = image_head(card, arguments, fixed_size=True)

    kernels = kernel_initializer or keras.initializers.RandomNormal(stddev=0.01)

    def biases(positive: bool) -> keras.initializers.Initializer:
        return keras.initializers.Constant(bias_value if positive else 0.0)

    def convolve(
        x: Tensor, number: int, size: int, strides: int, padding: int, name: str
    ) -> Tensor:
        split = number in (2, 4, 5)
        x = convolution(
            x,
            card.groups * scaled(card.filters[number - 1] // card.groups, width),
            size,
            strides,
            padding=padding,
            groups=card.groups if split else 1,
            use_bias=True,
            kernel_initializer=kernels,
            bias_initializer=biases(positive=split),
            name=f"{name}_conv{max(1, number - 2)}",
        )
        return relu(x, name=f"{name}_relu{max(1, number - 2)}")

    def pool(x: Tensor, name: str) -> Tensor:
        return max_pooling(x, 3, 2, padding=card.pool_padding, name=name)

    def pool_and_normalize(x: Tensor, name: str) -> Tensor:
        if not card.local_response_normalization:
            return pool(x, name=f"{name}_out")
        normalize = partial(LocalResponseNormalization, alpha_over_n=alpha_over_n)
        if order == "caffenet":
            return normalize(name=f"{name}_out")(pool(x, name=f"{name}_pool"))
        return pool(normalize(name=f"{name}_lrn")(x), name=f"{name}_out")

    def top(x: Tensor) -> Tensor:
        x = layers.Flatten(name="head_flatten")(x)
        for depth in (1, 2):
            dense = layers.Dense(
                dense_units,
                "relu",
                kernel_initializer=own_draw(kernels, f"head_dense{depth}"),
                bias_initializer=biases(positive=True),
                name=f"head_dense{depth}",
            )
            drop = layers.Dropout(dropout, name=f"head_dropout{depth}")
            x = dense(drop(x)) if card.dropout_first else drop(dense(x))
        return x

    x = convolve(head.image, 1, 11, 4, card.padding, name="stage1")
    x = pool_and_normalize(x, name="stage1")
    x = convolve(x, 2, 5, 1, 2, name="stage2")
    x = pool_and_normalize(x, name="stage2")
    for number in (3, 4, 5):
        x = convolve(x, number, 3, 1, 1, name="stage3")
    x = pool(x, name="stage3_out")
    return head.finish(x, top, kernel_initializer=own_draw(kernels, "predictions"))


AlexNet = register(VARIANTS["alexnet"], alexnet)
AlexNetSingleTower = register(VARIANTS["alexnet_single_tower"], alexnet)
AlexNetOWT = register(VARIANTS["alexnet_owt"], alexnet)
