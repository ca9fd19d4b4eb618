"""Parallel text: the same sentences in several languages, line by line.

`kc.data.load("parallel:a.en,a.fr")` reads files whose lines correspond, one for each language,
and `"parallel:FOLDER"` a folder of them as translation corpora are laid out: `train.en`,
`train.fr`, `val.en`, ..., each perhaps with `.gz`. The ending names the language.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.core.errors import InputError, explain
from keras_classics.core.text_files import read_lines
from keras_classics.data.holdout import check_filled, equal_groups
from keras_classics.data.load import SPLIT_NAMES, Data, Info

if TYPE_CHECKING:
    import tensorflow as tf

# Without files of their own, validation and test get a tenth each, and no more than this.
_HELD_OUT, _MOST_HELD_OUT = 10, 2000
_BATCH = 1024


@dataclass(frozen=True)
class ParallelTexts:
    """A split read once: the sentences of each language, in one order, and their names."""

    texts: dict[str, list[str]]
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)

    def pairs(self, source: str, targets: Sequence[str]) -> list[tuple[str, str]]:
        """Return sentences with their translations, target language after target language.

        With several targets each source begins with the token of its target language, as in
        Johnson et al., TACL 2017 (arXiv:1611.04558).

        Args:
            source: The language to translate from.
            targets: The languages to translate to.
        """
        return [
            (tag_target(text, target) if len(targets) > 1 else text, translation)
            for target in targets
            for text, translation in zip(self.texts[source], self.texts[target], strict=True)
        ]


def tag_target(text: str, language: str) -> str:
    """Put the token of the target language before a sentence: `<2fr> good morning`.

    Johnson et al., "Google's multilingual neural machine translation system", TACL 2017
    (arXiv:1611.04558).

    Args:
        text: The sentence in the source language.
        language: The target language, such as `"fr"`.

    Returns:
        The sentence behind the token.
    """
    return f"<2{language}> {text}"


def load_parallel(
    path: str | Path,
    *,
    seed: int = 0,
    image_size: None = None,
    strict: bool = False,
    languages: Sequence[str] | str | None = None,
    validation: str | None = None,
    test: str | None = None,
) -> Data:
    """Read files whose lines are translations of each other.

    A split without files is held out of the training lines: a tenth of the different sentences
    (at most 2,000), chosen by a hash of the seed and the sentence in the first language. Lines that
    share a sentence in any language, or are joined by others that do, are on one side only.

    Args:
        path: The training files, separated by commas, or the folder.
        seed: Chooses the lines that are held out.
        image_size: Without meaning here.
        strict: Refuse lines that are empty in a language, instead of skipping and counting them.
        languages: The languages, also separated by commas; by default those that the files'
            endings name, in a folder those that every split has.
        validation: The validation files, as in `path`.
        test: The test files, likewise.

    Raises:
        InputError: Files with different numbers of lines, not in UTF-8, absent, of one language
            only, or a split without sentences.
    """
    source = Path(path).expanduser()
    if source.is_dir():
        if validation or test:
            raise InputError(
                explain(
                    f"The folder {path} and other files beside it were given",
                    "a folder whose file names tell the splits, or files",
                    "Leave out validation= and test=, or name the training files.",
                )
            )
        files = _find(source, languages)
    else:
        named = {"train": str(path), "validation": validation, "test": test}
        files = {split: _named(names, languages) for split, names in named.items() if names}
    languages = tuple(files["train"])
    for split, part in files.items():
        if set(part) != set(languages):
            raise InputError(
                explain(
                    f"The {split} files are in {', '.join(part)}, those of train in "
                    f"{', '.join(languages)}",
                    "the same languages in every split",
                    "Give a file for each language, or choose languages=.",
                )
            )
    skipped: list[str] = []
    rows = {
        split: list(_read({each: part[each] for each in languages}, strict, skipped))
        for split, part in files.items()
    }
    rule = {split: ", ".join(file.name for file in part.values()) for split, part in files.items()}
    check_filled(rows, path, "sentence")
    rows = _hold_out(rows, rule, seed)
    check_filled(rows, path, "sentence")
    return Data(
        **{
            split: parallel_dataset(
                {each: [row.texts[n] for row in rows[split]] for n, each in enumerate(languages)},
                [row.name for row in rows[split]],
            )
            for split in SPLIT_NAMES
        },
        info=Info(
            name=f"parallel:{path}",
            sizes={split: len(rows[split]) for split in SPLIT_NAMES},
            languages=languages,
            skipped=tuple(skipped),
            split_rule="; ".join(f"{split}: {rule[split]}" for split in SPLIT_NAMES),
        ),
    )


def check_languages(languages: Sequence[str] | str, known: Sequence[str]) -> tuple[str, ...]:
    """Take languages from a list or from text with commas.

    Raises:
        InputError: They are not two or more different ones of those known.
    """
    given = _listed(languages)
    if len(set(given)) < max(2, len(given)) or not set(given) <= set(known):
        raise InputError(
            explain(
                f"The languages {', '.join(given) or 'none'} were given",
                f"two or more different ones of {', '.join(known)}",
                "Write for example en,fr.",
            )
        )
    return given


def parallel_dataset(texts: Mapping[str, Sequence[str]], names: Sequence[str]) -> tf.data.Dataset:
    """A dataset of one string for each language, and the `"name"`."""
    import tensorflow as tf

    columns = {**texts, "name": names}
    return tf.data.Dataset.from_tensor_slices(
        {key: tf.constant(list(column), tf.string) for key, column in columns.items()}
    )


def collect_parallel(
    split: tf.data.Dataset, languages: Sequence[str], *, count: int | None = None
) -> ParallelTexts:
    """Read a split of `kc.data.load`.

    Args:
        split: Elements with a string for each language, and `"name"`.
        languages: Which to read.
        count: Number of sentences; all by default.

    Returns:
        The sentences by language, and their names.

    Raises:
        InputError: The split has no such languages.
    """
    known = [key for key in split.element_spec if key not in ("name", "image", "captions", "label")]
    languages = check_languages(languages, known)
    columns: dict[str, list[str]] = {key: [] for key in (*languages, "name")}
    part = split if count is None else split.take(count)
    for batch in part.batch(_BATCH).as_numpy_iterator():
        for key, column in columns.items():
            column += [text.decode() for text in batch[key].tolist()]
    names = columns.pop("name")
    return ParallelTexts(columns, names)


@dataclass(frozen=True)
class _Row:
    name: str
    texts: list[str] = field(default_factory=list)


def _find(folder: Path, languages: Sequence[str] | str | None) -> dict[str, dict[str, Path]]:
    """Find the files of a folder by split and language."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        stem, _, language = file.name.removesuffix(".gz").rpartition(".")
        split = next(
            (
                split
                for split, names in SPLIT_NAMES.items()
                if any(stem == name or stem.startswith((f"{name}_", f"{name}.")) for name in names)
            ),
            None,
        )
        if not split:
            continue
        other = found.setdefault(split, {}).setdefault(language, file)
        if other != file:
            raise InputError(
                explain(
                    f"Both {other.name} and {file.name} are the {split} split in {language}",
                    "one file for each split and language",
                    "Remove one, or name the files.",
                )
            )
    if "train" not in found:
        raise InputError(
            explain(
                f"{folder} has no training files",
                "files such as train.en and train.fr, perhaps with .gz",
                "Name the files: parallel:FILE.en,FILE.fr.",
            )
        )
    common = [each for each in found["train"] if all(each in part for part in found.values())]
    chosen = check_languages(languages or common, common)
    return {split: {each: part[each] for each in chosen} for split, part in found.items()}


def _named(names: str, languages: Sequence[str] | str | None) -> dict[str, Path]:
    files = [Path(name.strip()).expanduser() for name in names.split(",")]
    endings = [file.name.removesuffix(".gz").rpartition(".")[2] for file in files]
    chosen = _listed(languages) if languages else tuple(endings)
    if len(files) < 2 or not len(set(chosen)) == len(chosen) == len(files):
        raise InputError(
            explain(
                f"The files {names} were given for the languages {', '.join(chosen)}",
                "two or more files, each of another language",
                "Name them by their endings (a.en,a.fr) or in languages=.",
            )
        )
    return dict(zip(chosen, files, strict=True))


def _listed(languages: Sequence[str] | str) -> tuple[str, ...]:
    parts = languages.split(",") if isinstance(languages, str) else languages
    return tuple(part.strip() for part in parts if part.strip())


def _read(files: Mapping[str, Path], strict: bool, skipped: list[str]) -> Iterator[_Row]:
    """Read lines that correspond; note those that are empty in a language."""
    lines = {file: _lines(file) for file in files.values()}
    _check_counts(lines)
    empty, first = 0, None
    for number, texts in enumerate(zip(*lines.values(), strict=True), start=1):
        if all(texts):
            yield _Row(f"{next(iter(lines)).name}:{number}", list(texts))
        else:
            blank = next(file for file, text in zip(lines, texts, strict=True) if not text)
            first = first or f"line {number} of {blank}"
            empty += 1
    if empty:
        message = explain(
            f"{empty} lines are empty, the first is {first}",
            "a sentence on every line",
            "Fill them, or remove them from every language.",
        )
        if strict:
            raise InputError(message)
        skipped.append(message)


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in read_lines(file)]


def _check_counts(lines: Mapping[Path, list[str]]) -> None:
    longest = max(lines, key=lambda file: len(lines[file]))
    shortest = min(lines, key=lambda file: len(lines[file]))
    most, least = len(lines[longest]), len(lines[shortest])
    if most == least:
        return
    # A gap in one language is where they usually part; else the first line that is too many.
    pairs = zip(lines[longest], lines[shortest], strict=False)
    first = next((n for n, (a, b) in enumerate(pairs, 1) if bool(a) != bool(b)), least + 1)
    raise InputError(
        explain(
            f"{longest} has {most} lines and {shortest} has {least}; they first differ at line "
            f"{first}, which is {lines[longest][first - 1][:60]!r} in {longest.name} and "
            f"{_shown(lines[shortest], first)} in {shortest.name}",
            "files whose lines are translations of each other",
            "Find the line that is missing or too many.",
        )
    )


def _shown(lines: list[str], number: int) -> str:
    return repr(lines[number - 1][:60]) if number <= len(lines) else "absent"


def _hold_out(
    rows: dict[str, list[_Row]], rule: dict[str, str], seed: int
) -> dict[str, list[_Row]]:
    """Give splits without files a share of the training sentences."""
    groups = equal_groups(*zip(*(row.texts for row in rows["train"]), strict=True))
    ranked = sorted(
        set(groups.tolist()),
        # A group's first sentence names it.
        key=lambda group: hashlib.sha256(
            f"{seed}:{rows['train'][group].texts[0]}".encode()
        ).digest(),
    )
    share = min(_MOST_HELD_OUT, max(1, len(ranked) // _HELD_OUT))
    owner: dict[int, str] = {}
    for split in ("test", "validation"):
        if split not in rows:
            owner.update(dict.fromkeys(ranked[:share], split))
            ranked = ranked[share:]
            rule[split] = f"{share} sentences new in every language, by a hash of seed {seed}"
    divided = {split: list(rows.get(split, ())) for split in SPLIT_NAMES}
    divided["train"] = []
    for group, row in zip(groups.tolist(), rows["train"], strict=True):
        divided[owner.get(group, "train")].append(row)
    return divided
