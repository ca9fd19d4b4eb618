"""Groups of sentences that mean the same: what an encoder should find alike."""

from __future__ import annotations

from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.errors import InputError
from keras_classics.data.worlds.phrases import phrase_groups


@checked
def sentence_groups(
    file: str | Path | None = None, *, language: str = "en"
) -> list[tuple[str, list[str]]]:
    """Groups of sentences that mean the same, of a text file or of the embedded phrases.

    Args:
        file: Paraphrases below each other, in UTF-8, an empty line after each group; `.gz` is
            unpacked. By default dates of the phrases, each in several forms.
        language: Of the phrases.

    Returns:
        Each group's name, of a file its first sentence, and its sentences.

    Raises:
        InputError: There are fewer than two groups, or one of a single sentence; or the phrases are
            not of the language.
    """
    if file is None:
        return phrase_groups(language)
    groups: list[list[str]] = [[]]
    for line in map(str.strip, read_lines(file)):
        if line:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    groups = [group for group in groups if group]
    if len(groups) < 2 or min(map(len, groups)) < 2:
        raise InputError(
            f"{file} has groups of {', '.join(str(len(group)) for group in groups) or 'no'} "
            "sentences",
            "two groups or more, each of two sentences or more, with empty lines between",
            "Write paraphrases below each other.",
        )
    return [(group[0], group) for group in groups]
