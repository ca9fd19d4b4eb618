"""Uses of Keras that its documentation does not promise, each with what it is needed for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import keras
from keras.src.backend.common import global_state
from keras.src.saving.serialization_lib import ObjectSharingScope

from keras_classics.core.types import Tensor

# A call of a layer: Keras's own record of it, with `operation`, `input_tensors`, `outputs`,
# `arguments` and `is_input`.
Node: TypeAlias = Any


def outline(config: dict[str, Any], custom_objects: dict[str, Any]) -> keras.Model:
    """A model whose variables have shapes and types and no values, so that they take no memory.

    To be called in a thread of its own: Keras keeps a list, a thread its own, of variables that
    still want their values, and would make them when the next scope of this kind ends there.

    Args:
        config: As in the `config.json` of a `.keras` file; it is used up.
        custom_objects: Classes and functions by name, besides those that are registered.

    Raises:
        ValueError: A layer makes a variable out of a value. Keras raises whatever else it wants.
    """
    with keras.StatelessScope(initialize_variables=False), ObjectSharingScope():
        return keras.saving.deserialize_keras_object(config, custom_objects, safe_mode=True)


def custom_objects_in_scope() -> dict[str, Any]:
    """What `keras.saving.custom_object_scope` has put in force in this thread."""
    return dict(global_state.get_global_attribute("custom_objects_scope_dict", {}))


def maker(tensor: Tensor) -> Node:
    """The call whose output a tensor of a model's graph is.

    Keras has no public reading of its graph that also works for layers that are used twice.
    """
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def call_number(node: Node) -> int:
    """Which call of its layer a call is, by age; those in other models count."""
    return node.outputs[0]._keras_history.node_index


def readers(node: Node) -> list[Node]:
    """The calls that read what a call gives, in whatever model."""
    own = {id(tensor) for tensor in node.outputs}
    # A call that reads two tensors of an operation stands there twice.
    found = {id(each): each for each in node.operation._outbound_nodes}
    return [each for each in found.values() if any(id(x) in own for x in each.input_tensors)]


def arguments_of(node: Node, known: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, with other values for its tensors.

    Args:
        node: The call.
        known: The values by the identity of the tensors.
    """
    return node.arguments.fill_in(known)


def layers_within(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """A layer, or model, and all in it: of nested models, and what other layers wrap or hold."""
    return list(layer._flatten_layers())
