"""What `help` shows of a builder: its family's arguments and the shared ones, with their text.

Nothing is written twice: the text of the shared arguments is that of `ImageArguments`, the text of
the others that of the family's function, the defaults are the card's.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable

import keras

from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.image_builder import IMAGE_DEFAULTS, ImageArguments

RETURNS = "    A functional `keras.Model`, not compiled."


def signature_of(card: ModelCard, generic: Callable[..., keras.Model]) -> inspect.Signature:
    """The arguments of one model's builder, with its card's defaults.

    Args:
        card: The row of the family's table.
        generic: The family's function, `generic(card, *, ..., **arguments)`.

    Returns:
        The shared arguments, by position or name in the order of keras.applications, then the
        family's own, by name. Where the family's default is `None`, for the card's, it is filled
        in. There are no annotations: evaluated they would hide the arguments behind pages of dotted
        names, and every argument's text says what it is.
    """
    facts = {"include_top": card.classes is not None, "classes": card.classes, "name": card.name}
    either, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(name, either, default=facts.get(name, default))
        for name, default in IMAGE_DEFAULTS.items()
    ]
    shared.append(inspect.Parameter("pretrained", named, default=False))
    own = [
        inspect.Parameter(
            parameter.name,
            named,
            default=getattr(card, parameter.name, None)
            if parameter.default is None
            else parameter.default,
        )
        for parameter in inspect.signature(generic).parameters.values()
        if parameter.kind is named
    ]
    return inspect.Signature([*shared, *own], return_annotation=keras.Model)


def text_of(card: ModelCard, generic: Callable[..., keras.Model]) -> str:
    """The docstring of one model's builder.

    Args:
        card: The row of the family's table; its sentence and its paper come first.
        generic: The family's function, whose docstring explains its own arguments.
    """
    family = _sections(inspect.getdoc(generic) or "")
    shared = _sections(inspect.getdoc(ImageArguments) or "").get("Attributes", "")
    # What a family says of `card` and `**arguments` is of no use to a user of one model.
    own = re.sub(r"^    (card|\*\*\w+):.*\n(     .*\n)*", "", family.get("Args", ""), flags=re.M)
    parts = {
        "Args": shared + own,
        "Returns": family.get("Returns", RETURNS),
        "Raises": family.get("Raises", ""),
    }
    return "\n\n".join(
        [
            card.summary or f"{card.idea[:1].upper()}{card.idea[1:]}.",
            family[""],
            textwrap.fill(f"From {card.paper}.", 96, break_on_hyphens=False),
            *(f"{title}:\n{text.rstrip()}" for title, text in parts.items() if text),
        ]
    )


def _sections(doc: str) -> dict[str, str]:
    """The parts of a docstring in Google's style by title; the text before them under `""`."""
    _, *rest = parts = re.split(r"^(Args|Attributes|Returns|Raises):\n", doc, flags=re.M)
    titled = dict(zip(rest[::2], rest[1::2], strict=True))
    return {title: text.rstrip() + "\n" for title, text in titled.items()} | {"": parts[0].strip()}
