"""The head and the tail of every image builder, written once.

The head checks the eight arguments all image builders share and makes the image tensor; the tail
puts the classifier or the pooling on the features, loads weights and returns a plain
`keras.Model`. What stands between them is the architecture, and only that is in a family's file:

    def family(card, *, width=1.0, **arguments):
        head = image_head(card, arguments)
        x = keras.layers.Conv2D(...)(head.image)
        return head.finish(x)
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, cast

import keras

from keras_classics.core.boundary.model_files import load_weights
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.errors import (
    InputError,
    check_axes,
    check_choice,
    check_positive,
    check_rate,
    check_whole,
    is_whole,
    shown,
)
from keras_classics.core.graphs.channels_last import check_setting
from keras_classics.core.graphs.graph import functional, inputs_of, rebuilt
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.names import check_known
from keras_classics.core.types import Activation, Initializer, Shape, Tensor, Whole

Block = Callable[[Tensor], Tensor]


class ImageArguments(TypedDict, total=False):
    """The arguments every image builder shares.

    Attributes:
        include_top: Whether the classifier ends the model; by default it does, if it has one.
        weights: `None` for fresh ones, drawn at random (the default of keras.applications is
            `"imagenet"`); `"imagenet"` where weights are published (`kc.weights.PUBLISHED`; they
            bring the arguments of their form); or the path of a `.weights.h5` file of the same
            model.
        input_tensor: Tensor to build on; the layers are inlined, never nested. Several models of
            one input can be joined, `keras.Model(x, [a.output, b.output])`: where layers of the
            same names stand on it already, those of the new model have its name before theirs,
            `resnet_18__stage1_out`.
        input_shape: `(height, width, channels)`; the native one by default, and
            `(None, None, channels)` where the top was left out.
        pooling: Without top: `None` (feature map), `"avg"` or `"max"` (vector).
        classes: Number of classes.
        classifier_activation: Activation of the predictions; `None` gives logits.
        name: Name of the model.
        pretrained: `True` is another way to write `weights="imagenet"`.
    """

    include_top: bool
    weights: str | os.PathLike[str] | None
    input_tensor: Tensor | None
    input_shape: Shape | None
    pooling: str | None
    classes: Whole | None
    classifier_activation: Activation
    name: str | None
    pretrained: bool


IMAGE_DEFAULTS: dict[str, Any] = {
    "include_top": True,
    "weights": None,
    "input_tensor": None,
    "input_shape": None,
    "pooling": None,
    "classes": None,
    "classifier_activation": "softmax",
    "name": None,
}


# Of what Keras knows by name.
IMAGE_NAMES = {"classifier_activation": "softmax", "kernel_initializer": "he_normal"}


def image_head(card: ModelCard, arguments: ImageArguments, *, fixed_size: bool = False) -> Head:
    """Check the shared arguments and make the image tensor.

    Args:
        card: The model's row in its family's table.
        arguments: What the user gave; missing ones take their defaults.
        fixed_size: The classifier needs a known height and width (it flattens).

    Returns:
        The checked head: its `image` tensor `(batch, height, width, channels)` and its `finish`.

    Raises:
        InputError: An argument is not admitted; the message says what is.
    """
    check_known(card.name, arguments, IMAGE_DEFAULTS)
    check_setting()
    given = {**IMAGE_DEFAULTS, "include_top": card.classes is not None, **arguments}
    given["name"] = given["name"] or card.name
    _check_arguments(given)
    given["classes"] = _checked_classes(card, given)
    if given["pooling"] and not given["include_top"] and len(card.input_shape) == 1:
        raise InputError(
            f"pooling={given['pooling']!r} was given to {card.name!r}",
            "None, because vectors have no height and width to pool over",
            "Leave pooling out: the features are one vector per example already.",
        )
    image = given["input_tensor"]
    if image is None:
        shape = _input_shape(card, given, fixed_size)
        image = keras.Input(shape, name="image")
    else:
        flat = len(card.input_shape) == 1
        axes = "(batch, features)" if flat else "(batch, height, width, channels)"
        check_axes("input_tensor", image, axes, "Leave input_tensor out for a new one.")
        _check_size(card, tuple(image.shape[1:]), fixed_size and given["include_top"])
    return Head(card=card, image=image, **{key: given[key] for key in _HEAD_FIELDS})


_HEAD_FIELDS = ("include_top", "weights", "pooling", "classes", "classifier_activation", "name")


@dataclass(frozen=True)
class Head:
    """Checked arguments of an image builder, from `image_head`."""

    card: ModelCard
    image: Tensor
    include_top: bool
    weights: str | os.PathLike[str] | None
    pooling: str | None
    classes: int | None
    classifier_activation: Activation
    name: str

    @property
    def units(self) -> int:
        """Number of classes, of a model that has a classifier."""
        return cast(int, self.classes)

    @deep_graphs()
    def finish(
        self,
        features: Tensor,
        top: Block | None = None,
        classifier: Block | None = None,
        further_outputs: Sequence[Tensor] = (),
        kernel_initializer: Initializer = "glorot_uniform",
    ) -> keras.Model:
        """Put the tail on the features and return the model.

        Args:
            features: Feature map `(batch, height, width, channels)`.
            top: Layers between the feature map and the classifier; global average pooling by
                default. Left out without top.
            classifier: From the top's output to logits `(batch, classes)`; a dense layer by
                default.
            further_outputs: Outputs besides, such as those of auxiliary classifiers.
            kernel_initializer: How the kernel of the default classifier starts.
        """
        if self.include_top:
            x = global_average(features) if top is None else top(features)
            outputs = self.predictions(x, classifier, kernel_initializer=kernel_initializer)
        elif self.pooling == "avg":
            outputs = global_average(features)
        elif self.pooling == "max":
            outputs = keras.layers.GlobalMaxPooling2D(name="head_pool")(features)
        else:
            outputs = features
        if further_outputs:
            outputs = [outputs, *further_outputs]
        model = keras.Model(inputs_of(self.image), outputs, name=self.name)
        if self.weights is not None:
            load_weights(model, self.weights)
        return model

    def predictions(
        self,
        x: Tensor,
        classifier: Block | None = None,
        *,
        kernel_initializer: Initializer = "glorot_uniform",
        name: str = "predictions",
    ) -> Tensor:
        """Classifier and its activation.

        Args:
            x: What the classifier reads.
            classifier: From `x` to logits `(batch, classes)`; a dense layer by default.
            kernel_initializer: How the kernel of that dense layer starts.
            name: Name of the last layer.

        Returns:
            `(batch, classes)`, in float32 whatever the model computes in.
        """
        # Probabilities in half precision lose small classes: the last layer stays in float32.
        half = keras.config.dtype_policy().compute_dtype in ("float16", "bfloat16")
        dtype = "float32" if half else None
        if classifier is None:
            return keras.layers.Dense(
                self.classes,
                self.classifier_activation,
                kernel_initializer=kernel_initializer,
                dtype=dtype,
                name=name,
            )(x)
        return keras.layers.Activation(
            self.classifier_activation or "linear", dtype=dtype, name=name
        )(classifier(x))


def global_average(x: Tensor) -> Tensor:
    """Mean over height and width, under the name all models give it."""
    return keras.layers.GlobalAveragePooling2D(name="head_pool")(x)


# Times as wide as the paper's: some layers would have hundreds of times its weights.
MOST_WIDTH = 16


def scaled(filters: int, width: float) -> int:
    """A width times the builder's `width` argument, at least one filter.

    Raises:
        InputError: `width` is no positive number, or beyond `MOST_WIDTH`.
    """
    remedy = "Use width=1.0 for the paper's model, width=0.5 for half its filters."
    if check_positive("width", width, remedy) > MOST_WIDTH:
        raise InputError(
            f"width={width} was given", f"a positive number up to {MOST_WIDTH}", remedy
        )
    return max(1, round(filters * width))


@deep_graphs()
def inline(model: keras.Model, tensor: Tensor) -> Any:
    """Apply a model's layers, with their weights, to another tensor without nesting the model.

    Args:
        model: Functional or Sequential model with one input, in whatever structure it takes it.
        tensor: What takes the place of the model's input.

    Returns:
        The model's outputs on `tensor`; the layers are the model's own, shared.
    """
    model = functional(model)
    # Keras's clone_model takes only tensors that are inputs themselves.
    made = rebuilt(model.outputs, {id(model.inputs[0]): tensor}, lambda layer: layer)
    return made[0] if len(made) == 1 else made


def _check_arguments(given: dict[str, Any]) -> None:
    remedy = "Name the arguments, as in weights='imagenet': the first one is include_top."
    check_choice("include_top", given["include_top"], (True, False), remedy)
    remedy = "Use pooling='avg' with include_top=False for one vector per image."
    check_choice("pooling", given["pooling"], (None, "avg", "max"), remedy)
    weights = given["weights"]
    path = isinstance(weights, (str, os.PathLike)) and os.path.exists(weights)
    if weights is not None and not path:
        raise InputError(
            f"weights={str(weights)!r} was given",
            "None, 'imagenet', or the path of an existing .weights.h5 file",
            "Check the path, or leave weights out for a fresh model.",
        )
    if given["input_tensor"] is not None and given["input_shape"] is not None:
        raise InputError(
            "input_tensor and input_shape were both given",
            "one of them",
            "Leave input_shape out: the tensor has a shape.",
        )


def check_common(arguments: Mapping[str, Any]) -> None:
    """Refuse, of what several families take, values that Keras would refuse deep inside.

    Args:
        arguments: What the user gave, whatever the family.

    Raises:
        InputError: A dropout rate is none, a name is unknown or none, or the input is no tensor.
    """
    check_name(arguments.get("name"))
    dropout = arguments.get("dropout")
    if dropout is not None and not isinstance(dropout, list | tuple):
        check_rate("dropout", dropout)
    known = {
        "classifier_activation": keras.activations.get,
        "kernel_initializer": keras.initializers.get,
    }
    for argument, find in known.items():
        name = arguments.get(argument)
        try:
            # An array, which Keras takes for what is drawn, fits one of many layers at most.
            if hasattr(name, "shape"):
                raise TypeError
            find(name)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{argument}={shown(name)} was given",
                f"a function, or a name that Keras knows, such as {IMAGE_NAMES[argument]!r}",
                f"Leave {argument} out for the default.",
            ) from error
    tensor = arguments.get("input_tensor")
    if tensor is not None and not hasattr(tensor, "shape"):
        raise InputError(
            f"input_tensor={tensor!r} was given",
            "a tensor of Keras, such as keras.Input((224, 224, 3))",
            "Leave input_tensor out for an input of the model's own.",
        )


def check_name(name: object) -> None:
    """Refuse a name that Keras gives no model.

    Raises:
        InputError: It is no text, or has a slash.
    """
    if name is not None and (not isinstance(name, str) or "/" in name):
        raise InputError(
            f"name={name!r} was given", "a text without '/'", "Leave name out for the default."
        )


def _checked_classes(card: ModelCard, given: dict[str, Any]) -> int | None:
    classes = given["classes"]
    if card.classes is not None:
        remedy = "Pass the number of classes of your data."
        classes = card.classes if classes is None else classes
        return check_whole("classes", classes, remedy=remedy)
    if given["include_top"] or classes is not None:
        raise InputError(
            f"include_top={given['include_top']} and classes={classes!r} were given to "
            f"{card.name!r}",
            "include_top=False and classes=None, because it is a trunk",
            "Put a classifier or a detector of your own on its output.",
        )
    return None


def _input_shape(card: ModelCard, given: dict[str, Any], fixed_size: bool) -> Shape:
    shape = given["input_shape"]
    if shape is None:
        native = card.input_shape
        if given["include_top"] or card.classes is None:
            return native
        return (*(None,) * (len(native) - 1), native[-1])
    try:
        shape = (shape,) if isinstance(shape, str) else tuple(shape)
    # A symbolic tensor only says when it is asked that it has no values.
    except Exception:
        shape = (shape,)
    sizes = tuple(operator.index(size) if is_whole(size) else None for size in shape)
    whole = all(size is None or (is_whole(size) and operator.index(size) > 0) for size in shape)
    if len(sizes) != len(card.input_shape) or not whole or sizes[-1] is None:
        raise InputError(
            f"input_shape={given['input_shape']!r} was given",
            "(height, width, channels) of positive whole numbers, without the batch; height "
            "and width may be None",
            f"Pass, for example, input_shape={card.input_shape}.",
        )
    if len(sizes) == 3 and sizes[0] in (1, 3) and sizes[1] == sizes[2] and (sizes[2] or 0) > 4:
        turned = (*sizes[1:], sizes[0])
        raise InputError(
            f"input_shape={sizes} was given, {sizes[0]} rows of {sizes[2]} channels",
            "(height, width, channels): the channels come last",
            f"Pass input_shape={turned}, and turn arrays by numpy.moveaxis(pictures, 1, -1).",
        )
    _check_size(card, sizes, fixed_size and given["include_top"])
    return sizes


def _check_size(card: ModelCard, shape: Shape, fixed_size: bool) -> None:
    sizes, smallest = shape[:-1], card.smallest_size
    if fixed_size and None in sizes:
        raise InputError(
            f"An image of unknown size {shape} was given to {card.name!r}",
            "a known height and width, because its classifier flattens the feature map",
            "Give both, or build with include_top=False.",
        )
    if any(size is not None and size < smallest for size in sizes):
        raise InputError(
            f"An image of {shape} was given to {card.name!r}",
            f"height and width of at least {smallest}",
            f"Put keras.layers.Resizing({smallest}, {smallest}), or with zeros around "
            f"keras.layers.ZeroPadding2D({-(-(smallest - min(filter(None, sizes))) // 2)}), "
            "before it, or choose a shallower model.",
        )
