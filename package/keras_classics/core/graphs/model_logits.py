"""The logits of a model, softmax or sigmoid at its end or not, from what its user passes to it.

The model itself is only read. What ends in softmax or sigmoid is computed without it by a twin of
that one layer, which shares the weights and exists only here; see `model_ends`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import Place, check_intact, functional, run
from keras_classics.core.graphs.model_ends import model_ends
from keras_classics.core.shapes import agree
from keras_classics.core.types import Tensor


class ModelLogits:
    """A functional model whose logits can be asked for, whatever they are hidden behind.

    Args:
        model: A functional or built sequential model, with whatever models are nested in it.

    Attributes:
        model: The model.
        ends: How each output ends.

    Raises:
        InputError: The model is subclassed or not built, or has a lesion.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = functional(model)
        check_intact(model)
        self.ends = model_ends(self.model)

    def logits(
        self,
        inputs: Sequence[Tensor],
        after: Callable[[Place, Any], Any] = lambda place, outputs: outputs,
        instead: Mapping[Place, Callable[..., Any]] | None = None,
    ) -> list[Tensor]:
        """The model's outputs in inference mode, logits where they end in softmax or sigmoid.

        Args:
            inputs: In the order of `model.inputs`.
            after: From a place and its outputs to the outputs that the run goes on with.
            instead: What is called in the place of layers; not of the ends.
        """
        # What reads the probabilities within the model goes on reading them.
        logits: dict[Place, Tensor] = {}

        def beside(place: Place, linear: Callable[..., Tensor]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                logits[place] = linear(*arguments, **options)
                return place[-1].operation(*arguments, **options)

            return call

        squashing = {end.place: end.linear for end in self.ends if end.place and end.linear}
        ends = {place: beside(place, linear) for place, linear in squashing.items()}
        outputs = run(self.model, inputs, instead={**(instead or {}), **ends}, after=after)
        return [
            end.shaped(logits[end.place]) if end.place in squashing else output
            for end, output in zip(self.ends, outputs, strict=True)
        ]

    def class_logits(self, outputs: Sequence[Tensor]) -> Tensor:
        """The first of `logits`, float32 with classes as its last axis."""
        return self.ends[0].with_classes(ops.cast(outputs[0], "float32"))

    def as_returned(self, outputs: list[Tensor]) -> Any:
        """Outputs in the structure that the model returns them in."""
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
                f"Images of shape {' and '.join(str(x.shape) for x in given)} were given",
                f"what {self.model.name!r} takes: {' and '.join(map(str, wanted))}",
                _remedy(given, [x.shape for x in self.model.inputs]),
            )
        return given


def _remedy(given: Sequence[np.ndarray], shapes: Sequence[tuple]) -> str:
    """What makes of that which was given something that fits."""
    if given and not all(x.ndim for x in given):
        return "Pass arrays of numbers; of a generator or data set, one batch after the other."
    if given and _fit(given, shapes):
        return "Pass one image or more."
    if len(shapes) == 1 and given and all(_fit([x[None]], shapes) for x in given):
        if len(given) == 1:
            return "Put a single image into a batch: images[None]."
        return "Make one array of the list: np.stack(images)."
    if len(given) != len(shapes):
        return "Pass an array for each input, in a list or by name."
    return "Resize the images, or build the model for theirs; a single one needs images[None]."


def _fit(given: Sequence[np.ndarray], shapes: Sequence[tuple]) -> bool:
    return len(given) == len(shapes) and all(
        agree(x.shape, shape) for x, shape in zip(given, shapes, strict=True)
    )
