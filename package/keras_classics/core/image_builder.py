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

import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import keras

from keras_classics.core.errors import InputError, explain
from keras_classics.core.graph import functional
from keras_classics.core.model_files import load_weights

if TYPE_CHECKING:
    from keras_classics.core.catalogue import ModelCard

# Keras builds, clones and loads functional graphs recursively, a frame or more a layer: without
# this a thousand layers end in RecursionError, also when a saved file is read back. Much more would
# let nested JSON of a hostile file run over the C stack before Python stops it.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 20_000))

Shape = tuple[int | None, ...]
Block = Callable[[keras.KerasTensor], keras.KerasTensor]


class ImageArguments(TypedDict, total=False):
    """The arguments every image builder shares, keyword only.

    Attributes:
        include_top: Whether the classifier ends the model; by default it does, if it has one.
        weights: `None`, `"imagenet"` where weights are published (`kc.weights.PUBLISHED`; they
            bring the arguments of their form), or the path of a `.weights.h5` file of the same
            model.
        input_tensor: Tensor to build on; the layers are inlined, never nested.
        input_shape: `(height, width, channels)`; the native one by default, and
            `(None, None, channels)` where the top was left out.
        pooling: Without top: `None` (feature map), `"avg"` or `"max"` (vector).
        classes: Number of classes.
        classifier_activation: Activation of the predictions; `None` gives logits.
        name: Name of the model.
    """

    include_top: bool
    weights: str | os.PathLike | None
    input_tensor: keras.KerasTensor | None
    input_shape: Shape | None
    pooling: str | None
    classes: int
    classifier_activation: str | Callable | None
    name: str


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
    given = {**IMAGE_DEFAULTS, "include_top": card.classes is not None, **arguments}
    given["name"] = given["name"] or card.name
    given["classes"] = card.classes if given["classes"] is None else given["classes"]
    _check_arguments(given)
    _check_classes(card, given)
    if given["pooling"] and not given["include_top"] and len(card.input_shape) == 1:
        raise InputError(
            explain(
                f"pooling={given['pooling']!r} was given to {card.name!r}",
                "None, because vectors have no height and width to pool over",
                "Leave pooling out: the features are one vector per example already.",
            )
        )
    image = given["input_tensor"]
    if image is None:
        shape = _input_shape(card, given, fixed_size)
        image = keras.Input(shape, name="image")
    else:
        _check_size(card, tuple(image.shape[1:]), fixed_size and given["include_top"])
    return Head(card=card, image=image, **{key: given[key] for key in _HEAD_FIELDS})


_HEAD_FIELDS = ("include_top", "weights", "pooling", "classes", "classifier_activation", "name")


@dataclass(frozen=True)
class Head:
    """Checked arguments of an image builder, from `image_head`."""

    card: ModelCard
    image: keras.KerasTensor
    include_top: bool
    weights: str | os.PathLike | None
    pooling: str | None
    classes: int | None
    classifier_activation: str | Callable | None
    name: str

    def finish(
        self,
        features: keras.KerasTensor,
        top: Block | None = None,
        classifier: Block | None = None,
        further_outputs: Sequence[keras.KerasTensor] = (),
    ) -> keras.Model:
        """Put the tail on the features and return the model.

        Args:
            features: Feature map `(batch, height, width, channels)`.
            top: Layers between the feature map and the classifier; global average pooling by
                default. Left out without top.
            classifier: From the top's output to logits `(batch, classes)`; a dense layer by
                default.
            further_outputs: Outputs besides, such as those of auxiliary classifiers.
        """
        if self.include_top:
            x = global_average(features) if top is None else top(features)
            outputs = self.predictions(x, classifier)
        elif self.pooling == "avg":
            outputs = global_average(features)
        elif self.pooling == "max":
            outputs = keras.layers.GlobalMaxPooling2D(name="head_pool")(features)
        else:
            outputs = features
        if further_outputs:
            outputs = [outputs, *further_outputs]
        model = keras.Model(_source(self.image), outputs, name=self.name)
        if self.weights is not None:
            load_weights(model, self.weights)
        return model

    def predictions(
        self,
        x: keras.KerasTensor,
        classifier: Block | None = None,
        *,
        name: str = "predictions",
    ) -> keras.KerasTensor:
        """Classifier and its activation.

        Args:
            x: What the classifier reads.
            classifier: From `x` to logits `(batch, classes)`; a dense layer by default.
            name: Name of the last layer.

        Returns:
            `(batch, classes)`, in float32 whatever the model computes in.
        """
        # Probabilities in half precision lose small classes: the last layer stays in float32.
        half = keras.config.dtype_policy().compute_dtype in ("float16", "bfloat16")
        dtype = "float32" if half else None
        if classifier is None:
            return keras.layers.Dense(
                self.classes, self.classifier_activation, dtype=dtype, name=name
            )(x)
        return keras.layers.Activation(
            self.classifier_activation or "linear", dtype=dtype, name=name
        )(classifier(x))


def global_average(x: keras.KerasTensor) -> keras.KerasTensor:
    """Mean over height and width, under the name all models give it."""
    return keras.layers.GlobalAveragePooling2D(name="head_pool")(x)


def scaled(filters: int, width: float) -> int:
    """A width times the builder's `width` argument, at least one filter.

    Raises:
        InputError: `width` is no positive number.
    """
    if isinstance(width, bool) or not isinstance(width, (int, float)) or not 0 < width < math.inf:
        raise InputError(
            explain(
                f"width={width!r} was given",
                "a positive number, a factor on every layer's filters or units",
                "Use width=1.0 for the paper's model, width=0.5 for half its filters.",
            )
        )
    return max(1, round(filters * width))


def inline(model: keras.Model, tensor: keras.KerasTensor) -> Any:
    """Apply a model's layers, with their weights, to another tensor without nesting the model.

    Args:
        model: Functional or Sequential model with one input, in whatever structure it takes it.
        tensor: What takes the place of the model's input.

    Returns:
        The model's outputs on `tensor`; the layers are the model's own, shared.
    """
    model = functional(model)
    inputs = keras.tree.pack_sequence_as(model.input, [tensor])
    twin = keras.models.clone_model(model, input_tensors=inputs, clone_function=lambda layer: layer)
    return twin.outputs[0] if len(twin.outputs) == 1 else twin.outputs


def _check_arguments(given: dict[str, Any]) -> None:
    unknown = set(given) - set(IMAGE_DEFAULTS)
    if unknown:
        raise InputError(
            explain(
                f"The argument {sorted(unknown)[0]!r} was given",
                ", ".join(IMAGE_DEFAULTS) + " and the model's own arguments",
                "See help() of the builder.",
            )
        )
    if given["pooling"] not in (None, "avg", "max"):
        raise InputError(
            explain(
                f"pooling={given['pooling']!r} was given",
                "None, 'avg' or 'max'",
                "Use pooling='avg' with include_top=False for one vector per image.",
            )
        )
    weights = given["weights"]
    if weights is not None and not os.path.exists(weights):
        raise InputError(
            explain(
                f"weights={str(weights)!r} was given",
                "None, 'imagenet', or the path of an existing .weights.h5 file",
                "Check the path, or leave weights out for a fresh model.",
            )
        )
    if given["input_tensor"] is not None and given["input_shape"] is not None:
        raise InputError(
            explain(
                "input_tensor and input_shape were both given",
                "one of them",
                "Leave input_shape out: the tensor has a shape.",
            )
        )


def _check_classes(card: ModelCard, given: dict[str, Any]) -> None:
    classes = given["classes"]
    if card.classes is None:
        if given["include_top"] or classes is not None:
            raise InputError(
                explain(
                    f"include_top={given['include_top']} and classes={classes!r} were given to "
                    f"{card.name!r}",
                    "include_top=False and classes=None, because it is a trunk",
                    "Put a classifier or a detector of your own on its output.",
                )
            )
    elif isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise InputError(
            explain(
                f"classes={classes!r} was given",
                "a positive whole number",
                "Pass the number of classes of your data.",
            )
        )


def _input_shape(card: ModelCard, given: dict[str, Any], fixed_size: bool) -> Shape:
    shape = given["input_shape"]
    if shape is None:
        native = card.input_shape
        if given["include_top"] or card.classes is None:
            return native
        return (*(None,) * (len(native) - 1), native[-1])
    if isinstance(shape, str) or not hasattr(shape, "__len__"):
        shape = (shape,)
    shape = tuple(shape)
    whole = all(size is None or (isinstance(size, int) and size > 0) for size in shape)
    if len(shape) != len(card.input_shape) or not whole or shape[-1] is None:
        raise InputError(
            explain(
                f"input_shape={given['input_shape']!r} was given",
                "(height, width, channels) of positive whole numbers, without the batch; height "
                "and width may be None",
                f"Pass, for example, input_shape={card.input_shape}.",
            )
        )
    _check_size(card, shape, fixed_size and given["include_top"])
    return shape


def _check_size(card: ModelCard, shape: Shape, fixed_size: bool) -> None:
    sizes, smallest = shape[:-1], card.smallest_size
    if fixed_size and None in sizes:
        raise InputError(
            explain(
                f"An image of unknown size {shape} was given to {card.name!r}",
                "a known height and width, because its classifier flattens the feature map",
                "Give both, or build with include_top=False.",
            )
        )
    if any(size is not None and size < smallest for size in sizes):
        raise InputError(
            explain(
                f"An image of {shape} was given to {card.name!r}",
                f"height and width of at least {smallest}",
                f"Resize the images to {smallest} pixels or more, or choose a shallower model.",
            )
        )


def _source(tensor: keras.KerasTensor) -> Any:
    sources = keras.utils.get_source_inputs(tensor)
    return sources[0] if len(sources) == 1 else sources
