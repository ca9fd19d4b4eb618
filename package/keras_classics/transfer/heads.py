"""Another classifier on a trained network."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import keras
from keras import layers

from keras_classics.core.errors import InputError, explain
from keras_classics.core.graph import Tensor, check_functional, maker


def replace_head(
    model: keras.Model,
    classes: int,
    *,
    classifier_activation: str | Callable | None = "softmax",
    dropout: float | None = None,
) -> keras.Model:
    """The same network with a new classifier; all else is shared with the old model.

    The last layer with weights before each output is made anew for `classes`, and the layers behind
    it too: a dense layer in most networks, a 1x1 convolution in SqueezeNet and NIN, both of the
    MLP with skip-layer connections, three where GoogLeNet has its auxiliary classifiers. New
    weights are drawn as the architecture's own. A model without top gets global average pooling,
    where it ends in a map, and a dense layer.

    Args:
        model: A model of the catalogue, built or loaded; never changed. Training the new model
            trains the layers it shares with it, unless they are frozen.
        classes: Number of classes of the new classifier.
        classifier_activation: Activation of the predictions; `None` gives logits.
        dropout: Rate before the new classifier, in place of a dropout that stands there; what is
            there by default.

    Returns:
        A model from the old one's input to predictions `(batch, classes)`, as many as it had.

    Raises:
        InputError: `classes` or `dropout` is not admitted.
    """
    check_functional(model)
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise InputError(
            explain(
                f"classes={classes!r} was given",
                "a positive whole number",
                "Pass the number of classes of your data.",
            )
        )
    if dropout is not None and not 0 <= dropout < 1:
        raise InputError(
            explain(
                f"dropout={dropout!r} was given",
                "a rate of at least 0 and below 1, or None",
                "Leave dropout out to keep what the model has.",
            )
        )
    head = _NewHead(model, classes, classifier_activation, dropout)
    outputs = [head.output(tensor) for tensor in model.outputs]
    return keras.Model(model.input, outputs[0] if len(outputs) == 1 else outputs, name=model.name)


class _NewHead:
    """Makes the new layers of one model."""

    def __init__(self, model, classes, activation, dropout):
        self.classes, self.activation, self.dropout = classes, activation, dropout
        self.taken = {layer.name for layer in model.layers}

    def output(self, tensor: Tensor) -> Tensor:
        last = maker(tensor).operation
        if not last.name.endswith("predictions"):
            return self._fresh(tensor)
        activation = keras.activations.serialize(keras.activations.get(self.activation))
        return self._again(tensor, activation=activation)

    def _fresh(self, features: Tensor) -> Tensor:
        if len(features.shape) > 2:
            features = layers.GlobalAveragePooling2D(name=self._free("head_pool"))(features)
        return layers.Dense(self.classes, self.activation, name="predictions")(
            self._dropped(features)
        )

    def _again(self, tensor: Tensor, **changes) -> Tensor:
        """The tensor made anew, from the nearest layers with weights on."""
        node = maker(tensor)
        config = node.operation.get_config() | changes
        if node.operation.weights:
            inputs = [self._dropped(source) for source in node.input_tensors]
            config[_width(node.operation)] = self.classes
            # The digits' codes of LeNet-5 are ten.
            if config.get("codes") is not None:
                config["codes"] = None
        else:
            inputs = [self._again(source) for source in node.input_tensors]
        layer = type(node.operation).from_config(config)
        return layer(inputs[0] if len(inputs) == 1 else inputs)

    def _dropped(self, tensor: Tensor) -> Tensor:
        if self.dropout is None:
            return tensor
        node = maker(tensor)
        if isinstance(node.operation, layers.Dropout):
            (tensor,) = node.input_tensors
        return layers.Dropout(self.dropout, name=self._free("head_dropout"))(tensor)

    def _free(self, name: str) -> str:
        numbered = (f"{name}{number or ''}" for number in count())
        free = next(candidate for candidate in numbered if candidate not in self.taken)
        self.taken.add(free)
        return free


def _width(layer: keras.layers.Layer) -> str:
    """What a layer calls the number of its outputs."""
    for name in ("units", "filters"):
        if hasattr(layer, name):
            return name
    raise InputError(
        explain(
            f"The classifier ends in {layer.name!r}, a {type(layer).__name__}",
            "a layer with units or filters, one for each class",
            "Build the model with include_top=False and put your own layers on its output.",
        )
    )
