"""Sentences whose words are tagged, in CoNLL-U files (Universal Dependencies)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_text
from keras_classics.core.errors import InputError, check_choice
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_NAMES
from keras_classics.data.load import Asked, Data

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
# Words written together, and words left out.
_PARTS = re.compile(r"\d+[-.]\d+", re.ASCII)
# No sentence has more words.
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
TAGGED = ("upos", "xpos", "deprel")


@dataclass(frozen=True, eq=False)
class TaggedSentence:
    """A sentence: where it stands, its words, and a tag for each, or the number of its class."""

    name: str
    words: list[str]
    tags: Sequence[str] | np.ndarray


@checked
def load_conllu(
    asked: Asked, *, column: str = "upos", validation: float = 0.1, test: float = 0.1
) -> Data:
    """Read CoNLL-U files, perhaps gzipped.

    Of a `TaggedSentence` the `tags` are int32 `(words,)`, numbers in `info.classes`. Words written
    together (`1-2`) and words left out (`1.1`) are passed over, as their parts and the others are
    tagged.

    Args:
        asked: `FILE`, `TRAIN,TEST` or `TRAIN,VALIDATION,TEST`.
        column: Of the tags: `"upos"`, `"xpos"` or `"deprel"`.
        validation: Share of the training sentences that becomes the validation split.
        test: Share that becomes the test split where no file does.

    Raises:
        InputError: A file is missing or not CoNLL-U, or has no sentence, or a share is out of
            range.
    """
    check_choice("column", column, TAGGED)
    files = asked.files(["train"], ["train", "test"], [*SPLIT_NAMES])
    parts, held = asked.divided(
        {split: list(read_conllu(file, asked.faults, column)) for split, file in files.items()},
        (validation, test),
        "sentence",
        same=lambda row: (tuple(row.words),),
    )
    classes = sorted({tag for part in parts.values() for row in part for tag in row.tags})
    if len(classes) < 2:
        raise InputError(
            f"Every word of {asked.argument} is tagged {classes[0]!r} in the column {column!r}",
            "two tags and more",
            f"Choose another column: {', '.join(each for each in TAGGED if each != column)}.",
        )
    numbers = {tag: number for number, tag in enumerate(classes)}
    return asked.data(
        {
            split: [
                replace(row, tags=np.array([numbers[tag] for tag in row.tags], "int32"))
                for row in part
            ]
            for split, part in parts.items()
        },
        {split: str(file) for split, file in files.items()} | held,
        classes=tuple(classes),
        origin=asked.argument,
    )


def read_conllu(file: str | Path, faults: Faults, column: str = "upos") -> Iterator[TaggedSentence]:
    """Read the sentences of one file.

    Args:
        file: The file.
        faults: Where to note faulty sentences.
        column: Of the tags.

    Raises:
        InputError: The file cannot be read, or has no sound sentence.
    """
    path = Path(file).expanduser()
    place, found = COLUMNS.index(column), 0
    for first, lines in _blocks(read_text(path)):
        rows = [(first + n, line.split("\t")) for n, line in enumerate(lines) if line[0] != "#"]
        if not _is_sound(path, rows, faults):
            continue
        words = [row for _, row in rows if _NUMBER.fullmatch(row[0])]
        if words:
            found += 1
            yield TaggedSentence(
                f"{path.name}:{first}", [row[1] for row in words], [row[place] for row in words]
            )
    if not found:
        raise InputError(
            f"{path} has no tagged sentence", "a CoNLL-U file", f"Check the file.{faults.told()}"
        )


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line, and the lines, between lines of nothing but white space."""
    first, lines = 1, []
    for number, line in enumerate([*text.replace("\r\n", "\n").split("\n"), ""], 1):
        if line.strip():
            lines.append(line)
            continue
        if lines:
            yield first, lines
        first, lines = number + 1, []


def _is_sound(path: Path, rows: list[tuple[int, list[str]]], faults: Faults) -> bool:
    """Whether the lines of a sentence have all columns, and its words their numbers."""
    expected, remedy = 1, "Correct the line, or remove its sentence."
    for number, row in rows:
        where = f"{path}, line {number}"
        if len(row) != len(COLUMNS):
            faults.add(
                f"{where} has {len(row)} columns",
                "10 columns with a tab between, as in CoNLL-U",
                remedy,
            )
            return False
        if _NUMBER.fullmatch(row[0]):
            if int(row[0]) != expected:
                faults.add(
                    f"{where} is word {row[0]} of its sentence",
                    f"words in order; the next one is {expected}",
                    "Correct the number, or put an empty line between sentences.",
                )
                return False
            expected += 1
        elif not _PARTS.fullmatch(row[0]):
            faults.add(f"{where} has the id {row[0][:40]!r}", "1, 1-2 or 1.1", remedy)
            return False
    return True
