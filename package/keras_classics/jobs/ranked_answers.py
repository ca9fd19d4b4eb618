"""Answers to queries: what an export says, and how answers that are several are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Figure
from keras_classics.core.errors import InputError, shown


class Answer(NamedTuple):
    """What a model says to a query.

    Attributes:
        text: As people read it.
        record: As programs read it.
    """

    text: str
    record: Mapping[str, Any]


@checked
def first_answer(exported: Any, *inputs: Any) -> dict[str, Any]:
    """What an exported model says to a batch of one, as Python has it.

    Args:
        exported: A loaded SavedModel of `kc.export`.
        *inputs: What its `serve` takes.

    Returns:
        For each output what it says of the first of the batch: numbers and texts, in lists where
        there are several.

    Raises:
        InputError: It has no `serve`.
    """
    if not hasattr(exported, "serve"):
        raise InputError(
            f"exported={shown(exported)} was given",
            "a loaded export",
            "Pass kc.export.load_saved_model(path).",
        )
    return {name: _plain(each.numpy()[0]) for name, each in exported.serve(*inputs).items()}


def _plain(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.decode() if isinstance(value, bytes) else value


@checked
def ranked(
    texts: Sequence[str],
    scores: Sequence[Figure],
    *,
    of: str,
    scored: str = "probabilities",
    shown: str = "{} {:.1%}",
    between: str = ", ",
    count: int | None = None,
) -> Answer:
    """An answer that is several, the best first, each with how sure the model is of it.

    Args:
        texts: Names of classes, say, or sentences.
        scores: Of each.
        of: What they are, in the record, such as `"captions"`.
        scored: What the scores are, in the record.
        shown: How one is shown: a format of its text and its score.
        between: Stands between two.
        count: How many are told, at most; all by default.
    """
    texts, scores = texts[:count], scores[:count]
    pairs = zip(texts, scores, strict=True)
    return Answer(
        between.join(shown.format(*pair) for pair in pairs),
        {of: list(texts), scored: [float(score) for score in scores]},
    )
