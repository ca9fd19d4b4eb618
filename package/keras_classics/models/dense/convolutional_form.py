"""A classifier as a network of convolutions alone: what it says of every window of a picture.

Long, Shelhamer, Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015: a
dense layer that reads a whole map is a convolution with a kernel of the map's size, and those after
it are 1x1 convolutions. So the classifier slides over larger pictures, and computes once what its
windows have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import ancestry, called_again, functional, has_graph
from keras_classics.core.keras_internals import Node, deep_graphs, is_keras, maker
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Tensor
from keras_classics.models.dense.local_calls import (
    activates_vectors_alike,
    is_by_value,
    is_by_vector,
    is_local,
    takes_any_size,
)

_GLOBAL_POOLS = {
    layers.GlobalAveragePooling2D: layers.AveragePooling2D,
    layers.GlobalMaxPooling2D: layers.MaxPooling2D,
}


@deep_graphs()
@checked
def convolutional_form(model: keras.Model, *, padding: str = "valid") -> keras.Model:
    """A classifier for pictures of any size, that gives a map of its answers.

    Args:
        model: A functional or built sequential classifier of one picture of known size; never
            changed. Its convolutions are shared with the new model, its dense layers copied.
        padding: Around the map that the first dense layer or the global pooling reads: `"valid"`
            answers for whole windows only, so that a picture of the model's own size has one
            answer; `"same"` answers at every place of the map.

    Returns:
        A model of `(batch, height, width, channels)` to `(batch, rows, columns, classes)`. Where
        nothing pads or enlarges, each answer is that of the classifier for its window.

    Raises:
        InputError: A layer cannot be moved over a map, such as one that reads the whole of it or
            has weights for each place, or one of your own; or the size of the pictures is not
            known.

    Example:
        ```python
        model = kc.models.LeNet5Modern(input_shape=(32, 32, 1), classes=10)
        everywhere = kc.models.convolutional_form(model)
        everywhere(np.zeros((1, 48, 64, 1))).shape  # (1, 5, 9, 10)
        ```
    """
    check_choice("padding", padding, ("valid", "same"))
    model = functional(model)
    check_layers(model)
    check_picture(model)
    image = keras.Input((None, None, model.inputs[0].shape[-1]), name="image")
    sliding = Sliding(model, padding)
    found = sliding.applied(ancestry(model.outputs), image)
    for tensor in model.outputs:
        if sliding.is_flat(tensor):
            raise sliding.refused(maker(tensor))
    outputs = [found[id(tensor)] for tensor in model.outputs]
    return keras.Model(
        image, outputs[0] if len(outputs) == 1 else outputs, name=f"{model.name}_convolutional"
    )


class Sliding:
    """Applies the calls of a classifier to pictures of any size.

    Args:
        model: The classifier.
        padding: Around the map that is flattened or pooled as a whole.
        instead: From a layer to the one in its place.
        pooled: False leaves out global pooling: what is behind it reads the map.
        trunk: The calls whose global pools are of the whole picture and stay so, as those that
            squeeze maps to weigh their channels.

    Attributes:
        kernels: Height and width of the kernel, by the name of each dense layer that became one.
    """

    def __init__(
        self,
        model: keras.Model,
        padding: str,
        *,
        instead: Callable[[keras.layers.Layer], keras.layers.Layer] = lambda layer: layer,
        pooled: bool = True,
        trunk: Iterable[Node] = (),
    ) -> None:
        self.model, self.padding, self.instead, self.pooled = model, padding, instead, pooled
        self.kernels: dict[str, tuple[int, int]] = {}
        self._made: dict[int, keras.layers.Layer] = {}
        self._trunk = {id(node.operation) for node in trunk}
        # Height and width of the map that a vector was.
        self._flat: dict[int, tuple[int, int]] = {}
        # Maps of windows that were pooled.
        self._windows = set[int]()

    def applied(self, nodes: Iterable[Node], image: Tensor) -> dict[int, Tensor]:
        """What stands for the tensors of some calls, by identity.

        Args:
            nodes: The calls, every one after those it depends on.
            image: What stands for the picture.
        """
        known = {id(self.model.inputs[0]): image}
        for node in nodes:
            if not node.is_input:
                self._call(node, known)
        return known

    def is_flat(self, tensor: Tensor) -> bool:
        """Whether a vector of the classifier is a map of several places, laid flat."""
        return self._flat.get(id(tensor), (1, 1)) != (1, 1)

    def refused(self, node: Node) -> InputError:
        """What to say of a call that cannot be moved, with the place to cut before it, if any."""
        operation, before = node.operation, maker(node.input_tensors[0])
        # Neither a function has a name nor may the cut model end in a map that was laid flat.
        while not isinstance(before.operation, layers.Layer) or self.is_flat(before.outputs[0]):
            before = maker(before.input_tensors[0])
        function = getattr(operation, "activation", None)
        named = (
            f" with the activation {getattr(function, '__name__', function)}" if function else ""
        )
        remedy = "Put another in its place."
        if not before.is_input:
            name = before.operation.name
            remedy = (
                "Put another in its place, or cut the model before it: "
                f"keras.Model(model.inputs, model.get_layer({name!r}).output)."
            )
        return InputError(
            f"The layer {operation.name!r} is of type {type(operation).__name__}{named}, which "
            "cannot be moved over a map",
            "convolutions, pools and what reads of every place its channels alone, all of Keras or "
            "of this package, then Flatten or a global pool, then dense layers and what treats "
            "each value alike",
            remedy,
        )

    def _call(self, node: Node, known: dict[int, Tensor]) -> None:
        operation, inputs, flat = node.operation, node.input_tensors, self._flat
        sizes = [flat[id(tensor)] for tensor in inputs if id(tensor) in flat]
        result: Any
        if type(operation) is layers.Flatten and len(inputs[0].shape) == 4:
            known[id(node.outputs[0])] = known[id(inputs[0])]
            flat[id(node.outputs[0])] = _sides(inputs[0], operation.name)
            return
        of_windows = {id(tensor) in self._windows for tensor in inputs}
        if True in of_windows:
            self._windows |= set(map(id, node.outputs))
        if type(operation) in _GLOBAL_POOLS and id(operation) in self._trunk:
            if len(node.outputs[0].shape) != 4:
                raise self.refused(node)
            result = called_again(node, known[id(inputs[0])])
        elif type(operation) in _GLOBAL_POOLS:
            result = self._pooled(operation, inputs[0], known[id(inputs[0])])
            self._windows |= set(map(id, node.outputs))
        elif len(of_windows) > 1:
            # A map, and what was said of windows of it: no window is there alone.
            raise self.refused(node)
        elif len(node.outputs[0].shape) == 4 and not sizes:
            self._check_map(node)
            layer = self._made.setdefault(id(operation), self.instead(operation))
            result = called_again(node, *(known[id(each)] for each in inputs), operation=layer)
        elif len(inputs) != 1:
            raise self.refused(node)
        elif _is_dense(operation) and len(inputs[0].shape) == 2:
            layer = self._convolution(operation, inputs[0], sizes[0] if sizes else (1, 1))
            result = layer(known[id(inputs[0])])
        elif _is_normalization(operation) and not sizes:
            result = self._normalization(operation)(known[id(inputs[0])])
        elif is_by_vector(operation) and sizes in ([], [(1, 1)]):
            result = operation(known[id(inputs[0])])
        elif is_by_value(operation) and sizes:
            # Element by element: before the dense layer a vector is still a map.
            flat[id(node.outputs[0])] = sizes[0]
            result = operation(known[id(inputs[0])])
        else:
            raise self.refused(node)
        results = keras.tree.flatten(result)
        known |= zip(map(id, node.outputs), results, strict=True)

    def _check_map(self, node: Node) -> None:
        """Refuse a call on maps that cannot be moved, or in the trunk is bound to their size."""
        operation = node.operation
        maps = all(len(tensor.shape) == 4 for tensor in node.input_tensors)
        if maps and is_local(node):
            return
        shapes = isinstance(operation, layers.Reshape | layers.Resizing) or has_graph(operation)
        if shapes or id(operation) not in self._trunk or not takes_any_size(node):
            raise self.refused(node)

    def _pooled(self, operation: keras.layers.Layer, tensor: Tensor, x: Tensor) -> Tensor:
        if not self.pooled:
            return x
        sides = _sides(tensor, operation.name)
        pool = _GLOBAL_POOLS[type(operation)]
        key = id(operation)
        if key not in self._made:
            self._made[key] = pool(sides, strides=1, padding=self.padding, name=operation.name)
        return self._made[key](x)

    def _normalization(self, layer: layers.BatchNormalization) -> keras.layers.Layer:
        """One of maps with the weights of one of vectors, which insists on these."""
        if id(layer) not in self._made:
            made = type(layer).from_config({**layer.get_config(), "axis": -1})
            made.build((None, None, None, layer.moving_mean.shape[0]))
            for ours, theirs in zip(made.weights, layer.weights, strict=True):
                ours.assign(theirs)
            self._made[id(layer)] = made
        return self._made[id(layer)]

    def _convolution(
        self, dense: layers.Dense, tensor: Tensor, sides: tuple[int, int]
    ) -> keras.layers.Layer:
        if id(dense) not in self._made:
            regularizer, constraint = dense.kernel_regularizer, dense.kernel_constraint
            layer = layers.Conv2D(
                dense.units,
                sides,
                padding=self.padding,
                activation=dense.activation,
                use_bias=dense.use_bias,
                kernel_initializer="zeros",
                kernel_regularizer=regularizer and _DenseRegularizer(regularizer),
                bias_regularizer=dense.bias_regularizer,
                activity_regularizer=dense.activity_regularizer,
                kernel_constraint=constraint and _DenseConstraint(constraint),
                bias_constraint=dense.bias_constraint,
                trainable=dense.trainable,
                dtype=dense.dtype_policy,
                name=dense.name,
            )
            channels = tensor.shape[-1] // (sides[0] * sides[1])
            layer.build((None, None, None, channels))
            # Flatten goes row by row, place by place, channel by channel, as kernels do.
            layer.kernel.assign(keras.ops.reshape(dense.kernel, layer.kernel.shape))
            if dense.use_bias:
                layer.bias.assign(dense.bias)
            self._made[id(dense)] = layer
        self.kernels[dense.name] = sides
        return self._made[id(dense)]


@registered
class _DenseRegularizer(keras.regularizers.Regularizer):
    """A dense layer's, of the kernel that its kernel became."""

    def __init__(self, rule: Any) -> None:
        self.rule = keras.regularizers.get(rule)

    def __call__(self, kernel: Tensor) -> Tensor:
        return self.rule(keras.ops.reshape(kernel, (-1, kernel.shape[-1])))

    def get_config(self) -> Config:
        return {"rule": keras.regularizers.serialize(self.rule)}


@registered
class _DenseConstraint(keras.constraints.Constraint):
    """A dense layer's, of the kernel that its kernel became."""

    def __init__(self, rule: Any) -> None:
        self.rule = keras.constraints.get(rule)

    def __call__(self, kernel: Tensor) -> Tensor:
        flat = keras.ops.reshape(kernel, (-1, kernel.shape[-1]))
        return keras.ops.reshape(self.rule(flat), kernel.shape)

    def get_config(self) -> Config:
        return {"rule": keras.constraints.serialize(self.rule)}


def _is_dense(operation: Any) -> bool:
    """Whether a layer is Keras's own dense one, with weights as they were trained."""
    dense = isinstance(operation, layers.Dense) and is_keras(operation)
    whole = dense and getattr(operation, "quantization_mode", None) is None
    return whole and activates_vectors_alike(operation)


def _is_normalization(operation: Any) -> bool:
    return isinstance(operation, layers.BatchNormalization) and is_keras(operation)


def check_picture(model: keras.Model) -> None:
    """Refuse a model of several inputs, or of what is no picture.

    Raises:
        InputError: It is one.
    """
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise InputError(
            f"{model.name!r} has inputs of "
            f"{', '.join(str(tuple(each.shape)) for each in model.inputs)}",
            "a model of one picture (batch, height, width, channels)",
            "Give a classifier of pictures, such as kc.models.VGG16().",
        )


def _sides(tensor: Tensor, name: str) -> tuple[int, int]:
    height, width = tensor.shape[1:3]
    if height is None or width is None:
        raise InputError(
            f"{name!r} reads a map {tuple(tensor.shape)} of a size that is not known",
            "a classifier of pictures of known size, which its window has",
            "Build it with input_shape=(height, width, channels).",
        )
    return height, width
