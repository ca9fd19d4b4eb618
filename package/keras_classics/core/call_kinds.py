"""What one call of a layer or operation does to values: squashes, keeps, reshapes, scales or mixes.

Only what is Keras's own, or says so itself, is seen into.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from keras_classics.core.keras_internals import Node, is_keras, operation_name, twin
from keras_classics.core.types import Tensor

# Layers whose `activation` is the last thing they do.
FUSED = (
    layers.Activation,
    layers.Dense,
    layers.EinsumDense,
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
)
# Whose `layer` does all they do at inference, for one step or with other weights.
_AROUND = (layers.TimeDistributed, layers.SpectralNormalization)
_SQUASHING: dict[Any, str] = {
    keras.activations.softmax: "softmax",
    keras.activations.log_softmax: "log_softmax",
    keras.activations.sigmoid: "sigmoid",
    keras.activations.log_sigmoid: "log_sigmoid",
    ops.softmax: "softmax",
    ops.log_softmax: "log_softmax",
    ops.sigmoid: "sigmoid",
    ops.log_sigmoid: "log_sigmoid",
}
# The same by engines that a user may have handed to a layer, where they are imported.
_ENGINES = {
    "tensorflow": {
        "nn.softmax": "softmax",
        "nn.log_softmax": "log_softmax",
        "nn.sigmoid": "sigmoid",
        "math.log_sigmoid": "log_sigmoid",
    },
    "jax": {
        "nn.softmax": "softmax",
        "nn.log_softmax": "log_softmax",
        "nn.sigmoid": "sigmoid",
        "nn.log_sigmoid": "log_sigmoid",
    },
}
# Keras's operations of the same, as functional models hold them.
_SQUASHING_OPERATIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "LogSigmoid": "log_sigmoid",
}
# What makes numbers from 0 to 1 in another way, from which logits cannot be had back.
_CLIPPED = ("HardSigmoid", "SparseSigmoid")
_CLIPPING = (*_CLIPPED, "Sparsemax")
_CLIPPING_FUNCTIONS = (
    keras.activations.hard_sigmoid,
    keras.activations.sparse_sigmoid,
    keras.activations.sparsemax,
)
# What makes numbers from -1 to 1.
_CENTRED = ("HardTanh", "Softsign", "Tanh")
_CENTRED_FUNCTIONS = (
    keras.activations.hard_tanh,
    keras.activations.softsign,
    keras.activations.tanh,
)
# Activations that do to every value what they do to it alone, as layers and as operations.
BY_VALUE = (layers.ELU, layers.LeakyReLU, layers.ReLU)
_ACTIVATIONS = (*BY_VALUE, layers.PReLU)
_ACTIVATING_BY_VALUE = (
    *("Celu", "Elu", "Gelu", "HardShrink", "HardSilu", "LeakyRelu", "Relu", "Relu6", "Selu"),
    *("Silu", "SoftShrink", "Softplus", "SparsePlus", "Squareplus", "TanhShrink", "Threshold"),
)
_ACTIVATING = (*_ACTIVATING_BY_VALUE, "Glu")
OPERATIONS_BY_VALUE = (*_ACTIVATING_BY_VALUE, *_CENTRED, *_CLIPPED, "LogSigmoid", "Sigmoid")
_WITHIN = (
    layers.AveragePooling2D,
    layers.Cropping2D,
    layers.MaxPooling2D,
)
# Other ways of resizing swing over at edges.
_AVERAGING_WAYS = ("area", "bilinear", "nearest")
_KEEPING = (
    layers.ActivityRegularization,
    layers.AlphaDropout,
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
)
_KEEPING_OPERATIONS = ("ConvertToTensor", "Copy")
_RESHAPING = (layers.Flatten, layers.Reshape)
_RESHAPING_OPERATIONS = ("ExpandDims", "Reshape", "Squeeze")
AVERAGING = (
    layers.Add,
    layers.Average,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D,
)
# Of probabilities, whichever of several numbers these make, they are still some of a head.
_COMBINING = (
    layers.Add,
    layers.Average,
    layers.Concatenate,
    layers.Maximum,
    layers.Minimum,
    layers.Subtract,
)
_COMBINING_OPERATIONS = ("Add", "Concatenate", "Maximum", "Minimum", "Stack", "Subtract")
# What adds up, normalises, chooses or moves: of logits it makes logits, of probabilities neither.
_MIXING = (
    *AVERAGING,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.Cropping1D,
    layers.Cropping2D,
    layers.Dot,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D,
    layers.LayerNormalization,
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.Permute,
    layers.Rescaling,
    layers.Resizing,
    layers.Subtract,
    layers.UpSampling1D,
    layers.UpSampling2D,
    layers.ZeroPadding1D,
    layers.ZeroPadding2D,
)
_MIXING_OPERATIONS = (
    "Add",
    "Concatenate",
    "Divide",
    "Dot",
    "Einsum",
    "GetItem",
    "Matmul",
    "Max",
    "Maximum",
    "Mean",
    "Min",
    "Minimum",
    "Moveaxis",
    "Multiply",
    "Negative",
    "Resize",
    "Stack",
    "Subtract",
    "Sum",
    "Swapaxes",
    "Tensordot",
    "Transpose",
    "TrueDivide",
)


class Squash(NamedTuple):
    """What makes probabilities of logits: its function, its axis, and the call without it."""

    function: str
    axis: Any
    linear: Callable[..., Any]


def squashing(operation: Any) -> Squash | None:
    """The softmax or sigmoid an operation ends in."""
    if isinstance(operation, layers.Softmax) and type(operation).call is layers.Softmax.call:
        return Squash("softmax", operation.axis, _first_argument)
    if function := _SQUASHING_OPERATIONS.get(operation_name(operation)):
        return Squash(function, getattr(operation, "axis", -1), _first_argument)
    if isinstance(operation, _AROUND):
        inner = squashing(operation.layer)
        if inner is None or inner.linear is _first_argument:
            return inner
        return inner._replace(linear=twin(operation, layer=inner.linear))
    if not _is_fused(operation):
        return None
    linear = twin(operation, activation=keras.activations.linear)
    if isinstance(operation.activation, keras.layers.Layer):
        inner = squashing(operation.activation)
        return inner and inner._replace(linear=linear)
    function = _squashing_function(operation.activation)
    return Squash(function, -1, linear) if function else None


def clips(operation: Any) -> bool:
    """Whether an operation ends in a hard or sparse sigmoid or softmax."""
    if isinstance(operation, _AROUND):
        return clips(operation.layer)
    if operation_name(operation) in _CLIPPING:
        return True
    return _is_fused(operation) and operation.activation in _CLIPPING_FUNCTIONS


def bounds(operation: Any) -> tuple[float, float] | None:
    """Between which numbers lies what an operation makes, where its activation bounds it."""
    if isinstance(operation, _AROUND):
        return bounds(operation.layer)
    if squash := squashing(operation):
        return None if squash.function.startswith("log_") else (0.0, 1.0)
    if clips(operation):
        return 0.0, 1.0
    fused = _is_fused(operation) and operation.activation in _CENTRED_FUNCTIONS
    return (-1.0, 1.0) if fused or operation_name(operation) in _CENTRED else None


def activates(operation: Any) -> bool:
    """Whether the last thing that an operation does is an activation."""
    if isinstance(operation, _AROUND):
        return activates(operation.layer)
    if squashing(operation) or bounds(operation):
        return True
    if _is_fused(operation):
        return not is_linear(operation)
    return isinstance(operation, _ACTIVATIONS) or operation_name(operation) in _ACTIVATING


def stays_within(operation: Any) -> bool:
    """Whether an operation repeats, leaves out or averages values, and so keeps their bounds."""
    if is_keras(operation) and isinstance(operation, layers.Resizing | layers.UpSampling2D):
        # What is put around a picture is none of its values.
        padded = getattr(operation, "pad_to_aspect_ratio", False)
        return operation.interpolation in _AVERAGING_WAYS and not padded
    return is_keras(operation) and isinstance(operation, _WITHIN)


def combines(node: Node) -> bool:
    """Whether a call adds up, compares or joins tensors, or only changes their scale or type.

    A product of two is not among them: so gates work on features.
    """
    operation = node.operation
    name = operation_name(operation)
    if line_of(node) or name in (*_COMBINING_OPERATIONS, "Cast"):
        return True
    return is_keras(operation) and isinstance(operation, _COMBINING)


def _squashing_function(activation: Any) -> str | None:
    known = [*_SQUASHING.items()]
    for engine, functions in _ENGINES.items():
        if hasattr(module := sys.modules.get(engine), "nn"):
            known += [(attrgetter(path)(module), name) for path, name in functions.items()]
    # By identity: an activation of the user's own may be anything.
    return next((name for function, name in known if function is activation), None)


def _first_argument(inputs: Tensor, *arguments: Any, **options: Any) -> Tensor:
    return inputs


def is_linear(operation: Any) -> bool:
    """Whether an operation multiplies by weights and does nothing after."""
    if isinstance(operation, _AROUND):
        return is_linear(operation.layer)
    if _is_fused(operation):
        return operation.activation in (None, keras.activations.linear)
    # Layers of ours say so themselves.
    return bool(getattr(operation, "linear_output", False))


def _is_fused(operation: Any) -> bool:
    """Whether an operation calls as one of `FUSED` does, and not in a way of a subclass."""
    # Layers of ours say so themselves.
    if getattr(operation, "activates_last", False):
        return True
    return isinstance(operation, FUSED) and any(type(operation).call is kind.call for kind in FUSED)


def keeps(operation: Any) -> bool:
    """Whether an operation gives at inference what it is given."""
    if isinstance(operation, layers.Activation):
        return is_linear(operation)
    name = operation_name(operation)
    if name == "Cast":
        return keras.backend.is_float_dtype(operation.dtype)
    return name in _KEEPING_OPERATIONS or (is_keras(operation) and isinstance(operation, _KEEPING))


def reshapes(node: Node) -> bool:
    """Whether a call only changes the shape, and loses nothing."""
    operation, name = node.operation, operation_name(node.operation)
    if name == "GetItem":
        before, after = (
            math.prod(x.shape[1:]) if None not in x.shape[1:] else None
            for x in (*node.input_tensors, *node.outputs)
        )
        return before is not None and before == after and _takes_from_the_start(node)
    if name in _RESHAPING_OPERATIONS:
        return len(node.input_tensors) == 1
    return is_keras(operation) and isinstance(operation, _RESHAPING)


def _takes_from_the_start(node: Node) -> bool:
    """Whether an indexing neither turns an axis round nor chooses by a tensor."""
    _, key = node.arguments.args
    keys = key if isinstance(key, tuple) else (key,)
    return all(
        isinstance(each, int)
        or each is None
        or each is Ellipsis
        or (isinstance(each, slice) and (each.step is None or each.step > 0))
        for each in keys
    )


def line_of(node: Node) -> tuple[float, float] | None:
    """Scale and offset, of a call that multiplies by a number and adds another."""
    operation = node.operation
    if isinstance(operation, layers.Rescaling):
        scale, offset = _number(operation.scale), _number(operation.offset)
        return None if scale is None or offset is None else (scale, offset)
    name = operation_name(operation)
    if len(node.input_tensors) != 1 or name not in (*_LINES, "Negative"):
        return None
    if name == "Negative":
        return -1.0, 0.0
    operands = [*node.arguments.args, *node.arguments.kwargs.values()]
    first = operands[0] is node.input_tensors[0]
    number = _number(operands[1 if first else 0])
    return None if number is None else _LINES[name](number, first)


_LINES: dict[str, Callable[[float, bool], tuple[float, float] | None]] = {
    "Add": lambda number, first: (1.0, number),
    "Subtract": lambda number, first: (1.0, -number) if first else (-1.0, number),
    "Multiply": lambda number, first: (number, 0.0),
    "Divide": lambda number, first: (1 / number, 0.0) if first and number else None,
    "TrueDivide": lambda number, first: (1 / number, 0.0) if first and number else None,
}


def _number(value: Any) -> float | None:
    """A constant, if it is one number and finite."""
    value = ops.convert_to_numpy(value) if ops.is_tensor(value) else np.asarray(value)
    if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value).all():
        return None
    return float(value.reshape(()))


def mixes(operation: Any) -> bool:
    """Whether an operation gives logits for logits, but no probabilities for probabilities."""
    # Layers of ours say so themselves.
    if getattr(operation, "mixes_values", False):
        return True
    if not is_keras(operation):
        return False
    return isinstance(operation, _MIXING) or operation_name(operation) in _MIXING_OPERATIONS
