"""GoogLeNet: kernels of several sizes side by side, and 1x1 convolutions that make them affordable.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich, "Going deeper with
convolutions", CVPR 2015 (arXiv:1409.4842, 2014).

`googlenet` is the network of the paper: biases, response normalisation, 5x5 kernels, Caffe's
rounding of pooled sizes. `googlenet_bn` is torchvision's: batch normalisation (Ioffe, Szegedy,
"Batch normalization", ICML 2015), and 3x3 kernels where the paper has 5x5. The paper's modules 3a
and 3b are `stage1` here, 4a to 4e `stage2`, 5a and 5b `stage3`.

With `auxiliary=True` the model has three outputs, the last two from the middle of `stage2`; the
paper adds their losses with a weight of 0.3 each and drops them after training:

    model.compile("sgd", ["sparse_categorical_crossentropy"] * 3, loss_weights=[1, 0.3, 0.3])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, Unpack

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import (
    Head,
    ImageArguments,
    global_average,
    image_head,
    scaled,
)
from keras_classics.core.cards.recipe import Exponential, Recipe, step
from keras_classics.core.errors import InputError, check_axes, check_choice, check_rate
from keras_classics.core.types import Initializer, Name, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.normalization import LocalResponseNormalization
from keras_classics.models.image.blocks import (
    convolution,
    max_pooling,
    normalization,
    relu,
)

# Filters of 1x1; of 1x1 and 3x3; of 1x1 and 5x5; of 1x1 after pooling.
Widths: TypeAlias = tuple[int, int, int, int, int, int]
# Table 1 of the paper.
MODULES: tuple[tuple[Widths, ...], ...] = (
    (
        (64, 96, 128, 16, 32, 32),
        (128, 128, 192, 32, 96, 64),
    ),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    (
        (256, 160, 320, 32, 128, 128),
        (384, 192, 384, 48, 128, 128),
    ),
)

Convolve = Callable[..., Tensor]


@dataclass(frozen=True, kw_only=True)
class GoogLeNetCard(ModelCard):
    """A row of the family's table.

    Attributes:
        batch_norm: Batch normalisation instead of biases and response normalisation.
        five_by_five: Kernel size of the branch that has `"5x5"` in the paper.
        last_pool: Window of the last maximum pooling.
        dropout: Rate before the classifier.
    """

    batch_norm: bool
    five_by_five: str
    last_pool: int
    dropout: float


RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=32,
    epochs=250,
    schedule=Exponential(factor=0.96, every=8),
    loss_weights=(1.0, 0.3, 0.3),
    resize=256,
    augmentation=(step("area_crop", area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)), step("flip")),
    test_crops=10,
    builder={"auxiliary": True},
    note="rate and batch of the Caffe replica, length ours: the paper prints none; neither "
    "Polyak's averaging nor photometric distortions; 10 crops instead of 144",
)

_row = partial(
    GoogLeNetCard,
    family="googlenet",
    idea="kernels of several sizes side by side, made cheap by 1x1 convolutions",
    input_shape=(224, 224, 3),
    classes=1000,
    recipes={"paper": RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="googlenet",
            builder="GoogLeNet",
            summary="GoogLeNet of 2014: nine Inception modules.",
            paper='Szegedy et al., "Going deeper with convolutions", CVPR 2015, arXiv:1409.4842',
            year=2014,
            batch_norm=False,
            five_by_five="5x5",
            last_pool=3,
            dropout=0.4,
            smallest_size=31,
            parameters=6_998_552,
            multiply_adds=1_582_671_872,
            published="ILSVRC-2014, one model, one crop: 10.07 % top-5 error",
            deviations="the auxiliary classifiers are an option",
        ),
        _row(
            name="googlenet_bn",
            builder="GoogLeNetBN",
            summary="GoogLeNet with batch normalisation, as in torchvision.",
            paper='Ioffe, Szegedy, "Batch normalization: accelerating deep network training by '
            'reducing internal covariate shift", ICML 2015, arXiv:1502.03167',
            year=2015,
            batch_norm=True,
            five_by_five="3x3",
            last_pool=2,
            dropout=0.2,
            smallest_size=15,
            parameters=6_624_904,
            multiply_adds=1_498_376_192,
            deviations="layers as in torchvision, not the BN-Inception of the paper",
        ),
    )
}


def googlenet(
    card: GoogLeNetCard,
    *,
    auxiliary: bool = False,
    batch_norm: bool | None = None,
    five_by_five: str | None = None,
    modules: tuple[tuple[Widths, ...], ...] = MODULES,
    width: float = 1.0,
    dropout: float | None = None,
    auxiliary_dropout: float = 0.7,
    kernel_initializer: Initializer = "glorot_uniform",
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Inception modules between a convolutional stem and a global average.

    Args:
        card: Row of `VARIANTS`.
        auxiliary: Give the two auxiliary classifiers, behind the first and the fourth module of
            the second stage, as second and third output; then the size must be known and the top
            included.
        batch_norm: Normalise after each convolution instead of biases and response
            normalisation; the card's by default.
        five_by_five: `"5x5"` or `"3x3"`, the kernel of the third branch; the card's by default.
        modules: Widths of each module of each of the three stages, in place of the paper's.
        width: Factor on the number of filters.
        dropout: Rate before the classifier; the card's by default.
        auxiliary_dropout: Rate before the auxiliary classifiers.
        kernel_initializer: Initialiser of all kernels.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    five_by_five = five_by_five or card.five_by_five
    check_choice("five_by_five", five_by_five, ("5x5", "3x3"))
    largest_kernel = int(five_by_five[0])
    batch_norm = card.batch_norm if batch_norm is None else batch_norm
    rate = check_rate("dropout", card.dropout if dropout is None else dropout)
    auxiliary_dropout = check_rate("auxiliary_dropout", auxiliary_dropout)
    head = image_head(card, arguments, fixed_size=auxiliary)
    if auxiliary and not head.include_top:
        raise InputError(
            "auxiliary=True was given with include_top=False",
            "auxiliary classifiers beside the main one",
            "Leave one of the two out.",
        )
    convolve = partial(
        _convolution, batch_norm=batch_norm, width=width, kernel_initializer=kernel_initializer
    )
    pool = partial(max_pooling, strides=2, ceil_mode=True)

    def normalized(x: Tensor, name: str) -> Tensor:
        return x if batch_norm else LocalResponseNormalization(name=name)(x)

    x = convolve(head.image, 64, 7, 2, name="stem", depth=1)
    x = normalized(pool(x, 3, name="stem_pool1"), name="stem_lrn1")
    x = convolve(x, 64, 1, name="stem", depth=2)
    x = convolve(x, 192, 3, name="stem", depth=3)
    x = normalized(x, name="stem_lrn2")
    side_outputs: list[Tensor] = []
    for stage, rows in enumerate(modules, start=1):
        window = card.last_pool if stage == 3 else 3
        x = pool(x, window, name="stem_pool2" if stage == 1 else f"stage{stage}_pool")
        for block, widths in enumerate(rows, start=1):
            name = f"stage{stage}_block{block}"
            out = f"stage{stage}_out" if block == len(rows) else f"{name}_out"
            x = inception_module(
                x, widths, convolve, five_by_five=largest_kernel, name=name, out=out
            )
            if auxiliary and stage == 2 and block in (1, 4):
                name = f"auxiliary{len(side_outputs) + 1}"
                side = _auxiliary(
                    x, head, convolve, card, auxiliary_dropout, kernel_initializer, name=name
                )
                side_outputs.append(side)

    def top(x: Tensor) -> Tensor:
        return layers.Dropout(rate, name="head_dropout")(global_average(x))

    draw = own_draw(kernel_initializer, "predictions")
    return head.finish(x, top, further_outputs=side_outputs, kernel_initializer=draw)


def _convolution(
    x: Tensor,
    filters: int,
    size: int,
    strides: int = 1,
    *,
    name: str,
    depth: int = 1,
    batch_norm: bool = False,
    width: float = 1.0,
    kernel_initializer: Initializer = "glorot_uniform",
) -> Tensor:
    """Convolution, batch normalisation or bias, rectifier."""
    x = convolution(
        x,
        scaled(filters, width),
        size,
        strides,
        use_bias=not batch_norm,
        kernel_initializer=kernel_initializer,
        name=f"{name}_conv{depth}",
    )
    if batch_norm:
        x = normalization(x, epsilon=1e-3, name=f"{name}_norm{depth}")
    return relu(x, name=f"{name}_relu{depth}")


@checked
def naive_inception_module(
    x: Tensor,
    widths: tuple[int, int, int],
    convolve: Convolve = _convolution,
    *,
    name: Name = "naive",
) -> Tensor:
    """The module before its reductions: 1x1, 3x3, 5x5 and pooling side by side.

    Args:
        x: Feature map `(batch, height, width, channels)`.
        widths: Filters of 1x1, 3x3 and 5x5.
        convolve: What makes a rectified convolution, `convolve(x, filters, size, name=...)`.
        name: Prefix of the layers' names.

    Returns:
        `(batch, height, width, sum(widths) + channels)`: no module can be narrower than its input.
    """
    check_axes("x", x, "(batch, height, width, channels)")
    branches = [
        convolve(x, filters, size, name=f"{name}_branch{branch}")
        for branch, (filters, size) in enumerate(zip(widths, (1, 3, 5), strict=True), start=1)
    ]
    branches.append(max_pooling(x, 3, 1, padding=1, name=f"{name}_branch4_pool"))
    return layers.Concatenate(name=f"{name}_out")(branches)


@checked
def inception_module(
    x: Tensor,
    widths: Widths,
    convolve: Convolve = _convolution,
    *,
    five_by_five: int = 5,
    name: Name = "inception",
    out: str | None = None,
) -> Tensor:
    """The module of the paper: 1x1 convolutions reduce what 3x3, 5x5 and pooling hand on.

    Args:
        x: Feature map `(batch, height, width, channels)`.
        widths: Filters of 1x1; of the reduction and of 3x3; of the reduction and of 5x5; of the
            projection after pooling. A row of the paper's table 1.
        convolve: What makes a rectified convolution,
            `convolve(x, filters, size, name=..., depth=...)`.
        five_by_five: Kernel size of the third branch.
        name: Prefix of the layers' names.
        out: Name of the concatenation.

    Returns:
        `(batch, height, width, filters)` with the filters of the four branches' last convolutions.
    """
    check_axes("x", x, "(batch, height, width, channels)")
    one, reduce3, three, reduce5, five, projection = widths
    branches = [convolve(x, one, 1, name=f"{name}_branch1")]
    for branch, (reduced, filters, size) in enumerate(
        ((reduce3, three, 3), (reduce5, five, five_by_five)), start=2
    ):
        y = convolve(x, reduced, 1, name=f"{name}_branch{branch}", depth=1)
        branches.append(convolve(y, filters, size, name=f"{name}_branch{branch}", depth=2))
    pooled = max_pooling(x, 3, 1, padding=1, name=f"{name}_branch4_pool")
    branches.append(convolve(pooled, projection, 1, name=f"{name}_branch4"))
    return layers.Concatenate(name=out or f"{name}_out")(branches)


def _auxiliary(
    x: Tensor,
    head: Head,
    convolve: Convolve,
    card: GoogLeNetCard,
    dropout: float,
    kernel_initializer: Initializer,
    *,
    name: str,
) -> Tensor:
    """A small classifier on the middle of the network."""
    if card.batch_norm:
        # Torchvision pools to 4x4 whatever the size.
        x = layers.AdaptiveAveragePooling2D(4, name=f"{name}_pool")(x)
    elif min(x.shape[1:3]) >= 5:
        x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    else:
        raise InputError(
            f"auxiliary=True was given for an image of {tuple(head.image.shape[1:])}",
            "height and width of at least 79, because the auxiliary classifiers pool 5x5",
            "Resize the images, or leave auxiliary out.",
        )
    x = convolve(x, 128, 1, name=name)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    draw = own_draw(kernel_initializer, f"{name}_dense")
    x = layers.Dense(1024, "relu", kernel_initializer=draw, name=f"{name}_dense")(x)
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    last = f"{name}_predictions"
    return head.predictions(x, kernel_initializer=own_draw(kernel_initializer, last), name=last)


GoogLeNet = register(VARIANTS["googlenet"], googlenet)
GoogLeNetBN = register(VARIANTS["googlenet_bn"], googlenet)
