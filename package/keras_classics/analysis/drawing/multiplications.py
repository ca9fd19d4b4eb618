"""How often one call of a layer multiplies for one example, by the formula of its kind.

What is neither here nor says it itself, by a method `multiply_adds(input_shape, output_shape)` as
layers of this package have it, is refused rather than counted as nothing.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from keras_classics.core.call_kinds import operation_name
from keras_classics.core.errors import InputError
from keras_classics.core.keras_internals import Node
from keras_classics.layers.image.aggregation import WeightedAggregation
from keras_classics.layers.image.pooling import TrainableSubsampling
from keras_classics.layers.recurrent.initial_state import LearnedInitialState

Shape = tuple[int, ...]

# Layers with weights that only look up, scale or shift.
_WITHOUT_KERNEL = (
    layers.BatchNormalization,
    layers.Embedding,
    layers.GroupNormalization,
    layers.LayerNormalization,
    layers.Normalization,
    layers.PReLU,
    layers.RMSNormalization,
    LearnedInitialState,
    TrainableSubsampling,
    WeightedAggregation,
)
_CELLS = (layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell)
# Weights of cells that are added, or multiply element by element.
_NO_KERNELS = ("bias", "peephole", "gamma", "beta")
# Operations of keras.ops that multiply in a way that is not counted here.
_UNCOUNTED = (
    "Conv",
    "ConvTranspose",
    "DepthwiseConv",
    "DotProductAttention",
    "Inner",
    "Outer",
    "SeparableConv",
    "Tensordot",
    "Vdot",
)


def multiplications(node: Node, inputs: list[Shape], outputs: list[Shape]) -> int:
    """Multiply-adds of one call, but of nested models.

    Args:
        node: The call.
        inputs: Shapes of its tensors, whose batch may be None.
        outputs: Shapes of what it gives.

    Raises:
        InputError: The layer is of a kind that is not counted.
    """
    operation = node.operation
    if isinstance(operation, keras.layers.Layer):
        return _of_layer(operation, inputs, outputs)
    name = operation_name(operation)
    if name in ("Matmul", "Dot"):
        return math.prod(outputs[0][1:]) * inputs[0][-1]
    if name == "Einsum":
        return _einsum(operation.subscripts, inputs, outputs[0])
    if not name or name in _UNCOUNTED:
        raise uncounted(operation)
    return 0


def uncounted(operation: Any) -> InputError:
    """What is told of a layer that is not counted."""
    return InputError(
        f"{operation.name!r}, a {type(operation).__name__}, multiplies in a way that is not "
        "counted",
        "convolutions, dense, recurrent and attention layers of Keras, and layers with a "
        "method multiply_adds(input_shape, output_shape)",
        "Give its class that method, or ask about the model without it.",
    )


def _of_layer(layer: keras.layers.Layer, inputs: list[Shape], outputs: list[Shape]) -> int:
    # A layer of ours that multiplies says how often itself.
    if hasattr(layer, "multiply_adds"):
        return layer.multiply_adds(inputs[0], outputs[0])
    if isinstance(layer, layers.TimeDistributed):
        steps = inputs[0][1]
        return steps * _of_layer(layer.layer, [_step(inputs[0])], [_step(outputs[0])])
    if isinstance(layer, layers.SpectralNormalization):
        return _of_layer(layer.layer, inputs, outputs)
    if isinstance(layer, layers.Bidirectional):
        both = (layer.forward_layer, layer.backward_layer)
        return sum(_of_layer(each, inputs, outputs) for each in both)
    kernels = _kernels(layer, inputs, outputs)
    if kernels is not None:
        return kernels
    kinds = (layers.MultiHeadAttention, layers.Attention, layers.Dot, layers.RNN)
    for kind, count in zip(kinds, (_multi_head, _attention, _dot, _recurrent), strict=True):
        if isinstance(layer, kind):
            return count(layer, inputs, outputs)
    ours = type(layer).__module__.split(".")[0] in ("keras", "keras_classics")
    if not ours or (layer.weights and not isinstance(layer, _WITHOUT_KERNEL)):
        raise uncounted(layer)
    return 0


def _kernels(layer: keras.layers.Layer, inputs: list[Shape], outputs: list[Shape]) -> int | None:
    """Of layers that apply kernels at every position; None for all others."""
    positions = math.prod(outputs[0][1:-1])
    if isinstance(layer, layers.EinsumDense):
        given, output = layer.equation.split("->")
        kernel = given.split(",")[1]
        summed = [size for letter, size in zip(kernel, layer.kernel.shape, strict=True)
                  if letter not in output]  # fmt: skip
        return math.prod(outputs[0][1:]) * math.prod(summed)
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        both = (layer.depthwise_kernel, layer.pointwise_kernel)
        return sum(math.prod(kernel.shape) for kernel in both) * positions
    if isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose | layers.Conv3DTranspose):
        return math.prod(layer.kernel.shape) * math.prod(inputs[0][1:-1])
    kinds = (
        layers.Dense,
        layers.Conv1D,
        layers.Conv2D,
        layers.Conv3D,
        layers.DepthwiseConv1D,
        layers.DepthwiseConv2D,
    )
    return math.prod(layer.kernel.shape) * positions if isinstance(layer, kinds) else None


def _multi_head(layer: layers.MultiHeadAttention, inputs: list[Shape], outputs: list[Shape]) -> int:
    """Three projections, the scores, the sums they weigh, and the projection of these."""
    query, value, key = (*inputs, inputs[1])[:3] if len(inputs) > 1 else inputs * 3
    asked, kept = (math.prod(shape[1:-1]) for shape in (query, value))
    keys, values = layer.num_heads * layer.key_dim, layer.num_heads * layer.value_dim
    projected = asked * query[-1] * keys + kept * key[-1] * keys + kept * value[-1] * values
    return projected + asked * kept * (keys + values) + asked * values * outputs[0][-1]


def _attention(layer: layers.Attention, inputs: list[Shape], outputs: list[Shape]) -> int:
    """The scores, by as many products as a query has entries, and the sums they weigh."""
    query, value = inputs[:2]
    return query[1] * value[1] * (query[-1] + value[-1])


def _dot(layer: layers.Dot, inputs: list[Shape], outputs: list[Shape]) -> int:
    """For each of its outputs as many products as the axis is long that vanishes."""
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return math.prod(outputs[0][1:]) * inputs[0][axis]


def _recurrent(layer: layers.RNN, inputs: list[Shape], outputs: list[Shape]) -> int:
    """At every step each kernel of the cells once."""
    cells = layer.cell.cells if isinstance(layer.cell, layers.StackedRNNCells) else [layer.cell]
    for cell in cells:
        ours = type(cell).__module__.split(".")[0] == "keras_classics"
        if not (ours or type(cell) in _CELLS):
            raise uncounted(layer)
    kernels = [
        math.prod(weight.shape)
        for cell in cells
        for weight in cell.weights
        if not any(name in weight.name for name in _NO_KERNELS)
    ]
    return inputs[0][1] * sum(kernels)


def _einsum(subscripts: str, inputs: list[Shape], output: Shape) -> int:
    """The product of all sizes that are gone through, but the batch's."""
    terms = subscripts.replace(" ", "").split("->")[0].split(",")
    sizes = {
        letter: size
        for term, shape in zip(terms, inputs, strict=False)
        for letter, size in zip(term, shape, strict=False)
    }
    return math.prod(size for size in sizes.values() if size is not None)


def _step(shape: Shape) -> Shape:
    """The shape of one step of a sequence."""
    return (shape[0], *shape[2:])
