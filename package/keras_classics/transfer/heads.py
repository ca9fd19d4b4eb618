"""Another classifier on a trained network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.call_kinds import clips, combines, is_linear, line_of, squashing
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import (
    Place,
    before,
    called_again,
    functional,
    has_graph,
    origin,
)
from keras_classics.core.graphs.model_ends import ModelEnd, read_end, values_from
from keras_classics.core.keras_internals import Node, deep_graphs, maker
from keras_classics.core.types import Activation, Tensor, Whole

# What has a weight for each class, and is drawn anew on the way to the layer that makes them.
_PER_CLASS = (
    layers.BatchNormalization,
    layers.GroupNormalization,
    layers.LayerNormalization,
    layers.PReLU,
)


@deep_graphs()
@checked
def replace_head(
    model: keras.Model,
    classes: Whole,
    *,
    classifier_activation: Activation = "softmax",
    dropout: float | None = None,
) -> keras.Model:
    """The same network with a new classifier; all else is shared with the old model.

    The last layer with weights before each output is made anew for `classes`, and the layers behind
    it too: a dense layer in most networks, a 1x1 convolution in SqueezeNet and NIN, both of the
    MLP with skip-layer connections, three where GoogLeNet has its auxiliary classifiers. New
    weights are drawn as the architecture's own. A model without top gets global average pooling,
    where it ends in a map, and a dense layer.

    A model has a top where it ends in softmax or sigmoid (see `kc.analysis.model_ends`), whatever
    its layers are called, or in a dense layer without activation. What only scales probabilities
    is left out. Of a nested model that holds the classifier what comes before it stays nested.

    Args:
        model: A functional or built sequential model, of the catalogue or not, built or loaded;
            never changed. Training the new model trains the layers it shares with it, unless they
            are frozen.
        classes: Number of classes of the new classifier.
        classifier_activation: Activation of the predictions; `None` gives logits.
        dropout: Rate before the new classifier, in place of a dropout that stands there; what is
            there by default.

    Returns:
        A functional model from the old one's input to predictions `(batch, classes)`, as many as it
        had and in the same structure.

    Raises:
        InputError: `classes` or `dropout` is not admitted, or the classifier is of a kind that
            cannot be made anew, such as a sparsemax or a weighted mean of two softmaxes.

    Example:
        ```python
        model = kc.models.VGG11(classes=1000, input_shape=(32, 32, 3), width=0.125)
        own = kc.transfer.replace_head(model, 10, dropout=0.2)
        own(np.zeros((2, 32, 32, 3))).shape  # (2, 10)
        ```
    """
    remedy = "Pass the number of classes of your data."
    classes = check_whole("classes", classes, remedy=remedy)
    if dropout is not None and not 0 <= dropout < 1:
        raise InputError(
            f"dropout={dropout!r} was given",
            "a rate of at least 0 and below 1, or None",
            "Leave dropout out to keep what the model has.",
        )
    old = functional(model)
    head = _NewHead(old, classes, classifier_activation, dropout)
    outputs = keras.tree.map_structure(head.output, old.output)
    return keras.Model(old.input, outputs, name=model.name)


class _NewHead:
    """Makes the new layers of one model."""

    def __init__(
        self,
        model: keras.Model,
        classes: int,
        activation: str | Callable | None,
        dropout: float | None,
    ) -> None:
        self.model, self.classes, self.dropout = model, classes, dropout
        self.activation = keras.activations.get(activation)
        self.taken = {layer.name for layer in model.layers}
        # A layer before several outputs is made anew once, and what is left of a nested model too.
        self.made: dict[Place, Tensor] = {}
        self.left: dict[tuple[Place, int], keras.Model] = {}

    def output(self, tensor: Tensor) -> Tensor:
        """The new output in the place of an old one."""
        end = read_end(tensor)
        if not _is_classifier(tensor, end):
            return self._fresh(tensor)
        self.units = end.units
        self.scalings = _scalings(tensor, end)
        self.activated = _activated(tensor, end)
        if end.place and end.dropped and len(tensor.shape) == 1:
            # One unit needs no axis of its own, several do.
            made = self._again(end.place[-1].outputs[0], end.place[:-1])
            return layers.Flatten()(made) if len(made.shape) > 2 else made
        return self._again(tensor, ())

    def _fresh(self, features: Tensor) -> Tensor:
        pooling = {3: layers.GlobalAveragePooling1D, 4: layers.GlobalAveragePooling2D}
        if len(features.shape) not in (2, *pooling):
            raise InputError(
                f"The model gives features of shape {tuple(features.shape)}",
                "a vector, a sequence or a map (batch, height, width, channels)",
                "Pool them to a vector first.",
            )
        if features.shape[-1] is None:
            raise InputError(
                f"The model gives features of shape {tuple(features.shape)}",
                "a known number of channels, which the new kernel has a row for each of",
                "Build it on a keras.Input of known channels, such as (None, None, 3).",
            )
        if len(features.shape) > 2:
            check_layers(self.model)
            features = pooling[len(features.shape)](name=self._free("head_pool"))(features)
        # Probabilities in half precision lose small classes.
        half = features.dtype in ("float16", "bfloat16")
        dense = layers.Dense(
            self.classes,
            self.activation,
            dtype="float32" if half else None,
            name=self._free("predictions"),
        )
        return dense(self._dropped(features))

    def _again(self, tensor: Tensor, above: Place) -> Tensor:
        """The tensor made anew from the nearest layers with weights on, outside nested models.

        Args:
            tensor: Of the graph of the model, or of one nested in it.
            above: Where that is nested.
        """
        node = maker(tensor)
        if node.is_input:
            if not above:
                raise _not_renewable("no layer with weights")
            number = _number(tensor, above[-1].operation.inputs)
            return self._again(above[-1].input_tensors[number], above[:-1])
        here = (*above, node)
        if here in self.scalings:
            return self._again(node.input_tensors[0], above)
        if has_graph(node.operation):
            inner = node.operation.outputs[_number(tensor, node.outputs)]
            return self._again(inner, here)
        if here not in self.made:
            self.made[here] = self._made(node, above)
        return self.made[here]

    def _made(self, node: Node, above: Place) -> Tensor:
        operation = node.operation
        weighted = getattr(operation, "weights", None) and not isinstance(operation, _PER_CLASS)
        if weighted:
            inputs = [self._dropped(x, above) for x in node.input_tensors]
        else:
            inputs = [self._again(x, above) for x in node.input_tensors]
        changes = _width(operation, self.classes) if weighted else {}
        if squashing(operation) or operation is self.activated:
            if hasattr(getattr(operation, "layer", operation), "activation"):
                changes["activation"] = keras.activations.serialize(self.activation)
            elif self.activation is not keras.activations.softmax:
                # In the place of a Softmax layer or operation.
                dtype = getattr(operation, "dtype_policy", node.outputs[0].dtype)
                name = self._name(operation, above)
                return layers.Activation(self.activation, dtype=dtype, name=name)(*inputs)
        elif isinstance(operation, layers.Reshape):
            changes["target_shape"] = self._resized(operation.target_shape)
        elif type(operation).__name__ == "Reshape":
            return layers.Reshape(self._resized(node.outputs[0].shape[1:]))(*inputs)
        if not isinstance(operation, keras.layers.Layer):
            return called_again(node, *inputs)
        config = operation.get_config()
        # A time-distributed layer has what changes within.
        own = config["layer"]["config"] if "layer" in config else config
        own |= changes
        config["name"] = self._name(operation, above)
        return called_again(node, *inputs, operation=type(operation).from_config(config))

    def _resized(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of a reshaping, without the batch, for the new classes."""
        old = [axis for axis, size in enumerate(shape) if size == self.units]
        if not old:
            if -1 in shape:
                return shape
            raise _not_renewable(f"a reshaping to {shape}")
        return (*shape[: old[-1]], self.classes, *shape[old[-1] + 1 :])

    def _name(self, operation: Any, above: Place) -> str:
        """The old name, which is free where the old layer is left out; if it was not nested."""
        named = isinstance(operation, keras.layers.Layer) and not above
        return operation.name if named else self._free(operation.name)

    def _dropped(self, tensor: Tensor, above: Place = ()) -> Tensor:
        """The features before the classifier, under the dropout that was asked for."""
        while above and maker(tensor).is_input:
            number = _number(tensor, above[-1].operation.inputs)
            tensor, above = above[-1].input_tensors[number], above[:-1]
        if self.dropout is not None and isinstance(maker(tensor).operation, layers.Dropout):
            (tensor,) = maker(tensor).input_tensors
        kept = self._kept(tensor, above)
        if self.dropout is None:
            return kept
        return layers.Dropout(self.dropout, name=self._free("head_dropout"))(kept)

    def _kept(self, tensor: Tensor, above: Place) -> Tensor:
        """A tensor of a nested model, outside it: what comes before it stays nested."""
        if not above:
            return tensor
        outer = above[-1]
        nested = outer.operation
        inputs = [self._kept(x, above[:-1]) for x in outer.input_tensors]
        for symbol, given in zip(nested.inputs, inputs, strict=True):
            if symbol is tensor:
                return given
        key = (above, id(tensor))
        if key not in self.left:
            # The whole of it is not in the new model, so that its name is free once.
            again = any(nested is each[-1].operation for each, _ in self.left)
            name = self._free(nested.name) if again else nested.name
            self.left[key] = keras.Model(nested.inputs, tensor, name=name)
        return self.left[key](inputs)

    def _free(self, name: str) -> str:
        numbered = (f"{name}{number or ''}" for number in count())
        free = next(candidate for candidate in numbered if candidate not in self.taken)
        self.taken.add(free)
        return free


def _number(tensor: Tensor, tensors: Sequence[Tensor]) -> int:
    return next(number for number, each in enumerate(tensors) if each is tensor)


def _is_classifier(tensor: Tensor, end: ModelEnd) -> bool:
    """Whether an output is what a classifier gives, rather than features.

    Raises:
        InputError: It is made of probabilities in a way that cannot be read.
    """
    summed = end.place is not None and not squashing(end.place[-1].operation)
    if end.linear and summed and not _is_unscaled(end):
        raise _unreadable(f"its outputs are {end.scale:g} times a mean of probabilities")
    if end.linear or maker(tensor).operation.name.endswith("predictions"):
        return True
    if end.kind == "unknown" and _makes_no_features(tensor, end.place):
        raise _unreadable(end.reason)
    linear = end.place is not None and is_linear(end.place[-1].operation)
    return end.kind == "logits" and len(tensor.shape) == 2 and linear


def _unreadable(reason: str) -> InputError:
    return InputError(
        f"The model cannot be given another head: {reason}",
        "ends in softmax, sigmoid or logits, with casts, reshapes and scalings behind",
        "Pass keras.Model(model.inputs, features), with what is before the classifier.",
    )


def _makes_no_features(tensor: Tensor, place: Place | None) -> bool:
    """Whether what a call gives is a head's: whole numbers, probabilities, or made of those."""
    if place is None:
        return False
    if not keras.backend.is_float_dtype(tensor.dtype) or _is_squashed(place):
        return True
    # A layer that cannot be seen into may be a gate, where it gives a map.
    seen = combines(place[-1])
    if not seen and len(tensor.shape) > 2:
        return False
    left, known = [place], {place}
    while left:
        here = left.pop()
        for each in here[-1].input_tensors:
            made = values_from(origin(each, here[:-1]))
            if made is None or made in known:
                continue
            if _is_squashed(made):
                return True
            known.add(made)
            if combines(made[-1]):
                left.append(made)
    return False


def _is_squashed(place: Place) -> bool:
    operation = place[-1].operation
    return squashing(operation) is not None or clips(operation)


def _is_unscaled(end: ModelEnd) -> bool:
    return math.isclose(end.scale, 1) and math.isclose(end.offset, 0, abs_tol=1e-9)


def _scalings(tensor: Tensor, end: ModelEnd) -> set[Place]:
    """The calls that make of probabilities what is none: scales and offsets behind them."""
    if end.linear is None or _is_unscaled(end):
        return set()
    place, found = origin(tensor), set()
    while place and place != end.place:
        if line_of(place[-1]):
            found.add(place)
        place = before(place)
    return found


def _activated(tensor: Tensor, end: ModelEnd) -> Any:
    """Of a classifier without softmax or sigmoid, the layer that gets the new activation."""
    place = None if end.linear else origin(tensor)
    while place and place != end.place and not isinstance(place[-1].operation, layers.Activation):
        place = before(place)
    return place[-1].operation if place else None


def _width(layer: Any, classes: int) -> dict[str, Any]:
    """What makes a layer one of so many outputs."""
    inner = getattr(layer, "layer", layer)
    for name in ("units", "filters"):
        if hasattr(inner, name):
            # The digits' codes of LeNet-5 are ten.
            codes = {"codes": None} if getattr(inner, "codes", None) is not None else {}
            return {name: classes, **codes}
    raise _not_renewable(f"{layer.name!r}, a {type(layer).__name__}")


def _not_renewable(what: str) -> InputError:
    return InputError(
        f"The classifier ends in {what}",
        "a layer with units or filters, one for each class",
        "Build the model with include_top=False and put your own layers on its output.",
    )
