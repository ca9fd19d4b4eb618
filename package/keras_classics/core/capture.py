"""A model seen from within: its logits, and the feature maps of its layers, nested ones too.

The model itself is only read. What ends in softmax or sigmoid is computed without it by a twin of
that one layer, which shares the weights and exists only here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops, tree

from keras_classics.core.errors import InputError, explain
from keras_classics.core.gradients import tapped_gradients
from keras_classics.core.graph import (
    Node,
    Place,
    Tensor,
    check_functional,
    has_graph,
    origin,
    path,
    places,
    run,
)

# Layers whose `activation` is the last thing they do.
FUSED = (
    layers.Activation,
    layers.Dense,
    layers.EinsumDense,
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv2DTranspose,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
)
SQUASHING = (
    keras.activations.softmax,
    keras.activations.log_softmax,
    keras.activations.sigmoid,
)
# Keras's operations of the same, as functional models hold them.
SQUASHING_OPERATIONS = ("Softmax", "LogSoftmax", "Sigmoid")
# What may stand between the logits and the output, or between pooled features and their classifier.
PASSING = (layers.Dropout, layers.Flatten, layers.Identity, layers.Permute, layers.Reshape)
# What only makes a map smaller or larger: the map before it says more.
TRIMMING = (
    *PASSING,
    layers.SpatialDropout2D,
    layers.ZeroPadding2D,
    layers.Cropping2D,
    layers.UpSampling2D,
)


class Capture:
    """A functional model whose logits and feature maps can be asked for.

    Args:
        model: A functional or built sequential model, with whatever models are nested in it.

    Attributes:
        model: The model.
        image: Which of `model.inputs` is the image: the first `(batch, height, width, channels)`.

    Raises:
        InputError: The model is subclassed or not built, takes no image, or has its channels first.
    """

    def __init__(self, model: keras.Model):
        check_functional(model)
        self.model = model
        self.places = list(places(model.outputs))
        images = [number for number, x in enumerate(model.inputs) if len(x.shape) == 4]
        if not images:
            raise InputError(
                explain(
                    f"{model.name!r} takes {[tuple(x.shape) for x in model.inputs]}",
                    "models that take an image (batch, height, width, channels)",
                    "Maps over an image need a model of images.",
                )
            )
        self.image = images[0]
        first = [
            path(place)
            for place in self.places
            if getattr(place[-1].operation, "data_format", None) == "channels_first"
        ]
        if first:
            raise InputError(
                explain(
                    f"The layer {first[0]!r} has its channels first",
                    "models with channels last",
                    "Build the model with data_format='channels_last'; its weights fit.",
                )
            )
        self.heads = [Head.of(output) for output in model.outputs]

    def logits(
        self,
        inputs: Sequence[Tensor],
        after: Callable[[Place, Any], Any] = lambda place, outputs: outputs,
    ) -> list[Tensor]:
        """The model's outputs in inference mode, logits where they end in softmax or sigmoid.

        Args:
            inputs: In the order of `model.inputs`.
            after: From a place and its outputs to the outputs that the run goes on with.
        """
        # What reads the probabilities within the model goes on reading them.
        logits: dict[Place, Tensor] = {}

        def beside(head):
            def call(*arguments, **options):
                logits[head.place] = head.linear(*arguments, **options)
                return head.place[-1].operation(*arguments, **options)

            return call

        instead = {head.place: beside(head) for head in self.heads if head.linear}
        outputs = run(self.model, inputs, instead=instead, after=after)
        return [
            head.shaped(logits[head.place]) if head.linear else output
            for head, output in zip(self.heads, outputs, strict=True)
        ]

    def maps(
        self, inputs: Sequence[Tensor], wanted: Sequence[Place]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The model's logits, and the float32 maps of some layers."""
        found: dict[Place, Tensor] = {}

        def after(place, outputs):
            if place in wanted:
                found[place] = ops.cast(outputs, "float32")
            return outputs

        logits = self.logits(inputs, after)
        return logits, [found[place] for place in wanted]

    def gradients(
        self,
        inputs: Sequence[Tensor],
        wanted: Sequence[Place],
        score: Callable[[list[Tensor]], Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The maps of some layers and the gradients of a score by them, from one pass.

        Args:
            inputs: In the order of `model.inputs`.
            wanted: Where the layers are called.
            score: From logits to one score for each image `(batch,)`; those of different images are
                independent, so that the gradient of their sum is the gradient of each.

        Returns:
            Maps and gradients, float32 `(batch, height, width, channels)`.
        """
        met: list[Place] = []

        def function(tap):
            met.clear()

            def after(place, outputs):
                if place not in wanted:
                    return outputs
                met.append(place)
                return tap(outputs)

            return ops.sum(score(self.logits(inputs, after)))

        found = dict(zip(met, zip(*tapped_gradients(function), strict=True), strict=True))
        return tuple(
            [ops.cast(found[place][part], "float32") for place in wanted] for part in (0, 1)
        )

    def image_gradients(
        self,
        inputs: Sequence[Tensor],
        score: Callable[[list[Tensor]], Tensor],
        after: Callable[[Place, Any], Any] = lambda place, outputs: outputs,
    ) -> Tensor:
        """The gradients of a score by the image, of its shape.

        Args:
            inputs: In the order of `model.inputs`.
            score: As for `gradients`.
            after: As for `logits`.
        """

        def function(tap):
            tapped = [tap(x) if n == self.image else x for n, x in enumerate(inputs)]
            return ops.sum(score(self.logits(tapped, after)))

        _, (gradients,) = tapped_gradients(function)
        return gradients

    def check_differentiable(self) -> None:
        """Refuse models whose image has no gradient.

        Raises:
            InputError: It is of whole numbers.
        """
        image = self.model.inputs[self.image]
        if not keras.backend.is_float_dtype(image.dtype):
            raise InputError(
                explain(
                    f"{self.model.name!r} takes images of {image.dtype}",
                    "models of floating-point images, which have a gradient",
                    "Build it on keras.Input(..., dtype='float32').",
                )
            )

    def as_returned(self, outputs: list[Tensor]) -> Any:
        """Outputs in the structure that the model returns them in."""
        if isinstance(self.model, keras.Sequential):
            return outputs[0]
        return tree.pack_sequence_as(self.model.output, outputs)

    def arrays(self, images: Any) -> list[np.ndarray]:
        """What the user passes as the model's input, in the order of `model.inputs`.

        Raises:
            InputError: It does not fit the model.
        """
        if isinstance(images, dict) and set(images) >= {x.name for x in self.model.inputs}:
            images = [images[x.name] for x in self.model.inputs]
        given = [
            ops.convert_to_numpy(x) if ops.is_tensor(x) else np.asarray(x)
            for x in (tree.flatten(images) if isinstance(images, dict | list | tuple) else [images])
        ]
        if not given or not given[0].size or not _fit(given, [x.shape for x in self.model.inputs]):
            wanted = [tuple(x.shape) for x in self.model.inputs]
            raise InputError(
                explain(
                    f"Images of shape {' and '.join(str(x.shape) for x in given)} were given",
                    f"what {self.model.name!r} takes: {' and '.join(map(str, wanted))}",
                    "Put a single image into a batch: images[None].",
                )
            )
        return given

    def place(self, layer: str) -> Place:
        """Where a layer is called that is given by its name, or by its path in nested models.

        Of several calls it is the last.

        Raises:
            InputError: There is no such layer, more than one, or its output is no feature map.
        """
        paths = {path(place): place for place in self.places}
        named = {p: place for p, place in paths.items() if p.split("/")[-1] == layer}
        found = paths.get(layer) or (len(named) == 1 and next(iter(named.values())))
        if found and _is_map(found[-1]):
            # The map of a nested model is that of the layer in it that makes its output.
            return origin(found[-1].outputs[0], found[:-1]) or found
        maps = [p for p, place in paths.items() if _is_map(place[-1])]
        if found:
            shapes = " and ".join(str(tuple(x.shape)) for x in found[-1].outputs)
            given = f"The layer {layer!r} gives {shapes}"
        elif named:
            given = f"There are several layers {layer!r}: {', '.join(named)}"
        else:
            given = f"The layer {layer!r} is not in {self.model.name!r}"
        near = difflib.get_close_matches(str(layer), maps, n=1, cutoff=0.5)
        raise InputError(
            explain(
                given,
                "a layer, or 'model/layer' in a nested one, with one map (batch, height, width, "
                f"channels), such as {', '.join(maps[-4:]) or 'none here'}",
                f"Did you mean {near[0]!r}?" if near else "Leave layer out for the last one.",
            )
        )

    def last_map(self) -> Place:
        """The last feature map before the classifier of the first output.

        Pools, dropouts and paddings behind it are passed over; so the map of a VGG is that of its
        last ReLU. A last convolution that makes a map of each class is the classifier itself.

        Raises:
            InputError: There is none.
        """
        way = [x for x in places(self.model.outputs[:1]) if not has_graph(x[-1].operation)]
        weighted = [n for n, x in enumerate(way) if getattr(x[-1].operation, "weights", None)]
        for place in reversed(way[: weighted[-1]] if weighted else way):
            operation = place[-1].operation
            trims = isinstance(operation, TRIMMING) or hasattr(operation, "pool_size")
            if _is_map(place[-1]) and not trims:
                return place
        raise InputError(
            explain(
                f"{self.model.name!r} has no feature map before its classifier",
                "models with a layer whose output is (batch, height, width, channels)",
                "Maps need a network of convolutions.",
            )
        )


class Head(NamedTuple):
    """What makes one output of a model.

    Attributes:
        place: The last call that does more than pass on or reshape.
        linear: The same without its softmax or sigmoid; None where it has neither.
        passing: What the result passes through to the output.
    """

    place: Place | None
    linear: Callable | None
    passing: tuple[Callable, ...]

    @classmethod
    def of(cls, output: Tensor) -> Head:
        """The head of an output."""
        place, passing = origin(output), []
        while place and isinstance(place[-1].operation, PASSING):
            passing.insert(0, place[-1].operation)
            place = before(place)
        return cls(place, place and _linear(place[-1].operation), tuple(passing))

    def shaped(self, logits: Tensor) -> Tensor:
        """Logits as the output would be."""
        for layer in self.passing:
            logits = layer(logits)
        return logits


def before(place: Place) -> Place | None:
    """The call that makes the first input of another; None where that is the model's."""
    return origin(place[-1].input_tensors[0], place[:-1])


def _linear(operation: Any) -> Callable | None:
    """An operation without the softmax or sigmoid it ends in; None where it has neither."""
    if isinstance(operation, layers.Softmax) or (
        not isinstance(operation, keras.layers.Layer)
        and type(operation).__name__ in SQUASHING_OPERATIONS
    ):
        return lambda inputs, **options: inputs
    if isinstance(operation, FUSED) and (
        operation.activation in SQUASHING or isinstance(operation.activation, layers.Softmax)
    ):
        return _twin(operation, activation=keras.activations.linear)
    if isinstance(operation, layers.TimeDistributed):
        inner = _linear(operation.layer)
        return inner and _twin(operation, layer=inner)
    return None


def _twin(layer: keras.layers.Layer, /, **changes) -> keras.layers.Layer:
    """Another layer that shares everything with the first but some attributes."""
    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__ | changes)
    return twin


def _is_map(node: Node) -> bool:
    shape = node.outputs[0].shape
    return len(node.outputs) == 1 and len(shape) == 4 and tuple(shape[1:3]) != (1, 1)


def _fit(given: Sequence[np.ndarray], shapes: Sequence[tuple]) -> bool:
    return len(given) == len(shapes) and all(
        len(x.shape) == len(shape)
        and all(size in (None, side) for side, size in zip(x.shape, shape, strict=True))
        for x, shape in zip(given, shapes, strict=True)
    )
