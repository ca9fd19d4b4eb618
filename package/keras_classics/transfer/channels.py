"""A trained network for pictures with another number of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.call_kinds import keeps, line_of, squashing
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import ancestry, functional, has_graph
from keras_classics.core.keras_internals import Node, deep_graphs
from keras_classics.core.types import Tensor, Whole
from keras_classics.layers.image.fractal import ColumnDraw
from keras_classics.layers.image.pooling import CeilAveragePooling2D, PaddedMaxPooling2D
from keras_classics.layers.image.stacked import CircularPadding2D
from keras_classics.layers.image.upsampling import ZeroInterleaving2D

# What does the same to every channel, for itself.
_BY_CHANNEL = (
    layers.Activation,
    layers.AveragePooling2D,
    layers.CenterCrop,
    layers.Cropping2D,
    layers.LeakyReLU,
    layers.MaxPooling2D,
    layers.RandomCrop,
    layers.RandomFlip,
    layers.RandomRotation,
    layers.RandomTranslation,
    layers.RandomZoom,
    layers.ReLU,
    layers.Resizing,
    layers.UpSampling2D,
    layers.ZeroPadding2D,
    CeilAveragePooling2D,
    CircularPadding2D,
    PaddedMaxPooling2D,
    ZeroInterleaving2D,
)
# What asks a picture for nothing but how many there are.
_BY_NUMBER = (ColumnDraw,)


@deep_graphs()
@checked
def adapt_channels(model: keras.Model, channels: Whole) -> keras.Model:
    """The same network for pictures with `channels` channels, its first kernels adapted.

    For one channel a kernel is summed over its channels: a grey picture gives exactly what the old
    network gives for it repeated in every channel. A separable or depthwise convolution, which has
    filters for each channel, has all of them for the one. For any other number, channel `i` gets
    the kernel of the old channel `i modulo old`, times `old / channels`, so that channels alike in
    distribution give the first layer's responses their old expectation. All other weights are
    copied.

    The first kernels are those that read the picture: by way of nested models, paddings, poolings,
    dropouts and whatever else does the same to every channel.

    Args:
        model: A functional or built sequential model on pictures `(batch, height, width, old)`;
            never changed.
        channels: The new number: 1 for grey, 4 with infrared, 13 for satellite bands, ...

    Returns:
        A functional model with the same names, whose weights are its own.

    Raises:
        InputError: `channels` is not positive, the input is no picture, or something else than
            such kernels depends on its channels.

    Example:
        ```python
        model = kc.models.VGG11(include_top=False, input_shape=(32, 32, 3), width=0.125)
        grey = kc.transfer.adapt_channels(model, 1)
        grey(np.zeros((2, 32, 32, 1))).shape  # (2, 1, 1, 64)
        ```
    """
    channels = check_whole(
        "channels", channels, remedy="Pass the number of channels of your pictures."
    )
    old = functional(model)
    if len(old.inputs) != 1 or len(old.inputs[0].shape) != 4:
        raise InputError(
            f"{model.name!r} takes {[tuple(x.shape) for x in model.inputs]}",
            "models of one picture (batch, height, width, channels)",
            "Build a new model for your inputs.",
        )
    check_layers(old)
    adaptation = _Adaptation(old.inputs[0].shape[-1], channels)
    adaptation.read(old.outputs, {id(old.inputs[0])})
    return adaptation.apply(old)


class _Change(NamedTuple):
    """What becomes of a layer: of its arguments, and of its weights."""

    arguments: dict[str, Any]
    weights: Callable[[list[np.ndarray]], list[np.ndarray]]


class _Adaptation:
    """Finds the kernels that read the picture, and makes the network anew with them adapted."""

    def __init__(self, old: int, new: int) -> None:
        self.old, self.new = old, new
        # By the identity of the layers; and nested models, by which of their inputs are pictures.
        self.changes: dict[int, _Change] = {}
        self.nested: dict[int, set[int]] = {}
        self.calls: dict[int, set[bool]] = {}

    def read(self, outputs: Sequence[Tensor], pictures: set[int]) -> set[int]:
        """Note what changes in a graph.

        Args:
            outputs: The graph's outputs.
            pictures: Identities of the inputs that have the picture's channels.

        Returns:
            Identities of all tensors that have.
        """
        pictures = set(pictures)
        for node in ancestry(outputs):
            if node.is_input:
                continue
            reads = any(id(x) in pictures for x in node.input_tensors)
            self.calls.setdefault(id(node.operation), set()).add(reads)
            if not reads:
                continue
            if has_graph(node.operation):
                pictures |= self._read_nested(node, pictures)
            elif _is_by_channel(node):
                pictures |= {id(x) for x in node.outputs}
            elif not isinstance(node.operation, _BY_NUMBER):
                self.changes[id(node.operation)] = self._change(node)
        return pictures

    def _read_nested(self, node: Node, pictures: set[int]) -> set[int]:
        nested = node.operation
        own = zip(nested.inputs, node.input_tensors, strict=True)
        entering = {id(inner) for inner, outer in own if id(outer) in pictures}
        self.nested[id(nested)] = entering
        within = self.read(nested.outputs, entering)
        pairs = zip(node.outputs, nested.outputs, strict=True)
        return {id(outer) for outer, inner in pairs if id(inner) in within}

    def _change(self, node: Node) -> _Change:
        layer = node.operation
        kind = type(layer)
        grey = self.new == 1
        if kind is layers.Conv2DTranspose or (kind is layers.Conv2D and layer.groups == 1):
            axis = 3 if kind is layers.Conv2DTranspose else 2
            return _Change({}, lambda weights: [self._kernel(weights[0], axis), *weights[1:]])
        if kind is layers.Conv2D and grey:
            return _Change({"groups": 1}, lambda w: [w[0].sum(axis=2, keepdims=True), *w[1:]])
        if kind is layers.SeparableConv2D and grey:
            multiplied = {"depth_multiplier": layer.depth_multiplier * self.old}
            return _Change(multiplied, lambda weights: [_for_one(weights[0]), *weights[1:]])
        if kind is layers.SeparableConv2D:
            return _Change({}, self._separable)
        if kind is layers.DepthwiseConv2D and grey:
            multiplied = {"depth_multiplier": layer.depth_multiplier * self.old}
            return _Change(multiplied, lambda weights: [_for_one(weights[0]), *weights[1:]])
        if self.new == self.old:
            return _Change({}, lambda weights: weights)
        raise InputError(
            f"{layer.name!r}, a {kind.__name__}, depends on the channels of the pictures",
            "networks of which only the kernels of convolutions do; grouped and depthwise ones "
            "for one channel",
            "Build a new model for these channels.",
        )

    def _kernel(self, kernel: np.ndarray, axis: int) -> np.ndarray:
        """A kernel for the new channels, along an axis."""
        if self.new == 1:
            return kernel.sum(axis=axis, keepdims=True)
        repeated = kernel.take(np.arange(self.new) % self.old, axis=axis)
        return repeated * self.old / self.new

    def _separable(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Each channel's filters again, and their share in the sum that follows."""
        depthwise, pointwise, *rest = weights
        channels = np.arange(self.new) % self.old
        by_channel = pointwise.reshape(self.old, -1, pointwise.shape[-1])[channels]
        share = by_channel.reshape(1, 1, -1, pointwise.shape[-1]) * self.old / self.new
        return [depthwise[:, :, channels], share, *rest]

    def apply(self, model: keras.Model) -> keras.Model:
        """The network anew."""
        mixed = [x for x in self.changes if self.calls[x] == {True, False}]
        if mixed and self.new != self.old:
            raise InputError(
                f"A layer of {model.name!r} is called on the picture and on something else",
                "networks of which only the kernels of convolutions depend on the channels",
                "Build a new model for these channels.",
            )
        pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

        def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
            if has_graph(layer):
                return self._cloned(functional(layer), clone, self.nested.get(id(layer), set()))
            change = self.changes.get(id(layer))
            own = change.arguments if change else {}
            made = type(layer).from_config(layer.get_config() | own)
            pairs.append((made, layer))
            return made

        adapted = self._cloned(model, clone, {id(model.inputs[0])})
        for made, layer in pairs:
            values = layer.get_weights()
            change = self.changes.get(id(layer))
            made.set_weights(change.weights(values) if change else values)
        return adapted

    def _cloned(
        self,
        model: keras.Model,
        clone: Callable[[keras.layers.Layer], keras.layers.Layer],
        pictures: set[int],
    ) -> keras.Model:
        inputs = [
            keras.Input((*x.shape[1:-1], self.new), name=x.name, dtype=x.dtype)
            if id(x) in pictures
            else keras.Input(x.shape[1:], name=x.name, dtype=x.dtype)
            for x in model.inputs
        ]
        packed = keras.tree.pack_sequence_as(model.input, inputs)
        return keras.models.clone_model(model, input_tensors=packed, clone_function=clone)


def _for_one(kernel: np.ndarray) -> np.ndarray:
    """The depthwise filters of all channels as those of one; their order stays."""
    height, width, *_ = kernel.shape
    return kernel.reshape(height, width, 1, -1)


def _is_by_channel(node: Node) -> bool:
    """Whether a call does the same to every channel of its one tensor, for itself."""
    operation = node.operation
    if len(node.input_tensors) != 1 or squashing(operation):
        return False
    return type(operation) in _BY_CHANNEL or keeps(operation) or line_of(node) is not None
