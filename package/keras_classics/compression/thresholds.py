"""What stands between a product of signs and the next signs, as one comparison a channel.

Scaling, bias, normalisation and rectifiers rise or fall with what they are given, rounding
included, and so does the sign of what they make of it: there is one value from which on it is
another. It is found by bisection, with the layers themselves as the judge. So the comparison says
what the layers say to the last bit, which no formula for it would.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from keras_classics.compression.packed_layer import PackedLayer, Turns
from keras_classics.compression.packed_signs import pack_bits
from keras_classics.compression.windows import NO_MARGINS, Windows
from keras_classics.core.graphs.graph import called_again
from keras_classics.core.keras_internals import Node
from keras_classics.core.types import Tensor
from keras_classics.layers.image.pooling import PaddedMaxPooling2D

# Activations made of straight lines, which rise even after rounding.
_RISING = ("linear", "relu", "relu6", "leaky_relu", "hard_tanh")
# Keras refuses slopes below 0, with which they would fall and rise.
_RECTIFIERS = (keras.layers.LeakyReLU, keras.layers.ReLU)
# Layers that do nothing at inference.
_IDLE = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout2D,
)


@dataclass(frozen=True)
class Chain:
    """Calls that stand one after the other before signs are taken.

    Attributes:
        calls: In their order; each rises or falls with each channel of its input alone.
        pooling: Which of them is a pooling; None without.
        shape: Of the tensor before them, without the batch.
    """

    calls: Sequence[Node]
    pooling: int | None
    shape: tuple[int | None, ...]

    def thresholds(self) -> tuple[np.ndarray, Turns]:
        """The smallest float32 of each channel with a bit, and what becomes of the bits."""
        falls, turns = self._turns()
        first, last = _ordered(np.array([-np.inf, np.inf], "float32")).tolist()

        def rises(keys: np.ndarray) -> np.ndarray:
            return self._signs(_floats(keys)) ^ falls

        least = _first_true(rises, first, last, len(falls))
        # No number is as large as none.
        return np.where(least > last, np.float32(np.nan), _floats(least)), turns

    def least_products(self, layer: PackedLayer) -> tuple[np.ndarray, Turns]:
        """The smallest product of each filter of a layer with a bit, and what becomes of the bits.

        Args:
            layer: What makes the tensor before the calls, from signs alone.
        """
        falls, turns = self._turns()
        most = layer.channels * layer.entries

        def rises(products: np.ndarray) -> np.ndarray:
            return self._signs(layer.finished(products.astype("float32"))) ^ falls

        return _first_true(rises, -most, most, len(falls)), turns

    def _signs(self, values: np.ndarray) -> np.ndarray:
        """Which channels are at least 0 in the end, for a value of each before the calls."""
        shape = [1] * len(self.shape) + [len(values)]
        x: Tensor = ops.convert_to_tensor(values.reshape(shape))
        for number, node in enumerate(self.calls):
            if number != self.pooling:
                x = called_again(node, x, operation=_at_inference(node.operation))
        return np.asarray(ops.convert_to_numpy(x).astype("float32") >= 0).ravel()

    def _turns(self) -> tuple[np.ndarray, Turns]:
        """Which channels fall, before and after all, and what that means for their bits."""
        channels = self.shape[-1] or 0
        falls, falls_after = (np.zeros(channels, bool) for _ in range(2))
        for number, node in enumerate(self.calls):
            layer = node.operation
            if isinstance(layer, keras.layers.BatchNormalization) and layer.scale:
                falling = ops.convert_to_numpy(layer.gamma) < 0
                falls = falls ^ falling
                if self.pooling is not None and number > self.pooling:
                    falls_after = falls_after ^ falling
        windows = None
        if self.pooling is not None:
            windows = pooling_windows(self.calls[self.pooling].operation)
        return falls, Turns(pack_bits(falls ^ falls_after), pack_bits(falls_after), windows)


def rises_or_falls(node: Node) -> bool:
    """Whether a call is of one tensor, each channel of which it takes for itself, up or down."""
    layer = node.operation
    if len(node.input_tensors) != 1 or len(node.outputs) != 1:
        return False
    if type(layer) is keras.layers.BatchNormalization:
        return layer.axis in (-1, len(node.outputs[0].shape) - 1)
    if type(layer) is keras.layers.Activation:
        return is_rising(layer.activation)
    return type(layer) in (*_RECTIFIERS, *_IDLE)


def gains_and_shifts(layer: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What a normalisation multiplies each channel by at inference, and what it adds then."""
    mean, variance = map(ops.convert_to_numpy, (layer.moving_mean, layer.moving_variance))
    gains = 1 / np.sqrt(variance.astype("float64") + layer.epsilon)
    if layer.scale:
        gains = gains * ops.convert_to_numpy(layer.gamma)
    shifts = -mean * gains
    if layer.center:
        shifts = shifts + ops.convert_to_numpy(layer.beta)
    return gains.astype("float32"), shifts.astype("float32")


def is_rising(activation: Callable) -> bool:
    """Whether an activation rises wherever it does not stay, rounding included."""
    return any(activation is getattr(keras.activations, name) for name in _RISING)


def pooling_windows(layer: keras.Operation) -> Windows | None:
    """The windows of a maximum pooling of maps; None of any other layer."""
    if type(layer) is PaddedMaxPooling2D and not layer.ceil_mode:
        sides = (layer.padding,) * 2
        size, step = (layer.pool_size,) * 2, (layer.strides,) * 2
        return Windows(size, step, margins=(sides, sides))
    if type(layer) is keras.layers.MaxPooling2D and layer.data_format == "channels_last":
        margins = NO_MARGINS if layer.padding == "valid" else None
        return Windows(tuple(layer.pool_size), tuple(layer.strides), margins=margins)
    return None


def _at_inference(operation: keras.Operation) -> Callable[..., Tensor]:
    if "training" not in inspect.signature(operation.call).parameters:
        return operation
    return lambda *arguments, **options: operation(*arguments, **{**options, "training": False})


def _first_true(
    rises: Callable[[np.ndarray], np.ndarray], first: int, last: int, channels: int
) -> np.ndarray:
    """Where each channel becomes true, from `first` on; `last + 1` where it never does."""
    low = np.full(channels, first, "int64")
    high = np.full(channels, last + 1, "int64")
    while (low < high).any():
        # Those that are found stay where they are.
        middle = np.minimum((low + high) // 2, last)
        true = rises(middle) & (low < high)
        high = np.where(true, middle, high)
        low = np.where(true | (low >= high), low, middle + 1)
    return high


def _ordered(values: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of float32 numbers, neighbours of neighbours."""
    bits = values.view("int32").astype("int64")
    return np.where(bits < 0, -(2**31) - 1 - bits, bits)


def _floats(keys: np.ndarray) -> np.ndarray:
    """The float32 numbers of such whole numbers."""
    bits = np.where(keys < 0, -(2**31) - 1 - keys, keys)
    return bits.astype("int32").view("float32")
