"""The catalogue, which turns a name into a model: all builders and cards, entered by `register`.

A family's file describes its models as rows of one table (`ModelCard`, usually a subclass that
adds the architecture's own figures) and registers a builder for each row. Everything that walks
over models (tests, command line, tables of pages, benchmarks) walks over this catalogue.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import keras

from keras_classics.core.arguments import as_taken, checked, kinds_of
from keras_classics.core.cards import pretrained
from keras_classics.core.cards.builder_help import signature_of, text_of
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.image_builder import IMAGE_DEFAULTS, check_common
from keras_classics.core.errors import InputError
from keras_classics.core.names import Known, bare, check_known, matching, meant
from keras_classics.core.types import Activation, Shape, Tensor, Whole

Card = TypeVar("Card", bound=ModelCard)
Arguments = ParamSpec("Arguments")


class Builder(Protocol[Arguments]):
    """A function that builds one model of the catalogue; `help` of it explains every argument.

    For a checker it takes the shared arguments by position in the order of keras.applications, or
    like its family's own by name.
    """

    __name__: str

    def __call__(
        self,
        include_top: bool = ...,
        weights: str | os.PathLike[str] | None = ...,
        input_tensor: Tensor | None = ...,
        input_shape: Shape | None = ...,
        pooling: str | None = ...,
        classes: Whole | None = ...,
        classifier_activation: str | Callable[[Tensor], Tensor] | None = ...,
        name: str | None = ...,
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> keras.Model:
        """Build the model."""


_CARDS: dict[str, ModelCard] = {}
_BUILDERS: dict[str, Builder[...]] = {}


def register(
    card: Card, generic: Callable[Concatenate[Card, Arguments], keras.Model]
) -> Builder[Arguments]:
    """Make the builder of one row and enter it into the catalogue.

        ResNet50 = kc.register(VARIANTS["resnet_50"], resnet)

    Args:
        card: The row of the family's table; its `builder` is the name of what is returned.
        generic: The family's function, `generic(card, *, ..., **arguments)`, where the last are
            `ImageArguments`.

    Returns:
        A function of the arguments all builders share and of the family's own. At run time its
        signature and docstring have the card's defaults and every argument's text.

    Raises:
        InputError: The name is taken.
    """
    signature, shared = signature_of(card, generic), list(IMAGE_DEFAULTS)
    title = card.builder or card.name

    def build(*positional: Any, **named: Any) -> keras.Model:
        if len(positional) > len(shared):
            raise InputError(
                f"{len(positional)} arguments without a name were given to {title!r}",
                f"at most {len(shared)}: {', '.join(shared)}",
                "Name the others, as in width=0.5.",
            )
        check_known(title, named, signature.parameters)
        arguments = dict(zip(shared, positional, strict=False))
        if twice := [argument for argument in named if argument in arguments]:
            raise InputError(
                f"{twice[0]!r} was given to {title!r} by position and by name",
                "one of the two",
                f"Leave {twice[0]} out, or name all arguments.",
            )
        given = arguments | named
        check_common(given)
        kinds = kinds_of(_shared) | kinds_of(generic)
        given |= {
            argument: as_taken(kinds[argument], argument, value, optional=True)
            for argument, value in given.items()
            if argument in kinds and value is not signature.parameters[argument].default
        }
        return pretrained.build(card, partial(generic, card), given)

    build.__name__ = build.__qualname__ = title
    # As namedtuple does: the builder is the caller's, whose module it is found in and pickled by.
    build.__module__ = sys._getframe(1).f_globals.get("__name__", "__main__")
    build.__doc__ = text_of(card, generic)
    build.__signature__ = signature  # type: ignore[attr-defined]  # read by inspect, not declared
    _enter(card, cast(Builder[...], build))
    return cast(Builder[Arguments], build)


def _shared(*, classifier_activation: Activation, name: str | None = None) -> None:
    """The shared arguments of which `image_head` only looks at what it is for."""


@checked
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

    Example:
        ```python
        kc.list_models("resnet_1*", year=2015)
        kc.list_models(family="vgg")
        ```
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

    Example:
        ```python
        kc.card("vgg_d").parameters  # 138357544
        kc.card("VGG16").paper  # by the builder's name, too
        ```
    """
    return _CARDS[_known(name)]


def namesake_of(name: str) -> str:
    """How what others call so is built, by the model's card; empty for a name of the user's."""
    return _CARDS[name].namesake if name in _CARDS else ""


def builder(name: str) -> Builder[...]:
    """The function that builds one model; `help` of it explains every argument.

    Raises:
        InputError: The name is unknown; the nearest names are listed.
    """
    return _BUILDERS[_known(name)]


def create_model(name: str, /, **arguments: Any) -> keras.Model:
    """Build a model of the catalogue by name.

    Args:
        name: A name of `list_models()`, or that of its builder; case and underscores tell no
            models apart (`"resnet50"`, `"VGG16"`).
        **arguments: The builder's arguments, among them the model's own `name`; see
            `help(kc.models.ResNet50)`.

    Raises:
        InputError: The name is unknown or an argument is not admitted.

    Example:
        ```python
        model = kc.create_model("resnet_20_cifar", classes=5, width=0.5)
        model.output_shape  # (None, 5)
        ```
    """
    return builder(name)(**arguments)


def _enter(card: ModelCard, build: Builder[...]) -> None:
    names = {bare(card.name), bare(build.__name__)}
    for known, taken in _BUILDERS.items():
        # A module that is loaded again brings its own builders anew.
        again = (taken.__module__, taken.__name__) == (build.__module__, build.__name__)
        if not again and names & {bare(known), bare(taken.__name__)}:
            raise InputError(
                f"The model name {card.name!r} is taken by {taken.__module__}.{taken.__name__}",
                "one builder per name",
                "Choose another name for the new model, and for its builder.",
            )
    _CARDS[card.name], _BUILDERS[card.name] = card, build


def _known(name: str) -> str:
    return meant(name, {each: build.__name__ for each, build in _BUILDERS.items()})
