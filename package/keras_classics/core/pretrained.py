"""Weights by a name, such as `"imagenet"`: builders ask here, the rooms above answer.

What is published, and where, is none of a builder's business; a room above registers a source for
a name when it is imported, and a builder that is given the name is built and filled by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_classics.core.card import ModelCard

Load = Callable[[keras.Model], None]
# From a card and a builder's arguments to the arguments the weights are for, and their loading.
Source = Callable[[ModelCard, dict[str, Any]], tuple[dict[str, Any], Load]]

_SOURCES: dict[str, Source] = {}


def offer_weights(name: str, source: Source) -> None:
    """Answer `weights=name` of all builders of the catalogue."""
    _SOURCES[name] = source


def build(
    card: ModelCard, builder: Callable[..., keras.Model], arguments: dict[str, Any]
) -> keras.Model:
    """Call a builder; where `weights` is a name with a source, in the form the weights are for."""
    weights = arguments.get("weights")
    source = _SOURCES.get(weights) if isinstance(weights, str) else None
    if source is None:
        return builder(**arguments)
    form, load = source(card, arguments)
    model = builder(**arguments | form | {"weights": None})
    load(model)
    return model
