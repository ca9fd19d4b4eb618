"""Inception-v4 and Inception-ResNet: the Inception family made uniform, and then residual.

Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the impact of residual
connections on learning", AAAI 2017 (arXiv:1602.07261).

The networks are the paper's with its known misprints mended (the strides of the stem, the second
1x7 of a pair, 1152 and 2144 channels in Inception-ResNet-v2). `inception_resnet_v2_released` is
the network the authors published as code, with another stem, twice the blocks and other widths.
Their code of Inception-v4 runs some pairs of 1x7 and 7x1 the other way round; `order="released"`
does the same. Padding is TensorFlow's: `"same"`, or none where the paper marks a layer "V".

Stage 1 holds the blocks A, stage 2 begins with Reduction-A and stage 3 with Reduction-B.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

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
from keras_classics.core.cards.recipe import Exponential, Recipe, step
from keras_classics.core.errors import check_choice, check_rate, check_wholes
from keras_classics.core.types import Tensor
from keras_classics.models.image.blocks import he_normal, normalization, relu


@dataclass(frozen=True)
class Conv:
    """A convolution of a branch: filters, kernel, stride, padding (`"valid"` is the paper's V)."""

    filters: int
    kernel: int | tuple[int, int] = 1
    strides: int = 1
    padding: str = "same"


# What a branch is made of, in order: convolutions, "average" (3x3) or "max" (3x3, stride 2)
# pooling, and at the end perhaps a tuple of convolutions side by side.
Branch = tuple[Conv | str | tuple[Conv, ...], ...]
Branches = tuple[Branch, ...]

half = partial(Conv, kernel=3, strides=2, padding="valid")
valid = partial(Conv, kernel=3, padding="valid")
ROW, COLUMN = (1, 7), (7, 1)
MAX: Branch = ("max",)
STEM: Branch = (half(32), valid(32), Conv(64, 3), "max")


@dataclass(frozen=True, kw_only=True)
class InceptionCard(ModelCard):
    """A row of the family's table: the number of blocks A, B and C."""

    repeats: tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class InceptionResNetCard(InceptionCard):
    """A row of the residual networks: the branches of every block.

    Attributes:
        blocks: Branches of the blocks A, B and C.
        reductions: Branches of Reduction-A and Reduction-B.
        stem: Layers of the stem; empty for Inception-v4's.
        first: Branches of a module before the blocks A.
        last: Layers after the blocks C.
        extra_block: One block C more, neither scaled nor rectified.
    """

    blocks: tuple[Branches, Branches, Branches]
    reductions: tuple[Branches, Branches]
    stem: Branch = ()
    first: Branches = ()
    last: Branch = ()
    extra_block: bool = False


def _reduction_a(k: int, l: int, m: int, n: int) -> Branches:  # noqa: E741 (the paper's letters)
    return ((half(n),), (Conv(k), Conv(l, 3), half(m)), MAX)


def _reduction_b(second: int, widen: int, third: int) -> Branches:
    return (
        (Conv(256), half(384)),
        (Conv(256), half(second)),
        (Conv(256), Conv(widen, 3), half(third)),
        MAX,
    )


V2_BLOCKS = (
    ((Conv(32),), (Conv(32), Conv(32, 3)), (Conv(32), Conv(48, 3), Conv(64, 3))),
    ((Conv(192),), (Conv(128), Conv(160, ROW), Conv(192, COLUMN))),
    ((Conv(192),), (Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1)))),
)

RECIPE = Recipe(
    learning_rate=0.045,
    batch_size=32,
    epochs=160,
    schedule=Exponential(factor=0.94, every=2),
    optimizer="RMSprop",
    options={"rho": 0.9, "epsilon": 1.0, "global_clipnorm": 2.0},
    resize=342,
    augmentation=(step("area_crop", area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)), step("flip")),
    normalization=step("range", low=-1.0, high=1.0),
    note="length ours: the paper prints none; one replica instead of twenty; no averaging of "
    "weights",
)

_common: dict[str, Any] = {
    "family": "inception",
    "paper": 'Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the impact of '
    'residual connections on learning", AAAI 2017, arXiv:1602.07261',
    "year": 2017,
    "input_shape": (299, 299, 3),
    "classes": 1000,
    "smallest_size": 75,
    "recipes": {"paper": RECIPE},
}
NAMESAKE = (
    "Build InceptionResNetV2Released for what keras.applications and timm call so; "
    "InceptionResNetV2 is the paper's, of which no weights are published."
)

_residual_row = partial(
    InceptionResNetCard, idea="Inception modules learn what to add to their input", **_common
)

VARIANTS = {
    card.name: card
    for card in (
        InceptionCard(
            name="inception_v4",
            builder="InceptionV4",
            summary="Inception-v4 for ImageNet.",
            idea="one uniform Inception module for each size of the feature map",
            repeats=(4, 7, 3),
            parameters=42_679_816,
            multiply_adds=12_253_974_624,
            published="ImageNet validation, one crop: 20.0 % top-1, 5.0 % top-5 error",
            deviations="misprints of the paper's figures mended",
            **_common,
        ),
    )
}
RESIDUAL = {
    card.name: card
    for card in (
        _residual_row(
            name="inception_resnet_v1",
            builder="InceptionResNetV1",
            summary="Inception-ResNet-v1 for ImageNet, about as costly as Inception-v3.",
            stem=(*STEM, Conv(80), valid(192), half(256)),
            repeats=(5, 10, 5),
            blocks=(
                ((Conv(32),), (Conv(32), Conv(32, 3)), (Conv(32), Conv(32, 3), Conv(32, 3))),
                ((Conv(128),), (Conv(128), Conv(128, ROW), Conv(128, COLUMN))),
                ((Conv(192),), (Conv(192), Conv(192, (1, 3)), Conv(192, (3, 1)))),
            ),
            reductions=(_reduction_a(192, 192, 256, 384), _reduction_b(256, 256, 256)),
            parameters=22_756_328,
            multiply_adds=6_206_361_696,
            published="ImageNet validation, one crop: 21.3 % top-1, 5.5 % top-5 error",
        ),
        _residual_row(
            name="inception_resnet_v2",
            builder="InceptionResNetV2",
            summary="Inception-ResNet-v2 of the paper; keras.applications has the released one.",
            namesake=NAMESAKE,
            repeats=(5, 10, 5),
            blocks=V2_BLOCKS,
            reductions=(_reduction_a(256, 256, 384, 384), _reduction_b(288, 288, 320)),
            parameters=32_433_928,
            multiply_adds=9_257_953_632,
            published="ImageNet validation, one crop: 19.9 % top-1, 4.9 % top-5 error",
            deviations="misprints of the paper's figures mended: 1152 and 2144 channels",
        ),
        _residual_row(
            name="inception_resnet_v2_released",
            builder="InceptionResNetV2Released",
            summary="Inception-ResNet-v2 of the authors' released code and keras.applications.",
            stem=(*STEM, Conv(80), valid(192), "max"),
            first=(
                (Conv(96),),
                (Conv(48), Conv(64, 5)),
                (Conv(64), Conv(96, 3), Conv(96, 3)),
                ("average", Conv(64)),
            ),
            repeats=(10, 20, 9),
            blocks=V2_BLOCKS,
            reductions=(_reduction_a(256, 256, 384, 384), _reduction_b(288, 288, 320)),
            extra_block=True,
            last=(Conv(1536),),
            parameters=55_843_464,
            multiply_adds=13_155_794_016,
            deviations="the authors' released code instead of the paper's layout",
        ),
    )
}


def inception_v4(
    card: InceptionCard,
    *,
    order: str = "paper",
    repeats: tuple[int, int, int] | None = None,
    width: float = 1.0,
    dropout: float = 0.2,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Inception-v4.

    Args:
        card: Row of `VARIANTS`.
        order: `"released"` runs the kernels of some pairs, such as 1x7 and 7x1, the other way
            round, as the authors' code does.
        repeats: Number of blocks A, B and C, in place of the card's.
        width: Factor on the number of filters.
        dropout: Rate before the classifier.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    check_choice("order", order, ("paper", "released"))
    head = image_head(card, arguments)
    counts = check_wholes("repeats", card.repeats if repeats is None else repeats, 0, count=3)
    dropout = check_rate("dropout", dropout)
    first, second = (ROW, COLUMN) if order == "paper" else (COLUMN, ROW)
    small = [(min(rows, 3), min(columns, 3)) for rows, columns in (first, second)]
    fork = (Conv(256, (1, 3)), Conv(256, (3, 1)))
    blocks: tuple[Branches, ...] = (
        (
            (Conv(96),),
            (Conv(64), Conv(96, 3)),
            (Conv(64), Conv(96, 3), Conv(96, 3)),
            ("average", Conv(96)),
        ),
        (
            (Conv(384),),
            (Conv(192), Conv(224, ROW), Conv(256, COLUMN)),
            (Conv(192), Conv(192, first), Conv(224, second), Conv(224, first), Conv(256, second)),
            ("average", Conv(128)),
        ),
        (
            (Conv(256),),
            (Conv(384), fork),
            (Conv(384), Conv(448, small[0]), Conv(512, small[1]), fork),
            ("average", Conv(256)),
        ),
    )
    reductions: tuple[Branches, ...] = (
        _reduction_a(192, 224, 256, 384),
        (
            (Conv(192), half(192)),
            (Conv(256), Conv(256, ROW), Conv(320, COLUMN), half(320)),
            MAX,
        ),
    )
    stages = [[partial(_module, branches=blocks[k])] * count for k, count in enumerate(counts)]
    for stage, branches in zip(stages[1:], reductions, strict=True):
        stage.insert(0, partial(_module, branches=branches))
    x = _stem_v4(head.image, width, order)
    return head.finish(_run(x, stages, width), partial(_top, rate=dropout))


def inception_resnet(
    card: InceptionResNetCard,
    *,
    repeats: tuple[int, int, int] | None = None,
    scales: tuple[float, float, float] = (0.17, 0.1, 0.2),
    extra_block: bool | None = None,
    width: float = 1.0,
    dropout: float = 0.2,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Inception-ResNet of either version.

    Args:
        card: Row of `RESIDUAL`.
        repeats: Number of blocks A, B and C, in place of the card's.
        scales: Factors on what the blocks A, B and C add to their input; the released code's.
        extra_block: One block C more, neither scaled nor rectified, as in released code; the
            card's by default.
        width: Factor on the number of filters.
        dropout: Rate before the classifier.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    head = image_head(card, arguments)
    extra_block = card.extra_block if extra_block is None else extra_block
    counts = check_wholes("repeats", card.repeats if repeats is None else repeats, 0, count=3)
    dropout = check_rate("dropout", dropout)
    stages = [
        [partial(_residual, branches=branches, scale=scale)] * count
        for branches, scale, count in zip(card.blocks, scales, counts, strict=True)
    ]
    if card.first:
        stages[0].insert(0, partial(_module, branches=card.first))
    for stage, branches in zip(stages[1:], card.reductions, strict=True):
        stage.insert(0, partial(_module, branches=branches))
    if extra_block:
        stages[2].append(partial(_residual, branches=card.blocks[2], scale=1.0, rectified=False))
    if card.stem:
        (x,) = _branch(head.image, card.stem, width, name="stem")
    else:
        x = _stem_v4(head.image, width, order="paper")
    (x,) = _branch(_run(x, stages, width), card.last, width, name="stage3")
    return head.finish(x, partial(_top, rate=dropout))


def _run(x: Tensor, stages: list[list[partial[Tensor]]], width: float) -> Tensor:
    for stage, blocks in enumerate(stages, start=1):
        for number, block in enumerate(blocks, start=1):
            name = f"stage{stage}_block{number}"
            out = f"stage{stage}_out" if number == len(blocks) else f"{name}_out"
            x = block(x, width=width, name=name, out=out)
    return x


def _stem_v4(x: Tensor, width: float, order: str) -> Tensor:
    first, second = (COLUMN, ROW) if order == "paper" else (ROW, COLUMN)
    (x,) = _branch(x, STEM[:3], width, name="stem")
    for number, branches in enumerate(
        (
            (MAX, (half(96),)),
            ((Conv(64), valid(96)), (Conv(64), Conv(64, first), Conv(64, second), valid(96))),
            ((half(192),), MAX),
        ),
        start=1,
    ):
        name = f"stem_block{number}"
        x = _module(x, branches, width, name=name, out=f"{name}_out")
    return x


def _module(x: Tensor, branches: Branches, width: float, *, name: str, out: str) -> Tensor:
    """Branches side by side, concatenated."""
    outputs = [
        output
        for number, branch in enumerate(branches, start=1)
        for output in _branch(x, branch, width, name=f"{name}_branch{number}")
    ]
    return layers.Concatenate(name=out)(outputs)


def _residual(
    x: Tensor,
    branches: Branches,
    scale: float,
    width: float,
    *,
    rectified: bool = True,
    name: str,
    out: str,
) -> Tensor:
    """The input plus a scaled linear map, as wide as the input, of a module's output."""
    y = _module(x, branches, width, name=name, out=f"{name}_concat")
    y = layers.Conv2D(x.shape[-1], 1, kernel_initializer=he_normal(), name=f"{name}_conv")(y)
    y = layers.Rescaling(scale, name=f"{name}_scale")(y)
    if not rectified:
        return layers.Add(name=out)([x, y])
    return relu(layers.Add(name=f"{name}_add")([x, y]), name=out)


def _branch(x: Tensor, branch: Branch, width: float, *, name: str) -> list[Tensor]:
    """The layers of a branch one after another; several outputs if it ends side by side."""
    for depth, layer in enumerate(branch, start=1):
        if isinstance(layer, tuple):
            return [
                _convolution(x, side, width, name=name, depth=number)
                for number, side in enumerate(layer, start=depth)
            ]
        if isinstance(layer, Conv):
            x = _convolution(x, layer, width, name=name, depth=depth)
        elif layer == "max":
            x = layers.MaxPooling2D(3, 2, name=f"{name}_pool{depth}")(x)
        else:
            # Cells beyond the border do not count in the average.
            x = layers.AveragePooling2D(3, 1, "same", name=f"{name}_pool{depth}")(x)
    return [x]


def _convolution(x: Tensor, layer: Conv, width: float, *, name: str, depth: int) -> Tensor:
    x = layers.Conv2D(
        scaled(layer.filters, width),
        layer.kernel,
        layer.strides,
        layer.padding,
        use_bias=False,
        kernel_initializer=he_normal(),
        name=f"{name}_conv{depth}",
    )(x)
    x = normalization(x, epsilon=1e-3, name=f"{name}_norm{depth}")
    return relu(x, name=f"{name}_relu{depth}")


def _top(x: Tensor, rate: float) -> Tensor:
    return layers.Dropout(rate, name="head_dropout")(global_average(x))


InceptionV4 = register(VARIANTS["inception_v4"], inception_v4)
InceptionResNetV1 = register(RESIDUAL["inception_resnet_v1"], inception_resnet)
InceptionResNetV2 = register(RESIDUAL["inception_resnet_v2"], inception_resnet)
InceptionResNetV2Released = register(RESIDUAL["inception_resnet_v2_released"], inception_resnet)
