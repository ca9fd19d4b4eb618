"""The catalogue: every architecture by name, with the facts that tests recompute.

A family's file describes its models as rows of one table (`ModelCard`, usually a subclass that
adds the architecture's own figures) and registers a builder for each row. Everything that walks
over models (tests, command line, README tables, benchmarks) walks over this catalogue.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import keras

from keras_classics.core import pretrained
from keras_classics.core.errors import InputError, explain
from keras_classics.core.image_builder import IMAGE_DEFAULTS
from keras_classics.core.names import Known, did_you_mean, matching, meant
from keras_classics.core.recipe import Recipe

Builder = Callable[..., keras.Model]


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is known of one architecture.

    Attributes:
        name: The catalogue's name, in snake case.
        family: The family whose file builds it.
        paper: Authors, title and where it appeared.
        year: Year of the paper.
        idea: The one idea the network is remembered for.
        input_shape: Native input, without the batch axis.
        classes: Native number of classes; `None` for a trunk that has no classifier.
        parameters: Trainable parameters at native input and classes; recomputed by a test.
        multiply_adds: Multiplications of convolution and dense kernels for one native input;
            recomputed by a test. `None` where the papers give no such figure.
        smallest_size: The smallest height and width the architecture admits.
        published: Published results, quoted and not verified here, by what they measure.
        measured: Results of our own runs, by what they measure, with the command.
        deviations: Where this builder departs from the paper, and why.
        recipes: How it is trained: `"paper"`, and further ones by name.
    """

    name: str
    family: str
    paper: str
    year: int
    idea: str
    input_shape: tuple[int, ...]
    classes: int | None
    parameters: int
    multiply_adds: int | None = None
    smallest_size: int = 1
    published: str = "no figure quoted"
    measured: str = "not trained here"
    deviations: str = "none"
    recipes: Mapping[str, Recipe] = field(default_factory=dict)


_CARDS: dict[str, ModelCard] = {}
_BUILDERS: dict[str, Builder] = {}


def register(card: ModelCard, generic: Builder) -> Callable[[Builder], Builder]:
    """Enter a public builder into the catalogue.

    The decorated function takes `**arguments` and hands them to the family's generic builder; its
    visible signature becomes the generic builder's with this card's defaults filled in, so that
    `help` and editors show every argument.

    Args:
        card: The row of the family's table.
        generic: The family's generic builder, `generic(card, *, ...)`.

    Raises:
        InputError: The name is taken.
    """
    if card.name in _CARDS:
        taken = _BUILDERS[card.name]
        raise InputError(
            explain(
                f"The model name {card.name!r} is taken by {taken.__module__}.{taken.__name__}",
                "one builder per name",
                "Choose another name for the new model.",
            )
        )

    def enter(builder: Builder) -> Builder:
        @functools.wraps(builder)
        def build(**arguments) -> keras.Model:
            return pretrained.build(card, builder, arguments)

        build.__signature__ = _signature(card, generic)
        _CARDS[card.name] = card
        _BUILDERS[card.name] = build
        return build

    return enter


def list_models(
    pattern: str = "*", *, family: str | None = None, year: int | None = None
) -> list[str]:
    """Names of the catalogue, numbers in natural order.

    Args:
        pattern: Shell pattern on the name (`"resnet*"`), or on that of the builder, in any case.
        family: Only this family.
        year: Only papers of this year.

    Raises:
        InputError: No model is of that family.
    """
    known = [
        Known(name, _BUILDERS[name].__name__, card.family, card.year)
        for name, card in _CARDS.items()
    ]
    return matching(known, pattern, family=family, year=year)


def card(name: str) -> ModelCard:
    """The facts of one model, under any spelling that `create_model` takes.

    Raises:
        InputError: The name is unknown; the nearest names are listed.
    """
    return _CARDS[_known(name)]


def builder(name: str) -> Builder:
    """The function that builds one model; `help` of it shows every argument.

    Raises:
        InputError: The name is unknown; the nearest names are listed.
    """
    return _BUILDERS[_known(name)]


def create_model(name: str, **arguments) -> keras.Model:
    """Build a model of the catalogue by name.

    Args:
        name: A name of `list_models()`, or that of its builder; case and underscores tell no
            models apart (`"resnet50"`, `"VGG16"`).
        **arguments: The builder's arguments; see `help(kc.models.ResNet50)`.

    Raises:
        InputError: The name is unknown or an argument is not admitted.
    """
    build = builder(name)
    allowed = inspect.signature(build).parameters
    for argument in arguments:
        if argument not in allowed:
            raise InputError(
                explain(
                    f"{argument!r} was given to {name!r}",
                    ", ".join(allowed),
                    did_you_mean(argument, allowed) or "Remove the argument.",
                )
            )
    return build(**arguments)


def _known(name: str) -> str:
    return meant(name, {each: builder.__name__ for each, builder in _BUILDERS.items()})


def _signature(card: ModelCard, generic: Builder) -> inspect.Signature:
    facts = {"include_top": card.classes is not None, "classes": card.classes, "name": card.name}
    named = {**IMAGE_DEFAULTS, **facts}
    own = inspect.signature(generic).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(argument, keyword, default=default) for argument, default in named.items()
    ]
    parameters += [parameter for parameter in own.values() if parameter.kind is keyword]
    return inspect.Signature(parameters, return_annotation=keras.Model)
