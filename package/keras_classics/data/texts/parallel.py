"""Parallel text: the same sentences in several languages, line by line.

`kc.data.load("parallel:a.en,a.fr")` reads files whose lines correspond, one for each language,
and `"parallel:FOLDER"` a folder of them as translation corpora are laid out: `train.en`,
`train.fr`, `val.en`, ..., each perhaps with `.gz`. The ending names the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_OF
from keras_classics.data.load import Asked, Data
from keras_classics.data.splits import Split

# Both languages in one file, a tab between them.
_TABLES = ("tsv", "tab", "txt")
# Without files of their own, validation and test get a tenth each, and no more than this.
_HELD_OUT, _MOST_HELD_OUT = 10, 2000


@dataclass(frozen=True)
class Parallel:
    """A sentence by language, and its name."""

    texts: Mapping[str, str]
    name: str


@dataclass(frozen=True)
class ParallelTexts(Split[Parallel]):
    """Sentences of each language, in one order, and their names."""

    texts: dict[str, list[str]]
    names: list[str]

    @classmethod
    def gathered(cls, rows: Sequence[Parallel], languages: Sequence[str]) -> ParallelTexts:
        """Sentences in some of their languages."""
        texts = {each: [row.texts[each] for row in rows] for each in languages}
        return cls(texts, [row.name for row in rows])

    def __len__(self) -> int:
        return len(self.names)

    def _one(self, n: int) -> Parallel:
        return Parallel({each: texts[n] for each, texts in self.texts.items()}, self.names[n])

    def _some(self, n: slice) -> ParallelTexts:
        texts = {each: texts[n] for each, texts in self.texts.items()}
        return ParallelTexts(texts, self.names[n])

    @checked
    def of(self, languages: Sequence[str]) -> ParallelTexts:
        """The same sentences in some of the languages.

        Raises:
            InputError: There are no such languages.
        """
        chosen = check_languages(languages, list(self.texts))
        return ParallelTexts({each: self.texts[each] for each in chosen}, self.names)


def tag_target(text: str, language: str) -> str:
    """Put the token of the target language before a sentence: `<2fr> good morning`.

    Johnson et al., "Google's multilingual neural machine translation system", TACL 2017
    (arXiv:1611.04558).
    """
    return f"<2{language}> {text}"


@checked
def load_parallel(
    asked: Asked,
    *,
    languages: Sequence[str] | str | None = None,
    validation: str | None = None,
    test: str | None = None,
) -> Data:
    """Read files whose lines are translations of each other.

    A split without files is held out of the training lines: a tenth of the different sentences
    (at most 2,000), chosen by a hash of the seed and the sentence in the first language. Lines that
    share a sentence in any language, or are joined by others that do, are on one side only.

    Args:
        asked: The training files, separated by commas, or the folder. Faulty are lines that are
            empty in a language.
        languages: The languages, also separated by commas; by default those that the files'
            endings name, in a folder those that every split has.
        validation: The validation files, as in `path`.
        test: The test files, likewise.

    Raises:
        InputError: Files with different numbers of lines, not in UTF-8, absent, of one language
            only, or a split without sentences.
    """
    path, faults = asked.argument, asked.faults
    if asked.path.is_dir():
        if validation or test:
            raise InputError(
                f"The folder {path} and other files beside it were given",
                "a folder whose file names tell the splits, or files",
                "Leave out validation= and test=, or name the training files.",
            )
        files = _find(asked.path, languages)
    else:
        named = {"train": path, "validation": validation, "test": test}
        files = {split: _named(names, languages) for split, names in named.items() if names}
    languages = tuple(files["train"])
    for split, part in files.items():
        if set(part) != set(languages):
            raise InputError(
                f"The {split} files are in {', '.join(part)}, those of train in "
                f"{', '.join(languages)}",
                "the same languages in every split",
                "Give a file for each language, or choose languages=.",
            )
    rules = {split: ", ".join(file.name for file in part.values()) for split, part in files.items()}
    rows, held = asked.divided(
        {
            split: list(_read({each: part[each] for each in languages}, faults))
            for split, part in files.items()
        },
        lambda count: min(_MOST_HELD_OUT, max(1, count // _HELD_OUT)),
        "sentence",
        same=lambda row: list(row.texts.values()),
        key=lambda split, row: row.texts[languages[0]],
    )
    return asked.data(
        {split: ParallelTexts.gathered(part, languages) for split, part in rows.items()},
        rules | held,
        languages=languages,
        origin="",
    )


def check_languages(languages: Sequence[str] | str, known: Sequence[str]) -> tuple[str, ...]:
    """Take languages from a list or from text with commas.

    Raises:
        InputError: They are not two or more different ones of those known.
    """
    given = _listed(languages)
    if len(set(given)) < max(2, len(given)) or not set(given) <= set(known):
        raise InputError(
            f"The languages {', '.join(given) or 'none'} were given",
            f"two or more different ones of {', '.join(known)}",
            "Write for example en,fr.",
        )
    return given


def _find(folder: Path, languages: Sequence[str] | str | None) -> dict[str, dict[str, Path]]:
    """Find the files of a folder by split and language."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        stem, _, language = file.name.removesuffix(".gz").rpartition(".")
        # What stands behind the name of a split, as in test_2016.en, tells its files apart only.
        split = SPLIT_OF.get(re.split("[_.]", stem)[0])
        if not split:
            continue
        other = found.setdefault(split, {}).setdefault(language, file)
        if other != file:
            raise InputError(
                f"Both {other.name} and {file.name} are the {split} split in {language}",
                "one file for each split and language",
                "Remove one, or name the files.",
            )
    if "train" not in found:
        raise InputError(
            f"{folder} has no training files",
            "files such as train.en and train.fr, perhaps with .gz",
            "Name the files: parallel:FILE.en,FILE.fr.",
        )
    common = [each for each in found["train"] if all(each in part for part in found.values())]
    chosen = check_languages(languages or common, common)
    return {split: {each: part[each] for each in chosen} for split, part in found.items()}


def _named(names: str, languages: Sequence[str] | str | None) -> dict[str, Path]:
    files = [Path(name.strip()).expanduser() for name in names.split(",")]
    endings = [file.name.removesuffix(".gz").rpartition(".")[2] for file in files]
    chosen = _listed(languages) if languages else tuple(endings)
    if len(files) == 1 and endings[0].lower() in _TABLES:
        stem = files[0].name.partition(".")[0]
        raise InputError(
            f"The table {names} was given",
            "two or more files whose lines correspond, each of another language",
            f"Write its columns into files, cut -f1 {files[0]} > {stem}.en and cut -f2 "
            f"{files[0]} > {stem}.fr say, and give parallel:{stem}.en,{stem}.fr.",
        )
    if len(files) < 2 or not len(set(chosen)) == len(chosen) == len(files):
        raise InputError(
            f"The files {names} were given for the languages {', '.join(chosen)}",
            "two or more files, each of another language",
            "Name them by their endings (a.en,a.fr) or in languages=.",
        )
    return dict(zip(chosen, files, strict=True))


def _listed(languages: Sequence[str] | str) -> tuple[str, ...]:
    parts = languages.split(",") if isinstance(languages, str) else languages
    return tuple(part.strip() for part in parts if part.strip())


def _read(files: Mapping[str, Path], faults: Faults) -> Iterator[Parallel]:
    """Read lines that correspond; note those that are empty in a language."""
    lines = {each: [line.strip() for line in read_lines(file)] for each, file in files.items()}
    _check_counts(files, lines)
    empty, first = 0, None
    for number, row in enumerate(zip(*lines.values(), strict=True), start=1):
        texts = dict(zip(lines, row, strict=True))
        if all(row):
            yield Parallel(texts, f"{next(iter(files.values())).name}:{number}")
        else:
            blank = next(each for each, text in texts.items() if not text)
            first = first or f"line {number} of {files[blank]}"
            empty += 1
    if empty:
        faults.add(
            f"{empty} lines are empty, the first is {first}",
            "a sentence on every line",
            "Fill them, or remove them from every language.",
        )


def _check_counts(files: Mapping[str, Path], lines: Mapping[str, list[str]]) -> None:
    """Refuse other numbers of lines, with the first line that differs."""
    longest = max(lines, key=lambda each: len(lines[each]))
    shortest = min(lines, key=lambda each: len(lines[each]))
    long, short = lines[longest], lines[shortest]
    if len(long) == len(short):
        return
    # A gap in one language is where they usually part; else the first line that is too many.
    pairs = enumerate(zip(long, short, strict=False), start=1)
    first = next((n for n, (a, b) in pairs if bool(a) != bool(b)), len(short) + 1)
    other = repr(short[first - 1][:60]) if first <= len(short) else "absent"
    raise InputError(
        f"{files[longest]} has {len(long)} lines and {files[shortest]} has {len(short)}; they "
        f"first differ at line {first}, which is {long[first - 1][:60]!r} in "
        f"{files[longest].name} and {other} in {files[shortest].name}",
        "files whose lines are translations of each other",
        "Find the line that is missing or too many.",
    )
