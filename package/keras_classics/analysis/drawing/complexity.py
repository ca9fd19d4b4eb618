"""What a model costs: activations, parameters and multiply-adds, layer by layer.

A multiply-add is one multiplication of a kernel of a convolution, dense, recurrent or attention
layer, or of two matrices of activations; biases, normalisation, pooling and activations are not
counted, as in the papers' figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_classics.analysis.drawing.multiplications import multiplications
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import ancestry, functional, has_graph
from keras_classics.core.graphs.trunk import stand_ins
from keras_classics.core.keras_internals import Node, layers_within
from keras_classics.core.types import Tensor
from keras_classics.layers.image.binary import BinaryLayer


@dataclass(frozen=True)
class LayerCost:
    """One layer of the table `costs` returns; sizes are for one example.

    A layer that is called again counts its activations and multiply-adds for every call, and its
    parameters once.

    Attributes:
        name: Name of the layer.
        kind: Its class.
        output_shape: Of its first call, without the batch.
        activations: Numbers it gives, those of all outputs.
        parameters: Numbers it has.
        multiply_adds: See above.
        binary_weights: Those of the parameters of which inference needs only the sign.
        calls: How often it is called.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    activations: int
    parameters: int
    multiply_adds: int
    binary_weights: int = 0
    calls: int = 1


@checked
def costs(model: keras.Model) -> list[LayerCost]:
    """Cost of every layer, for one example.

    Args:
        model: A functional or built sequential model whose input sizes are known.

    Raises:
        InputError: A layer's output has an unknown size; a layer has its channels first; or one
            multiplies in a way that is not counted.
    """
    model = functional(model)
    check_layers(model)
    return _rows(model.outputs, {})


@checked
def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one forward pass over one example; refuses what `costs` refuses."""
    return sum(row.multiply_adds for row in costs(model))


@checked
def trainable_parameters(model: keras.Model) -> int:
    """Number of trainable parameters, the figure papers print."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


@checked
def weight_bytes(model: keras.Model) -> float:
    """Memory of the weights at inference: a bit for each binary weight, 4 bytes for each other."""
    binary = _binary_weights(model)
    return binary / 8 + 4 * (model.count_params() - binary)


def _binary_weights(layer: keras.layers.Layer) -> int:
    binary = [each for each in layers_within(layer) if isinstance(each, BinaryLayer)]
    return sum(math.prod(each.kernel.shape) for each in binary)


def _rows(outputs: Sequence[Tensor], known: dict[int, Tensor]) -> list[LayerCost]:
    """The table of a graph.

    Args:
        outputs: Of the graph.
        known: Stand-ins for its tensors by identity, where they have other sizes than it was built
            for.
    """
    calls: dict[int, list[Node]] = {}
    for node in ancestry(outputs):
        calls.setdefault(id(node.operation), []).append(node)
    rows = [_row(nodes, known) for nodes in calls.values()]
    return [row for row in rows if row is not None]


def _row(nodes: list[Node], known: dict[int, Tensor]) -> LayerCost | None:
    """The row of an operation that is called in some places."""
    operation = nodes[0].operation
    layer = isinstance(operation, keras.layers.Layer)
    multiplied = sum(_multiplied(node, known) for node in nodes)
    if not layer and not multiplied:
        # An operation of keras.ops without a say.
        return None
    shapes = [_shapes(node, node.outputs, known) for node in nodes]
    return LayerCost(
        name=operation.name,
        kind=type(operation).__name__,
        output_shape=shapes[0][0][1:],
        activations=sum(math.prod(shape[1:]) for each in shapes for shape in each),
        parameters=operation.count_params() if layer else 0,
        multiply_adds=multiplied,
        binary_weights=_binary_weights(operation) if layer else 0,
        calls=len(nodes),
    )


def _multiplied(node: Node, known: dict[int, Tensor]) -> int:
    if node.is_input:
        return 0
    operation = node.operation
    if has_graph(operation):
        given = [known.get(id(x), x) for x in node.input_tensors]
        within: dict[int, Tensor] = {}
        if any(None in x.shape[1:] for x in operation.inputs):
            inner = dict(zip(map(id, operation.inputs), given, strict=True))
            within = stand_ins(ancestry(operation.outputs), inner)
        return sum(row.multiply_adds for row in _rows(operation.outputs, within))
    inputs, outputs = (_shapes(node, x, known) for x in (node.input_tensors, node.outputs))
    return multiplications(node, inputs, outputs)


def _shapes(node: Node, tensors: Sequence[Tensor], known: dict[int, Tensor]) -> list[Any]:
    """Sizes of tensors, all known but that of the batch."""
    shapes = [tuple(known.get(id(x), x).shape) for x in tensors]
    for shape in shapes:
        if None in shape[1:]:
            raise InputError(
                f"{node.operation.name!r} has an output of unknown size {shape}",
                "a model of known sizes, such as height and width, or the length of sequences",
                "Build it on a keras.Input of one size, or with "
                "input_shape=(height, width, channels).",
            )
    return shapes
