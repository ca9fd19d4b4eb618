"""How names are matched: patterns, spellings people know, "Did you mean"; it builds no model.

Needs no engine; the catalogue and the command line search alike.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from keras_classics.core.errors import InputError, UnknownArgumentError

# Families of keras.applications that are none of the classic ones, by how their names begin.
_NOT_HERE = {
    family.lower(): family
    for family in ("ConvNeXt", "EfficientNet", "InceptionV3", "MobileNet", "NASNet", "Xception")
}


class Known(NamedTuple):
    """What a model is searched by."""

    name: str
    builder: str
    family: str
    year: int


def matching(
    known: Iterable[Known],
    pattern: str = "*",
    *,
    family: str | None = None,
    year: int | None = None,
) -> list[str]:
    """Choose names, whatever their case; numbers in natural order.

    Args:
        known: All models.
        pattern: Shell pattern on the name, or on that of the builder.
        family: Only this family.
        year: Only papers of this year.

    Raises:
        InputError: No model is of that family.
    """
    known = list(known)
    families = {each.family.lower(): each.family for each in known}
    if family is not None and family.lower() not in families:
        raise InputError(
            f"The family {family!r} is unknown",
            ", ".join(sorted(families.values())),
            did_you_mean(family, families.values()) or "Leave the family out for all of them.",
        )
    names = [
        each.name
        for each in known
        if any(fnmatch.fnmatchcase(own.lower(), pattern.lower()) for own in each[:2])
        and (family is None or each.family.lower() == family.lower())
        and year in (None, each.year)
    ]
    return sorted(names, key=_natural)


def meant(name: str, known: Mapping[str, str]) -> str:
    """The catalogue's name of a model, from a spelling of it or of its builder's name.

    Case and underscores tell no models apart: `"resnet50"` is `"resnet_50"`, and `"vgg16"` is
    `"vgg_d"`, whose builder is `VGG16`.

    Args:
        name: What was asked for.
        known: The builder's name by the catalogue's.

    Raises:
        InputError: The name is unknown; the nearest names are listed.
    """
    if isinstance(name, str) and name in known:
        return name
    # Where two say the same, the catalogue's spelling is the one that is suggested.
    spellings = {bare(builder): (builder, each) for each, builder in known.items()}
    spellings |= {bare(each): (each, each) for each in known}
    asked = bare(str(name))
    if asked in spellings:
        return spellings[asked][1]
    if absent := not_here(asked):
        raise InputError(
            f"The model {name!r} is unknown",
            f"the {len(known)} names of list_models(), or of their builders in kc.models",
            absent,
        )
    # Who writes resnet20 means resnet_20_cifar, which begins so, rather than what is as long.
    begun = sorted((each for each in spellings if asked and each.startswith(asked)), key=len)
    near = dict.fromkeys(spellings[each][0] for each in begun[:3] or _near(asked, spellings))
    raise InputError(
        f"The model {name!r} is unknown",
        f"the {len(known)} names of list_models(), or of their builders in kc.models",
        _question(near) or "See them all: keras-classics list, or kc.list_models().",
    )


def not_here(name: str) -> str:
    """A sentence for a network that keras.applications has and this package has not, else empty.

    Args:
        name: In any spelling.
    """
    family = next((_NOT_HERE[each] for each in _NOT_HERE if bare(name).startswith(each)), None)
    if family is None:
        return ""
    return f"keras.applications has {family}; the classic networks here: kc.list_models()."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question which of the words nearest to a wrong one was meant; empty if none is near.

    One that differs in case, underscores and dashes only is the one.
    """
    known = list(known)
    same = [each for each in known if bare(each) == bare(str(word))]
    return _question(same[:1] or _near(str(word), known))


def bare(name: str) -> str:
    """A name without what spellings differ in."""
    return re.sub(r"[\s_.-]", "", name.lower())


def check_known(receiver: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse an argument that a function does not have.

    Args:
        receiver: Name of what the arguments were given to.
        given: Names of the arguments.
        known: Names of all arguments it has.

    Raises:
        UnknownArgumentError: One of `given` is not in `known`; the nearest are listed.
    """
    known = list(known)
    for argument in given:
        if argument not in known:
            raise UnknownArgumentError(
                f"{argument!r} was given to {receiver!r}",
                ", ".join(known),
                did_you_mean(argument, known) or "Remove the argument.",
            )


def _near(word: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)


def _question(near: Iterable[str]) -> str:
    listed = " or ".join(map(repr, near))
    return f"Did you mean {listed}?" if listed else ""


def _natural(name: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
