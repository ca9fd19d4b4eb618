"""Dictionaries of words, for what a translator copies because it does not know it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.errors import InputError
from keras_classics.core.tokenization import SPACE_MARK
from keras_classics.data.texts.vocabulary import Vocabulary


@checked
def read_dictionary(file: str | Path) -> dict[str, str]:
    """Read a dictionary from a text file: on every line a word, a tab and its translation.

    Args:
        file: The file, in UTF-8; `.gz` is unpacked. Empty lines are passed over.

    Returns:
        Translations by word; of several of one word the first.

    Raises:
        InputError: The file cannot be read, or a line is no entry.
    """
    entries: dict[str, str] = {}
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 2 or not all(columns):
            raise InputError(
                f"{file}, line {number} is {line[:60]!r}",
                "a word, a tab and its translation",
                "Separate the two by one tab, and leave neither out.",
            )
        entries.setdefault(*columns)
    return entries


@checked
def dictionary_units(
    dictionary: Mapping[str, str], source_vocabulary: Vocabulary, target_vocabulary: Vocabulary
) -> dict[str, str]:
    """Write a dictionary in the units of two vocabularies, for `kc.decoding.replace_unknowns`.

    Args:
        dictionary: Translations by word.
        source_vocabulary: Whose unit each word must be.
        target_vocabulary: In whose units the translations are written, several as one.

    Returns:
        Translations by unit. A token stands in it twice: as after a space, and as behind a hyphen.

    Raises:
        InputError: A word is not one unit of the source, or its translation has none.
    """
    between = " " if target_vocabulary.UNIT == "word" else ""
    found: dict[str, str] = {}
    for word, translation in dictionary.items():
        units, written = source_vocabulary.split(word), target_vocabulary.split(translation)
        if len(units) != 1 or not written:
            raise InputError(
                f"The dictionary has {word!r}, of {len(units)} {source_vocabulary.UNIT}s, as "
                f"{translation!r}, of {len(written)} {target_vocabulary.UNIT}s",
                f"one {source_vocabulary.UNIT}, and any number but none",
                "Leave such entries out: unknown words are looked up one by one.",
            )
        joined = between.join(written)
        found[units[0]] = joined
        found[units[0].removeprefix(SPACE_MARK)] = joined.removeprefix(SPACE_MARK)
    return found
