"""Folders of exported translators: a SavedModel for each part of a network, and asking one of them.

Beside each SavedModel lie `source.json`, the vocabulary of what it reads, and `run.json`, of which
the settings tell its languages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.program_files import load_saved_model
from keras_classics.core.boundary.text_files import read_json, write_json
from keras_classics.core.errors import InputError
from keras_classics.data.texts.translation_vocabularies import load_vocabulary
from keras_classics.export.kinds.exported_translator import export_translator
from keras_classics.export.reopening import SAVED_MODEL
from keras_classics.models.sequence.sharing import SHARINGS, Pair, Sharing, untrained_pairs
from keras_classics.models.sequence.translate import Translation

SOURCE, RECORD = "source.json", "run.json"


@checked
def trained_pairs(settings: Mapping[str, Any]) -> list[Pair]:
    """The directions a run is trained in: its pairs, or its first language into all others.

    Args:
        settings: Of the run: `"pairs"`, or `"languages"`.

    Raises:
        InputError: There is no direction among them.
    """
    if settings.get("pairs"):
        return [(source, target) for source, target in settings["pairs"]]
    source, *targets = settings["languages"] or [""]
    if not targets:
        raise InputError(
            f"--languages {source} was given",
            "the source and at least one target language",
            "Write for example en,fr.",
        )
    return [(source, target) for target in targets]


@checked
def export_translators(
    model: keras.Model,
    sharing: Sharing,
    path: str | os.PathLike,
    record: Mapping[str, Any],
    *,
    format: str = "saved_model",
    replace: bool = False,
    **arguments: Any,
) -> list[Path]:
    """Write each part of a translator by itself, as `export_translator` does.

    Args:
        model: The translator.
        sharing: How its languages share it, with their vocabularies.
        path: Folder of the SavedModel, or of the folders of several; or a file, whose name the
            languages of a part are added to.
        record: What is known of the run, its `"settings"` among it; laid beside a SavedModel.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        replace: Print source words for unknown ones; the other formats see numbers only,
            so that there is no word to put in.
        **arguments: Further ones of `export_translator`.

    Returns:
        What was written.
    """
    path, folders, places = Path(path), format == "saved_model", []
    for part in sharing.parts():
        name, place = "-".join(part or ()), path
        if part:
            place = path / name if folders else path.with_stem(f"{path.stem}-{name}")
        source, target = (sharing.vocabularies[each] for each in sharing.names(part))
        export_translator(
            model,
            source,
            target,
            place,
            format=format,
            pair=part,
            replace_unknowns=replace and folders,
            **arguments,
        )
        if folders:
            source.save(place / SOURCE)
            write_json(place / RECORD, record)
        places.append(place)
    return places


@checked
def exported_directions(place: str | os.PathLike) -> dict[Pair, Path]:
    """The directions that SavedModels in a folder translate, each with its folder.

    Args:
        place: A folder with a SavedModel, or with one for each direction.
    """
    place = Path(place)
    if _is_export(place):
        pairs = trained_pairs(_settings(place))
        return dict.fromkeys([*pairs, *untrained_pairs(pairs)], place)
    found: dict[Pair, Path] = {}
    for path in filter(_is_export, sorted(place.iterdir()) if place.is_dir() else ()):
        pairs = trained_pairs(_settings(path))
        found |= {pair: path for pair in pairs if "-".join(pair) == path.name}
    return found


def chosen_export(place: Path, into: str | None, out_of: str | None) -> tuple[Path, str]:
    """The SavedModel of a folder that translates into a language, and that language.

    Args:
        place: A folder with a SavedModel, or with one for each direction.
        into: The target language, needed where there are several.
        out_of: The source language, likewise where each direction has a SavedModel of its own.

    Raises:
        InputError: There is none, or more than one.
    """
    found = exported_directions(place)
    fitting = {
        (path, target)
        for (source, target), path in found.items()
        if into in (None, target) and out_of in (None, source)
    }
    if len(fitting) != 1:
        known = ", ".join(f"{source}-{target}" for source, target in found)
        flags = {"--into": into, "--out-of": out_of}
        given = " with ".join(f"{flag} {value}" for flag, value in flags.items() if value)
        raise InputError(
            f"{given or 'Neither --into nor --out-of'} was given",
            f"languages that single out one of {known}",
            "Name the target language, and if that is not enough the source.",
        )
    return fitting.pop()


class TranslatorAnswer(NamedTuple):
    """What an exported translator says to a sentence.

    Attributes:
        asked: The sentence as it was told the encoder.
        best: The best translation, with what it looks at where the export tells and its units are
            words, tokens or characters.
        texts: All translations, the best first.
        log_probabilities: Of each.
        cut: Whether the sentence was cut.
    """

    asked: str
    best: Translation
    texts: list[str]
    log_probabilities: list[float]
    cut: bool


class ExportedTranslator:
    """An exported translator, asked for one sentence after another.

    Args:
        place: A folder with a SavedModel, or with one for each direction.
        into: The target language, needed where there are several.
        out_of: The source language, likewise where each direction has a SavedModel of its own.

    Attributes:
        vocabulary: Of what it reads.
        limit: Greatest number of its units in a sentence.

    Raises:
        InputError: There is no such SavedModel, or more than one.
    """

    @checked
    def __init__(
        self, place: str | os.PathLike, into: str | None = None, out_of: str | None = None
    ) -> None:
        path, self._into = chosen_export(Path(place), into, out_of)
        settings = _settings(path)
        self.limit: int = settings["max_words"]
        # Runs of one form only, before there were two, do not name it.
        self._sharing = SHARINGS[settings.get("sharing", "tokens")](trained_pairs(settings))
        self.vocabulary = load_vocabulary(path / SOURCE)
        self._model = load_saved_model(path)

    @checked
    def answers(self, text: str, *, strict: bool = False) -> TranslatorAnswer:
        """The best translations of a sentence.

        Args:
            text: The sentence; what of it is beyond `limit` is cut off.
            strict: Refuse what would be cut.

        Raises:
            InputError: Nothing is in it, or under `strict` too much.
        """
        read = self.vocabulary.split(self._sharing.told(text, self._into))
        unit, long = self.vocabulary.UNIT, len(read) > self.limit
        empty = not self.vocabulary.split(text)
        if empty or (long and strict):
            raise InputError(
                f"{text[:60]!r} has {0 if empty else len(read)} {unit}s",
                f"1 to {self.limit}",
                "Give a sentence that is not empty."
                if empty
                else "Divide it, or leave out --strict to have it cut.",
            )
        asked = self.vocabulary.join(read[: self.limit])
        takes_numbers = unit == "sentencepiece"
        found = self._model.serve([self.vocabulary.encode(asked) if takes_numbers else asked])
        written = [answer.decode() for answer in found["translations"][0].numpy()]
        scores = found["log_probabilities"][0].numpy().tolist()
        # Of sentencepieces an export does not know what they are.
        looked = None if takes_numbers or "alignments" not in found else found["alignments"]
        best = Translation(written[0], scores[0], None if looked is None else looked[0, 0].numpy())
        return TranslatorAnswer(asked, best, written, scores, long)


def _is_export(path: Path) -> bool:
    return all((path / name).exists() for name in (SAVED_MODEL, SOURCE, RECORD))


def _settings(export: Path) -> Mapping[str, Any]:
    """The settings of the run that an exported translator was made by."""
    allowed, remedy = "the run.json that translation.py export wrote", "Export it again."
    record = read_json(export / RECORD, allowed, remedy)
    found = record.get("settings") if isinstance(record, dict) else None
    settings = found if isinstance(found, dict) else {}
    pairs, languages = settings.get("pairs") or [], settings.get("languages") or []
    groups = [languages, *(pairs if isinstance(pairs, list) else [None])]
    sound = (
        all(isinstance(group, list) and all(map(_is_text, group)) for group in groups)
        and all(len(pair) == 2 for pair in pairs)
        and (pairs or len(languages) > 1)
        and type(settings.get("max_words")) is int
        and settings.get("sharing", "tokens") in list(SHARINGS)
    )
    if not sound:
        raise InputError(f"{export / RECORD} names no languages of a translator", allowed, remedy)
    return settings


def _is_text(value: object) -> bool:
    return isinstance(value, str)
