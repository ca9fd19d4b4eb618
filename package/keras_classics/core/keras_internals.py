"""Uses of Keras that its documentation does not promise, each with what it is needed for."""

from __future__ import annotations

from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.saving.serialization_lib import ObjectSharingScope


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
