"""Configurations of trainers whose arguments are networks."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import keras

from keras_classics.core.boundary.text_files import parse_json
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import check_functional
from keras_classics.core.types import Config


def as_config(model: keras.Model) -> Config:
    """A network's configuration, tuples as the lists of JSON: equal to what a file gives back."""
    config: Config = parse_json(model.to_json())
    return config


def with_networks(config: Config, names: Iterable[str], custom_objects: Any = None) -> Config:
    """A trainer's arguments, with the networks that some of them are configurations of.

    Args:
        config: Of the trainer, with what `as_config` gives of its networks; left as it is.
        names: Of the networks.
        custom_objects: As Keras hands them to `from_config`.
    """
    # Keras empties the config of a functional model while it reads it.
    read, config = keras.saving.deserialize_keras_object, copy.deepcopy(config)
    return {**config, **{name: read(config[name], custom_objects) for name in names}}


def check_network(model: keras.Model) -> None:
    """Refuse a network of which nobody knows what it gives, or which gives it by name.

    Args:
        model: Of which one tensor is wanted.

    Raises:
        InputError: It has no graph of layers, or gives a dictionary.
    """
    check_functional(model)
    output = getattr(model, "output", None)
    if isinstance(output, dict):
        raise InputError(
            f"{model.name!r} was given, which gives a dictionary of {', '.join(output)}",
            "networks that give one tensor",
            "Build it with the tensor itself: keras.Model(input, output).",
        )
