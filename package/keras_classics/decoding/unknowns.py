"""Unknown words, replaced by what the model looked at when it wrote them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError


@checked
def replace_unknowns(
    words: Sequence[str],
    alignments: np.ndarray,
    source_words: Sequence[str],
    unknown: str = "<unknown>",
    dictionary: Mapping[str, str] | None = None,
) -> list[str]:
    """Write for every unknown word of a sentence the source word with the greatest attention.

    Luong et al., "Addressing the rare word problem in neural machine translation", ACL 2015
    (arXiv:1410.8206), in the form of Jean et al., ACL 2015 (arXiv:1412.2007): translated where a
    dictionary has the word, else as it is, which suits names and numbers.

    Args:
        words: The generated words.
        alignments: `(length, positions)`, the attention behind every generated id, from
            `Hypotheses.alignments`; rows beyond the words and columns beyond the source are not
            looked at.
        source_words: The source at those positions; empty strings (its start and its end) are never
            copied.
        unknown: How the unknown word is written.
        dictionary: Translations by source word, in the units of the vocabularies (see
            `data.texts.dictionary.dictionary_units`).

    Returns:
        The words, as many as were given.

    Raises:
        InputError: There are fewer rows than words, or fewer columns than source words.
    """
    alignments = np.asarray(alignments)
    if alignments.ndim != 2 or np.any(np.less(alignments.shape, (len(words), len(source_words)))):
        raise InputError(
            f"alignments of shape {alignments.shape} were given for {len(words)} words and "
            f"{len(source_words)} positions of the source",
            "one row for every word, one column for every position",
            "Take one hypothesis out of Hypotheses.alignments: alignments[example, rank].",
        )
    positions = [position for position, word in enumerate(source_words) if word]
    if not positions:
        return list(words)
    chosen = np.argmax(alignments[:, positions], axis=1)
    copied = [source_words[positions[place]] for place in chosen]
    known = dictionary or {}
    return [
        known.get(copied[row], copied[row]) if word == unknown else word
        for row, word in enumerate(words)
    ]
