"""A model seen from within: its logits, and the feature maps of its layers, nested ones too.

The model itself is only read, see `model_logits`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.floating_inputs import check_floating_input
from keras_classics.core.graphs.gradients import tapped_gradients
from keras_classics.core.graphs.graph import (
    Place,
    has_graph,
    needed_for,
    numbered_paths,
    origin,
    path,
    source,
)
from keras_classics.core.graphs.model_logits import ModelLogits
from keras_classics.core.keras_internals import Node
from keras_classics.core.types import Tensor

# What only makes a map smaller or larger, or turns it: the map before it says more.
TRIMMING = (
    layers.Dropout,
    layers.Flatten,
    layers.Identity,
    layers.Permute,
    layers.Reshape,
    layers.SpatialDropout2D,
    layers.ZeroPadding2D,
    layers.Cropping2D,
    layers.UpSampling2D,
)


class Capture(ModelLogits):
    """A functional model whose logits and feature maps can be asked for.

    Args:
        model: A functional or built sequential model, with whatever models are nested in it.
        image: Which of its inputs is the image, by name or number; the first
            `(batch, height, width, channels)` by default.

    Attributes:
        model: The model.
        image: The number of the image in `model.inputs`.
        ends: How each output ends.
        paths: The places of all calls and their paths, in order; a layer called again has a number
            in its path, `"encoder(1)/conv"`.
        seeing: The places that depend on the image, but those of nested models.

    Raises:
        InputError: The model is subclassed or not built, takes no such image, or has its channels
            first.
    """

    def __init__(self, model: keras.Model, image: int | str | None = None) -> None:
        super().__init__(model)
        check_layers(self.model)
        self.image = _image_number(self.model, image)
        self.paths = numbered_paths(self.model.outputs)
        self._needed = [needed_for([output]) for output in self.model.outputs]
        self.seeing = self._seeing()

    def maps(
        self, inputs: Sequence[Tensor], wanted: Sequence[Place]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The model's logits, and the float32 maps of some layers."""
        found: dict[Place, Tensor] = {}

        def after(place: Place, outputs: Any) -> Any:
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

        def function(tap: Callable[[Tensor], Tensor]) -> Tensor:
            met.clear()

            def after(place: Place, outputs: Any) -> Any:
                if place not in wanted:
                    return outputs
                met.append(place)
                return tap(outputs)

            return ops.sum(score(self.logits(inputs, after)))

        found = dict(zip(met, zip(*tapped_gradients(function), strict=True), strict=True))
        maps, gradients = (
            [ops.cast(found[place][part], "float32") for place in wanted] for part in (0, 1)
        )
        return maps, gradients

    def image_gradients(
        self,
        inputs: Sequence[Tensor],
        score: Callable[[list[Tensor]], Tensor],
        after: Callable[[Place, Any], Any] = lambda place, outputs: outputs,
        instead: Mapping[Place, Callable[..., Any]] | None = None,
    ) -> Tensor:
        """The gradients of a score by the image, of its shape.

        Args:
            inputs: In the order of `model.inputs`.
            score: As for `gradients`.
            after: As for `logits`.
            instead: As for `logits`.
        """

        def function(tap: Callable[[Tensor], Tensor]) -> Tensor:
            tapped = [tap(x) if n == self.image else x for n, x in enumerate(inputs)]
            return ops.sum(score(self.logits(tapped, after, instead)))

        _, (gradients,) = tapped_gradients(function)
        return gradients

    def check_differentiable(self) -> None:
        """Refuse models whose image has no gradient.

        Raises:
            InputError: It is of whole numbers.
        """
        check_floating_input(self.model, self.image)

    def place(self, layer: str, *, vectors: bool = False) -> Place:
        """Where a layer is called that is given by its name, or by its path in nested models.

        Of several calls it is the one that depends on the image.

        Args:
            layer: The name or path.
            vectors: Whether a layer will do whose one output is no map, such as a dense one.

        Raises:
            InputError: There is no such layer, more than one, it does not depend on the image, or
                its output is no feature map.
        """
        named = self._named(layer)
        admitted = _has_one_output if vectors else _is_map
        maps = {place: name for place, name in self.paths.items() if self._sees(place, admitted)}
        found = [place for place in named if place in maps]
        if len(found) == 1:
            # The map of a nested model is that of the layer in it that makes its output.
            return origin(found[0][-1].outputs[0], found[0][:-1]) or found[0]
        if not named:
            given = f"The layer {layer!r} is not in {self.model.name!r}"
        elif found or not any(admitted(place[-1]) for place in named):
            several = ", ".join(self.paths[place] for place in found or named)
            shapes = " and ".join(str(tuple(x.shape)) for x in named[0][-1].outputs)
            given = f"The layer {layer!r} gives {shapes}"
            if len(found or named) > 1:
                given = f"There are several layers {layer!r}: {several}"
        else:
            given = f"The layer {layer!r} does not depend on {self._image_name()}"
        near = difflib.get_close_matches(str(layer), list(maps.values()), n=1, cutoff=0.5)
        kind = "output" if vectors else "map (batch, height, width, channels)"
        instead = "See model.summary()." if vectors else "Leave layer out for the last one."
        raise InputError(
            given,
            f"a layer, or 'model/layer' in a nested one, with one {kind}, such as "
            f"{', '.join([*maps.values()][-4:]) or 'none here'}",
            f"Did you mean {near[0]!r}?" if near else instead,
        )

    def last_map(self) -> Place:
        """The last feature map of the image before the classifier of the first output.

        Where that does not depend on the image it is the first output that does. Pools, dropouts
        and paddings behind it are passed over; so the map of a VGG is that of its last ReLU. A last
        convolution that makes a map of each class is the classifier itself.

        Raises:
            InputError: There is none.
        """
        needed = next(
            (places for places, inputs in self._needed if self._image_identity() in inputs), set()
        )
        way = [place for place in self.paths if place in needed]
        weighted = [n for n, x in enumerate(way) if getattr(x[-1].operation, "weights", None)]
        for place in reversed(way[: weighted[-1]] if weighted else way):
            operation = place[-1].operation
            trims = isinstance(operation, TRIMMING) or hasattr(operation, "pool_size")
            if self._sees(place, _is_map) and not trims:
                return place
        raise InputError(
            f"{self.model.name!r} has no feature map of {self._image_name()} before its classifier",
            "models with a layer whose output is (batch, height, width, channels)",
            "Maps need a network of convolutions.",
        )

    def check_explains(self, wanted: Iterable[Place] = ()) -> None:
        """Refuse what has no say in the first output, whose classes are explained.

        Args:
            wanted: Places of layers.

        Raises:
            InputError: The first output does not depend on the image, or on a layer, or has no axis
                of classes, or is of whole numbers, which have no gradient.
        """
        self._check_first_output()
        needed, inputs = self._needed[0]
        apart = [self.paths[place] for place in wanted if place not in needed]
        given = f"the layer {apart[0]!r}" if apart else None
        if self._image_identity() not in inputs:
            given = self._image_name()
        if given:
            raise InputError(
                f"The first output does not depend on {given}",
                "classes of the first output, or a function as target",
                "Pass as target a function of the output that is meant, such as "
                "lambda outputs: outputs[1][:, 0].",
            )

    def check_gradient(self) -> None:
        """Refuse what has no output with a gradient, whatever function of them is explained.

        Raises:
            InputError: All outputs are of whole numbers.
        """
        if not any(keras.backend.is_float_dtype(each.dtype) for each in self.model.outputs):
            self._check_first_output()

    def _check_first_output(self) -> None:
        first = self.model.outputs[0]
        shape, dtype = tuple(first.shape), first.dtype
        if not keras.backend.is_float_dtype(dtype):
            allowed = "outputs of type float16, bfloat16, float32 or float64, which have a gradient"
            remedy = "Explain keras.Model(model.inputs, x), where x is what was cast or compared."
        elif len(shape) < 2 and not self.ends[0].dropped:
            allowed = "outputs (batch, classes) or (batch, ..., classes), or a function as target"
            remedy = "Pass target=lambda outputs: outputs to explain the number itself."
        else:
            return
        raise InputError(f"The first output is {dtype} {shape}", allowed, remedy)

    def _named(self, layer: str) -> list[Place]:
        """The places a path, or a name without its path or numbers, may mean."""
        exact = [place for place, own in self.paths.items() if own == layer]
        plain = [place for place in self.paths if path(place) == layer]
        return exact or plain or [x for x in self.paths if x[-1].operation.name == layer]

    def _seeing(self) -> set[Place]:
        image = self._image_identity()
        seeing: set[Place] = set()
        for place in self.paths:
            if has_graph(place[-1].operation):
                continue
            sources = [source(tensor, place[:-1]) for tensor in place[-1].input_tensors]
            if any(x in seeing if isinstance(x, tuple) else id(x) == image for x in sources):
                seeing.add(place)
        return seeing

    def _sees(self, place: Place, admitted: Callable[[Node], bool]) -> bool:
        made = origin(place[-1].outputs[0], place[:-1])
        return admitted(place[-1]) and made in self.seeing

    def _image_identity(self) -> int:
        return id(self.model.inputs[self.image])

    def _image_name(self) -> str:
        return f"the image {self.model.inputs[self.image].name!r}"


def _image_number(model: keras.Model, image: int | str | None) -> int:
    """Which of a model's inputs is the image that is explained."""
    names = [x.name for x in model.inputs]
    images = [number for number, x in enumerate(model.inputs) if len(x.shape) == 4]
    if not images:
        raise InputError(
            f"{model.name!r} takes {[tuple(x.shape) for x in model.inputs]}",
            "models that take an image (batch, height, width, channels)",
            "Maps over an image need a model of images.",
        )
    if image is None:
        return images[0]
    number = names.index(image) if image in names else image
    if isinstance(number, bool) or number not in images:
        raise InputError(
            f"image={image!r} was given",
            "an input (batch, height, width, channels) of the model, by name or number: "
            + ", ".join(f"{names[each]!r} ({each})" for each in images),
            "Leave image out for the first.",
        )
    return int(number)


def _is_map(node: Node) -> bool:
    shape = node.outputs[0].shape
    return _has_one_output(node) and len(shape) == 4 and tuple(shape[1:3]) != (1, 1)


def _has_one_output(node: Node) -> bool:
    return len(node.outputs) == 1
