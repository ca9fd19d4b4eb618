"""Foreign names of our layers: a rule per kind of layer, a table of rules per origin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import keras

from keras_classics.core.cards.catalogue import namesake_of
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.layer_names import own_name

# From a pattern on our layer's name to its foreign name, a text or a function of the pattern's
# groups, numbers among them as such.
Rules = Mapping[str, str | Callable[..., str]]
# From a model to the foreign names of those of its layers the origin knows, by the layers' own
# names: those of a model joined with others have its name before them.
Naming = Callable[[keras.Model], dict[str, str]]


def by_rules(rules: Rules) -> Naming:
    """A naming that looks at one layer's name at a time."""

    def names(model: keras.Model) -> dict[str, str]:
        own = [own_name(layer.name) for layer in weighted(model)]
        found = {name: _foreign(rules, name) for name in own}
        return {ours: theirs for ours, theirs in found.items() if theirs is not None}

    return names


def weighted(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers that have weights, in the model's order."""
    return [layer for layer in model.layers if layer.weights]


def best_naming(
    model: keras.Model,
    namings: Iterable[Naming],
    explained: Callable[[dict[str, str]], int],
    remedy: str = "Assign the weights layer by layer, or use a state of our own with load_weights.",
) -> Naming:
    """Of the namings that know all of a model's layers, the one that explains most of a state.

    Args:
        model: Our model.
        namings: The candidates.
        explained: How many of the state's names a table of names explains.
        remedy: What to do where there is none.

    Raises:
        InputError: No naming knows all the layers.
    """
    layers = {own_name(layer.name) for layer in weighted(model)}
    complete = [naming for naming in namings if layers <= naming(model).keys()]
    if not complete:
        raise InputError(
            f"The model {model.name!r} was given, whose layers no foreign naming knows",
            "models of the families that exist on the other side",
            namesake_of(model.name) or remedy,
        )
    return max(complete, key=lambda naming: explained(naming(model)))


def _foreign(rules: Rules, name: str) -> str | None:
    for pattern, theirs in rules.items():
        if found := re.fullmatch(pattern, name):
            groups = [int(part) if part.isdigit() else part for part in found.groups()]
            return theirs if isinstance(theirs, str) else theirs(*groups)
    return None
