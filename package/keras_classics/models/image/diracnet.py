"""DiracNet: as deep as a ResNet without any shortcut, because each kernel contains the identity.

Zagoruyko, Komodakis, "DiracNets: training very deep neural networks without skip-connections",
arXiv:1706.00388.

The default is the paper's second version: a scale of identity and kernel for every channel, and
plain rectifiers. `version=1` has one pair of scales for each layer and the activation NCReLU,
which doubles the channels a kernel reads. `kc.export.fold` makes a trained network a chain of
plain convolutions and rectifiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Unpack

import keras

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Drops, Recipe, step
from keras_classics.core.errors import check_choice, check_wholes
from keras_classics.core.types import Tensor
from keras_classics.layers.image.dirac import DiracConv2D, NCReLU
from keras_classics.models.image.blocks import (
    convolution,
    he_normal,
    max_pooling,
    normalization,
    relu,
)


@dataclass(frozen=True, kw_only=True)
class DiracNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        units: Convolutions in each stage; a stage is twice as wide as the one before.
        filters: Filters of the stem and of the first stage.
    """

    units: tuple[int, ...]
    filters: int


CIFAR_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=128,
    epochs=200,
    schedule=Drops(at=(60, 120, 160), factor=0.2),
    weight_decay=5e-4,
    augmentation=(step("pad_crop", padding=4, mode="REFLECT"), step("flip")),
    normalization=step("mean_std"),
)
IMAGENET_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=256,
    epochs=100,
    schedule=Drops(at=(30, 60, 90)),
    weight_decay=1e-4,
    resize=256,
    augmentation=(step("area_crop", area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)), step("flip")),
    normalization=step("mean_std"),
)

_row = partial(
    DiracNetCard,
    paper='Zagoruyko, Komodakis, "DiracNets: training very deep neural networks without '
    'skip-connections", arXiv:1706.00388',
    family="diracnet",
    year=2018,
    idea="the identity goes into the kernel, and the shortcut goes",
    deviations="version 1 starts with kernels as long as version 2's, not a tenth: only their "
    "direction enters the output",
)
# Each stage but the last ends in a pool that halves the map, which must leave something.
_cifar = partial(
    _row,
    input_shape=(32, 32, 3),
    classes=10,
    smallest_size=4,
    recipes={"paper": CIFAR_RECIPE},
)
_imagenet = partial(
    _row,
    input_shape=(224, 224, 3),
    classes=1000,
    smallest_size=29,
    filters=64,
    recipes={"paper": IMAGENET_RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _cifar(
            name="diracnet_28_5_cifar",
            builder="DiracNet28_5CIFAR",
            summary="DiracNet-28-5 for CIFAR-10.",
            units=(8, 8, 8),
            filters=16 * 5,
            parameters=9_124_250,
            multiply_adds=1_358_810_240,
            published="test error 5.16 % on CIFAR-10, 23.44 % on CIFAR-100",
        ),
        _cifar(
            name="diracnet_28_10_cifar",
            builder="DiracNet28_10CIFAR",
            summary="DiracNet-28-10 for CIFAR-10.",
            units=(8, 8, 8),
            filters=16 * 10,
            parameters=36_450_090,
            multiply_adds=5_430_810_880,
            published="test error 4.75 % on CIFAR-10, 21.54 % on CIFAR-100",
        ),
        _cifar(
            name="diracnet_34_2_cifar",
            builder="DiracNet34_2CIFAR",
            summary="DiracNet-34-2 for CIFAR-10.",
            units=(10, 10, 10),
            filters=16 * 2,
            parameters=1_854_378,
            multiply_adds=274_564_352,
        ),
        _imagenet(
            name="diracnet_18",
            builder="DiracNet18",
            summary="DiracNet-18 for ImageNet.",
            units=(4, 4, 4, 4),
            parameters=11_523_368,
            multiply_adds=1_794_805_760,
            published="ImageNet validation: 30.37 % top-1, 10.88 % top-5 error",
        ),
        _imagenet(
            name="diracnet_34",
            builder="DiracNet34",
            summary="DiracNet-34 for ImageNet.",
            units=(6, 8, 12, 6),
            parameters=21_638_952,
            multiply_adds=3_644_493_824,
            published="ImageNet validation: 27.79 % top-1, 9.34 % top-5 error",
        ),
    )
}


def diracnet(
    card: DiracNetCard,
    *,
    version: int = 2,
    units: tuple[int, ...] | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """DiracNet of either version.

    Args:
        card: Row of `VARIANTS`.
        version: 2, or 1 for scales of whole layers and the activation NCReLU.
        units: Convolutions in each stage, in place of the card's.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    check_choice("version", version, (1, 2))
    head = image_head(card, arguments)
    first = scaled(card.filters, width)
    x = _stem(head.image, first, small_images=card.input_shape[0] == 32)
    units = check_wholes("units", card.units if units is None else units)
    for stage, depth in enumerate(units, start=1):
        for unit in range(1, depth + 1):
            x = _unit(x, first * 2 ** (stage - 1), version, name=f"stage{stage}", unit=unit)
        if stage < len(units):
            x = max_pooling(x, 2, 2, name=f"stage{stage}_out")
    return head.finish(relu(x, name=f"stage{len(units)}_out"))


def _stem(x: Tensor, filters: int, *, small_images: bool) -> Tensor:
    if small_images:
        x = convolution(x, filters, 3, name="stem_conv")
        return relu(normalization(x, name="stem_norm"), name="stem_relu")
    x = convolution(x, filters, 7, 2, name="stem_conv")
    # No rectifier before this pool: the paper's networks only have those of the units.
    return max_pooling(normalization(x, name="stem_norm"), 3, 2, padding=1, name="stem_pool")


def _unit(x: Tensor, filters: int, version: int, *, name: str, unit: int) -> Tensor:
    """Activation, Dirac convolution, normalisation."""
    if version == 2:
        x = relu(x, name=f"{name}_relu{unit}")
        scale, alpha, beta = "channel", 1.0, 0.1
    else:
        x = NCReLU(name=f"{name}_relu{unit}")(x)
        scale, alpha, beta = "layer", 5.0, 1e-3
    x = DiracConv2D(
        filters,
        scale=scale,
        alpha=alpha,
        beta=beta,
        kernel_initializer=he_normal(),
        name=f"{name}_conv{unit}",
    )(x)
    return normalization(x, name=f"{name}_norm{unit}")


DiracNet28_5CIFAR = register(VARIANTS["diracnet_28_5_cifar"], diracnet)
DiracNet28_10CIFAR = register(VARIANTS["diracnet_28_10_cifar"], diracnet)
DiracNet34_2CIFAR = register(VARIANTS["diracnet_34_2_cifar"], diracnet)
DiracNet18 = register(VARIANTS["diracnet_18"], diracnet)
DiracNet34 = register(VARIANTS["diracnet_34"], diracnet)
