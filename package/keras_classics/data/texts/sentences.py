"""Sentences with a class each: files of one class, or parallel text, classed by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.text_files import read_lines
from keras_classics.data.holdout import check_filled, equal_groups, hold_out
from keras_classics.data.load import SPLIT_NAMES, Data, Info
from keras_classics.data.texts.parallel import collect_parallel

if TYPE_CHECKING:
    import tensorflow as tf

Labelled = tuple[Sequence[str], np.ndarray, Sequence[str]]


def load_sentences(
    path: str | Path,
    *,
    seed: int = 0,
    image_size: None = None,
    strict: bool = False,
    validation: float = 0.1,
    test: float = 0.1,
) -> Data:
    """Read a folder with a file for each class, one sentence a line, perhaps gzipped.

    The class is the ending of the file (`rt-polarity.pos`), or the name where all end in `.txt`.
    Elements: `"text"`, `"label"` int32 and `"name"`. Files whose names begin with a dot or
    `README` are passed over.

    Args:
        path: The folder.
        seed: Chooses the sentences that are held out.
        image_size: Without meaning here.
        strict: Refuse an empty line instead of skipping it.
        validation: Share of the validation split.
        test: Share of the test split.

    Raises:
        InputError: The folder is missing, has fewer than two classes, or a share is out of range.
    """
    folder = Path(path).expanduser()
    files = _class_files(folder)
    classes, rows, skipped = tuple(files), [], []
    for label, file in enumerate(files.values()):
        lines = [line.strip() for line in read_lines(file)]
        kept = [(line, label, f"{file.name}:{n}") for n, line in enumerate(lines, 1) if line]
        if len(kept) < len(lines):
            message = explain(
                f"{file} has {len(lines) - len(kept)} empty lines",
                "a sentence on every line",
                "Remove them.",
            )
            if strict:
                raise InputError(message)
            skipped.append(message)
        rows += kept
    filled = {label for _, label, _ in rows}
    empty = [file for label, file in enumerate(files.values()) if label not in filled]
    if empty:
        raise InputError(
            explain(
                f"{empty[0]} has no sentence",
                "at least one in the file of every class",
                "Write sentences into it, one a line, or remove it.",
            )
        )
    # As objects: an array of texts has room for the longest in every place.
    texts, names = (np.array([row[column] for row in rows], object) for column in (0, 2))
    labels = np.array([label for _, label, _ in rows])
    groups = equal_groups([text for text, _, _ in rows])
    chosen, held = hold_out(labels, test, seed, "test", groups)
    trained, validated = hold_out(labels[chosen], validation, seed, "validation", groups[chosen])
    splits = {"train": chosen[trained], "validation": chosen[validated], "test": held}
    check_filled(splits, folder, "sentence")
    return _data(
        {split: (texts[each], labels[each], names[each]) for split, each in splits.items()},
        name=f"sentences:{path}",
        classes=classes,
        skipped=tuple(skipped),
        split_rule=f"{validation:g} and {test:g} of each class by seed {seed}",
        origin=str(folder),
    )


def by_language(data: Data) -> Data:
    """Parallel text as sentences whose class is their language.

    Args:
        data: Parallel text, such as `load("phrases")`.

    Raises:
        InputError: The data have no languages.
    """
    if not data.info.languages:
        raise InputError(
            explain(
                f"The data {data.info.name!r} have no languages",
                "parallel text, or sentences with a class",
                "Use phrases, parallel:FILE,FILE or sentences:FOLDER.",
            )
        )
    languages = data.info.languages
    splits = {}
    for split in SPLIT_NAMES:
        part = collect_parallel(getattr(data, split), languages)
        texts = [part.texts[language] for language in languages]
        splits[split] = (
            [text for side in texts for text in side],
            np.repeat(np.arange(len(languages)), len(texts[0])),
            [f"{name}.{language}" for language in languages for name in part.names],
        )
    return _data(
        splits,
        name=data.info.name,
        classes=languages,
        languages=languages,
        skipped=data.info.skipped,
        split_rule=data.info.split_rule,
        origin=data.info.origin,
        made_with=data.info.made_with,
    )


def _class_files(folder: Path) -> Mapping[str, Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    files = [each for each in sorted(found) if each.is_file()
             and not each.name.startswith((".", "README"))]  # fmt: skip
    endings = [Path(file.name.removesuffix(".gz")).suffix.removeprefix(".") for file in files]
    if set(endings) == {"txt"}:
        endings = [file.name.removesuffix(".gz").removesuffix(".txt") for file in files]
    if len(files) < 2 or len(set(endings)) < len(files):
        raise InputError(
            explain(
                f"{folder} has {len(files)} files of the classes {', '.join(set(endings))}"
                if files
                else f"{folder} has no files",
                "a folder with two files and more, each of another ending, or NAME.txt for each "
                "class",
                "Write the sentences of each class into a file of its own, such as reviews.pos "
                "and reviews.neg.",
            )
        )
    return dict(zip(endings, files, strict=True))


def _data(splits: Mapping[str, Labelled], **facts: Any) -> Data:
    import tensorflow as tf

    def dataset(texts: Sequence[str], labels: np.ndarray, names: Sequence[str]) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(
            {"text": list(texts), "label": labels.astype("int32"), "name": list(names)}
        )

    return Data(
        **{split: dataset(*part) for split, part in splits.items()},
        info=Info(sizes={split: len(part[0]) for split, part in splits.items()}, **facts),
    )
