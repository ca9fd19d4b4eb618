"""Everything the package uses of Keras, TensorFlow and JAX that they do not document.

Each function says what it stands for, why no documented way does, and what happens under a release
that has it no more: a documented way that is slower, or one sentence that names the releases this
was tested with. What is patched for several devices is in `distribution/mending.py`; nothing else
of the package touches a private name, and `tests/core/test_private_names.py` sees to it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol, runtime_checkable

import keras

from keras_classics.core.errors import InputError
from keras_classics.core.types import Tensor

# The Keras with which all of this was tried; other releases may have it too.
TESTED = "3.15"

# Frames enough for a few thousand layers. Much more would let nested JSON of a hostile file run
# over the C stack before Python stops it.
DEEP = 20_000


def untested(what: str) -> InputError:
    """The error of a release of Keras that lacks what is used of it.

    Args:
        what: What it does not do, as the rest of a sentence that begins with its name.
    """
    return InputError(
        f"Keras {keras.__version__} {what}",
        f"Keras {TESTED}, with which this was tested",
        f"Run: pip install 'keras=={TESTED}.*'",
    )


# ---- the graph of functional models ----


class Arguments(Protocol):
    """With what a layer was called."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def fill_in(self, tensor_dict: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same with other tensors, given by the identities of those in it."""


@runtime_checkable
class Node(Protocol):
    """What is used of Keras's record of one call of a layer.

    Attributes:
        operation: The layer, or an operation of `keras.ops`.
        arguments: With what it was called.
        outputs: The tensors it gave.
        is_input: Whether it is the beginning of a graph, and no call at all.
    """

    operation: Any
    arguments: Arguments
    outputs: list[Tensor]
    is_input: bool

    @property
    def input_tensors(self) -> list[Tensor]:
        """The tensors among its arguments, in order."""


_sound: set[type] = set()


def maker(tensor: Tensor) -> Node:
    """The call whose output a tensor of a functional model is.

    Keras documents `layer.input` and `layer.output`, which fail for a layer that is called twice.

    Raises:
        InputError: The tensor is of no graph, or the release of Keras does not tell.
    """
    try:
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
    except AttributeError as error:
        if hasattr(keras.Input((1,)), "_keras_history"):
            raise InputError(
                f"A tensor of shape {tuple(tensor.shape)} that belongs to no graph was given",
                "keras.Input(...), and what layers make of one",
                "Build on a keras.Input.",
            ) from error
        raise _no_graph() from error
    if type(node) not in _sound:
        if not isinstance(node, Node):
            raise _no_graph()
        _sound.add(type(node))
    return node


def readers(node: Node) -> list[Node]:
    """The calls that read what a call gives, in whatever model.

    Keras documents no way from a tensor to what depends on it. Where it keeps no such record
    nothing is known to, and Keras itself refuses a second layer of one name.
    """
    own = {id(tensor) for tensor in node.outputs}
    # A call that reads two tensors of an operation stands there twice.
    found = {id(each): each for each in getattr(node.operation, "_outbound_nodes", ())}
    return [each for each in found.values() if any(id(x) in own for x in each.input_tensors)]


def arguments_of(node: Node, known: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, with other values for its tensors.

    Args:
        node: The call.
        known: The values by the identity of the tensors.
    """
    return node.arguments.fill_in(known)


def _no_graph() -> InputError:
    return untested("does not tell which layer made a tensor")


def operations_of(model: keras.Model) -> Sequence[keras.Operation]:
    """The layers of a model, and what its graph has between them.

    `model.layers`, which is documented, leaves out operations such as `x + y`; it is what is
    returned where Keras has no other list.
    """
    return getattr(model, "operations", model.layers)


def layers_within(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """A layer, or model, and all in it: of nested models, and what other layers wrap or hold.

    `model.layers`, which is documented, has the outermost.

    Raises:
        InputError: The release of Keras does not tell.
    """
    if not hasattr(layer, "_flatten_layers"):
        raise untested("does not tell which layers are within others")
    return list(layer._flatten_layers())


def is_keras(operation: Any) -> bool:
    """Whether an operation is Keras's own, and no subclass that may do more."""
    return type(operation).__module__.split(".")[0] == "keras"


def operation_name(operation: Any) -> str:
    """The name of an operation of `keras.ops`, such as `"Softmax"`; empty for all others.

    A graph holds such operations where no layer was called, and Keras exports none of their
    classes. One whose class a release has renamed is as unknown here as one of the user's own.
    """
    if isinstance(operation, keras.layers.Layer) or not is_keras(operation):
        return ""
    return type(operation).__name__


@contextmanager
def deep_graphs() -> Iterator[None]:
    """Let Keras connect, clone or load a functional model of more layers than Python's frames.

    It goes through a graph by recursion, a frame or more for a layer, so that about nine hundred
    layers end in a RecursionError. Python's limit is raised within only, for all threads alike; a
    release that does not recurse any more does not mind.
    """
    _frames.allow()
    try:
        yield
    finally:
        _frames.restore()


class _Frames:
    """Python's recursion limit, of which there is one for all threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = self.usual = self.allowed = 0

    def allow(self) -> None:
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.usual = sys.getrecursionlimit()
                self.allowed = max(DEEP, self.usual)
                sys.setrecursionlimit(self.allowed)

    def restore(self) -> None:
        with self.lock:
            self.users -= 1
            # Whoever else has set it in the meantime has the last word.
            if not self.users and sys.getrecursionlimit() == self.allowed:
                sys.setrecursionlimit(self.usual)


_frames = _Frames()


# ---- layers ----


def twin(layer: keras.layers.Layer, /, **changes: Any) -> keras.layers.Layer:
    """Another layer that shares everything with the first, weights included, but some attributes.

    `from_config` would make weights of its own. That all of a layer lies in its `__dict__` is
    Keras's own affair; the twin says so where it does not.

    Raises:
        InputError: The release of Keras keeps a layer elsewhere.
    """
    made = object.__new__(type(layer))
    try:
        made.__dict__.update(layer.__dict__ | changes)
    except (AttributeError, TypeError) as error:
        raise untested("does not let a layer be shared in part") from error
    if list(map(id, made.weights)) != list(map(id, layer.weights)):
        raise untested("does not let a layer be shared in part")
    return made


@contextmanager
def heard(
    parts: Iterable[keras.Operation], listener: Callable[[keras.Operation, Any], None]
) -> Iterator[set[str]]:
    """Tell a listener what layers and operations give whenever they are called.

    Several may listen to the same parts, and end in any order. Keras has no hooks. Its `__call__`
    looks for `call` on the instance first, where this puts what listens past `__setattr__`, which
    would take it for a part of the layer.

    Args:
        parts: Layers and operations.
        listener: Told the part and its outputs.

    Yields:
        Names of the parts that were heard. Where Keras looks elsewhere there are none.
    """
    names: set[str] = set()

    def told(part: keras.Operation, outputs: Any) -> None:
        names.add(part.name)
        listener(part, outputs)

    # Each once, also where it is given twice.
    parts = list({id(part): part for part in parts}.values())
    with _hearing:
        for part in parts:
            call = vars(part).get("call")
            if not isinstance(call, _Ear):
                vars(part)["call"] = call = _Ear(part)
            call.listeners.append(told)
    try:
        yield names
    finally:
        with _hearing:
            for part in parts:
                ear = vars(part)["call"]
                ear.listeners.remove(told)
                if not ear.listeners:
                    ear.end()


class _Ear:
    """Stands in for the `call` of a layer or operation, for all who listen at a time."""

    def __init__(self, part: keras.Operation) -> None:
        self.part = part
        self.call = part.call
        # One of the instance's own, which somebody else has put there.
        self.own = "call" in vars(part)
        self.listeners: list[Callable[[keras.Operation, Any], None]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outputs = self.call(*args, **kwargs)
        for each in tuple(self.listeners):
            each(self.part, outputs)
        return outputs

    def end(self) -> None:
        if self.own:
            vars(self.part)["call"] = self.call
        else:
            del vars(self.part)["call"]


_hearing = threading.Lock()


class OwnLoop:
    """Gives a recurrent layer of Keras a loop over time of its own; stands first among its bases.

    Keras's layers call their `inner_loop`, of which no documentation speaks. One that calls it no
    more runs the loop it has: the same numbers in more time.
    """

    def loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool
    ) -> tuple[Any, Any, list[Any]] | None:
        """The last output, outputs `(batch, time, units)` and the last states; None for Keras's."""
        raise NotImplementedError

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        """Called by Keras."""
        found = self.loop(sequences, initial_state, mask, bool(training))
        if found is None:
            return super().inner_loop(sequences, initial_state, mask, training)  # type: ignore[misc]
        return found


def has_one_dropout_mask(cell: keras.layers.Layer) -> bool:
    """Whether a cell of Keras drops the same of its inputs for all gates, as `dropped` gives it.

    False too under a release whose cells do not tell.
    """
    return getattr(cell, "implementation", 1) != 1 and hasattr(cell, "get_dropout_mask")


def input_dropout_mask(cell: keras.layers.Layer, step: Any) -> Any:
    """What a cell of Keras multiplies the inputs `(batch, features)` of every step by.

    Drawn as the cell draws it, so that both loops over time drop the same.

    Args:
        cell: One with `has_one_dropout_mask`.
        step: The inputs of any step.
    """
    return cell.get_dropout_mask(step)


# ---- configurations ----


@deep_graphs()
def outline(config: dict[str, Any], custom_objects: dict[str, Any]) -> keras.Model:
    """A model whose variables have shapes and types and no values, so that they take no memory.

    Keras loads a model with its values only. To be called in a thread of its own: Keras keeps a
    list, a thread its own, of variables that still want their values, and would make them when the
    next scope of this kind ends there.

    Args:
        config: As in the `config.json` of a `.keras` file; it is used up.
        custom_objects: Classes and functions by name, besides those that are registered.

    Raises:
        InputError: The release of Keras makes values with every variable.
        ValueError: A layer makes a variable out of a value. Keras raises whatever else it wants.
    """
    try:
        without_values = keras.StatelessScope(initialize_variables=False)
    except TypeError as error:
        raise untested("takes memory for a model before it can be seen how much") from error
    with without_values, _sharing():
        return keras.saving.deserialize_keras_object(config, custom_objects, safe_mode=True)


def _sharing() -> AbstractContextManager:
    """What lets objects that a configuration names twice be one, as when Keras loads a file.

    Without it they are counted twice, and a model that shares much may be refused.
    """
    try:
        from keras.src.saving.serialization_lib import ObjectSharingScope
    except ImportError:
        return nullcontext()
    return ObjectSharingScope()


def custom_objects_in_scope() -> dict[str, Any]:
    """What `keras.saving.custom_object_scope` has put in force in this thread.

    `keras.saving.get_custom_objects`, which is documented, knows what is in force everywhere; where
    Keras keeps no other list, classes of such a scope are unknown in a file that is loaded.
    """
    try:
        from keras.src.backend.common.global_state import get_global_attribute
    except ImportError:
        return {}
    return dict(get_global_attribute("custom_objects_scope_dict", None) or {})


# ---- engines ----


def compiled_by_xla() -> bool:
    """Whether what is traced by TensorFlow at present may be compiled by XLA.

    TensorFlow's own operations ask so before they choose an algorithm. Where it does not tell the
    answer is yes: what XLA compiles, TensorFlow computes too.
    """
    import tensorflow as tf

    try:
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:
        return True
    return bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def strategy_of(model: keras.Model) -> Any:
    """The strategy of `tf.distribute` a model was made under, TensorFlow's default without one.

    None on other backends, and under a release whose models do not tell: then the model counts as
    one of a single replica.
    """
    return getattr(model, "distribute_strategy", None)


def bring_up_to_date(model: keras.Model) -> None:
    """Give the variables of a model in training the values that training has come to.

    While JAX trains, the values are in its hands and the variables lag behind; other backends have
    nothing to do.

    Raises:
        InputError: The release of Keras does not give them.
    """
    if keras.config.backend() != "jax":
        return
    if not hasattr(model, "jax_state_sync"):
        raise untested("does not give the weights while JAX trains")
    model.jax_state_sync()
