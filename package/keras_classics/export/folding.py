"""Fewer layers, the same function: what training needs and use does not, folded away."""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.graphs.graph import ancestry, functional, same_layer
from keras_classics.core.keras_internals import Node, deep_graphs
from keras_classics.core.types import Tensor
from keras_classics.layers.image.dirac import DiracConv2D


@deep_graphs()
@checked
def fold(model: keras.Model) -> keras.Model:
    """The same function with fewer layers: batch normalisation and Dirac kernels folded away.

    At inference a normalisation right after a convolution or dense layer is a change of its kernel
    and bias; a `DiracConv2D` is a plain convolution. The result has neither, its convolutions have
    the names they had, and its weights are its own. It is meant for use, not for more training.

    Args:
        model: A functional or built sequential model. Models nested in it stay as they are.

    Returns:
        A new functional model whose outputs equal the old one's at inference.

    Raises:
        InputError: The model has no graph of layers.

    Example:
        ```python
        model = kc.create_model("resnet_20_cifar", width=0.25)
        folded = kc.export.fold(model)  # without batch norms, answers equal
        ```
    """
    model = functional(model)
    norms = _norms(model)
    gone = {norm.name for norm in norms.values()}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in norms and not isinstance(layer, DiracConv2D):
            return same_layer(layer)
        return _plain(layer, use_bias=layer.name in norms or layer.use_bias)

    def call(layer: keras.layers.Layer, *inputs: Any, **arguments: Any) -> Any:
        return inputs[0] if layer.name in gone else layer(*inputs, **arguments)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in folded.layers:
        if not layer.weights:
            continue
        source = model.get_layer(layer.name)
        if source.name in norms:
            layer.set_weights(_folded(source, norms[source.name]))
        elif isinstance(source, DiracConv2D):
            bias = [_array(source.bias)] if source.use_bias else []
            layer.set_weights([_array(source.effective_kernel()), *bias])
        else:
            layer.set_weights(source.get_weights())
    return folded


def foldable(model: keras.Model) -> bool:
    """Whether `fold` would leave anything out."""
    return bool(_norms(model)) or any(isinstance(layer, DiracConv2D) for layer in model.layers)


def _norms(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """The normalisations that can be folded, by the name of the layer each is folded into."""
    nodes = ancestry(model.outputs)
    calls = Counter(id(node.operation) for node in nodes)
    readers = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    readers.update(id(tensor) for tensor in model.outputs)
    sources = {id(node.outputs[0]): node.operation for node in nodes if _linear(node.operation)}
    follows = dict[keras.layers.Layer, list[keras.layers.Layer]]()
    for node in nodes:
        layer = node.operation
        if isinstance(layer, keras.layers.BatchNormalization):
            (tensor,) = node.input_tensors
            source = sources.get(id(tensor))
            # A convolution that others read too must go on giving them what it gave.
            if source is not None and readers[id(tensor)] == 1 and _normalizes_last(node):
                follows.setdefault(source, []).append(layer)
    norms = {}
    for source, found in follows.items():
        # Layers that are called several times must belong together every time.
        times = {len(found), calls[id(source)], calls[id(found[0])]}
        if len(times) == 1 and len({id(each) for each in found}) == 1:
            norms[source.name] = found[0]
    return norms


def _linear(layer: keras.layers.Layer) -> bool:
    kinds = (keras.layers.Conv2D, keras.layers.Dense, DiracConv2D)
    linear = getattr(layer, "activation", None) in (None, keras.activations.linear)
    last = getattr(layer, "data_format", "channels_last") == "channels_last"
    return type(layer) in kinds and linear and last


def _normalizes_last(node: Node) -> bool:
    """Whether a call normalises each entry of the last axis, which a kernel makes."""
    return node.operation.axis in (-1, len(node.outputs[0].shape) - 1)


def _plain(layer: keras.layers.Layer, *, use_bias: bool) -> keras.layers.Layer:
    if isinstance(layer, DiracConv2D):
        return keras.layers.Conv2D(
            layer.filters,
            layer.kernel_size,
            strides=layer.strides,
            padding=layer.padding,
            dilation_rate=layer.dilation_rate,
            activation=layer.activation,
            use_bias=use_bias,
            dtype=layer.dtype_policy,
            name=layer.name,
        )
    return type(layer).from_config({**layer.get_config(), "use_bias": use_bias})


def _folded(layer: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """Kernel and bias of the layer with the normalisation after it."""
    kernel = layer.effective_kernel() if isinstance(layer, DiracConv2D) else layer.kernel
    mean, variance = map(_array, (norm.moving_mean, norm.moving_variance))
    gain = 1.0 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        gain = gain * _array(norm.gamma)
    bias = -mean * gain
    if norm.center:
        bias = bias + _array(norm.beta)
    if getattr(layer, "use_bias", False):
        bias = bias + _array(layer.bias) * gain
    return [_array(kernel) * gain, bias]


def _array(tensor: Tensor) -> np.ndarray:
    # In double precision, so that folding itself loses nothing.
    return keras.ops.convert_to_numpy(tensor).astype("float64")
