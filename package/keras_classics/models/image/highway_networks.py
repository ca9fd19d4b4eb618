"""Highway networks: gates learn what a layer changes and what it lets through.

Srivastava, Greff, Schmidhuber, "Training very deep networks", NIPS 2015 (arXiv:1507.06228; first
as "Highway networks", arXiv:1505.00387).

The dense networks of the paper's study of depth on MNIST (10 to 100 layers, counted without the
output) and two convolutional ones, of the authors' released configurations: 19 layers for
CIFAR-10, 10 for MNIST. Only layers of equal width can carry their input, so a plain layer precedes
each change of width. Gates start closed: the deeper the network, the more negative their bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Drops, Exponential, Recipe, step
from keras_classics.core.errors import check_whole, check_wholes
from keras_classics.core.types import Tensor
from keras_classics.layers.image.highway import ConvHighway, Highway
from keras_classics.models.image.blocks import he_normal, max_pooling


@dataclass(frozen=True, kw_only=True)
class HighwayCard(ModelCard):
    """A row of the dense table.

    Attributes:
        depth: Layers without the output, the plain first one included.
    """

    depth: int


@dataclass(frozen=True, kw_only=True)
class ConvHighwayCard(ModelCard):
    """A row of the convolutional table.

    Attributes:
        widths: Filters of each stage.
        gated: Highway layers of each stage.
        pools: Window, step of the pool at the end of each stage; the last of the CIFAR network
            is the global one of its head.
        stem_kernel: Side of the first kernel; 5 is not padded.
        dropout: Rate before each stage, and before the output.
        transform_bias: Initial bias of the transform gates.
    """

    widths: tuple[int, ...]
    gated: tuple[int, ...]
    pools: tuple[tuple[int, int], ...]
    stem_kernel: int
    dropout: tuple[float, ...]
    transform_bias: float


DENSE_RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=100,
    epochs=100,
    schedule=Exponential(factor=0.95, every=1),
    normalization=step("range", low=0.0, high=1.0),
    note="momentum and an exponential fall, as in the paper; its figures came from a random "
    "search and are not printed: these are ours",
)
CIFAR_RECIPE = Recipe(
    learning_rate=0.025,
    batch_size=100,
    iterations=200_000,
    schedule=Drops(at=(100_000, 150_000, 175_000)),
    options={"momentum": 0.9, "nesterov": True},
    weight_decay=1e-3,
    augmentation=(step("pad_crop", padding=8), step("flip")),
    normalization=step("contrast"),
    note="biases learn at the rate of all, not at twice",
)
MNIST_RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=100,
    iterations=180_000,
    schedule=Drops(at=(60_000, 120_000)),
    weight_decay=1e-3,
    normalization=step("range", low=0.0, high=1.0),
    note="biases learn at the rate of all, not at twice",
)

_facts: dict[str, Any] = {
    "paper": 'Srivastava, Greff, Schmidhuber, "Training very deep networks", NIPS 2015, '
    "arXiv:1507.06228",
    "family": "highway",
    "year": 2015,
    "idea": "gates let the input of a layer pass",
    "classes": 10,
}
_dense = partial(HighwayCard, input_shape=(784,), recipes={"paper": DENSE_RECIPE}, **_facts)

VARIANTS = {
    card.name: card
    for card in (
        _dense(
            name="highway_10_mnist",
            builder="Highway10MNIST",
            summary="Dense highway network of 10 layers.",
            depth=10,
            parameters=85_660,
            multiply_adds=84_700,
        ),
        _dense(
            name="highway_20_mnist",
            builder="Highway20MNIST",
            summary="Dense highway network of 20 layers.",
            depth=20,
            parameters=136_660,
            multiply_adds=134_700,
        ),
        _dense(
            name="highway_50_mnist",
            builder="Highway50MNIST",
            summary="Dense highway network of 50 layers.",
            depth=50,
            parameters=289_660,
            multiply_adds=284_700,
        ),
        _dense(
            name="highway_100_mnist",
            builder="Highway100MNIST",
            summary="Dense highway network of 100 layers.",
            depth=100,
            parameters=544_660,
            multiply_adds=534_700,
        ),
    )
}
CONV_VARIANTS = {
    card.name: card
    for card in (
        ConvHighwayCard(
            name="highway_19_cifar",
            builder="Highway19CIFAR",
            summary="Convolutional highway network of 19 layers for CIFAR-10.",
            recipes={"paper": CIFAR_RECIPE},
            input_shape=(32, 32, 3),
            smallest_size=4,
            widths=(32, 80, 128),
            gated=(4, 5, 5),
            pools=((2, 2), (2, 2)),
            stem_kernel=3,
            dropout=(0.2, 0.2, 0.2, 0.2),
            transform_bias=-2.0,
            parameters=2_256_838,
            multiply_adds=330_826_728,
            published="CIFAR-10 test accuracy 92.46 %",
            **_facts,
        ),
        ConvHighwayCard(
            name="highway_conv_10_mnist",
            builder="HighwayConv10MNIST",
            summary="Convolutional highway network of 10 layers for MNIST.",
            recipes={"paper": MNIST_RECIPE},
            input_shape=(28, 28, 1),
            smallest_size=12,
            widths=(32, 32, 32),
            gated=(2, 3, 3),
            pools=((3, 2), (3, 2), (2, 2)),
            stem_kernel=5,
            dropout=(0.2, 0.3, 0.4, 0.5),
            transform_bias=-1.0,
            parameters=151_690,
            multiply_adds=31_650_624,
            published="MNIST test accuracy 99.55 %",
            **_facts,
        ),
    )
}


def dense_highway(
    card: HighwayCard,
    *,
    activation: str = "relu",
    transform_bias: float | None = None,
    carry_gate: bool = False,
    depth: int | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Dense highway network on vectors.

    Args:
        card: Row of `VARIANTS`.
        activation: Activation of all layers; the paper searches over ReLU and tanh.
        transform_bias: Initial bias of the transform gates; by default -1 to 10 layers, -2 to
            20 and -3 beyond.
        carry_gate: A carry gate of its own in place of `1 - T`.
        depth: Layers without the output, in place of the card's.
        width: Factor on the 50 units of a layer.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    head = image_head(card, arguments)
    depth = check_whole("depth", card.depth if depth is None else depth)
    if transform_bias is None:
        transform_bias = -1.0 if depth <= 10 else -2.0 if depth <= 20 else -3.0
    x = layers.Dense(
        scaled(50, width), activation, kernel_initializer=he_normal(), name="stem_dense"
    )(head.image)  # fmt: skip
    for layer in range(1, depth):
        x = Highway(
            activation, transform_bias, carry_gate, he_normal(), name=f"stage1_highway{layer}"
        )(x)  # fmt: skip
    return head.finish(x, lambda x: x)


def conv_highway(
    card: ConvHighwayCard,
    *,
    transform_bias: float | None = None,
    carry_gate: bool = False,
    gated: tuple[int, ...] | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Convolutional highway network.

    Args:
        card: Row of `CONV_VARIANTS`.
        transform_bias: Initial bias of the transform gates, in place of the card's.
        carry_gate: A carry gate of its own in place of `1 - T`.
        gated: Highway layers of each stage, in place of the card's.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    averaged = len(card.pools) < len(card.widths)
    head = image_head(card, arguments, fixed_size=not averaged)
    bias = card.transform_bias if transform_bias is None else transform_bias
    gated = check_wholes("gated", card.gated if gated is None else gated, count=len(card.widths))
    x = head.image
    for stage, (filters, count) in enumerate(zip(card.widths, gated, strict=True), start=1):
        x = layers.Dropout(card.dropout[stage - 1], name=f"stage{stage}_dropout")(x)
        if stage == 1 or filters != card.widths[stage - 2]:
            x = _plain(x, scaled(filters, width), card.stem_kernel, name=f"stage{stage}_conv")
        for layer in range(1, count + 1):
            x = ConvHighway(
                3,
                transform_bias=bias,
                carry_gate=carry_gate,
                kernel_initializer=he_normal(),
                name=f"stage{stage}_highway{layer}",
            )(x)
        if stage <= len(card.pools):
            size, strides = card.pools[stage - 1]
            x = max_pooling(x, size, strides, ceil_mode=size > strides, name=f"stage{stage}_out")

    def top(x: Tensor) -> Tensor:
        if averaged:
            x = _plain(x, scaled(100, width), 1, name="head_conv")
            x = layers.GlobalAveragePooling2D(name="head_pool")(x)
        else:
            x = layers.Flatten(name="head_flatten")(x)
        return layers.Dropout(card.dropout[-1], name="head_dropout")(x)

    return head.finish(x, top)


def _plain(x: Tensor, filters: int, size: int, *, name: str) -> Tensor:
    padding = "valid" if size == 5 else "same"
    return layers.Conv2D(
        filters, size, 1, padding, activation="relu", kernel_initializer=he_normal(), name=name
    )(x)


Highway10MNIST = register(VARIANTS["highway_10_mnist"], dense_highway)
Highway20MNIST = register(VARIANTS["highway_20_mnist"], dense_highway)
Highway50MNIST = register(VARIANTS["highway_50_mnist"], dense_highway)
Highway100MNIST = register(VARIANTS["highway_100_mnist"], dense_highway)
Highway19CIFAR = register(CONV_VARIANTS["highway_19_cifar"], conv_highway)
HighwayConv10MNIST = register(CONV_VARIANTS["highway_conv_10_mnist"], conv_highway)
