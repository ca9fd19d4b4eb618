"""What one unit of one layer sees of the layer's input, along each axis of a map.

Kernels and pools say so by their settings. Any other layer, one of the user's own for example, is
asked: the gradients of some rows in the middle of what it gives tell which rows it has read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from keras_classics.core.call_kinds import keeps
from keras_classics.core.graphs.gradients import value_and_gradients
from keras_classics.core.graphs.graph import called_again
from keras_classics.core.keras_internals import Node, is_keras, operation_name
from keras_classics.core.types import Tensor

# Layers that compute every position by itself, when their axis is that of the channels.
_POINTWISE = (
    layers.Activation,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.LayerNormalization,
    layers.ReLU,
    layers.LeakyReLU,
    layers.ELU,
    layers.PReLU,
    layers.Rescaling,
    layers.Softmax,
    layers.Add,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.Subtract,
    layers.SpatialDropout2D,
)
# Of `keras.ops` those that models have most; others are asked, which takes longer.
_POINTWISE_OPERATIONS = (
    "Add",
    "Concatenate",
    "Divide",
    "Maximum",
    "Multiply",
    "ReLU",
    "Relu",
    "Relu6",
    "Sigmoid",
    "Subtract",
    "TrueDivide",
)
_KERNELS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_POOLS = (layers.AveragePooling2D, layers.MaxPooling2D)
_GLOBAL = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.Flatten)


class Window(NamedTuple):
    """Unit `u` reads the positions from `u * stride + offset` on, `extent` further than the first.

    Of a convolution they are whole numbers. Where a layer enlarges they are fractions: the whole
    positions between the two ends are read.
    """

    stride: Fraction
    offset: Fraction
    extent: Fraction


POINT = Window(Fraction(1), Fraction(0), Fraction(0))
# Numbers in a row of what an unknown layer gives when it is asked.
_DRAWS = 500

# One for the height and one for the width; None where every unit may read all positions.
Windows = tuple[Window | None, Window | None]
EVERYTHING: Windows = (None, None)


def layer_windows(node: Node, number: int, shapes: Sequence[tuple], shape: tuple) -> Windows:
    """What a unit of a call sees of one of its inputs.

    Args:
        node: The call.
        number: Which of `node.input_tensors` is meant.
        shapes: Theirs, with the sizes of maps.
        shape: That of the output.
    """
    own = shapes[number]
    operation = node.operation
    if len(own) != 4 or len(shape) != 4 or isinstance(operation, _GLOBAL):
        return EVERYTHING
    found: list[Window | None] = []
    for axis, (size, given) in enumerate(zip(own[1:3], shape[1:3], strict=True)):
        # A single position is laid under all of the other map.
        broadcast = size == 1 and given > 1
        found.append(None if broadcast else _by_settings(operation, axis, size))
    if found != [None, None] or _is_pointwise(operation):
        return found[0], found[1]
    return _asked(node, number, shapes, shape)


def _by_settings(operation: Any, axis: int, size: int) -> Window | None:
    if _is_pointwise(operation):
        return POINT
    if isinstance(operation, _KERNELS):
        dilation = _pair(operation.dilation_rate)[axis]
        reach = dilation * (_pair(operation.kernel_size)[axis] - 1)
        return _sliding(reach, _pair(operation.strides)[axis], operation.padding, size)
    if isinstance(operation, _POOLS):
        reach = _pair(operation.pool_size)[axis] - 1
        return _sliding(reach, _pair(operation.strides)[axis], operation.padding, size)
    if isinstance(operation, layers.Conv2DTranspose):
        stride = _pair(operation.strides)[axis]
        dilation = _pair(operation.dilation_rate)[axis]
        reach = dilation * (_pair(operation.kernel_size)[axis] - 1)
        # The convolution that it is the transpose of pads so much at the start.
        cut = max(reach + 1 - stride, 0) // 2 if operation.padding == "same" else 0
        return Window(Fraction(1, stride), Fraction(cut - reach, stride), Fraction(reach, stride))
    if isinstance(operation, layers.UpSampling2D):
        factor = _pair(operation.size)[axis]
        if operation.interpolation == "nearest":
            share = Fraction(factor - 1, factor)
            return Window(Fraction(1, factor), -share, share)
        if operation.interpolation == "bilinear":
            part = Fraction(1, factor)
            return Window(part, part - Fraction(3, 2), 2 - part)
    if isinstance(operation, layers.ZeroPadding2D):
        return POINT._replace(offset=Fraction(-operation.padding[axis][0]))
    if isinstance(operation, layers.Cropping2D):
        return POINT._replace(offset=Fraction(operation.cropping[axis][0]))
    return None


def _sliding(reach: int, stride: int, padding: str, size: int) -> Window:
    """A kernel that slides; `reach` is from its first to its last position."""
    before = 0
    if padding == "same":
        # Half of what the size asks for, the smaller half first.
        before = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0) // 2
    return Window(Fraction(stride), Fraction(-before), Fraction(reach))


def _is_pointwise(operation: Any) -> bool:
    if keeps(operation):
        return True
    axis = getattr(operation, "axis", -1)
    over_channels = axis in (-1, 3, [-1], [3], (-1,), (3,))
    if operation_name(operation):
        return operation_name(operation) in _POINTWISE_OPERATIONS and over_channels
    return is_keras(operation) and isinstance(operation, _POINTWISE) and over_channels


def _asked(node: Node, number: int, shapes: Sequence[tuple], shape: tuple) -> Windows:
    if not keras.backend.is_float_dtype(node.input_tensors[number].dtype):
        return EVERYTHING
    draw = np.random.default_rng(0)
    # A maximum passes a gradient to one position only: enough of them for each to be one.
    batch = 1 + _DRAWS // (min(shape[1:3]) * shape[3])
    values = [
        ops.cast(draw.uniform(0.5, 1.5, (batch, *own[1:])), tensor.dtype)
        for own, tensor in zip(shapes, node.input_tensors, strict=True)
    ]
    found: list[Window | None] = []
    # What a layer can see is a matter of its making, not of the weights it has at present.
    with keras.StatelessScope(_positive(node.operation, draw)):
        for axis in (1, 2):
            size, given = shapes[number][axis], shape[axis]
            # Two rows tell, but for the phases of what enlarges and the edges of a small map.
            count = min(given, 2 if size >= given > 8 else 4)
            first = (given - count) // 2
            rows = [_rows_read(node, values, number, axis, first + n) for n in range(count)]
            found.append(_window(first, rows, size, given))
    return found[0], found[1]


def _positive(operation: Any, draw: np.random.Generator) -> list[tuple[keras.Variable, Tensor]]:
    """Weights of an operation under which nothing that it reads goes unseen."""
    found = []
    for variable in getattr(operation, "variables", ()):
        if keras.backend.is_float_dtype(variable.dtype):
            fan = max(1, math.prod(variable.shape[:-1]))
            values = draw.uniform(0.5, 1.5, variable.shape) / fan
            found.append((variable, ops.cast(values, variable.dtype)))
    return found


def _rows_read(node: Node, values: list[Tensor], number: int, axis: int, row: int) -> np.ndarray:
    """The positions of an input that a row, or column, of the output depends on."""

    def total(value: Tensor) -> Tensor:
        arguments = [value if n == number else x for n, x in enumerate(values)]
        outputs = keras.tree.flatten(called_again(node, *arguments))[0]
        own = ops.cast(ops.take(outputs, [row], axis=axis), "float32")
        # Of equal weights, what a layer normalises would cancel out.
        weights = np.random.default_rng(1).uniform(0.5, 1.5, own.shape)
        return ops.sum(own * ops.cast(weights, "float32"))

    _, (gradients,) = value_and_gradients(total, [values[number]])
    others = tuple(each for each in range(4) if each != axis)
    return np.flatnonzero(np.abs(ops.convert_to_numpy(gradients)).max(axis=others))


def _window(first: int, read: list[np.ndarray], size: int, given: int) -> Window | None:
    """What fits all rows that were asked; None where nothing does."""
    if not all(each.size for each in read):
        return None
    stride = Fraction(round(size / given)) if size >= given else Fraction(1, round(given / size))
    lows, highs = [], []
    for row, each in enumerate(read, first):
        # What reaches the edge may have been cut off there.
        if each[0] > 0:
            lows.append(int(each[0]) - row * stride)
        if each[-1] < size - 1:
            highs.append(int(each[-1]) - row * stride)
    # Rows of one stride differ by nothing else, but for the phases of an enlargement.
    if not lows or not highs or max(max(own) - min(own) for own in (lows, highs)) >= 1:
        return None
    return Window(stride, min(lows), max(highs) - min(lows))


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
