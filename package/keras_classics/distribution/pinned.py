"""Replacing private functions of the one version of Keras that is known to need it."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras

from keras_classics.core.errors import InputError, explain


def check_keras() -> None:
    """Refuse other versions of Keras than the one whose private functions are replaced.

    Raises:
        InputError: Keras is of another version.
    """
    if not keras.__version__.startswith("3.15."):
        raise InputError(
            explain(
                f"Several devices were asked for with Keras {keras.__version__}",
                "Keras 3.15, whose trainer is mended for them",
                "Run: pip install 'keras==3.15.*', or train on one device.",
            )
        )


def replace(owner, name: str, mended: Callable[[Callable], Callable]) -> None:
    """Put `mended(original)` in the place of an owner's function."""
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(mended(original)))
