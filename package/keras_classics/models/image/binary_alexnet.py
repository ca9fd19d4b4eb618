"""AlexNet with binary weights, and with binary weights and inputs.

Rastegari, Ordonez, Redmon, Farhadi, "XNOR-Net: ImageNet classification using binary convolutional
neural networks", ECCV 2016.

Both are the single tower on 224 pixels with batch normalisation in place of response
normalisation. The first convolution and the classifier stay real; all between becomes signs, times
one scale a filter. `bwn_alexnet` keeps its inputs real and the usual order of layers.
`xnor_alexnet` takes the sign of the inputs as well, in the order normalisation, sign, convolution,
pooling: pooled before the convolution, most of the signs would be +1. The layers follow the paper;
`input_scale=False` and `center_clamp=True` are what the authors' code does.
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
from keras_classics.core.cards.recipe import CROP_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import check_rate, check_whole
from keras_classics.core.types import Tensor
from keras_classics.layers.image.binary import BinaryConv2D
from keras_classics.models.image.blocks import (
    convolution,
    he_normal,
    max_pooling,
    norm_relu,
    normalization,
)


@dataclass(frozen=True, kw_only=True)
class BinaryCard(ModelCard):
    """A row of the family's table.

    Attributes:
        binarize: `"weights"` or `"weights_and_inputs"`.
        dropout: Rate before each hidden dense layer.
        filters: Of the five convolutions.
    """

    binarize: str
    dropout: float
    filters: tuple[int, ...] = (96, 256, 384, 384, 256)


BWN_RECIPE = Recipe(
    learning_rate=1e-2,
    batch_size=128,
    epochs=55,
    schedule=Drops(at=(18, 29, 43, 52), factor=(0.5, 0.2, 0.5, 0.2)),
    weight_decay=5e-4,
    resize=256,
    augmentation=CROP_AND_MIRROR,
    normalization=step("mean_std"),
    note="weights decay throughout, in the released code for 29 epochs",
)
XNOR_RECIPE = replace(BWN_RECIPE, learning_rate=1e-3, batch_size=800, optimizer="Adam", options={})

_row = partial(
    BinaryCard,
    family="binary",
    paper='Rastegari, Ordonez, Redmon, Farhadi, "XNOR-Net: ImageNet classification using binary '
    'convolutional neural networks", ECCV 2016',
    year=2016,
    input_shape=(224, 224, 3),
    classes=1000,
    smallest_size=63,
    multiply_adds=1_135_256_096,
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="bwn_alexnet",
            builder="BWNAlexNet",
            summary="AlexNet as a Binary-Weight-Network.",
            recipes={"paper": BWN_RECIPE},
            idea="a filter is signs and one scale: convolution without multiplications",
            binarize="weights",
            dropout=0.1,
            parameters=62_397_480,
            published="ImageNet validation: 43.2 % top-1, 20.6 % top-5 error",
        ),
        _row(
            name="xnor_alexnet",
            builder="XNORAlexNet",
            summary="AlexNet as an XNOR-Net.",
            recipes={"paper": XNOR_RECIPE},
            idea="weights and inputs are signs: convolution by XNOR and bit counts",
            binarize="weights_and_inputs",
            dropout=0.0,
            parameters=62_397_672,
            published="ImageNet validation: 55.8 % top-1, 30.8 % top-5 error",
        ),
    )
}


def binary_alexnet(
    card: BinaryCard,
    *,
    estimator: str = "clipped_identity",
    input_scale: bool = True,
    center_clamp: bool = False,
    dropout: float | None = None,
    dense_units: int = 4096,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """AlexNet of binary layers.

    Args:
        card: Row of `VARIANTS`.
        estimator: With binary inputs, the derivative of their sign: `"clipped_identity"`,
            `"approx_sign"` or `"swish_sign"`, see `kc.layers.binary_sign`.
        input_scale: With binary inputs, multiply by their scales (the paper's K).
        center_clamp: Centre and clamp the binary weights while training, as the authors' code
            does; see `kc.layers.BinaryConv2D`.
        dropout: Rate before each hidden dense layer, in place of the card's.
        dense_units: Units of each of the two hidden dense layers.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    head = image_head(card, arguments, fixed_size=True)
    dropout = check_rate("dropout", card.dropout if dropout is None else dropout)
    dense_units = check_whole("dense_units", dense_units)
    binary_convolution = partial(
        BinaryConv2D,
        binarize=card.binarize,
        input_scale=input_scale,
        estimator=estimator,
        center_clamp=center_clamp,
    )

    def unit(
        x: Tensor,
        filters: int,
        size: int | tuple[int, int],
        name: str,
        index: int,
        padding: int | None = None,
    ) -> Tensor:
        convolve = binary_convolution(
            filters,
            size,
            padding=padding,
            kernel_initializer=he_normal(),
            name=f"{name}_conv{index}",
        )
        if card.binarize == "weights":
            return norm_relu(convolve(x), name=name, index=index)
        return convolve(normalization(x, name=f"{name}_norm{index}"))

    def top(x: Tensor) -> Tensor:
        # Dense layers as convolutions: the authors centre their filters at each of the pixels.
        for index, size in ((1, tuple(x.shape[1:3])), (2, 1)):
            if dropout:
                x = layers.Dropout(dropout, name=f"head_dropout{index}")(x)
            x = unit(x, dense_units, size, name="head", index=index, padding=0)
        if card.binarize == "weights_and_inputs":
            x = norm_relu(x, name="head", index=3)
        return layers.Flatten(name="head_flatten")(x)

    filters = [scaled(number, width) for number in card.filters]
    x = convolution(head.image, filters[0], 11, 4, padding=2, use_bias=True, name="stage1_conv1")
    x = max_pooling(norm_relu(x, name="stage1", index=1), 3, 2, name="stage1_out")
    x = unit(x, filters[1], 5, name="stage2", index=1)
    x = max_pooling(x, 3, 2, name="stage2_out")
    for index, number in enumerate(filters[2:], start=1):
        x = unit(x, number, 3, name="stage3", index=index)
    x = max_pooling(x, 3, 2, name="stage3_out")
    return head.finish(x, top)


BWNAlexNet = register(VARIANTS["bwn_alexnet"], binary_alexnet)
XNORAlexNet = register(VARIANTS["xnor_alexnet"], binary_alexnet)
