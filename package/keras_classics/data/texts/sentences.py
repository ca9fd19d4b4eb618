"""Sentences with a class each: files of one class, or parallel text, classed by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.errors import InputError
from keras_classics.data.holdout import SPLIT_NAMES
from keras_classics.data.load import Asked, Data
from keras_classics.data.splits import Sentence


@checked
def load_sentences(asked: Asked, *, validation: float = 0.1, test: float = 0.1) -> Data:
    """Read a folder with a file for each class, one sentence a line, perhaps gzipped.

    The class is the ending of the file (`rt-polarity.pos`), or the name where all end in `.txt`.
    Files whose names begin with a dot or `README` are passed over.

    Args:
        asked: The folder; faulty is an empty line.
        validation: Share of the validation split.
        test: Share of the test split.

    Raises:
        InputError: The folder is missing, has fewer than two classes, or a share is out of range.
    """
    files, rows = _class_files(asked.path), list[Sentence]()
    for label, file in enumerate(files.values()):
        lines = [line.strip() for line in read_lines(file)]
        kept = [
            Sentence(line, label, f"{file.name}:{n}") for n, line in enumerate(lines, 1) if line
        ]
        if len(kept) < len(lines):
            asked.faults.add(
                f"{file} has {len(lines) - len(kept)} empty lines",
                "a sentence on every line",
                "Remove them.",
            )
        if not kept:
            raise InputError(
                f"{file} has no sentence",
                "at least one in the file of every class",
                "Write sentences into it, one a line, or remove it.",
            )
        rows += kept
    splits, rules = asked.divided(
        {"train": rows},
        (validation, test),
        "sentence",
        label=lambda row: row.label,
        same=lambda row: (row.text,),
    )
    return asked.data(splits, rules, classes=tuple(files))


@checked
def by_language(data: Data) -> Data:
    """Parallel text as sentences whose class is their language.

    Args:
        data: Parallel text, such as `load("phrases")`.

    Raises:
        InputError: The data have no languages.
    """
    if not data.info.languages:
        raise InputError(
            f"The data {data.info.name!r} have no languages",
            "parallel text, or sentences with a class",
            "Use phrases, parallel:FILE,FILE or sentences:FOLDER.",
        )
    languages = data.info.languages
    splits = {
        split: [
            Sentence(each.texts[language], label, f"{each.name}.{language}")
            for label, language in enumerate(languages)
            for each in getattr(data, split)
        ]
        for split in SPLIT_NAMES
    }
    sizes = {split: len(part) for split, part in splits.items()}
    return Data(**splits, info=replace(data.info, sizes=sizes, classes=languages))


def _class_files(folder: Path) -> Mapping[str, Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    files = [each for each in sorted(found) if each.is_file()
             and not each.name.startswith((".", "README"))]  # fmt: skip
    endings = [Path(file.name.removesuffix(".gz")).suffix.removeprefix(".") for file in files]
    if set(endings) == {"txt"}:
        endings = [file.name.removesuffix(".gz").removesuffix(".txt") for file in files]
    if len(files) < 2 or len(set(endings)) < len(files):
        raise InputError(
            f"{folder} has {len(files)} files of the classes {', '.join(set(endings))}"
            if files
            else f"{folder} has no files",
            "a folder with two files and more, each of another ending, or NAME.txt for each class",
            "Write the sentences of each class into a file of its own, such as reviews.pos "
            "and reviews.neg.",
        )
    return dict(zip(endings, files, strict=True))
