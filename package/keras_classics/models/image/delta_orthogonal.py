"""Ten thousand plain convolutions that train, because each one starts by keeping lengths.

Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean field theory of
CNNs: how to train 10,000-layer vanilla convolutional neural networks", ICML 2018
(arXiv:1806.05393).

No shortcut and no normalisation: three Gaussian convolutions bring the image to a quarter of its
size, then come `depth` convolutions with delta-orthogonal kernels and tanh. Mean field theory says
the variances of weights and biases: those of the critical line at `q* = 1 / depth`, where all
singular values of the network's Jacobian are near 1.

The authors' notebook settles the layout, and that images continue on their opposite side; zero
padding is an option, and loses length at the borders. By default the deep part is one layer,
`StackedConv2D`; `stacked=False` builds the same network of single layers. How wide the paper's
networks of each depth were is not known here: all have the notebook's 32 channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Unpack

import keras
from keras import layers
from keras.initializers import VarianceScaling

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Recipe, step
from keras_classics.core.errors import check_choice, check_positive, check_whole
from keras_classics.core.types import Initializer, Tensor
from keras_classics.initializers import CriticalVariance, DeltaOrthogonal, critical_point
from keras_classics.layers.image.stacked import CircularPadding2D, StackedConv2D
from keras_classics.models.image.blocks import convolution


@dataclass(frozen=True, kw_only=True)
class DeltaOrthogonalCard(ModelCard):
    """A row of the family's table.

    Attributes:
        depth: Delta-orthogonal convolutions after the three of the stem.
        filters: Channels of every convolution.
    """

    depth: int
    filters: int


RECIPE = Recipe(
    learning_rate=1e-2,
    batch_size=100,
    epochs=10,
    options={"momentum": 0.95},
    normalization=step("range", low=0.0, high=1.0),
    note="rate, momentum and batch of the authors' notebook, at 16 layers; its length and the "
    "paper's rates, which fall with depth, are not known here: ten epochs are a guess",
)

_row = partial(
    DeltaOrthogonalCard,
    paper='Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean '
    'field theory of CNNs: how to train 10,000-layer vanilla convolutional neural networks", '
    "ICML 2018, arXiv:1806.05393",
    family="delta_orthogonal",
    year=2018,
    idea="kernels that start as orthogonal maps carry signals through ten thousand layers",
    input_shape=(28, 28, 1),
    classes=10,
    filters=32,
    recipes={"paper": RECIPE},
    published="all depths train on MNIST and CIFAR-10, without loss of accuracy to depth",
    deviations="the width is that of the authors' notebook at every depth",
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="delta_orthogonal_1250_mnist",
            builder="DeltaOrthogonal1250MNIST",
            summary="Plain network of 1,250 delta-orthogonal convolutions for MNIST.",
            depth=1250,
            parameters=11_579_146,
            multiply_adds=566_964_032,
        ),
        _row(
            name="delta_orthogonal_2500_mnist",
            builder="DeltaOrthogonal2500MNIST",
            summary="Plain network of 2,500 delta-orthogonal convolutions for MNIST.",
            depth=2500,
            parameters=23_139_146,
            multiply_adds=1_131_444_032,
        ),
        _row(
            name="delta_orthogonal_5000_mnist",
            builder="DeltaOrthogonal5000MNIST",
            summary="Plain network of 5,000 delta-orthogonal convolutions for MNIST.",
            depth=5000,
            parameters=46_259_146,
            multiply_adds=2_260_404_032,
        ),
        _row(
            name="delta_orthogonal_10000_mnist",
            builder="DeltaOrthogonal10000MNIST",
            summary="Plain network of 10,000 delta-orthogonal convolutions for MNIST.",
            depth=10_000,
            parameters=92_499_146,
            multiply_adds=4_518_324_032,
        ),
    )
}


def delta_orthogonal(
    card: DeltaOrthogonalCard,
    *,
    depth: int | None = None,
    width: float = 1.0,
    q_star: float | None = None,
    activation: str = "tanh",
    padding: str = "circular",
    stacked: bool = True,
    recompute: bool = True,
    memory: float | None = None,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Plain convolutional network at dynamical isometry.

    Args:
        card: Row of `VARIANTS`.
        depth: Delta-orthogonal convolutions, in place of the card's.
        width: Factor on the number of filters.
        q_star: Variance of the preactivations the start is made for; 1 / depth by default.
        activation: `"tanh"`; also `"relu"`, which is critical without isometry, and `"linear"`.
        padding: Of the delta-orthogonal convolutions, `"circular"` or `"same"` for zeros.
        stacked: All of them in the one layer `StackedConv2D`; otherwise as many layers.
        recompute: Less memory for a quarter more time while training, see `StackedConv2D`.
        memory: Megabytes for each picture that make it less than a quarter, likewise.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    check_choice("padding", padding, ("circular", "same"))
    depth = check_whole("depth", card.depth if depth is None else depth)
    q_star = check_positive("q_star", 1 / depth if q_star is None else q_star)
    start = {
        "kernel_initializer": CriticalVariance(activation, q_star),
        "bias_initializer": CriticalVariance(activation, q_star, "bias"),
    }
    head = image_head(card, arguments)
    filters = scaled(card.filters, width)
    x = head.image
    for index, strides in enumerate((1, 2, 2), start=1):
        x = convolution(
            x,
            filters,
            3,
            strides,
            use_bias=True,
            activation=activation,
            name=f"stem_conv{index}",
            **start,
        )
    start["kernel_initializer"] = DeltaOrthogonal(critical_point(activation, q_star).sigma_w)
    if stacked:
        stack = StackedConv2D(
            depth, 3, padding, activation, recompute, memory=memory, name="stage1_conv", **start
        )
        x = stack(x)
    else:
        for index in range(1, depth + 1):
            x = _single(x, padding, activation, name=f"stage1_conv{index}", **start)

    def classifier(x: Tensor) -> Tensor:
        return layers.Dense(
            head.units,
            kernel_initializer=VarianceScaling(1.0, "fan_in", "untruncated_normal"),
            name="logits",
        )(x)

    return head.finish(x, classifier=classifier)


def _single(x: Tensor, padding: str, activation: str, *, name: str, **start: Initializer) -> Tensor:
    """One convolution of the deep part as a layer of its own."""
    if padding == "circular":
        x = CircularPadding2D(1, name=f"{name}_pad")(x)
    return layers.Conv2D(
        x.shape[-1],
        3,
        padding="same" if padding == "same" else "valid",
        activation=activation,
        name=name,
        **start,
    )(x)


DeltaOrthogonal1250MNIST = register(VARIANTS["delta_orthogonal_1250_mnist"], delta_orthogonal)
DeltaOrthogonal2500MNIST = register(VARIANTS["delta_orthogonal_2500_mnist"], delta_orthogonal)
DeltaOrthogonal5000MNIST = register(VARIANTS["delta_orthogonal_5000_mnist"], delta_orthogonal)
DeltaOrthogonal10000MNIST = register(VARIANTS["delta_orthogonal_10000_mnist"], delta_orthogonal)
