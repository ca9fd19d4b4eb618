"""Sentences whose words are tagged, in CoNLL-U files (Universal Dependencies)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_classics.core.errors import InputError, check_choice, explain
from keras_classics.core.text_files import read_text
from keras_classics.data.holdout import SPLIT_NAMES, complete_splits
from keras_classics.data.load import Data, Info

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


def load_conllu(
    files: str,
    *,
    seed: int = 0,
    image_size: None = None,
    strict: bool = False,
    column: str = "upos",
    validation: float = 0.1,
    test: float = 0.1,
) -> Data:
    """Read CoNLL-U files, perhaps gzipped.

    Of a `TaggedSentence` the `tags` are int32 `(words,)`, numbers in `info.classes`. Words written
    together (`1-2`) and words left out (`1.1`) are passed over, as their parts and the others are
    tagged.

    Args:
        files: `FILE`, `TRAIN,TEST` or `TRAIN,VALIDATION,TEST`.
        seed: Chooses the sentences that are held out.
        image_size: Without meaning here.
        strict: Refuse a faulty sentence instead of skipping it.
        column: Of the tags: `"upos"`, `"xpos"` or `"deprel"`.
        validation: Share of the training sentences that becomes the validation split.
        test: Share that becomes the test split where no file does.

    Raises:
        InputError: A file is missing or not CoNLL-U, or has no sentence, or a share is out of
            range.
    """
    check_choice("column", column, TAGGED)
    names = dict(zip(_splits(files), files.split(","), strict=True))
    skipped: list[str] = []
    parts = {
        split: list(read_conllu(name, column=column, strict=strict, skipped=skipped))
        for split, name in names.items()
    }
    parts, rules = complete_splits(
        parts,
        {"validation": validation, "test": test},
        seed,
        source=files,
        what="sentence",
        same=lambda row: (tuple(row.words),),
    )
    rules = {**names, **rules}
    classes = sorted({tag for part in parts.values() for row in part for tag in row.tags})
    if len(classes) < 2:
        raise InputError(
            explain(
                f"Every word of {files} is tagged {classes[0]!r} in the column {column!r}",
                "two tags and more",
                f"Choose another column: {', '.join(each for each in TAGGED if each != column)}.",
            )
        )
    numbers = {tag: number for number, tag in enumerate(classes)}
    return Data(
        **{
            split: [
                replace(row, tags=np.array([numbers[tag] for tag in row.tags], "int32"))
                for row in part
            ]
            for split, part in parts.items()
        },
        info=Info(
            name=f"conllu:{files}",
            sizes={split: len(parts[split]) for split in SPLIT_NAMES},
            classes=tuple(classes),
            skipped=tuple(skipped),
            split_rule="; ".join(f"{split}: {rules[split]}" for split in SPLIT_NAMES),
            origin=files,
        ),
    )


def read_conllu(
    file: str | Path,
    *,
    column: str = "upos",
    strict: bool = False,
    skipped: list[str] | None = None,
) -> Iterator[TaggedSentence]:
    """Read the sentences of one file.

    Args:
        file: The file.
        column: Of the tags.
        strict: Refuse a faulty sentence instead of skipping it.
        skipped: Gets one sentence for every faulty one.

    Raises:
        InputError: The file cannot be read, or has no sound sentence.
    """
    path = Path(file.strip() if isinstance(file, str) else file).expanduser()
    place, found, faults = COLUMNS.index(column), 0, []
    for first, lines in _blocks(read_text(path)):
        rows = [(first + n, line.split("\t")) for n, line in enumerate(lines) if line[0] != "#"]
        if fault := _fault(path, rows):
            faults.append(fault)
            if strict:
                raise InputError(fault)
            continue
        words = [row for _, row in rows if _NUMBER.fullmatch(row[0])]
        if words:
            found += 1
            yield TaggedSentence(
                f"{path.name}:{first}", [row[1] for row in words], [row[place] for row in words]
            )
    if not found:
        fault = f" The first of {len(faults)} faults: {faults[0]}" if faults else ""
        raise InputError(
            explain(f"{path} has no tagged sentence", "a CoNLL-U file", f"Check the file.{fault}")
        )
    if skipped is not None:
        skipped += faults


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


def _fault(path: Path, rows: list[tuple[int, list[str]]]) -> str | None:
    """What is wrong with a sentence: the columns of a line, or the numbers of its words."""
    remedy = "Correct the line, or remove its sentence."
    expected = 1
    for number, row in rows:
        if len(row) != len(COLUMNS):
            return explain(
                f"{path}, line {number} has {len(row)} columns",
                "10 columns with a tab between, as in CoNLL-U",
                remedy,
            )
        if _NUMBER.fullmatch(row[0]):
            if int(row[0]) != expected:
                return explain(
                    f"{path}, line {number} is word {row[0]} of its sentence",
                    f"words in order; the next one is {expected}",
                    "Correct the number, or put an empty line between sentences.",
                )
            expected += 1
        elif not _PARTS.fullmatch(row[0]):
            return explain(
                f"{path}, line {number} has the id {row[0][:40]!r}",
                "1, 1-2 or 1.1",
                remedy,
            )
    return None


def _splits(files: str) -> tuple[str, ...]:
    count = files.count(",") + 1
    if count > 3:
        raise InputError(
            explain(
                f"{count} files were given", "one to three", "Write conllu:TRAIN,VALIDATION,TEST."
            )
        )
    return {1: ("train",), 2: ("train", "test"), 3: tuple(SPLIT_NAMES)}[count]
