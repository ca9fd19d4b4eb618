"""How a model ends: in softmax, sigmoids or logits, read from its graph, never from numbers.

This is the one reading of a model's head, for explanations, new heads and exports alike. It goes
back from an output to the call that makes probabilities of logits. On its way

* casts, linear activations, `Identity`, dropouts and noise are passed over: they keep values;
* `Reshape`, `Flatten` and what takes out or puts in axes are passed over too, and done to the
  logits as well; after a softmax the classes must still be the last axis;
* `a * x + b` with numbers `a > 0` and `b`, by `Rescaling` or `keras.ops`, is remembered and taken
  back by `ModelEnd.probabilities`. With `a = 1` and `b = 0` it keeps values, with others the
  outputs are no probabilities, and the end says so; with an `a` so small that nothing is left of
  them the end is unknown;
* means of softmaxes or of sigmoids, such as those of an ensemble, are probabilities again; their
  logits are logarithms of the mean.

Whatever else stands behind a softmax or a sigmoid makes the end unknown, and so does a layer that
cannot be seen into, such as one of the user's own or a subclassed model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import keras
from keras import layers, ops

from keras_classics.core.arguments import checked
from keras_classics.core.call_kinds import (
    AVERAGING,
    Squash,
    activates,
    bounds,
    is_linear,
    keeps,
    line_of,
    mixes,
    operation_name,
    reshapes,
    squashing,
    stays_within,
)
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import (
    Place,
    before,
    called_again,
    check_functional,
    origin,
    path,
)
from keras_classics.core.keras_internals import Node
from keras_classics.core.types import Tensor

Kind = Literal["softmax", "sigmoid", "sigmoids", "logits", "unknown"]
Shape = tuple[int | None, ...]
# Tensors of the backend, or NumPy arrays.
Values = Any


@dataclass(frozen=True, eq=False)
class ModelEnd:
    """How one output of a model ends.

    Attributes:
        kind: `"softmax"`: probabilities of classes that exclude each other. `"sigmoid"`: one unit,
            the probability of the second of two classes. `"sigmoids"`: a probability for each of
            several labels. `"logits"`: no activation; a softmax is meant to follow, or a sigmoid
            where there is one unit. `"unknown"`: something else.
        units: Size of the axis of classes; None if it is not known.
        place: The call that makes probabilities of logits; of logits the call they come from; None
            where the output is an input.
        linear: What gives logits, called in its stead; None for logits and unknown ends.
        behind: The calls behind it that change the shape.
        logarithm: Whether the logarithms of probabilities come out.
        scale: What they are multiplied by, above 0.
        offset: What is then added.
        dropped: Whether the one unit has no axis: outputs are `(batch,)`, or a map of one class
            `(batch, height, width)`.
        reason: Of an unknown end, a clause that says why.
    """

    kind: Kind
    units: int | None
    place: Place | None = None
    linear: Callable[..., Any] | None = None
    behind: tuple[Node, ...] = ()
    logarithm: bool = False
    scale: float = 1.0
    offset: float = 0.0
    dropped: bool = False
    reason: str = ""

    @property
    def classes(self) -> int | None:
        """Number of classes: two where one unit decides between two."""
        return 2 if self.units == 1 and self.kind in ("sigmoid", "logits") else self.units

    @property
    def gives_probabilities(self) -> bool:
        """Whether the outputs are probabilities as they are."""
        known = self.kind in ("softmax", "sigmoid", "sigmoids")
        return known and not self.logarithm and (self.scale, self.offset) == (1.0, 0.0)

    def shaped(self, logits: Tensor) -> Tensor:
        """What `linear` gives, in the shape of the output."""
        for node in self.behind:
            logits = called_again(node, logits)
        return logits

    def with_classes(self, values: Values) -> Values:
        """Outputs, or logits of their shape, with classes as the last axis."""
        return values[..., None] if self.dropped else values

    def probabilities(self, values: Values, library: ModuleType | Any = ops) -> Values:
        """The probabilities of classes in what the model answered.

        Args:
            values: The output, `(batch, ..., units)`, or `(batch, ...)` where `dropped`.
            library: `keras.ops` for tensors, NumPy for arrays.

        Returns:
            `(batch, ..., classes)`. They add up to 1 but for several sigmoids, which are
            independent.

        Raises:
            InputError: The end is unknown.
        """
        x = self.with_classes(values)
        if self.kind == "unknown":
            raise InputError(
                f"Probabilities of classes were asked for, but {self.reason}",
                "ends in softmax, sigmoid or logits, with casts, reshapes and scalings behind",
                "Put keras.layers.Softmax() on the layer that gives the logits.",
            )
        if self.kind == "logits" and self.units == 1:
            return _two_classes(0.5 * (1 + library.tanh(x / 2)), library)
        if self.kind == "logits":
            x = library.exp(x - library.max(x, axis=-1, keepdims=True))
        else:
            x = (x - self.offset) / self.scale
            x = library.exp(x) if self.logarithm else x
        if self.kind == "sigmoids":
            return x
        if self.kind == "sigmoid":
            return _two_classes(x, library)
        # Those of half precision add up to nearly 1 only.
        return x / library.sum(x, axis=-1, keepdims=True)


@checked
def model_ends(model: keras.Model) -> list[ModelEnd]:
    """How the outputs of a model end, in the order of `model.outputs`.

    Args:
        model: A functional or built sequential model, whatever models are nested in it.

    Raises:
        InputError: The model is subclassed or not built.
    """
    check_functional(model)
    return [read_end(output) for output in model.outputs]


def read_end(output: Tensor, above: Place = ()) -> ModelEnd:
    """How a tensor of a model's graph ends.

    Args:
        output: The tensor.
        above: Where the model is nested whose graph it belongs to.
    """
    place, scale, offset = origin(output, above), 1.0, 0.0
    behind: tuple[Node, ...] = ()
    while place is not None:
        node = place[-1]
        if squash := squashing(node.operation):
            return _legible(output, _squashed(output, place, squash, behind, scale, offset))
        if reshapes(node):
            behind = (node, *behind)
        elif (line := line_of(node)) and line[0] > 0:
            scale, offset = scale * line[0], offset + scale * line[1]
        elif not keeps(node.operation):
            return _legible(output, _unsquashed(output, place, behind, scale, offset))
        place = before(place)
    return ModelEnd("unknown", _last(output), reason="an output is an input as it is")


def check_logits(model: keras.Model) -> None:
    """Refuse a model that has put the logits which are due through an activation.

    A layer of the user's own, which cannot be seen into, is taken at its word.

    Args:
        model: A functional or built sequential model.

    Raises:
        InputError: An output comes out of one, or the model has no graph.
    """
    for end in model_ends(model):
        if end.kind == "logits" or end.place is None:
            continue
        if end.kind != "unknown":
            reason = f"the last layer that counts, {path(end.place)!r}, ends in {end.kind}"
        elif activates(end.place[-1].operation) or any(_holds_probabilities(end.place)):
            reason = end.reason
        else:
            continue
        raise InputError(
            f"{model.name!r} was given, of which {reason}",
            "a model that gives logits, as they are before an activation",
            "Leave that activation out, as keras.layers.Dense(1) does.",
        )


def bounds_of(model: keras.Model) -> tuple[float, float] | None:
    """Between which numbers the first output of a model lies, by its last activation.

    Args:
        model: A functional or built sequential model.

    Returns:
        The lower and the upper one, or None where no activation bounds them, or none is seen.
    """
    check_functional(model)
    place, scale, offset = origin(model.outputs[0]), 1.0, 0.0
    while place is not None:
        node = place[-1]
        if found := bounds(node.operation):
            low, high = sorted(offset + scale * each for each in found)
            return low, high
        if line := line_of(node):
            scale, offset = scale * line[0], offset + scale * line[1]
        elif not (keeps(node.operation) or reshapes(node) or stays_within(node.operation)):
            return None
        place = before(place)
    return None


def values_from(place: Place | None) -> Place | None:
    """The call whose values a call passes on: itself, where it makes some of its own."""
    while place and (keeps(place[-1].operation) or reshapes(place[-1])):
        place = before(place)
    return place


def _legible(output: Tensor, end: ModelEnd) -> ModelEnd:
    """The end, unless its scale and offset leave nothing of probabilities in single precision."""
    if end.place is None or (1e-30 < end.scale < 1e30 and abs(end.offset) < 1e6 * end.scale):
        return end
    line = f"{end.scale:g} * x {'-' if end.offset < 0 else '+'} {abs(end.offset):g}"
    return _unknown(output, end.place, f"is put through {line}, which leaves no digits of it")


def _squashed(
    output: Tensor,
    place: Place,
    squash: Squash,
    behind: tuple[Node, ...],
    scale: float,
    offset: float,
) -> ModelEnd:
    made = place[-1].outputs[0].shape
    units, dropped = _units(output, made)
    kind: Kind = "sigmoid" if units == 1 else "sigmoids"
    if squash.function.endswith("softmax"):
        axis = _axis(squash.axis, len(made))
        if axis is not None and made[axis] == 1:
            return _unknown(output, place, "is a softmax over one unit, which is always 1")
        if not _classes_are_last(made, axis, output.shape):
            return _unknown(output, place, "is a softmax whose classes are not the last axis")
        kind, units, dropped = "softmax", output.shape[-1], False
    logarithm = squash.function.startswith("log_")
    return ModelEnd(kind, units, place, squash.linear, behind, logarithm, scale, offset, dropped)


def _unsquashed(
    output: Tensor, place: Place, behind: tuple[Node, ...], scale: float, offset: float
) -> ModelEnd:
    node = place[-1]
    operation = node.operation
    units, dropped = _units(output, node.outputs[0].shape)
    if is_linear(operation):
        return ModelEnd("logits", units, place, dropped=dropped)
    if not mixes(operation):
        activation = getattr(getattr(operation, "activation", None), "__name__", None)
        ending = f" with the activation {activation}" if activation else ""
        return _unknown(output, place, f"is of type {type(operation).__name__}{ending}")
    if average := _average(place):
        kind, terms = average
        linear = _logarithm_of(operation, terms, kind)
        return ModelEnd(kind, units, place, linear, behind, False, scale * terms, offset, dropped)
    if any(_holds_probabilities(place)):
        return _unknown(
            output,
            place,
            f"is of type {type(operation).__name__} and reads what softmax or sigmoid gives",
        )
    return ModelEnd("logits", units, place, dropped=dropped)


def _unknown(output: Tensor, place: Place, what: str) -> ModelEnd:
    reason = f"the last layer that counts, {path(place)!r}, {what}"
    return ModelEnd("unknown", _last(output), place, reason=reason)


def _last(output: Tensor) -> int | None:
    return output.shape[-1] if len(output.shape) > 1 else 1


def _average(place: Place) -> tuple[Kind, int] | None:
    """Kind and number of terms, where a call averages or adds up probabilities of equal classes."""
    node = place[-1]
    operation = node.operation
    summed = isinstance(operation, layers.Add) or operation_name(operation) == "Add"
    if not (summed or isinstance(operation, AVERAGING)):
        return None
    if getattr(operation, "data_format", "channels_last") != "channels_last":
        return None
    ends = [read_end(tensor, place[:-1]) for tensor in node.input_tensors]
    kind, units = ends[0].kind, node.outputs[0].shape[-1]
    alike = all(
        end.gives_probabilities and end.kind == kind and end.units == units and not end.dropped
        for end in ends
    )
    return (kind, len(ends) if summed else 1) if alike else None


def _logarithm_of(operation: Any, terms: int, kind: Kind) -> Callable[..., Tensor]:
    """A call that gives the logits of a mean of probabilities."""

    def linear(*arguments: Any, **options: Any) -> Tensor:
        mean = operation(*arguments, **options) / terms
        least = 1e-30
        logits = ops.log(ops.maximum(mean, least))
        return logits if kind == "softmax" else logits - ops.log(ops.maximum(1 - mean, least))

    return linear


def _holds_probabilities(place: Place, seen: set[int] | None = None) -> Iterator[bool]:
    """Whether what a call mixes comes from softmax or sigmoid, input by input."""
    seen = set() if seen is None else seen
    for tensor in place[-1].input_tensors:
        made = origin(tensor, place[:-1])
        if made is None or id(made[-1]) in seen:
            continue
        seen.add(id(made[-1]))
        operation = made[-1].operation
        yield squashing(operation) is not None
        if keeps(operation) or reshapes(made[-1]) or mixes(operation):
            yield from _holds_probabilities(made, seen)


def _units(output: Tensor, made: Shape) -> tuple[int | None, bool]:
    """Units of an output that was made in another shape, and whether their one has no axis."""
    dropped = made[-1:] == (1,) and (len(output.shape) < 2 or output.shape[-1] != 1)
    return (1 if dropped else _last(output)), dropped


def _classes_are_last(made: Shape, axis: int | None, shape: Shape) -> bool:
    """Whether the axis of a softmax is the last one once the shape has changed.

    A change of shape keeps the order of values. So the axis is still there where one of its size
    has as many values behind it as it had.
    """
    if axis is None or made[axis] != shape[-1]:
        return False
    return all(size == 1 for size in made[axis + 1 :])


def _axis(axis: Any, rank: int) -> int | None:
    """The number from the left of one axis."""
    if isinstance(axis, list | tuple) and len(axis) == 1:
        (axis,) = axis
    return axis % rank if isinstance(axis, int) else None


def _two_classes(second: Values, library: Any) -> Values:
    return library.concatenate([1 - second, second], axis=-1)
