"""The graph of a functional model: its calls in order, those of nested models too, and runs of it.

What Keras records of a call is read in `keras_internals`.
"""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
from keras import ops, tree

from keras_classics.core.errors import InputError
from keras_classics.core.keras_internals import (
    Node,
    arguments_of,
    deep_graphs,
    layers_within,
    maker,
    readers,
)
from keras_classics.core.types import Tensor

# Where a call stands in a model: the calls of the nested models around it, outermost first, and
# the call itself. The same layer in a backbone used twice has two places.
Place = tuple[Node, ...]


@deep_graphs()
def functional(model: keras.Model) -> keras.Model:
    """The model itself; of a sequential one a functional model of the same layers.

    Keras gives a sequential model neither `input` nor `output`, and does not clone it call by call.

    Args:
        model: A functional model, or a sequential one.

    Raises:
        InputError: The model is subclassed, or not built yet.
    """
    check_functional(model)
    if not isinstance(model, keras.Sequential):
        return model
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def check_intact(model: keras.Model) -> None:
    """Refuse a model that is called otherwise than its graph says, by a lesion.

    Raises:
        InputError: It is.
    """
    if "call" in vars(model):
        raise InputError(
            f"{getattr(model, 'name', 'The model')!r} has a lesion, of which its graph knows "
            "nothing",
            "a whole model; within a lesion a call, evaluate, predict, class_probabilities and "
            "loss landscapes",
            "Look at it after the lesion.",
        )


def check_functional(model: keras.Model) -> None:
    """Refuse models that have no graph of layers.

    Raises:
        InputError: It is no model, or one that is subclassed or not built yet.
    """
    check_model(model)
    if not has_graph(model):
        # Of a trainer, its networks have one.
        parts = " or ".join(f"trainer.{name}" for name in getattr(model, "network_names", ()))
        raise InputError(
            f"The model {model.name!r} has no graph of layers",
            "functional models, such as all of the catalogue, and built sequential ones",
            f"Give a network of it, {parts}." if parts else "Build it on a keras.Input.",
        )


def check_model(model: object) -> None:
    """Refuse what is no model.

    Raises:
        InputError: It is something else, such as a class of models or a layer.
    """
    if not isinstance(model, keras.Model):
        raise InputError(
            f"{reprlib.repr(model)} was given as a model",
            "a keras.Model",
            "Pass what kc.create_model(...) or kc.load_model(...) returns.",
        )


def has_graph(operation: Any) -> bool:
    """Whether an operation is a model whose layers can be seen."""
    return (
        isinstance(operation, keras.Model)
        and bool(getattr(operation, "inputs", None))
        and bool(getattr(operation, "outputs", None))
    )


def ancestry(tensors: Iterable[Tensor]) -> list[Node]:
    """All calls the tensors depend on, every one after those it depends on itself."""
    order, seen = [], set()
    stack = [(maker(tensor), False) for tensor in reversed(list(tensors))]
    while stack:
        node, complete = stack.pop()
        if complete:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(maker(tensor), False) for tensor in reversed(node.input_tensors)]
    return order


def inputs_of(tensor: Tensor) -> Tensor | list[Tensor]:
    """The inputs a tensor depends on; the one itself where there is one.

    `keras.utils.get_source_inputs` goes every way to them, of which each shortcut makes twice as
    many.
    """
    found = [each for node in ancestry([tensor]) if node.is_input for each in node.outputs]
    return found[0] if len(found) == 1 else found


def path(place: Place) -> str:
    """The names of a place: `"stage4_out"`, or `"backbone/stage4_out"` in a nested model."""
    return "/".join(node.operation.name for node in place)


def origin(tensor: Tensor, above: Place = ()) -> Place | None:
    """The call that really makes a tensor: no nested model, but what is in it.

    Args:
        tensor: A tensor of a model's graph.
        above: Where that model is nested.

    Returns:
        The place, or None for an input of the outermost model.
    """
    found = source(tensor, above)
    return found if isinstance(found, tuple) else None


def source(tensor: Tensor, above: Place = ()) -> Place | Tensor:
    """As `origin`, but the input itself where a tensor is one of the outermost model."""
    node = maker(tensor)
    if node.is_input:
        if not above:
            return tensor
        outer = above[-1]
        index = _index(outer.operation.inputs, tensor)
        return source(outer.input_tensors[index], above[:-1])
    here = (*above, node)
    if has_graph(node.operation):
        return source(node.operation.outputs[_index(node.outputs, tensor)], here)
    return here


def needed_for(outputs: Iterable[Tensor]) -> tuple[set[Place], set[int]]:
    """What some outputs of a model depend on.

    Returns:
        The places, those of nested models not among them but what is in them; and the identities
        of the model's inputs.
    """
    found: set[Place] = set()
    inputs: set[int] = set()
    left = [source(tensor) for tensor in outputs]
    while left:
        each = left.pop()
        if not isinstance(each, tuple):
            inputs.add(id(each))
        elif each not in found:
            found.add(each)
            left += [source(tensor, each[:-1]) for tensor in each[-1].input_tensors]
    return found, inputs


def numbered_paths(
    outputs: Sequence[Tensor], above: Place = (), prefix: str = ""
) -> dict[Place, str]:
    """The paths of all calls some outputs depend on, in order; repeated calls are numbered.

    `"enc(0)/conv"` and `"enc(1)/conv"` are those of one layer in a model that is called twice.

    Args:
        outputs: Of a model.
        above: Where that model is nested.
        prefix: What its paths begin with.
    """
    nodes = [node for node in ancestry(outputs) if not node.is_input]
    calls: dict[int, list[Node]] = {}
    for node in nodes:
        calls.setdefault(id(node.operation), []).append(node)
    paths: dict[Place, str] = {}
    for node in nodes:
        own, here = calls[id(node.operation)], (*above, node)
        number = f"({own.index(node)})" if len(own) > 1 else ""
        named = f"{prefix}{node.operation.name}{number}"
        if has_graph(node.operation):
            paths |= numbered_paths(node.operation.outputs, here, f"{named}/")
        paths[here] = named
    return paths


def before(place: Place) -> Place | None:
    """The call that makes the first input of another; None where that is the model's."""
    return origin(place[-1].input_tensors[0], place[:-1])


def called_again(node: Node, *values: Tensor, operation: Callable[..., Any] | None = None) -> Any:
    """What a call gives for other tensors.

    Args:
        node: The call.
        *values: One in the place of each of its tensors.
        operation: What is called in the place of its operation.
    """
    known = dict(zip(map(id, node.input_tensors), values, strict=True))
    arguments, options = arguments_of(node, known)
    return (operation or node.operation)(*arguments, **options)


def rebuilt(
    outputs: Sequence[Tensor],
    known: dict[int, Tensor],
    replaced: Callable[[keras.layers.Layer], keras.layers.Layer],
) -> list[Tensor]:
    """Call all that some outputs depend on again, layers replaced by others.

    Args:
        outputs: Of a model.
        known: What stands for its inputs, by their identity.
        replaced: From a layer to the one in its place; asked once for each.
    """
    made: dict[int, Any] = {}
    for node in ancestry(outputs):
        if node.is_input:
            continue
        operation = node.operation
        if id(operation) not in made:
            layer = isinstance(operation, keras.layers.Layer)
            made[id(operation)] = replaced(operation) if layer else operation
        values = [known[id(tensor)] for tensor in node.input_tensors]
        results = tree.flatten(called_again(node, *values, operation=made[id(operation)]))
        known |= zip(map(id, node.outputs), results, strict=True)
    return [known[id(tensor)] for tensor in outputs]


def same_layer(layer: keras.layers.Layer, **changed: Any) -> keras.layers.Layer:
    """The layer once more, with weights of its own; a Lambda, which has none, is itself.

    Its function is the user's, whose surroundings a configuration would lose.

    Args:
        layer: The layer, or a model nested in another.
        **changed: Arguments of its constructor that are others, such as its name.
    """
    if isinstance(layer, keras.layers.Lambda):
        return layer
    if has_graph(layer) and any(isinstance(x, keras.layers.Lambda) for x in layers_within(layer)):
        return keras.models.clone_model(layer, clone_function=same_layer)
    config = {**layer.get_config(), **changed}
    activation = getattr(layer, "activation", None)
    if "activation" in config and inspect.isfunction(activation):
        # One of the user's is a function too, which a configuration cannot give back.
        config["activation"] = activation
    return type(layer).from_config(config)


def connected_names(tensor: Tensor) -> set[str]:
    """Names of all that a tensor's graph holds: what it depends on, and what depends on that."""
    names: set[str] = set()
    seen: set[int] = set()
    left = [maker(tensor)]
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        names.add(node.operation.name)
        left += [maker(each) for each in node.input_tensors]
        left += readers(node)
    return names


def _index(tensors: Sequence[Tensor], tensor: Tensor) -> int:
    return next(number for number, each in enumerate(tensors) if each is tensor)


def run(
    model: keras.Model,
    inputs: Sequence[Tensor],
    *,
    instead: Mapping[Place, Callable] | None = None,
    after: Callable[[Place, Any], Any] = lambda place, outputs: outputs,
    above: Place = (),
) -> list[Tensor]:
    """Run a model call by call, in inference mode, as if some layers were others.

    The model is never touched: nested models are entered, and what stands in for a layer is known
    to this run only.

    Args:
        model: A functional model.
        inputs: Its inputs, in the order of `model.inputs`.
        instead: What is called in the place of layers.
        after: From a place and its outputs to the outputs that the run goes on with.
        above: Where the model is nested.

    Returns:
        The outputs, in the order of `model.outputs`.
    """
    symbols = zip(model.inputs, inputs, strict=True)
    known = {id(symbol): ops.cast(value, symbol.dtype) for symbol, value in symbols}
    run_calls(ancestry(model.outputs), known, instead=instead, after=after, above=above)
    return [known[id(tensor)] for tensor in model.outputs]


def run_calls(
    nodes: Iterable[Node],
    known: dict[int, Any],
    *,
    instead: Mapping[Place, Callable] | None = None,
    after: Callable[[Place, Any], Any] = lambda place, outputs: outputs,
    above: Place = (),
) -> None:
    """Run some calls of a model in inference mode, such as those of one block.

    Args:
        nodes: The calls, every one after those it depends on.
        known: The values of tensors by their identity; what the calls give is added.
        instead: As for `run`.
        after: As for `run`.
        above: Where the model is nested.
    """
    instead = instead or {}
    for node in nodes:
        if node.is_input:
            continue
        operation, here = node.operation, (*above, node)
        arguments, options = arguments_of(node, known)
        if has_graph(operation):
            nested = [known[id(tensor)] for tensor in node.input_tensors]
            outputs = run(operation, nested, instead=instead, after=after, above=here)
            outputs = outputs[0] if len(outputs) == 1 else outputs
        else:
            if "training" in inspect.signature(operation.call).parameters:
                options["training"] = False
            outputs = instead.get(here, operation)(*arguments, **options)
        outputs = tree.flatten(after(here, outputs))
        known |= zip(map(id, node.outputs), outputs, strict=True)
