"""Examples of labelling tasks as rows: what is read, what is to be said of it, and a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.data.holdout import SPLIT_NAMES

if TYPE_CHECKING:
    from keras_classics.data.load import Data

# By the field in which contents are: what they are, and where there are some.
_TRANSCRIBED = {
    "image": ("lines", "digit_lines or iam:FOLDER"),
    "audio": ("recordings", "speech:FOLDER"),
}


class Labelled(NamedTuple):
    """What is read, what is to be said of it, and a name for tables and messages."""

    content: Any
    target: Any
    name: str


@checked
def transcribed(data: Data, split: str, *, field: str | None = None) -> list[Labelled]:
    """Pictures of lines, or recordings, with their texts.

    Args:
        data: Such as `load("digit_lines")` or `load("speech:FOLDER")`.
        split: `"train"`, `"validation"` or `"test"`.
        field: `"image"` for lines alone, `"audio"` for recordings alone; by default either.

    Raises:
        InputError: The data are others.
    """
    if field is not None:
        check_choice("field", field, tuple(_TRANSCRIBED))
    sought = {field: _TRANSCRIBED[field]} if field else _TRANSCRIBED
    found = next((each for each in sought if data.has(each, "text")), None)
    if found is None:
        kinds, sources = zip(*sought.values(), strict=True)
        raise InputError(
            f"The data {data.info.name!r} have no transcribed {' or '.join(kinds)}",
            " or ".join(kinds) + " with what they say",
            f"Use {' or '.join(sources)}.",
        )
    return [Labelled(getattr(each, found), each.text, each.name) for each in _split(data, split)]


@checked
def tagged(data: Data, split: str, *, window: int = 100) -> list[Labelled]:
    """Sentences with a class for each word, or running text with one for each character.

    Args:
        data: Such as `load("conllu:FILE")` or `load("source_code")`.
        split: `"train"`, `"validation"` or `"test"`.
        window: Characters that running text is cut to.

    Raises:
        InputError: The data are others.
    """
    if data.has("words", "tags"):
        return [Labelled(each.words, each.tags, each.name) for each in _split(data, split)]
    if not data.has("token_classes"):
        raise InputError(
            f"The data {data.info.name!r} have no tags",
            "tagged sentences or source code",
            "Use conllu:FILE or source_code.",
        )
    return [
        Labelled(
            each.text[start : start + window],
            each.token_classes[start : start + window].astype("int32"),
            f"{each.name}:{start}",
        )
        for each in _split(data, split)
        for start in range(0, len(each.text), window)
    ]


@checked
def filmed(data: Data, split: str) -> list[Labelled]:
    """Clips with a class each.

    Args:
        data: Such as `load("moving_scenes")` or `load("videos:FOLDER")`.
        split: `"train"`, `"validation"` or `"test"`.

    Raises:
        InputError: The data are others.
    """
    if not data.has("frames", "label"):
        raise InputError(
            f"The data {data.info.name!r} have no clips with a class each",
            "clips",
            "Use moving_scenes, frames:FOLDER, videos:FOLDER or a TFDS set of videos.",
        )
    return [Labelled(each.frames, np.int32(each.label), each.name) for each in _split(data, split)]


@checked
def classed(data: Data, split: str, *, unit: str | None = None) -> list[Labelled]:
    """Texts with a class each.

    Args:
        data: Such as `load("sentences:FOLDER")`, or what `kc.data.by_language` makes.
        split: `"train"`, `"validation"` or `"test"`.
        unit: What they are given in: `"character"`, as a text, or `"word"`, as a list; by default
            characters where the classes are languages.
    """
    words = (unit or ("character" if data.info.languages else "word")) == "word"
    return [
        Labelled(each.text.split() if words else each.text, np.int32(each.label), each.text)
        for each in _split(data, split)
    ]


def _split(data: Data, split: str) -> Sequence[Any]:
    check_choice("split", split, tuple(SPLIT_NAMES))
    return getattr(data, split)
