"""Which calls say at every place of a map what they say of that place's surroundings alone.

Those that do are listed, for nothing in a layer tells that it does; functions after a layer, which
are anyone's, are tried on a few numbers.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops, tree

from keras_classics import layers as own_layers
from keras_classics.core.call_kinds import BY_VALUE, OPERATIONS_BY_VALUE, keeps
from keras_classics.core.graphs.graph import called_again
from keras_classics.core.keras_internals import Node, is_keras, operation_name

# Kernels and pools, and what gives every place a value of its own channels and of no others'.
_KERAS = (
    layers.Activation,
    layers.Add,
    layers.Average,
    layers.AveragePooling2D,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.Conv2D,
    layers.Conv2DTranspose,
    layers.Cropping2D,
    layers.Dense,
    layers.DepthwiseConv2D,
    layers.ELU,
    layers.LayerNormalization,
    layers.LeakyReLU,
    layers.Maximum,
    layers.MaxPooling2D,
    layers.Minimum,
    layers.Multiply,
    layers.Normalization,
    layers.PReLU,
    layers.ReLU,
    layers.Rescaling,
    layers.SeparableConv2D,
    layers.Softmax,
    layers.SpatialDropout2D,
    layers.Subtract,
    layers.UnitNormalization,
    layers.UpSampling2D,
    layers.ZeroPadding2D,
    # Which let pictures pass when nothing is trained.
    layers.RandomBrightness,
    layers.RandomContrast,
    layers.RandomFlip,
    layers.RandomRotation,
    layers.RandomTranslation,
    layers.RandomZoom,
)
_OURS = (
    own_layers.BinaryConv2D,
    own_layers.CeilAveragePooling2D,
    own_layers.ConnectionTableConv2D,
    own_layers.ConvHighway,
    own_layers.DiracConv2D,
    own_layers.FakeQuantConv2D,
    own_layers.FractalJoin,
    own_layers.HighwayMerge,
    own_layers.LocalResponseNormalization,
    own_layers.Maxout,
    own_layers.NCReLU,
    own_layers.PaddedMaxPooling2D,
    own_layers.ReflectionPadding2D,
    own_layers.SAFPooling,
    own_layers.StackedConv2D,
    own_layers.StochasticDepth,
    own_layers.TrainableSubsampling,
    own_layers.WeightedAggregation,
    own_layers.ZeroInterleaving2D,
    own_layers.ZeroPaddedShortcut,
)
_OPERATIONS = (
    *OPERATIONS_BY_VALUE,
    *("Abs", "Absolute", "Add", "Cast", "Clip", "Concatenate", "Divide", "Exp", "Log", "Maximum"),
    *("Minimum", "Multiply", "Negative", "Power", "Sqrt", "Square", "Subtract", "TrueDivide"),
    # These read the channels of a place.
    *("LogSoftmax", "Softmax", "Sparsemax"),
)
# What does to every value what it does to it alone.
_BY_VALUE = (layers.Activation, *BY_VALUE)
# What does to the channels of a place what it does to a vector.
_BY_VECTOR = (*_BY_VALUE, layers.LayerNormalization, layers.Softmax, layers.UnitNormalization)


def is_local(node: Node) -> bool:
    """Whether a call on maps is known to say the same of a place wherever it lies in a map.

    Args:
        node: The call; all that it reads and gives has four axes.
    """
    operation = node.operation
    if isinstance(operation, layers.SpectralNormalization) and is_keras(operation):
        operation = operation.layer
    if operation_name(operation):
        known = operation_name(operation) in _OPERATIONS or keeps(operation)
    elif is_keras(operation):
        known = isinstance(operation, _KERAS) or keeps(operation)
    else:
        known = type(operation) in _OURS and getattr(operation, "padding", "") != "circular"
    if not known or not _along_channels(operation) or _has_places(node):
        return False
    return _says_alike(operation, (1, 2, 3, 4), (6, 1, 1, 4))


def is_by_value(operation: Any) -> bool:
    """Whether a layer does to every value of a vector what it does to it alone."""
    if not is_keras(operation):
        return False
    if keeps(operation):
        return True
    return isinstance(operation, _BY_VALUE) and _says_alike(operation, (2, 12), (12, 2))


def is_by_vector(operation: Any) -> bool:
    """Whether a layer does to every place of a map what it does to a vector."""
    if not is_keras(operation):
        return False
    known = isinstance(operation, _BY_VECTOR) and getattr(operation, "axis", -1) in _LAST
    return keeps(operation) or (known and activates_vectors_alike(operation))


def activates_vectors_alike(operation: Any) -> bool:
    """Whether what follows a layer does to every place of a map what it does to a vector."""
    return _says_alike(operation, (1, 2, 3, 4), (6, 4))


def takes_any_size(node: Node) -> bool:
    """Whether a call on maps takes maps of twice the size.

    What nobody knows anything of is asked, by zeros.
    """
    larger = []
    for tensor in node.input_tensors:
        shape = tensor.shape
        if len(shape) != 4:
            return False
        if None in shape[1:]:
            # It was built for any.
            return True
        sides = [2 * side if side > 1 else 1 for side in shape[1:3]]
        larger.append(ops.zeros((1, *sides, shape[3]), tensor.dtype))
    try:
        results = tree.flatten(called_again(node, *larger))
    # It is another's, and may raise anything.
    except Exception:
        return False
    return all(each.shape[0] == 1 for each in results)


# Axes of channels, of vectors and of maps.
_LAST: tuple[Any, ...] = (-1, (-1,), [-1])
_OF_CHANNELS: tuple[Any, ...] = (*_LAST, 3, (3,), [3])


def _along_channels(operation: Any) -> bool:
    axis = getattr(operation, "axis", -1)
    # One mean and variance for all.
    single = isinstance(operation, layers.Normalization) and axis in (None, ())
    return single or axis in _OF_CHANNELS


def _has_places(node: Node) -> bool:
    """Whether a call has numbers for each place: weights, or constants beside its maps."""
    operation = node.operation
    constants = tree.flatten((node.arguments.args, node.arguments.kwargs))
    if isinstance(operation, layers.Rescaling):
        constants += [operation.scale, operation.offset]
    if isinstance(operation, layers.PReLU):
        constants.append(operation.alpha)
    maps = {id(tensor) for tensor in node.input_tensors}
    shapes = [np.shape(each) for each in constants if id(each) not in maps]
    return any(side != 1 for shape in shapes for side in shape[:-1])


def _says_alike(operation: Any, together: tuple[int, ...], apart: tuple[int, ...]) -> bool:
    """Whether the function behind a layer says the same of numbers in two shapes."""
    function = getattr(operation, "activation", None)
    if function in (None, keras.activations.linear):
        return True
    values = np.random.default_rng(0).normal(0, 2, 24).astype("float32")
    try:
        one, other = (
            ops.convert_to_numpy(function(ops.reshape(ops.convert_to_tensor(values), shape)))
            for shape in (together, apart)
        )
    # It is the user's, and may raise anything.
    except Exception:
        return False
    return one.size == other.size and np.allclose(one.ravel(), other.ravel(), atol=1e-5)
