"""What a model costs: activations, parameters and multiply-adds, layer by layer.

A multiply-add is one multiplication of a convolution or dense kernel; biases, normalisation,
pooling and activations are not counted, as in the papers' figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
from keras import layers

from keras_classics.core.errors import InputError, explain
from keras_classics.layers.image.binary import BinaryLayer


@dataclass(frozen=True)
class LayerCost:
    """One layer of the table `costs` returns; sizes are for one example.

    `binary_weights` are those of the parameters of which inference needs only the sign.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    activations: int
    parameters: int
    multiply_adds: int
    binary_weights: int = 0


def costs(model: keras.Model) -> list[LayerCost]:
    """Cost of every layer, for one example.

    Args:
        model: A built model whose input sizes are known.

    Raises:
        InputError: A layer's output has an unknown size.
    """
    return [_cost(layer) for layer in model.layers]


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one forward pass over one example."""
    return sum(row.multiply_adds for row in costs(model))


def trainable_parameters(model: keras.Model) -> int:
    """Number of trainable parameters, the figure papers print."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def weight_bytes(model: keras.Model) -> float:
    """Memory of the weights at inference: a bit for each binary weight, 4 bytes for each other."""
    rows = costs(model)
    binary = sum(row.binary_weights for row in rows)
    return binary / 8 + 4 * (sum(row.parameters for row in rows) - binary)


def _cost(layer: keras.layers.Layer) -> LayerCost:
    output_shape = _shape(layer.output)
    source = isinstance(layer, layers.InputLayer)
    input_shape = output_shape if source else _shape(layer.input)
    if None in output_shape[1:]:
        raise InputError(
            explain(
                f"{layer.name!r} has an output of unknown size {output_shape}",
                "a model with known height and width",
                "Build it with input_shape=(height, width, channels).",
            )
        )
    return LayerCost(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=output_shape[1:],
        activations=math.prod(output_shape[1:]),
        parameters=layer.count_params(),
        multiply_adds=_multiply_adds(layer, input_shape, output_shape),
        binary_weights=math.prod(layer.kernel.shape) if isinstance(layer, BinaryLayer) else 0,
    )


def _shape(tensors) -> tuple[int | None, ...]:
    first = keras.tree.flatten(tensors)[0]
    return tuple(first.shape)


def _multiply_adds(layer, input_shape, output_shape) -> int:
    # A layer of ours that multiplies says how often itself.
    if hasattr(layer, "multiply_adds"):
        return layer.multiply_adds(input_shape, output_shape)
    if isinstance(layer, keras.Model):
        return multiply_adds(layer)
    if isinstance(layer, layers.Dense):
        return math.prod(layer.kernel.shape) * math.prod(output_shape[1:-1])
    if isinstance(layer, layers.DepthwiseConv1D | layers.DepthwiseConv2D):
        return math.prod(layer.kernel.shape) * _positions(output_shape)
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
        return sum(math.prod(kernel.shape) for kernel in kernels) * _positions(output_shape)
    if isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose | layers.Conv3DTranspose):
        return math.prod(layer.kernel.shape) * _positions(input_shape)
    if isinstance(layer, layers.Conv1D | layers.Conv2D | layers.Conv3D):
        return math.prod(layer.kernel.shape) * _positions(output_shape)
    return 0


def _positions(shape) -> int:
    return math.prod(shape[1:-1])
