"""Weights by a name, such as `"imagenet"`: builders ask here, the rooms above answer.

What is published, and where, is none of a builder's business; a room above registers a source for
a name when it is imported, and a builder that is given the name is built and filled by it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import keras

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.layer_names import built_on
from keras_classics.core.user_warnings import warn_user

Load = Callable[[keras.Model], None]
# From a card and a builder's arguments to the arguments the weights are for, and their loading.
Source = Callable[[ModelCard, dict[str, Any]], tuple[dict[str, Any], Load]]

PUBLISHED = "imagenet"

_SOURCES: dict[str, Source] = {}
# Models whose namesakes elsewhere bring weights unasked, until it was said that ours do not.
_EXPECTED: set[str] = set()


def offer_weights(name: str, source: Source, *, expected: Collection[str] = ()) -> None:
    """Answer `weights=name` of all builders of the catalogue.

    Args:
        name: What is asked for.
        source: What answers.
        expected: Names of the models that a user may expect to bring these weights unasked.
    """
    _SOURCES[name] = source
    _EXPECTED.update(expected)


def build(
    card: ModelCard, builder: Callable[..., keras.Model], arguments: dict[str, Any]
) -> keras.Model:
    """Call a builder; where `weights` is a name with a source, in the form the weights are for.

    On an `input_tensor` that other models stand on, its layers get names that are free there.

    Args:
        card: Of the model.
        builder: From the arguments, by name, to the model.
        arguments: What the user gave; `pretrained=True` is `weights="imagenet"`.

    Raises:
        InputError: `pretrained` is neither True nor False, or True beside other weights or None.
    """
    given, pretrained = arguments.keys(), arguments.get("pretrained", False)
    arguments = {key: value for key, value in arguments.items() if key != "pretrained"}
    if not isinstance(pretrained, bool):
        raise InputError(
            f"pretrained={pretrained!r} was given to {card.name!r}",
            "True or False",
            "Pass weights for weights of your own.",
        )
    weights = arguments.get("weights")
    if pretrained:
        if "weights" in given and weights != PUBLISHED:
            raise InputError(
                f"pretrained=True and weights={weights and str(weights)!r} were given to "
                f"{card.name!r}",
                "one of the two",
                "Leave pretrained out to load your own weights, or none.",
            )
        weights = arguments["weights"] = PUBLISHED
    tensor = arguments.get("input_tensor")
    if isinstance(tensor, keras.KerasTensor):
        made = built_on(tensor, lambda x: _filled(card, builder, arguments | {"input_tensor": x}))
    else:
        made = _filled(card, builder, arguments)
    # Of a network that was refused there is nothing to say.
    if not {"weights", "pretrained"} & given:
        _say_that_nothing_was_loaded(card, arguments)
    return made


def _filled(
    card: ModelCard, builder: Callable[..., keras.Model], arguments: dict[str, Any]
) -> keras.Model:
    weights = arguments.get("weights")
    source = _SOURCES.get(weights) if isinstance(weights, str) else None
    if source is None:
        return builder(**arguments)
    form, load = source(card, arguments)
    model = builder(**arguments | form | {"weights": None})
    load(model)
    return model


def _say_that_nothing_was_loaded(card: ModelCard, arguments: dict[str, Any]) -> None:
    """Once for each model that keras.applications would have filled."""
    native = not arguments.get("include_top", True) or arguments.get("classes") in (
        None,
        card.classes,
    )
    if card.name in _EXPECTED and native:
        _EXPECTED.discard(card.name)
        remedy = card.namesake or "Give pretrained=True for those."
        warn_user(
            f"{card.builder or card.name} has weights drawn at random; keras.applications would "
            f"have loaded ImageNet's. {remedy} With weights=None you say that you know."
        )
