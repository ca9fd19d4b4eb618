"""Recurrent weights to and from PyTorch, and between the two ways to write a GRU.

| | Keras | PyTorch |
|---|---|---|
| kernels | `(inputs, gates * units)` | `(gates * units, inputs)` |
| LSTM | input, forget, candidate, output | the same order |
| GRU | update, reset, candidate | reset, update, candidate |
| biases | one row; GRU two, of input and recurrent product | two vectors, in all layers |

Only `GRU(reset_after=True)`, Keras's default, exists in PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.layers.recurrent.hoisted import GRU, LSTM

# For each of PyTorch's gates, the place of Keras's. Each order is its own inverse.
_ORDERS = {
    keras.layers.SimpleRNN: (0,),
    keras.layers.LSTM: (0, 1, 2, 3),
    keras.layers.GRU: (1, 0, 2),
    LSTM: (0, 1, 2, 3),
    GRU: (1, 0, 2),
}
_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

Layer: TypeAlias = keras.layers.Layer


@checked
def load_torch_recurrent(layers: Layer | Sequence[Layer], state: Mapping[str, Any]) -> None:
    """Load the state of a `torch.nn.RNN`, `LSTM` or `GRU`.

    Args:
        layers: Built `SimpleRNN`, `LSTM` or `GRU(reset_after=True)`, or a `Bidirectional` of one;
            or as many as PyTorch's `num_layers`, from the bottom.
        state: Arrays or tensors by name, `weight_ih_l0` and so on.

    Raises:
        InputError: A layer is of another kind, or names are missing or surplus, or a shape is
            wrong; the layers are left untouched.

    Example:
        ```python
        layer = keras.layers.LSTM(4)
        layer.build((None, None, 3))
        state = {  # as torch.nn.LSTM(3, 4).state_dict() has it
            "weight_ih_l0": np.ones((16, 3)),
            "weight_hh_l0": np.ones((16, 4)),
            "bias_ih_l0": np.zeros(16),
            "bias_hh_l0": np.zeros(16),
        }
        kc.weights.load_torch_recurrent(layer, state)
        ```
    """
    state = {name: np.asarray(values) for name, values in state.items()}
    wanted = {name: values.shape for name, values in torch_recurrent_state(layers).items()}
    found = {name: values.shape for name, values in state.items()}
    if found != wanted:
        wrong = sorted({name for name in {*found, *wanted} if found.get(name) != wanted.get(name)})
        given = ", ".join(f"{name} {found.get(name, 'missing')}" for name in wrong)
        allowed = ", ".join(f"{name} {wanted.get(name, 'left out')}" for name in wrong)
        raise InputError(
            f"The state has {given}", allowed, "Build layers like the state's, and as many."
        )
    for suffix, layer in _directions(layers):
        weights = [state[f"{part}_{suffix}"] for part in _PARTS[: 4 if layer.use_bias else 2]]
        layer.set_weights(_to_keras(layer, weights))


@checked
def torch_recurrent_state(layers: Layer | Sequence[Layer]) -> dict[str, np.ndarray]:
    """What `load_state_dict` of PyTorch's layer takes, once made tensors.

    Where Keras has one bias and PyTorch two, the second is zero.

    Args:
        layers: As for `load_torch_recurrent`.

    Returns:
        Arrays under PyTorch's names, `"weight_ih_l0"` and so on.

    Raises:
        InputError: A layer is of another kind.
    """
    state = {}
    for suffix, layer in _directions(layers):
        for part, values in zip(_PARTS, _to_torch(layer), strict=False):
            state[f"{part}_{suffix}"] = values
    return state


@checked
def flip_update_gate(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Go from Keras's GRU, `h = z h + (1 - z) h~`, to `h = (1 - z) h + z h~`, or back.

    Both are the same network: `1 - sigmoid(a) = sigmoid(-a)`, so the update gate's weights, the
    first third of every array, change their sign.

    Args:
        weights: Kernel, recurrent kernel and bias, as `get_weights` of `keras.layers.GRU` or of a
            layer around `kc.layers.CourseGRUCell` returns them.

    Returns:
        Arrays of the same shapes, for `set_weights` of the other.
    """
    return [
        np.concatenate([-update, *rest], axis=-1)
        for update, *rest in (np.split(np.asarray(array), 3, axis=-1) for array in weights)
    ]


def _directions(layers: Layer | Sequence[Layer]) -> list[tuple[str, Layer]]:
    """Every direction of every layer, with the end of its names in PyTorch."""
    found = []
    for level, layer in enumerate(_as_list(layers)):
        both = [layer]
        if isinstance(layer, keras.layers.Bidirectional):
            both = [layer.forward_layer, layer.backward_layer]
        for one, direction in zip(both, ("", "_reverse"), strict=False):
            _check(one)
            found.append((f"l{level}{direction}", one))
    return found


def _check(layer: Layer) -> None:
    before = isinstance(layer, keras.layers.GRU) and not layer.reset_after
    if type(layer) not in _ORDERS or before:
        raise InputError(
            f"{layer.name!r} is a {type(layer).__name__}{'(reset_after=False)' * before}",
            "SimpleRNN, LSTM, GRU(reset_after=True), or Bidirectional of one",
            "PyTorch has no other; build such a layer.",
        )
    if not layer.built:
        raise InputError(
            f"{layer.name!r} has no weights yet",
            "a built layer",
            f"Call {layer.name}.build((None, None, features)) first.",
        )


def _to_keras(layer: Layer, weights: list[np.ndarray]) -> list[np.ndarray]:
    ordered = [_reordered(layer, array.T) for array in weights]
    kernels, biases = ordered[:2], ordered[2:]
    if not biases:
        return kernels
    gru = isinstance(layer, keras.layers.GRU)
    return [*kernels, np.stack(biases) if gru else np.sum(biases, axis=0)]


def _to_torch(layer: Layer) -> list[np.ndarray]:
    kernel, recurrent, *bias = (_reordered(layer, array) for array in layer.get_weights())
    if bias and isinstance(layer, keras.layers.GRU):
        bias = list(bias[0])
    elif bias:
        bias = [bias[0], np.zeros_like(bias[0])]
    return [kernel.T, recurrent.T, *bias]


def _reordered(layer: Layer, array: np.ndarray) -> np.ndarray:
    """Exchange gates along the last axis; the same exchange leads back."""
    order = _ORDERS[type(layer)]
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[place] for place in order], axis=-1)


def _as_list(layers: Layer | Sequence[Layer]) -> list[Layer]:
    return [layers] if isinstance(layers, keras.layers.Layer) else list(layers)
