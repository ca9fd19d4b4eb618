"""PyTorch states onto our models."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_state
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import ancestry
from keras_classics.core.graphs.layer_names import own_name
from keras_classics.core.keras_internals import maker
from keras_classics.weights.naming import best_naming, weighted
from keras_classics.weights.shortcut_channel_order import Order, channel_orders, reordered
from keras_classics.weights.slots import Slot, fill, listed
from keras_classics.weights.torchvision_names import (
    EPSILONS,
    NAMINGS,
    RESNET_CIFAR_NAMING,
    USUAL_EPSILON,
)


@checked
def load_torch(
    model: keras.Model,
    state: Mapping[str, Any] | str | os.PathLike,
    *,
    check_settings: bool = True,
) -> None:
    """Load a PyTorch state into a model of ours, whose outputs become the PyTorch model's.

    The origin (torchvision, timm, or the CIFAR ResNets of akamaster) is recognised by its names.
    Convolutions are turned from (out, in, rows, columns), dense layers from (out, in), the first
    one after a flattening also from channels first. A ResNet with option A whose classifier is
    called `linear` has half of its shortcuts' zeros in front; its channels are reordered to ours.
    The prefix `module.` and counts of batches are dropped.

    Args:
        model: Built like the state's network: its classes, options and top. PyTorch's ResNets
            have their stride in the 3x3 convolution (`stride_in="3x3"`).
        state: Arrays or tensors by name, or a `.safetensors`, `.npz` or `.pth` file; see
            `kc.weights.read_state`.
        check_settings: Whether settings that no state holds (the epsilon of normalisation, which
            convolution of a bottleneck has the stride) must be those of torchvision and timm.

    Raises:
        InputError: The file cannot be read, names are missing or surplus, shapes are wrong, or the
            model computes otherwise. All are listed, and the model is left untouched.

    Example:
        ```python
        # A state in torchvision's names; of a file its path will do, as "resnet18.safetensors".
        state = {"conv1.weight": np.ones((8, 3, 7, 7))}
        state |= {f"layer1.0.conv{n}.weight": np.ones((8, 8, 3, 3)) for n in (1, 2)}
        for norm in ("bn1", "layer1.0.bn1", "layer1.0.bn2"):
            for part in ("weight", "bias", "running_mean", "running_var"):
                state[f"{norm}.{part}"] = np.ones(8)
        state |= {"fc.weight": np.ones((5, 8)), "fc.bias": np.ones(5)}
        model = kc.models.ResNet18(repeats=(1,), width=0.125, classes=5, input_shape=(32, 32, 3))
        kc.weights.load_torch(model, state)
        ```
    """
    if isinstance(state, str | os.PathLike):
        state = read_state(state)
    state = {
        _current(name): _array(values)
        for name, values in state.items()
        if not name.endswith("num_batches_tracked")
    }
    naming = best_naming(
        model, NAMINGS, lambda names: sum(f"{name}.weight" in state for name in names.values())
    )
    slots = _slots(model, naming(model), zeros_on_both_sides=naming is RESNET_CIFAR_NAMING)
    if check_settings:
        _check_settings(model, EPSILONS.get(naming, USUAL_EPSILON))
    fill(model, slots, state)


def _slots(
    model: keras.Model, names: Mapping[str, str], *, zeros_on_both_sides: bool
) -> dict[str, Slot]:
    orders = channel_orders(model) if zeros_on_both_sides else {}
    flattened = _flattened(model)
    slots = {}
    for layer in weighted(model):
        own = own_name(layer.name)
        for part, slot in _layer_slots(layer, flattened.get(id(layer))).items():
            if order := orders.get(own):
                slot = _reordering(slot, order)
            slots[f"{names[own]}.{part}"] = slot
    return slots


def _layer_slots(layer: keras.layers.Layer, flattened: tuple[int, ...] | None) -> dict[str, Slot]:
    if isinstance(layer, layers.BatchNormalization):
        vectors = {
            "weight": layer.gamma,
            "bias": layer.beta,
            "running_mean": layer.moving_mean,
            "running_var": layer.moving_variance,
        }
        kernel = {}
    else:
        vectors = {"bias": layer.bias}
        kernel = {"weight": _kernel_slot(layer.kernel, flattened)}
    return kernel | {
        part: Slot(variable, tuple(variable.shape), np.asarray)
        for part, variable in vectors.items()
        if variable is not None
    }


def _kernel_slot(kernel: keras.Variable, flattened: tuple[int, ...] | None) -> Slot:
    *window, inputs, outputs = kernel.shape
    if window:
        return Slot(kernel, (outputs, inputs, *window), lambda x: x.transpose(2, 3, 1, 0))
    if flattened is None:
        return Slot(kernel, (outputs, inputs), np.transpose)
    height, width, channels = flattened

    def convert(x: np.ndarray) -> np.ndarray:
        maps = x.reshape(outputs, channels, height, width)
        return maps.transpose(2, 3, 1, 0).reshape(inputs, outputs)

    return Slot(kernel, (outputs, inputs), convert)


def _reordering(slot: Slot, order: Order) -> Slot:
    return replace(slot, convert=lambda x: reordered(slot.convert(x), order))


def _flattened(model: keras.Model) -> dict[int, tuple[int, ...]]:
    """For each dense layer that reads a flattened map, by its identity, the map's shape."""
    shapes = {}
    for node in ancestry(model.outputs):
        if isinstance(node.operation, layers.Dense):
            read = maker(node.input_tensors[0])
            while isinstance(read.operation, layers.Dropout):
                read = maker(read.input_tensors[0])
            if isinstance(read.operation, layers.Flatten):
                shapes[id(node.operation)] = tuple(read.input_tensors[0].shape[1:])
    return shapes


def _current(name: str) -> str:
    """A name without the prefix of data-parallel training, and as torchvision writes it today."""
    name = name.removeprefix("module.")
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2", name)


def _check_settings(model: keras.Model, epsilon: float) -> None:
    """Refuse what computes otherwise with the same arrays: no state tells its settings."""
    different = [
        f"{layer.name} has epsilon={layer.epsilon} instead of {epsilon}"
        for layer in weighted(model)
        if isinstance(layer, layers.BatchNormalization)
        # 1.001e-5, as some write it, is far within the noise of float32.
        and not math.isclose(layer.epsilon, epsilon, rel_tol=0.01)
    ]
    names = {layer.name for layer in model.layers}
    first, third = "stage2_block1_conv1", "stage2_block1_conv3"
    if {first, third} <= names and max(model.get_layer(first).strides) > 1:
        different.append(f"{first} has the stride of its block instead of stage2_block1_conv2")
    if different:
        raise InputError(
            f"{model.name!r} computes otherwise than the network of this state: "
            f"{listed(different)}",
            "the settings that torchvision and timm train with",
            f"Build the model with norm_epsilon={epsilon} and, a ResNet with bottlenecks, "
            "stride_in='3x3'; or, for the state of a network of your own, give "
            "check_settings=False.",
        )


def _array(values: Any) -> np.ndarray:
    """A tensor or array as NumPy knows it, which has no bfloat16; wider, it is the same number."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    return np.asarray(values)
