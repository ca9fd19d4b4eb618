"""Convolutional neural fabrics: a trellis that holds all chains of convolutions up to its size.

Saxena, Verbeek, "Convolutional neural fabrics", NIPS 2016 (arXiv:1606.02492).

The nodes stand in a plane of layers and scales. A node adds up 3x3 convolutions of three nodes of
the layer before: of the finer scale with stride 2, of its own scale, and of the coarser scale,
upsampled between zeros. The sum is normalised and rectified. The picture enters the finest scale,
from where the first layer fills its coarser scales one after the other; the last layer collects
all scales in the coarsest, a single pixel, in the same way. Every chain of convolutions and
strides within the size of the fabric is a path through it, so its only hyper-parameters are its
depth and its channels.

In the `"sparse"` fabric a channel sees only the channel of its own number and the two beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, Unpack

import keras
from keras import layers

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import SHIFT_AND_MIRROR, Drops, Recipe, step
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.types import Tensor
from keras_classics.layers.image.connection_table import ConnectionTableConv2D
from keras_classics.layers.image.upsampling import CropToReference, ZeroInterleaving2D
from keras_classics.models.image.blocks import (
    convolution,
    normalization,
    relu,
    zero_padded,
)

# From a tensor, with `strides` and `name`, to a tensor.
Convolve: TypeAlias = Callable[..., Tensor]
# Where the last layer gathers all scales.
COARSEST, FINEST = "coarsest", "finest"


@dataclass(frozen=True, kw_only=True)
class FabricCard(ModelCard):
    """A row of the family's table.

    Attributes:
        depth: Layers of the trellis.
        channels: Of every node.
        connectivity: Which channels a channel sees: `"dense"` or `"sparse"`.
    """

    depth: int
    channels: int
    connectivity: str = "dense"


MNIST_RECIPE = Recipe(
    learning_rate=0.01,
    batch_size=64,
    iterations=20_000,
    schedule=Drops(at=(5_000, 10_000, 15_000)),
    weight_decay=5e-4,
    resize=28,
    normalization=step("range", low=0.0, high=1.0),
)
CIFAR_RECIPE = replace(
    MNIST_RECIPE,
    resize=None,
    augmentation=SHIFT_AND_MIRROR,
    normalization=step("per_channel_mean"),
    note="figures of the released files for MNIST, with the augmentation usual on CIFAR",
)

_row = partial(
    FabricCard,
    paper='Saxena, Verbeek, "Convolutional neural fabrics", NIPS 2016, arXiv:1606.02492',
    family="fabric",
    year=2016,
    idea="one trellis of convolutions contains all architectures within its size",
    classes=10,
)
_mnist = partial(_row, input_shape=(32, 32, 1), recipes={"paper": MNIST_RECIPE})
_facts = {"deviations": "digits are expected padded from 28 to 32 pixels, as in the paper"}

VARIANTS = {
    card.name: card
    for card in (
        _mnist(
            name="fabric_mnist",
            builder="FabricMNIST",
            summary="Dense fabric of 8 layers and 64 channels for digits of 32 x 32 pixels.",
            depth=8,
            channels=64,
            parameters=4_512_650,
            multiply_adds=817_939_072,
            published="test error 0.33 % on MNIST",
            **_facts,
        ),
        _row(
            name="fabric_cifar",
            builder="FabricCIFAR",
            summary="Dense fabric of 8 layers and 128 channels for CIFAR-10.",
            recipes={"paper": CIFAR_RECIPE},
            input_shape=(32, 32, 3),
            depth=8,
            channels=128,
            parameters=18_022_410,
            multiply_adds=3_272_934_656,
            published="test error 7.43 % on CIFAR-10",
        ),
        _mnist(
            name="fabric_sparse_mnist",
            builder="FabricSparseMNIST",
            summary="Sparse fabric of 16 layers and 32 channels for digits of 32 x 32 pixels.",
            depth=16,
            channels=32,
            connectivity="sparse",
            parameters=226_294,
            multiply_adds=39_830_504,
            **_facts,
        ),
    )
}


def fabric(
    card: FabricCard,
    *,
    depth: int | None = None,
    scales: int | None = None,
    connectivity: str | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Convolutional neural fabric for classification.

    Args:
        card: Row of `VARIANTS`.
        depth: Layers of the trellis, in place of the card's.
        scales: Scales of the trellis; by default as many as it takes to halve the smaller side of
            the picture down to one pixel.
        connectivity: `"dense"` or `"sparse"`, in place of the card's.
        width: Factor on the number of channels.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted, or the picture's sides cannot be halved between
            all scales.
    """
    connectivity = connectivity or card.connectivity
    check_choice("connectivity", connectivity, ("dense", "sparse"))
    head = image_head(card, arguments)
    depth = check_whole("depth", card.depth if depth is None else depth)
    scales = _checked_scales(card, head.image.shape[1:3], scales)
    channels = scaled(card.channels, width)
    convolve = partial(CONVOLUTIONS[connectivity], channels=channels)
    stem = dense_convolution(head.image, channels=channels, name="stem_conv")
    nodes = first_layer(stem, scales, convolve)
    for layer in range(2, depth + 1):
        nodes = next_layer(nodes, layer, convolve, collect=COARSEST if layer == depth else None)
    return head.finish(nodes[-1])


def _checked_scales(card: FabricCard, sides: tuple[int | None, ...], scales: int | None) -> int:
    known = [side for side in sides if side is not None]
    if scales is None:
        scales = min(known or card.input_shape[:2]).bit_length()
    scales = check_whole("scales", scales)
    if any(side % 2 ** (scales - 1) for side in known):
        raise InputError(
            f"An image of height and width {sides} was given to a fabric of {scales} scales",
            f"multiples of {2 ** (scales - 1)}, because each scale halves the one before",
            "Pad the images, or build the fabric with fewer scales.",
        )
    return scales


def first_layer(x: Tensor, scales: int, convolve: Convolve) -> list[Tensor]:
    """The nodes of all scales: each the one before, halved."""
    nodes = [_node([x], "stage1_block1")]
    for scale in range(2, scales + 1):
        name = f"stage1_block{scale}"
        arrival = convolve(nodes[-1], strides=2, name=f"{name}_branch4_conv")
        nodes.append(_node([arrival], name))
    return nodes


def next_layer(
    before: list[Tensor], layer: int, convolve: Convolve, *, collect: str | None = None
) -> list[Tensor]:
    """The nodes of all scales, each from three of the layer before.

    Args:
        before: Those of the layer before, the finest first.
        layer: Number of the layer.
        convolve: Makes a convolution of three by three.
        collect: Of the last layer, where it gathers all: in the `COARSEST` scale a node sees the
            next finer node of its own layer too, in the `FINEST` the next coarser one.
    """
    nodes: dict[int, Tensor] = {}
    scales = range(1, len(before) + 1)
    for scale in reversed(scales) if collect == FINEST else scales:
        same = before[scale - 1]
        name = f"stage{layer}_block{scale}"
        arrivals = []
        if scale > 1:
            arrivals.append(convolve(before[scale - 2], strides=2, name=f"{name}_branch1_conv"))
        arrivals.append(convolve(same, name=f"{name}_branch2_conv"))
        if scale < len(before):
            coarser = _doubled(before[scale], same, f"{name}_branch3")
            arrivals.append(convolve(coarser, name=f"{name}_branch3_conv"))
        if collect == COARSEST and scale > 1:
            arrivals.append(convolve(nodes[scale - 1], strides=2, name=f"{name}_branch4_conv"))
        if collect == FINEST and scale < len(before):
            coarser = _doubled(nodes[scale + 1], same, f"{name}_branch4")
            arrivals.append(convolve(coarser, name=f"{name}_branch4_conv"))
        nodes[scale] = _node(arrivals, name)
    return [nodes[scale] for scale in scales]


def _doubled(coarse: Tensor, fine: Tensor, name: str) -> Tensor:
    """A map between zeros, as large as the finer one, which may have an odd row less."""
    doubled = ZeroInterleaving2D(name=f"{name}_upsample")(coarse)
    if doubled.shape[1:3] == fine.shape[1:3] and None not in fine.shape[1:3]:
        return doubled
    return CropToReference(name=f"{name}_crop")([doubled, fine])


def _node(arrivals: list[Tensor], name: str) -> Tensor:
    """Sum, normalisation, rectifier."""
    x = layers.Add(name=f"{name}_add")(arrivals) if len(arrivals) > 1 else arrivals[0]
    return relu(normalization(x, name=f"{name}_norm"), name=f"{name}_relu")


def dense_convolution(x: Tensor, *, channels: int, name: str, strides: int = 1) -> Tensor:
    """3x3 convolution of all channels."""
    return convolution(
        x,
        channels,
        3,
        strides,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        name=name,
    )


def _sparse(x: Tensor, *, channels: int, name: str, strides: int = 1) -> Tensor:
    """3x3 convolution in which a channel sees itself and its neighbours."""
    everyone = range(channels)
    band = [[c for c in (own - 1, own, own + 1) if c in everyone] for own in everyone]
    if strides > 1:
        x = zero_padded(x, 1, name=f"{name}_pad")
    # Xavier's variance: three channels arrive and three depart, where the kernel's shape shows one.
    xavier = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    return ConnectionTableConv2D(
        band,
        3,
        "same" if strides == 1 else "valid",
        strides=strides,
        kernel_initializer=xavier,
        name=name,
    )(x)


CONVOLUTIONS: dict[str, Convolve] = {"dense": dense_convolution, "sparse": _sparse}


FabricMNIST = register(VARIANTS["fabric_mnist"], fabric)
FabricCIFAR = register(VARIANTS["fabric_cifar"], fabric)
FabricSparseMNIST = register(VARIANTS["fabric_sparse_mnist"], fabric)
