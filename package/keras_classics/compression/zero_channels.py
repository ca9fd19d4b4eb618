"""Channels that are always zero, and the smaller network without them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import ancestry, functional, same_layer
from keras_classics.core.keras_internals import Node, deep_graphs
from keras_classics.layers.image.pooling import PaddedMaxPooling2D

# Layers that treat every channel alike and make nothing out of zeros.
_CHANNELWISE = (
    keras.layers.AlphaDropout,
    keras.layers.AveragePooling2D,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.Identity,
    keras.layers.LeakyReLU,
    keras.layers.MaxPooling2D,
    keras.layers.SpatialDropout2D,
    keras.layers.UpSampling2D,
    keras.layers.ZeroPadding2D,
    PaddedMaxPooling2D,
)

# Rows of numbers in every company, by which an activation shows whether it takes each for itself.
_NEIGHBOURS = np.array([*itertools.product((-3, 0, 0.5, 5), repeat=3)], "float32")


@deep_graphs()
@checked
def strip(model: keras.Model) -> keras.Model:
    """The same function without the filters that are zero: a smaller model, with equal outputs.

    A channel goes where its kernel, its bias and all that a normalisation adds are zero, as
    `prune_filters` leaves them, and where whatever reads it can do without. Other layers, and
    channels they read, stay as they are.

    Args:
        model: A functional or built sequential model, pruned.

    Returns:
        A new functional model of layers of the same names, with weights of its own.

    Raises:
        InputError: The model has no graph of layers, or has been quantised or given LoRA by Keras.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        kc.compression.prune_filters(model, 0.5)
        kc.compression.strip(model).count_params()  # about a quarter of the weights
        ```
    """
    model = functional(model)
    _check_plain(model)
    gone = _Channels(model).removed()
    nodes = {node.operation.name: node for node in ancestry(model.outputs) if not node.is_input}

    def left(tensor: Any) -> np.ndarray:
        return ~gone[id(tensor)]

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        size = {keras.layers.Conv2D: "filters", keras.layers.Dense: "units"}.get(type(layer))
        if size is None:
            return same_layer(layer)
        return same_layer(layer, **{size: int(left(nodes[layer.name].outputs[0]).sum())})

    made = keras.models.clone_model(model, clone_function=clone)
    for layer in made.layers:
        if not layer.weights:
            continue
        node = nodes[layer.name]
        arrays = node.operation.get_weights()
        if _kind(node) == "product":
            into, out = left(node.input_tensors[0]), left(node.outputs[0])
            arrays = [arrays[0][..., into, :][..., out], *(each[out] for each in arrays[1:])]
        elif _kind(node) == "norm":
            arrays = [each[left(node.outputs[0])] for each in arrays]
        elif _kind(node) == "depthwise":
            out = left(node.outputs[0])
            arrays = [arrays[0][:, :, out], *(each[out] for each in arrays[1:])]
        layer.set_weights(arrays)
    return made


def free_filters(
    model: keras.Model,
) -> dict[keras.layers.Layer, list[tuple[keras.layers.BatchNormalization, int]]]:
    """The layers whose filters can be taken out one by one.

    Args:
        model: A functional or built sequential model.

    Returns:
        For each layer the normalisations that what it makes goes through, and where its first
        filter is among their channels.

    Raises:
        InputError: The model has no graph of layers, or has been quantised or given LoRA by Keras.
    """
    model = functional(model)
    _check_plain(model)
    nodes = [node for node in ancestry(model.outputs) if not node.is_input]
    readers: dict[int, list[Node]] = {}
    for node in nodes:
        for tensor in node.input_tensors:
            readers.setdefault(id(tensor), []).append(node)
    times = Counter(id(node.operation) for node in nodes)
    outputs = {id(tensor) for tensor in model.outputs}

    def norms_after(tensor: Any, first: int) -> list[tuple[Any, int]] | None:
        """The normalisations behind a tensor; None where a channel of it has to stay."""
        if id(tensor) in outputs:
            return None
        found = []
        for node in readers.get(id(tensor), []):
            kind = _kind(node) if times[id(node.operation)] == 1 else ""
            place = first
            if kind == "product":
                continue
            if kind == "norm":
                found.append((node.operation, first))
            elif kind == "concatenation":
                place += _before(node, tensor)
            elif kind == "flattening":
                # Dense layers read all places of a channel; the flattening only lists them.
                if not only_multiplied(node.outputs[0]):
                    return None
                continue
            elif kind != "channelwise":
                return None
            behind = norms_after(node.outputs[0], place)
            if behind is None:
                return None
            found += behind
        return found

    def only_multiplied(tensor: Any) -> bool:
        """Whether dense layers alone read a tensor, through layers that change no place."""
        return id(tensor) not in outputs and all(
            times[id(node.operation)] == 1
            and (
                _kind(node) == "product"
                or (_kind(node) == "channelwise" and only_multiplied(node.outputs[0]))
            )
            for node in readers.get(id(tensor), [])
        )

    free = {}
    for node in nodes:
        layer = node.operation
        if _kind(node) == "product" and times[id(layer)] == 1 and _keeps_zero(layer.activation):
            after = norms_after(node.outputs[0], 0)
            if after is not None:
                free[layer] = list(dict.fromkeys(after))
    return free


def _check_plain(model: keras.Model) -> None:
    """Refuse layers whose kernel is not all they multiply by."""
    for layer in model.layers:
        quantised = getattr(layer, "quantization_mode", None)
        if quantised or getattr(layer, "lora_enabled", False):
            raise InputError(
                f"{layer.name!r} was given after quantize({quantised!r})"
                if quantised
                else f"{layer.name!r} was given after enable_lora",
                "layers as they were built",
                "Take filters out first, and call it on what kc.compression.strip returns.",
            )


class _Channels:
    """What is known of the channels of every tensor of a model."""

    def __init__(self, model: keras.Model) -> None:
        self.nodes = [node for node in ancestry(model.outputs) if not node.is_input]
        self.times = Counter(id(node.operation) for node in self.nodes)
        self.fixed = [*model.inputs, *model.outputs]
        self.zero: dict[int, np.ndarray] = {
            id(x): np.zeros(x.shape[-1] or 0, bool) for x in model.inputs
        }
        for node in self.nodes:
            for tensor in node.outputs:
                self.zero[id(tensor)] = np.zeros(tensor.shape[-1] if tensor.shape else 0, bool)
            if self.kind(node):
                self.zero[id(node.outputs[0])] = self._zero_after(node)

    def kind(self, node: Node) -> str:
        """The kind of a call; of what is called twice none, as both calls need the same."""
        return _kind(node) if self.times[id(node.operation)] == 1 else ""

    def removed(self) -> dict[int, np.ndarray]:
        """The channels of each tensor that go, by the tensor's identity."""
        gone = {key: zero.copy() for key, zero in self.zero.items()}
        for tensor in self.fixed:
            gone[id(tensor)][:] = False
        before = -1
        # Every round only takes channels back.
        while (count := sum(int(each.sum()) for each in gone.values())) != before:
            before = count
            for node in self.nodes:
                self._agree(node, gone)
        return gone

    def _zero_after(self, node: Node) -> np.ndarray:
        kind, layer = self.kind(node), node.operation
        given = [self.zero[id(tensor)] for tensor in node.input_tensors]
        if kind == "product":
            kernel = ops.convert_to_numpy(layer.kernel)[..., ~given[0], :]
            zero = ~kernel.any(axis=tuple(range(kernel.ndim - 1)))
            if layer.use_bias:
                zero &= ops.convert_to_numpy(layer.bias) == 0
            return zero & _keeps_zero(layer.activation)
        if kind == "norm":
            gamma, beta = (
                ops.convert_to_numpy(variable) if has else np.full(len(given[0]), without)
                for variable, has, without in (
                    (getattr(layer, "gamma", None), layer.scale, 1.0),
                    (getattr(layer, "beta", None), layer.center, 0.0),
                )
            )
            mean = ops.convert_to_numpy(layer.moving_mean)
            shifted = (gamma == 0) | (given[0] & (mean == 0))
            return shifted & (beta == 0)
        if kind == "depthwise":
            kernel = ops.convert_to_numpy(layer.kernel)
            zero = given[0] | ~kernel.any(axis=(0, 1, 3))
            if layer.use_bias:
                zero &= ops.convert_to_numpy(layer.bias) == 0
            return zero & _keeps_zero(layer.activation)
        if kind == "sum":
            return np.logical_and.reduce(given)
        if kind == "concatenation":
            return np.concatenate(given)
        if kind == "flattening":
            return np.tile(given[0], node.outputs[0].shape[-1] // len(given[0]))
        return given[0]

    def _agree(self, node: Node, gone: dict[int, np.ndarray]) -> None:
        """Take back what not all tensors of a call can do without."""
        kind = self.kind(node)
        given, made = ([gone[id(x)] for x in each] for each in (node.input_tensors, node.outputs))
        if kind == "product":
            if made[0].all():
                # A layer has one filter at least.
                made[0][0] = False
        elif kind in ("norm", "depthwise", "channelwise", "sum"):
            both = np.logical_and.reduce([*given, made[0]])
            for each in (*given, made[0]):
                each[:] = both
        elif kind == "concatenation":
            edges = np.cumsum([len(each) for each in given])[:-1]
            for each, part in zip(given, np.split(made[0], edges), strict=True):
                part[:] = each[:] = each & part
        elif kind == "flattening":
            places = made[0].reshape(-1, len(given[0]))
            places[:] = given[0][:] = given[0] & places.all(axis=0)
        else:
            for each in (*given, *made):
                each[:] = False


def _kind(node: Node) -> str:
    """What a call does with channels; nothing that is known: an empty text."""
    layer = node.operation
    last = getattr(layer, "data_format", "channels_last") in (None, "channels_last")
    if type(layer) is keras.layers.Dense:
        return "product"
    if type(layer) is keras.layers.Conv2D and last and layer.groups == 1:
        return "product"
    if type(layer) is keras.layers.DepthwiseConv2D and last and layer.depth_multiplier == 1:
        return "depthwise"
    rank = len(node.outputs[0].shape)
    if type(layer) is keras.layers.BatchNormalization and layer.axis in (-1, rank - 1):
        return "norm"
    if type(layer) is keras.layers.Add:
        same = {tuple(tensor.shape[1:]) for tensor in node.input_tensors}
        return "sum" if len(same) == 1 else ""
    if type(layer) is keras.layers.Concatenate and layer.axis in (-1, rank - 1):
        return "concatenation"
    if type(layer) is keras.layers.Flatten and last and None not in node.outputs[0].shape[1:]:
        return "flattening"
    if type(layer) is keras.layers.Activation:
        return "channelwise" if _keeps_zero(layer.activation) else ""
    if type(layer) is keras.layers.ReLU:
        return "channelwise" if not layer.threshold else ""
    return "channelwise" if type(layer) in _CHANNELWISE and last else ""


def _keeps_zero(activation: Callable[[Any], Any]) -> bool:
    """Whether an activation takes each number for itself, and makes zero of zero."""
    found = ops.convert_to_numpy(activation(ops.convert_to_tensor(_NEIGHBOURS)))
    if found.shape != _NEIGHBOURS.shape:
        return False
    first = {value: found[_NEIGHBOURS[:, 0] == value, 0] for value in np.unique(_NEIGHBOURS)}
    alone = all(np.allclose(each, each[0], atol=1e-6) for each in first.values())
    return bool(alone and not first[0].any())


def _before(node: Node, tensor: Any) -> int:
    """Channels that stand before those of a tensor in a concatenation."""
    count = 0
    for each in node.input_tensors:
        if each is tensor:
            break
        count += each.shape[-1]
    return count
