"""Multi-layer perceptron: hidden layers, with or without a direct way from input to output.

Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", Nature 1986.

Digits through 300 and 100 hidden units. With `skip` a linear map without bias leads from the input
to the sums of the output units: `output = softmax(W h + S x + b)`, which adds one parameter for
each pair of input and output and leaves the linear part of the task to it.
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
from keras_classics.core.cards.recipe import Recipe, step
from keras_classics.core.errors import check_wholes
from keras_classics.core.types import Tensor
from keras_classics.models.image.blocks import he_normal


@dataclass(frozen=True, kw_only=True)
class MLPCard(ModelCard):
    """A row of the family's table.

    Attributes:
        skip: Whether the input also reaches the output directly.
    """

    skip: bool


RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=100,
    epochs=50,
    normalization=step("range", low=0.0, high=1.0),
    note="the paper's gradient descent with momentum; it has no digits: rate and length are ours",
)

_row = partial(
    MLPCard,
    paper='Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", '
    "Nature 323, 1986",
    family="mlp",
    year=1986,
    recipes={"paper": RECIPE},
    input_shape=(784,),
    classes=10,
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="mlp_mnist",
            builder="MLPMNIST",
            summary="Digits through 300 and 100 hidden units.",
            idea="errors propagated back train hidden layers",
            parameters=266_610,
            multiply_adds=266_200,
            skip=False,
        ),
        _row(
            name="mlp_skip_mnist",
            builder="MLPSkipMNIST",
            summary="Digits through 300 and 100 hidden units, and directly.",
            idea="a direct linear way from input to output beside the hidden layers",
            parameters=274_450,
            multiply_adds=274_040,
            skip=True,
        ),
    )
}


def mlp(
    card: MLPCard,
    *,
    units: tuple[int, ...] = (300, 100),
    activation: str = "relu",
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Multi-layer perceptron on vectors.

    Args:
        card: Row of `VARIANTS`.
        units: Units of each hidden layer.
        activation: Activation of the hidden layers. Kernels start as He's for `"relu"`, as
            Glorot's for others.
        width: Factor on the number of units.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    units = check_wholes("units", units)
    head = image_head(card, arguments)
    x = head.image
    for depth, count in enumerate(units, start=1):
        initializer = he_normal() if activation == "relu" else "glorot_uniform"
        x = layers.Dense(
            scaled(count, width),
            activation,
            kernel_initializer=initializer,
            name=f"stage1_dense{depth}",
        )(x)

    def with_skip(x: Tensor) -> Tensor:
        hidden = layers.Dense(head.units, name="head_dense")(x)
        # No bias of its own: two biases on one sum would be one too many.
        direct = layers.Dense(head.units, use_bias=False, name="head_skip")(head.image)
        return layers.Add(name="logits")([hidden, direct])

    return head.finish(x, lambda x: x, with_skip if card.skip else None)


MLPMNIST = register(VARIANTS["mlp_mnist"], mlp)
MLPSkipMNIST = register(VARIANTS["mlp_skip_mnist"], mlp)
