"""True sentences to score by, checked once for captions and translations."""

from __future__ import annotations

from collections.abc import Sequence

from keras_classics.core.errors import InputError


def check_references(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], kind: str
) -> None:
    """Refuse what has no score.

    Args:
        hypotheses: One sentence for each thing described.
        references: One or more true sentences for each.
        kind: What is described: `"image"` or `"sentence"`.

    Raises:
        InputError: Lists of different length, nothing to score, something without a reference, or
            with one plain string in place of a list, which would be taken letter by letter.
    """
    remedy = f"Give one hypothesis and a list of references for each {kind}."
    if len(hypotheses) == 0 or len(hypotheses) != len(references):
        raise InputError(
            f"{len(hypotheses)} hypotheses and references of {len(references)} {kind}s were given",
            "equally many, at least one",
            remedy,
        )
    for number, texts in enumerate(references):
        if isinstance(texts, str) or len(texts) == 0:
            raise InputError(
                f"{kind.capitalize()} {number} has the references {texts!r}",
                "a list of at least one reference",
                remedy,
            )
