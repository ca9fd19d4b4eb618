"""Maxout networks: units that are the largest of a few linear pieces, made for dropout.

Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout networks", ICML 2013 (arXiv:1302.4389).

Layers, widths and constants are those of the authors' released configurations for pylearn2, which
pools in overlapping windows and rounds the number of windows up (`ceil_mode`). Dropout comes
before every layer with weights; kernels are drawn from +-0.005 and their norms limited.
"""

from __future__ import annotations

from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Linear, Recipe, step
from keras_classics.core.errors import check_rate, check_whole, check_wholes
from keras_classics.core.types import Initializer, Tensor
from keras_classics.initializers import own_draw
from keras_classics.layers.image.maxout import Maxout
from keras_classics.models.image.blocks import convolution, max_pooling

MNIST_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=100,
    epochs=500,
    schedule=Linear(end=0.01),
    options={"momentum": 0.5},
    normalization=step("range", low=0.0, high=1.0),
    note="momentum stays at its first value, where the paper raises it to 0.7",
)
CIFAR_RECIPE = Recipe(
    learning_rate=0.17,
    batch_size=128,
    epochs=500,
    schedule=Linear(end=0.01),
    options={"momentum": 0.5},
    normalization=step("contrast_zca"),
    note="momentum stays at its first value, where the paper raises it to 0.65; convolutions learn "
    "at the full rate, not at a twentieth",
)

_row = partial(
    ModelCard,
    family="maxout",
    paper='Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout networks", ICML 2013, '
    "arXiv:1302.4389",
    year=2013,
    idea="the activation is a maximum of linear pieces, learnt like the rest",
    classes=10,
    deviations="layers and constants of the authors' released configurations",
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="maxout_mnist",
            builder="MaxoutMNIST",
            summary="Maxout network for MNIST, blind to where a pixel is: two hidden layers.",
            recipes={"paper": MNIST_RECIPE},
            input_shape=(784,),
            parameters=1_233_610,
            multiply_adds=1_231_200,
            published="permutation-invariant MNIST test error 0.94 %",
        ),
        _row(
            name="maxout_cifar",
            builder="MaxoutCIFAR",
            summary="Maxout network for CIFAR-10: three convolutions and a dense layer.",
            recipes={"paper": CIFAR_RECIPE},
            input_shape=(32, 32, 3),
            smallest_size=8,
            parameters=16_247_830,
            multiply_adds=732_290_696,
            published="CIFAR-10 test error 11.68 %, 9.38 % with augmentation",
        ),
    )
}

# Maxima of the kernels' norms.
FIRST, OTHER, DENSE = 0.9, 1.9365, 1.9


def maxout_dense(
    card: ModelCard,
    *,
    units: tuple[int, ...] = (240, 240),
    pieces: int = 5,
    width: float = 1.0,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    kernel_initializer: Initializer = None,
    max_norm: bool = True,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Maxout network of dense layers.

    Args:
        card: Row of `VARIANTS`.
        units: Of each hidden layer.
        pieces: Linear pieces of a unit.
        width: Factor on the number of units.
        input_dropout: Rate on the picture.
        dropout: Rate before every later layer.
        kernel_initializer: Initialiser of all kernels; by default uniform in +-0.005.
        max_norm: Limit the norm of each piece's weights in training.
        **arguments: The arguments all image builders share, without `pooling`.

    Raises:
        InputError: An argument is not admitted.
    """
    units, pieces = check_wholes("units", units), check_whole("pieces", pieces)
    input_dropout = check_rate("input_dropout", input_dropout)
    dropout = check_rate("dropout", dropout)
    head = image_head(card, arguments)
    limit = OTHER if max_norm else None
    dense = partial(_dense, kernel_initializer=kernel_initializer, limit=limit)

    def classify(x: Tensor) -> Tensor:
        return dense(layers.Dropout(dropout, name="head_dropout")(x), head.units, name="logits")

    x = head.image
    for stage, count in enumerate(units, start=1):
        rate = input_dropout if stage == 1 else dropout
        x = layers.Dropout(rate, name=f"stage{stage}_dropout")(x)
        x = dense(x, scaled(count, width) * pieces, name=f"stage{stage}_dense")
        x = Maxout(pieces, name=f"stage{stage}_out")(x)
    return head.finish(x, lambda features: features, classify)


def maxout_convolutional(
    card: ModelCard,
    *,
    units: int = 500,
    pieces: int = 2,
    dense_pieces: int = 5,
    width: float = 1.0,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    ceil_mode: bool = True,
    kernel_initializer: Initializer = None,
    max_norm: bool = True,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Maxout network of three convolutions and a dense layer.

    Args:
        card: Row of `VARIANTS`.
        units: Of the hidden dense layer.
        pieces: Linear pieces of a map.
        dense_pieces: Linear pieces of a unit of the dense layer.
        width: Factor on the number of maps.
        input_dropout: Rate on the picture.
        dropout: Rate before every later layer.
        ceil_mode: Round the number of pooling windows up, as pylearn2 does.
        kernel_initializer: Initialiser of all kernels; by default uniform in +-0.005.
        max_norm: Limit the norm of each piece's weights in training.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    units, pieces = check_whole("units", units), check_whole("pieces", pieces)
    dense_pieces = check_whole("dense_pieces", dense_pieces)
    input_dropout = check_rate("input_dropout", input_dropout)
    dropout = check_rate("dropout", dropout)
    head = image_head(card, arguments, fixed_size=True)
    dense = partial(_dense, kernel_initializer=kernel_initializer)

    def top(x: Tensor) -> Tensor:
        x = layers.Flatten(name="head_flatten")(x)
        x = layers.Dropout(dropout, name="head_dropout1")(x)
        limit = DENSE if max_norm else None
        x = dense(x, units * dense_pieces, limit=limit, name="head_dense")
        return Maxout(dense_pieces, name="head_maxout")(x)

    def classify(x: Tensor) -> Tensor:
        x = layers.Dropout(dropout, name="head_dropout2")(x)
        return dense(x, head.units, limit=OTHER if max_norm else None, name="logits")

    x = head.image
    # Maps, kernel, padding, pooling window: the smallest picture is 8 pixels wide.
    table = ((96, 8, 4, 4), (192, 8, 3, 4), (192, 5, 3, 2))
    for stage, (maps, size, padding, window) in enumerate(table, start=1):
        limit = FIRST if stage == 1 else OTHER
        rate = input_dropout if stage == 1 else dropout
        x = layers.Dropout(rate, name=f"stage{stage}_dropout")(x)
        x = convolution(
            x,
            scaled(maps, width) * pieces,
            size,
            padding=padding,
            use_bias=True,
            kernel_initializer=kernel_initializer or _narrow(),
            kernel_constraint=_limit(limit, (0, 1, 2)) if max_norm else None,
            name=f"stage{stage}_conv",
        )
        x = Maxout(pieces, name=f"stage{stage}_maxout")(x)
        x = max_pooling(x, window, 2, ceil_mode=ceil_mode, name=f"stage{stage}_out")
    return head.finish(x, top, classify)


def _dense(
    x: Tensor, outputs: int, *, kernel_initializer: Initializer, limit: float | None, name: str
) -> Tensor:
    return layers.Dense(
        outputs,
        kernel_initializer=own_draw(kernel_initializer or _narrow(), name),
        kernel_constraint=None if limit is None else _limit(limit, 0),
        name=name,
    )(x)


def _narrow() -> keras.initializers.Initializer:
    return keras.initializers.RandomUniform(-0.005, 0.005)


def _limit(norm: float, axis: int | tuple[int, ...]) -> keras.constraints.Constraint:
    return keras.constraints.MaxNorm(norm, axis=axis)


MaxoutMNIST = register(VARIANTS["maxout_mnist"], maxout_dense)
MaxoutCIFAR = register(VARIANTS["maxout_cifar"], maxout_convolutional)
