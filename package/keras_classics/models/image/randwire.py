"""Randomly wired networks: the wiring is drawn from a random graph, and does as well as a design.

Xie, Kirillov, Girshick, He, "Exploring randomly wired neural networks for image recognition",
ICCV 2019 (arXiv:1904.01569).

Each stage is a graph. A node adds up what its edges bring, each times the sigmoid of a learned
scalar, and applies a rectifier, a separable 3x3 convolution and batch normalisation. Nodes without
predecessors read the stage's input with stride 2, those without successors are averaged. The graph
is drawn when the model is built and then part of it: the saved model holds the wiring, and loading
needs neither networkx nor the seed; `randwire_graphs` reads it back. The default networks have the
stored graphs of `random_graphs`, the catalogue's counts are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head, scaled
from keras_classics.core.cards.recipe import Cosine, Recipe, step
from keras_classics.core.errors import InputError, check_rate, check_whole
from keras_classics.core.types import Tensor
from keras_classics.layers.image.aggregation import WeightedAggregation
from keras_classics.models.image.blocks import (
    convolution,
    he_normal,
    normalization,
    relu,
    zero_padded,
)
from keras_classics.models.image.random_graphs import (
    Graph,
    directed,
    predecessors,
    random_graph,
)


@dataclass(frozen=True, kw_only=True)
class RandWireCard(ModelCard):
    """A row of the family's table.

    Attributes:
        filters: Width of the first graph, the paper's C; each further graph is twice as wide.
        regular: Whether a graph of half the nodes takes the place of the second convolution.
        edge_dropout: Probability that a node loses an edge in a training step.
    """

    filters: int
    regular: bool
    edge_dropout: float


SMALL_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=256,
    epochs=250,
    schedule=Cosine(),
    weight_decay=5e-5,
    label_smoothing=0.1,
    resize=256,
    augmentation=(step("area_crop", area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)), step("flip")),
    normalization=step("mean_std"),
)
REGULAR_RECIPE = replace(SMALL_RECIPE, epochs=100)

_row = partial(
    RandWireCard,
    paper='Xie, Kirillov, Girshick, He, "Exploring randomly wired neural networks for image '
    'recognition", ICCV 2019, arXiv:1904.01569',
    family="randwire",
    year=2019,
    idea="the wiring is drawn at random, and that is as good as a design",
    input_shape=(224, 224, 3),
    classes=1000,
    deviations="the figures are those of the stored graphs WS(4, 0.75), not of the paper's, which "
    "are not known; a rectifier stands before the last pooling",
)
_regular = partial(_row, regular=True, edge_dropout=0.1, recipes={"paper": REGULAR_RECIPE})

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="randwire_small",
            builder="RandWireSmall",
            summary="Randomly wired network of the small regime, C = 78.",
            recipes={"paper": SMALL_RECIPE},
            filters=78,
            regular=False,
            edge_dropout=0.0,
            parameters=5_577_515,
            multiply_adds=578_852_996,
            published="ImageNet validation: 74.7 % top-1, 92.2 % top-5 accuracy",
        ),
        _regular(
            name="randwire_regular_109",
            builder="RandWireRegular109",
            summary="Randomly wired network of the regular regime, C = 109.",
            filters=109,
            parameters=32_341_206,
            multiply_adds=3_997_354_068,
            published="ImageNet validation: 79.0 % top-1, 94.4 % top-5 accuracy",
        ),
        _regular(
            name="randwire_regular_154",
            builder="RandWireRegular154",
            summary="Randomly wired network of the regular regime, C = 154.",
            filters=154,
            parameters=62_325_505,
            multiply_adds=7_864_845_864,
            published="ImageNet validation: 80.1 % top-1, 94.8 % top-5 accuracy",
        ),
    )
}


def randwire(
    card: RandWireCard,
    *,
    graph: str = "ws",
    graph_parameters: tuple | None = None,
    nodes: int = 32,
    seed: int = 0,
    graphs: Sequence[Iterable[tuple[int, int]]] | None = None,
    edge_dropout: float | None = None,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Randomly wired network.

    Args:
        card: Row of `VARIANTS`.
        graph: Generator of the graphs: `"ws"` (Watts-Strogatz), `"er"` (Erdos-Renyi) or `"ba"`
            (Barabasi-Albert). All but the default graphs need the extra `graphs` (networkx).
        graph_parameters: `(K, P)`, `(P,)` or `(M,)`; the paper's best by default, `(4, 0.75)`,
            `(0.2,)`, `(5,)`.
        nodes: Nodes of a graph; the first graph of the regular networks has half of them.
        seed: Seed of the graphs; each stage draws its own.
        graphs: The graphs themselves, one for each stage, in place of a generator: pairs of node
            numbers from 0 on, directed from the lower to the higher.
        edge_dropout: Probability that a node of two or more edges loses one in a training step;
            the card's by default (0.1 in the regular networks, as in the paper).
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
        ImportError: The graphs have to be drawn, and the extra `graphs` is not installed.
    """
    nodes = check_whole("nodes", nodes)
    head = image_head(card, arguments)
    if graphs is None:
        sizes = (nodes // 2, nodes, nodes, nodes) if card.regular else (nodes, nodes, nodes)
        graphs = [
            random_graph(graph, graph_parameters, nodes=size, seed=f"{seed}-{stage}")
            for stage, size in enumerate(sizes, start=1)
        ]
    graphs = _checked(graphs, 4 if card.regular else 3)
    dropout = check_rate(
        "edge_dropout", card.edge_dropout if edge_dropout is None else edge_dropout
    )
    filters = scaled(card.filters, width)
    x = _stem(head.image, filters, second_convolution=not card.regular)
    for stage, edges in enumerate(graphs, start=1):
        x = _graph_stage(x, edges, filters * 2 ** (stage - 1), dropout, name=f"stage{stage}")
    x = convolution(relu(x, name="head_relu1"), scaled(1280, width), 1, name="head_conv")
    return head.finish(relu(normalization(x, name="head_norm"), name="head_relu2"))


@checked
def randwire_graphs(model: keras.Model) -> list[Graph]:
    """The graphs of a randomly wired network, read from its wiring.

    Args:
        model: A model of this family, built or loaded.

    Returns:
        For each stage the edges `(source, target)`, as the builder's `graphs` takes them.
    """
    named = {layer.name: layer for layer in model.layers}
    nodes = {}
    for name, layer in named.items():
        if found := re.fullmatch(r"stage(\d+)_block(\d+)_norm", name):
            nodes[id(layer.output)] = (int(found[1]), int(found[2]) - 1)
    graphs: dict[int, list[tuple[int, int]]] = {stage: [] for stage, _ in nodes.values()}
    for stage, target in nodes.values():
        block = f"stage{stage}_block{target + 1}"
        reader = named.get(f"{block}_add") or named[f"{block}_relu"]
        sources = [nodes.get(id(tensor)) for tensor in keras.tree.flatten(reader.input)]
        graphs[stage] += [(source[1], target) for source in sources if source]
    return [directed(graph) for graph in graphs.values()]


def _checked(graphs: Sequence[Iterable[tuple[int, int]]], stages: int) -> list[Graph]:
    if len(graphs) != stages:
        raise InputError(
            f"{len(graphs)} graphs were given",
            f"{stages}, one for each stage",
            "Repeat a graph that several stages share.",
        )
    return [directed(edges) for edges in graphs]


def _stem(x: Tensor, filters: int, *, second_convolution: bool) -> Tensor:
    """The convolutions before the graphs; no rectifier at the end, a node begins with its own."""
    x = convolution(x, max(1, filters // 2), 3, 2, name="stem_conv1")
    x = normalization(x, name="stem_norm1")
    if not second_convolution:
        return x
    x = convolution(relu(x, name="stem_relu"), filters, 3, 2, name="stem_conv2")
    return normalization(x, name="stem_norm2")


def _graph_stage(x: Tensor, graph: Graph, filters: int, dropout: float, *, name: str) -> Tensor:
    """A graph of nodes, at half the size of `x`."""
    inputs, outputs = predecessors(graph), []
    for number, sources in enumerate(inputs, start=1):
        node = f"{name}_block{number}"
        if not sources:
            outputs.append(_node(x, filters, 2, name=node))
            continue
        tensors = [outputs[source] for source in sources]
        if len(tensors) > 1:
            tensors = [WeightedAggregation(dropout, name=f"{node}_add")(tensors)]
        outputs.append(_node(tensors[0], filters, 1, name=node))
    read = {source for source, _ in graph}
    sinks = [output for number, output in enumerate(outputs) if number not in read]
    return layers.Average(name=f"{name}_out")(sinks)


def _node(x: Tensor, filters: int, strides: int, *, name: str) -> Tensor:
    """Rectifier, separable convolution, normalisation."""
    x = relu(x, name=f"{name}_relu")
    if strides > 1:
        x = zero_padded(x, 1, name=f"{name}_conv_pad")
    x = layers.SeparableConv2D(
        filters,
        3,
        strides,
        "valid" if strides > 1 else "same",
        use_bias=False,
        # An output of a depthwise kernel reads nine cells, which for Keras is the fan-out.
        depthwise_initializer=he_normal("fan_out"),
        pointwise_initializer=he_normal(),
        name=f"{name}_conv",
    )(x)
    return normalization(x, name=f"{name}_norm")


RandWireSmall = register(VARIANTS["randwire_small"], randwire)
RandWireRegular109 = register(VARIANTS["randwire_regular_109"], randwire)
RandWireRegular154 = register(VARIANTS["randwire_regular_154"], randwire)
