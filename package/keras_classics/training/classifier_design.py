"""From a name of the catalogue and the data to a classifier, its recipe, and what it takes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import card, create_model
from keras_classics.core.cards.recipe import Recipe
from keras_classics.core.errors import InputError
from keras_classics.data.load import Info
from keras_classics.training.recipes import quick_recipe

QUICK = "quick"


class Design(NamedTuple):
    """A classifier that is to be trained.

    Attributes:
        model: Built for the data, with new weights.
        recipe: How it is trained.
        input: What it takes, as arguments of `kc.data.fit_preparation`.
    """

    model: keras.Model
    recipe: Recipe
    input: dict[str, Any]


@checked
def design_classifier(
    name: str,
    data: Info,
    *,
    recipe: str = QUICK,
    image_size: int | None = None,
    mirror: bool = True,
    builder_arguments: dict[str, Any] | None = None,
    **changes: Any,
) -> Design:
    """Build a classifier of the catalogue for some data, and choose its recipe.

    Args:
        name: Of the model.
        data: What is known of them.
        recipe: `"quick"`, see `quick_recipe`, or the name of one on the model's card.
        image_size: Side of the network's input; by default its own under a recipe of its card, and
            else no larger than the data's pictures.
        mirror: Whether a mirrored picture is still of its class.
        builder_arguments: Of the model, over those of the recipe.
        **changes: Fields of the recipe to change, where they are not None.

    Raises:
        InputError: The name or the recipe is unknown, the model has no classifier, or an argument
            is wrong.
    """
    known = card(name)
    if known.classes is None:
        raise InputError(
            f"The model {known.name} was given, which has no classifier",
            "models with classes",
            "Choose another of keras-classics list.",
        )
    recipes = (QUICK, *known.recipes)
    if recipe not in recipes:
        raise InputError(
            f"The recipe {recipe} was given for {known.name}",
            ", ".join(recipes),
            f"See keras-classics card {known.name}.",
        )
    chosen = known.recipes.get(recipe)
    taken = _input_of(known, data, image_size, native=chosen is not None)
    shape = (taken["size"], taken["size"], taken["channels"])
    told = {
        "classes": len(data.classes or ()),
        "input_shape": (math.prod(shape),) if taken["flat"] else shape,
    }
    own = {**(chosen.builder if chosen else {}), **(builder_arguments or {})}
    if twice := told.keys() & own:
        raise InputError(
            f"The builder's arguments {', '.join(sorted(twice))} were given",
            "what the data do not say",
            "Leave them out; the size of pictures (--image-size) has an argument of its own.",
        )
    if own.get("include_top", True) is not True:
        raise InputError(
            f"include_top={own['include_top']!r} was given for a classifier",
            "networks with their classifier",
            "Leave include_top out.",
        )
    model = create_model(known.name, **told, **own)
    # Where a network takes grey pictures, they are mostly characters.
    chosen = chosen or quick_recipe(model, mirror=mirror and taken["channels"] == 3)
    changed = {key: value for key, value in changes.items() if value is not None}
    return Design(model, dataclasses.replace(chosen, **changed), taken)


def _input_of(known: ModelCard, data: Info, image_size: int | None, *, native: bool) -> dict:
    flat = len(known.input_shape) == 1
    own = side = math.isqrt(known.input_shape[0]) if flat else known.input_shape[0]
    if not native and data.image_shape:
        side = min(own, max(known.smallest_size, *data.image_shape[:2]))
    return {
        "size": image_size or side,
        "native_size": own if native else None,
        "channels": 1 if flat else known.input_shape[-1],
        "flat": flat,
    }
