"""Serialisation under the `keras_classics` name, refusing keys that are taken.

Keras lets a second class silently replace the first under the same key; files saved with the
first then load as the second. Here that is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import keras

from keras_classics.core.errors import InputError

PACKAGE = "keras_classics"

T = TypeVar("T", bound=Callable)


def registered(item: T) -> T:
    """Register a class or function with Keras so that files naming it load by themselves.

    A module that is loaded again, as notebooks do with one that was edited, brings its own anew.

    Raises:
        InputError: Another object already has the key.
    """
    key = f"{PACKAGE}>{item.__name__}"
    taken = keras.saving.get_registered_object(key)
    if taken is not None and _place(taken) != _place(item):
        raise InputError(
            f"The serialisation key {key!r} is taken by {taken.__module__}.{taken.__name__}",
            "one object per key",
            f"Rename {item.__module__}.{item.__name__}.",
        )
    return keras.saving.register_keras_serializable(package=PACKAGE)(item)


def _place(item: Callable) -> tuple[str, str]:
    return item.__module__, item.__qualname__
