"""ZFNet: AlexNet mended by looking at what its layers respond to.

Zeiler, Fergus, "Visualizing and understanding convolutional networks", ECCV 2014
(arXiv:1311.2901, 2013).

Deconvolved pictures showed AlexNet's first layer aliasing, so the first kernel is smaller (7
instead of 11) and steps less (2 instead of 4). The paper prints sizes of feature maps, not
paddings; those here give its 110, 55, 26, 13 and 6. Nor does it print the constants of the
contrast normalisation after the first two poolings: they are AlexNet's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import CROP_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import check_positive, check_rate, check_whole, check_wholes
from keras_classics.core.types import Initializer, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.normalization import LocalResponseNormalization
from keras_classics.models.image.blocks import convolution, max_pooling, relu

RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=128,
    epochs=70,
    schedule=Drops(at=(25, 45, 60)),
    resize=256,
    augmentation=CROP_AND_MIRROR,
    normalization=step("per_pixel_mean"),
    test_crops=10,
    note="the paper drops the rate by hand; when, is ours",
)

VARIANTS = {
    "zfnet": ModelCard(
        name="zfnet",
        builder="ZFNet",
        summary="ZFNet for ImageNet.",
        family="zfnet",
        paper='Zeiler, Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, '
        "arXiv:1311.2901",
        year=2013,
        idea="look at what the layers see, then choose the first kernel",
        input_shape=(224, 224, 3),
        classes=1000,
        recipes={"paper": RECIPE},
        smallest_size=53,
        parameters=62_357_608,
        multiply_adds=1_168_032_896,
        published="ILSVRC-2012 validation: 38.4 % top-1, 16.5 % top-5 error",
        deviations="paddings and contrast normalisation are not printed: derived from the sizes, "
        "and AlexNet's",
    )
}


def zfnet(
    card: ModelCard,
    *,
    filters: Sequence[int] = (384, 384, 256),
    contrast_normalization: bool = True,
    dropout: float = 0.5,
    dense_units: int = 4096,
    width: float = 1.0,
    kernel_initializer: Initializer = None,
    largest_filter: float | None = 0.1,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """AlexNet with a finer first layer, mended by looking at what its layers see.

    Args:
        card: Row of `VARIANTS`.
        filters: Of the last three convolutions; the paper's wider net has `(512, 1024, 512)`.
        contrast_normalization: Normalise responses after the first two poolings.
        dropout: Rate after each hidden dense layer.
        dense_units: Units of each of the two hidden dense layers.
        width: Factor on the number of filters.
        kernel_initializer: Initialiser of all kernels; by default normal with a deviation of 0.01.
        largest_filter: Root mean square a convolution's filter may reach in training; a larger
            filter is scaled down to it. `None` for no limit.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    dense_units, dropout = check_whole("dense_units", dense_units), check_rate("dropout", dropout)
    filters = check_wholes("filters", filters, count=3)
    if largest_filter is not None:
        largest_filter = check_positive("largest_filter", largest_filter)
    head = image_head(card, arguments, fixed_size=True)

    kernels = kernel_initializer or keras.initializers.RandomNormal(stddev=0.01)

    def convolve(
        x: Tensor,
        count: int,
        size: int,
        strides: int = 1,
        padding: int = 1,
        *,
        stage: int,
        depth: int = 1,
    ) -> Tensor:
        limit = None
        if largest_filter is not None:
            # MaxNorm bounds the norm, which is the root mean square times sqrt(fan-in).
            norm = largest_filter * math.sqrt(size * size * x.shape[-1])
            limit = keras.constraints.MaxNorm(norm, axis=(0, 1, 2))
        x = convolution(
            x,
            scaled(count, width),
            size,
            strides,
            padding=padding,
            use_bias=True,
            kernel_initializer=kernels,
            kernel_constraint=limit,
            name=f"stage{stage}_conv{depth}",
        )
        return relu(x, name=f"stage{stage}_relu{depth}")

    def pool(x: Tensor, stage: int) -> Tensor:
        pooled = partial(max_pooling, x, 3, 2, padding=1)
        if not contrast_normalization:
            return pooled(name=f"stage{stage}_out")
        return LocalResponseNormalization(name=f"stage{stage}_out")(
            pooled(name=f"stage{stage}_pool")
        )

    def top(x: Tensor) -> Tensor:
        x = layers.Flatten(name="head_flatten")(x)
        for depth in (1, 2):
            name = f"head_dense{depth}"
            x = layers.Dense(
                dense_units, "relu", kernel_initializer=own_draw(kernels, name), name=name
            )(x)
            x = layers.Dropout(dropout, name=f"head_dropout{depth}")(x)
        return x

    x = convolve(head.image, 96, 7, 2, padding=1, stage=1)
    x = pool(x, stage=1)
    x = convolve(x, 256, 5, 2, padding=0, stage=2)
    x = pool(x, stage=2)
    for depth, count in enumerate(filters, start=1):
        x = convolve(x, count, 3, stage=3, depth=depth)
    x = max_pooling(x, 3, 2, name="stage3_out")
    return head.finish(x, top, kernel_initializer=own_draw(kernels, "predictions"))


ZFNet = register(VARIANTS["zfnet"], zfnet)
