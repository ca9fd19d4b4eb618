"""LeNet-5: convolution, subsampling and dense layers trained as one, on digits.

LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE, 1998.

`lenet_5` is the network of the paper: the third layer sees its inputs through a table of 60
connections, subsampling has a coefficient and a bias per map, the output measures distances to
fixed codes. `lenet_5_modern` is what is usually taught: full connections, plain pooling, a dense
output. The paper prints its codes only as pictures; ours are drawn anew on the same 7 x 12 grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import Block, ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Drops, Recipe, step
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.types import Activation, Tensor
from keras_classics.initializers import ReciprocalFanInUniform
from keras_classics.layers.image.activations import scaled_tanh
from keras_classics.layers.image.connection_table import ConnectionTableConv2D
from keras_classics.layers.image.pooling import TrainableSubsampling
from keras_classics.layers.image.rbf import EuclideanRBF
from keras_classics.models.image.digit_codes import digit_codes

# Table I of the paper: the S2 maps each of the 16 C3 maps reads.
CONNECTIONS = (
    *(tuple((first + k) % 6 for k in range(3)) for first in range(6)),
    *(tuple((first + k) % 6 for k in range(4)) for first in range(6)),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


@dataclass(frozen=True, kw_only=True)
class LeNetCard(ModelCard):
    """A row of the family's table: whether it is the network of 1998 to the letter."""

    original: bool


# The background of the paper's pictures is -0.1 and the ink 1.175; 28 pixels stand within 32.
PICTURES: dict[str, Any] = {"resize": 28, "normalization": step("range", low=-0.1, high=1.175)}
# Global rates 5e-4, 2e-4, 1e-4, 5e-5, 1e-5 over mu = 0.02, the greatest the paper's rule allows.
RECIPE = Recipe(
    learning_rate=5e-4 / 0.02,
    batch_size=1,
    epochs=20,
    schedule=Drops(at=(2, 5, 8, 12), factor=(0.4, 0.5, 0.5, 0.2)),
    options={},
    **PICTURES,
    note="plain gradient descent at the greatest rate of the diagonal Levenberg-Marquardt rule; "
    "cross-entropy without the constant of the paper's MAP criterion",
)

_row = partial(
    LeNetCard,
    family="lenet",
    paper='LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document '
    'recognition", Proceedings of the IEEE 86(11), 1998',
    year=1998,
    input_shape=(32, 32, 1),
    classes=10,
    smallest_size=32,
    recipes={"paper": RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="lenet_5",
            builder="LeNet5",
            summary="LeNet-5 of 1998: 60,000 trained parameters, 840 fixed ones in the codes.",
            idea="convolution and subsampling learn together, end to end",
            parameters=60_000,
            multiply_adds=326_520,
            published="MNIST test error 0.95 %, 0.8 % with distortions",
            measured="scikit-learn's digits, 60 epochs over 1,295: 347 of 359 test digits right "
            "(96.7 %); 2026-11-21, python applications/classification.py",
            deviations="class codes drawn anew; trained by gradient descent, not by the diagonal "
            "Levenberg-Marquardt rule",
            original=True,
        ),
        _row(
            name="lenet_5_modern",
            builder="LeNet5Modern",
            summary="LeNet-5 as it is taught: full connections, plain pooling, dense output.",
            idea="the same five layers as they are taught today",
            parameters=61_706,
            multiply_adds=416_520,
            deviations="full connections, parameter-free pooling, dense output",
            original=False,
        ),
    )
}


def lenet(
    card: LeNetCard,
    *,
    activation: Activation = None,
    subsampling: str = "average",
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """LeNet-5 in one of its two forms.

    Args:
        card: Row of `VARIANTS`.
        activation: Squashing function; the scaled tanh of the paper for the network of 1998,
            tanh for the modern one.
        subsampling: `"average"` or `"max"`; the network of 1998 has its own, trainable.
        width: Factor on the widths of the modern form.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    pools = ("average",) if card.original else ("average", "max")
    check_choice("subsampling", subsampling, pools, "Build LeNet5Modern(subsampling='max').")
    if card.original and width != 1:
        raise InputError(
            f"width={width} was given to {card.name!r}",
            "1, because its connection table is made for 6 and 16 maps",
            "Build LeNet5Modern for other widths.",
        )
    head = image_head(card, arguments, fixed_size=True)
    squash = activation or (scaled_tanh if card.original else "tanh")
    initializer = ReciprocalFanInUniform() if card.original else "glorot_uniform"

    def convolution(maps: int, name: str) -> Block:
        return layers.Conv2D(
            scaled(maps, width), 5, activation=squash, kernel_initializer=initializer, name=name
        )

    def subsample(name: str) -> Block:
        if card.original:
            return TrainableSubsampling(squash, name=name)
        pool = layers.AveragePooling2D if subsampling == "average" else layers.MaxPooling2D
        return pool(2, name=name)

    def connected(maps: int, name: str) -> Block:
        if not card.original:
            return convolution(maps, name)
        # A map reads 60 / 16 maps on average: the links' fan-in is that many kernels.
        per_link = ReciprocalFanInUniform(2.4 * maps / sum(map(len, CONNECTIONS)))
        return ConnectionTableConv2D(
            CONNECTIONS, 5, activation=squash, kernel_initializer=per_link, name=name
        )

    def top(x: Tensor) -> Tensor:
        x = convolution(120, "head_conv")(x)
        x = layers.Flatten(name="head_flatten")(x)
        return layers.Dense(
            scaled(84, width), squash, kernel_initializer=initializer, name="head_dense1"
        )(x)

    def nearest_code(x: Tensor) -> Tensor:
        codes = digit_codes() if head.units == 10 else None
        distances = EuclideanRBF(head.units, codes, name="head_distances")(x)
        return layers.Rescaling(-1.0, name="logits")(distances)

    x = convolution(6, "stage1_conv1")(head.image)
    x = subsample("stage1_out")(x)
    x = connected(16, "stage2_conv1")(x)
    x = subsample("stage2_out")(x)
    return head.finish(x, top, nearest_code if card.original else None)


LeNet5 = register(VARIANTS["lenet_5"], lenet)
LeNet5Modern = register(VARIANTS["lenet_5_modern"], lenet)
