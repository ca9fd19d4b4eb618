"""A training that goes wrong: its stop, and the layer where it began."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_classics.core.graphs.gradients import value_and_gradients
from keras_classics.core.keras_internals import heard, operations_of
from keras_classics.core.types import Tensor


class NonFiniteError(Exception):
    """A loss or a variable is infinite or not a number.

    Args:
        step: Number of steps made, the last of which showed it.
        what: What was found, as a clause.
    """

    def __init__(self, step: int, what: str):
        super().__init__(what)
        self.step = step
        self.what = what


class StopAtNonFinite(keras.callbacks.Callback):
    """Ends a training at a loss that is infinite or not a number, before any other callback.

    Args:
        count: From the number of a batch in this fit to that of steps made with it.
        skips: Whether the optimizer leaves out steps that are not finite: then the loss may be so.
        look: Looks at the variables after a step, given its number, and raises `NonFiniteError`;
            None where only the loss is looked at, which costs nothing.

    Raises:
        NonFiniteError: Out of `fit`.
    """

    def __init__(
        self,
        count: Callable[[int], int],
        skips: bool,
        look: Callable[[keras.Model, int], object] | None = None,
    ) -> None:
        super().__init__()
        self.count = count
        self.skips = skips
        self.look = look

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss of a step."""
        step, loss = self.count(batch), (logs or {}).get("loss", 0.0)
        if not self.skips and not math.isfinite(loss):
            raise NonFiniteError(step, f"the loss is {loss}")
        if self.look:
            self.look(self.model, step)


def all_finite(structure: Any) -> bool:
    """Whether all floating-point numbers of nested tensors are finite."""
    tensors = [each for each in keras.tree.flatten(structure) if each is not None]
    return all(map(finite_array, map(keras.ops.convert_to_numpy, tensors)))


def finite_array(array: np.ndarray) -> bool:
    """Whether an array has only finite numbers, or none with a point."""
    return "float" not in array.dtype.name or bool(np.isfinite(array).all())


def first_non_finite(model: keras.Model, batch: tuple) -> str:
    """What first is not finite when a model with sound weights learns from a batch.

    The batch is computed once more, layer by layer: first forwards, then backwards.

    Args:
        model: A compiled model, in the state before the step.
        batch: Inputs, targets and perhaps weights.

    Returns:
        A clause that names the part of the batch, the layer or the weight.
    """
    given = _mapped(np.asarray, keras.utils.unpack_x_y_sample_weight(batch))
    for name, part in zip(("inputs", "targets", "sample weights"), given, strict=True):
        if not all_finite(part):
            return f"the {name} of its batch"
    x, y, weights = _mapped(keras.ops.convert_to_tensor, given)
    training = {"training": True} if "training" in inspect.signature(model.call).parameters else {}

    def loss(*values: Tensor) -> Tensor:
        mapping = zip(model.trainable_variables, values, strict=True)
        with keras.StatelessScope(state_mapping=list(mapping)):
            answer = model(x, **training)
            return model.compute_loss(x=x, y=y, y_pred=answer, sample_weight=weights)

    broken: list[str] = []

    def listen(part: keras.Operation, outputs: Any) -> None:
        if not all_finite(outputs):
            broken.append(part.name)

    with heard(_parts(model), listen) as told, keras.StatelessScope():
        model(x, **training)
    if broken:
        return f"the output of the layer {broken[0]!r}"
    value, gradients = value_and_gradients(loss, model.trainable_variables)
    if not all_finite(value):
        return "the loss, of finite outputs of all layers" if told else "the loss"
    # Backwards, the last layer comes first.
    for variable, gradient in zip(
        reversed(model.trainable_variables), reversed(gradients), strict=True
    ):
        if not all_finite(gradient):
            return f"the gradient of {variable.path!r}"
    return "the optimizer's step, of finite gradients"


def _mapped(convert: Callable, structure: Any) -> Any:
    return keras.tree.map_structure(lambda each: None if each is None else convert(each), structure)


def _parts(model: keras.Model) -> Iterator[keras.Operation]:
    """Layers, and operations between them, of a model and of models in it, once each."""
    found: dict[int, keras.Operation] = {}
    for part in operations_of(model):
        inner = _parts(part) if isinstance(part, keras.Model) else [part]
        found |= {id(each): each for each in inner}
    yield from found.values()
