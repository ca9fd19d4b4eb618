"""Exported translators: which directions a folder translates, and asking for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_classics as kc

Pair = tuple[str, str]


def pairs_of(settings: Mapping[str, Any]) -> list[Pair]:
    """The directions a run is trained in: its pairs, or its first language into all others."""
    if settings.get("pairs"):
        return [(source, target) for source, target in settings["pairs"]]
    source, *targets = settings["languages"]
    return [(source, target) for target in targets]


def settings_of(export: Path) -> dict[str, Any]:
    """The settings of the run that an exported translator was made by.

    Raises:
        InputError: They are not those of a translator.
    """
    settings = kc.jobs.read_run(export)["settings"]
    pairs, languages = settings.get("pairs") or [], settings.get("languages") or []
    groups = [languages, *(pairs if isinstance(pairs, list) else [None])]
    sound = (
        all(isinstance(group, list) and all(map(_is_text, group)) for group in groups)
        and all(len(pair) == 2 for pair in pairs)
        and (pairs or len(languages) > 1)
        and type(settings.get("max_words")) is int
        and settings.get("sharing", "tokens") in list(kc.models.SHARINGS)
    )
    if not sound:
        raise kc.InputError(
            f"{export / 'run.json'} names no languages of a translator. Allowed: the run.json that "
            "translation.py export wrote. Export it again."
        )
    return settings


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def directions(place: Path) -> dict[Pair, Path]:
    """The directions that SavedModels in a folder translate, each with its folder."""
    if is_export(place):
        pairs = pairs_of(settings_of(place))
        return dict.fromkeys([*pairs, *kc.models.untrained_pairs(pairs)], place)
    found = {}
    for path in filter(is_export, sorted(place.iterdir()) if place.is_dir() else ()):
        pairs = pairs_of(settings_of(path))
        found |= {pair: path for pair in pairs if "-".join(pair) == path.name}
    return found


def is_export(path: Path) -> bool:
    """Whether a folder holds a SavedModel that `translation.py export` wrote."""
    return all((path / name).exists() for name in ("saved_model.pb", "source.json", "run.json"))


def chosen(place: Path, into: str | None, out_of: str | None) -> tuple[Path, str]:
    """The SavedModel of a folder that translates into a language, and that language.

    Args:
        place: A folder with a SavedModel, or with one for each direction.
        into: The target language, needed where there are several.
        out_of: The source language, likewise where each direction has a SavedModel of its own.

    Raises:
        InputError: There is none, or more than one.
    """
    found = directions(place)
    fitting = {
        (path, target)
        for (source, target), path in found.items()
        if into in (None, target) and out_of in (None, source)
    }
    if len(fitting) != 1:
        known = ", ".join(f"{source}-{target}" for source, target in found)
        raise kc.InputError(
            f"--into {into} and --out-of {out_of} were given. Allowed: languages that single out "
            f"one of {known}. Name the target language, and if that is not enough the source."
        )
    return fitting.pop()


class Served:
    """A SavedModel, asked for one sentence after another.

    Args:
        place: See `chosen`, and for the others.
        into: The target language.
        out_of: The source language.
    """

    def __init__(self, place: Path, into: str | None, out_of: str | None) -> None:
        path, self.into = chosen(place, into, out_of)
        settings = settings_of(path)
        self.limit = settings["max_words"]
        # Runs of one form only, before there were two, do not name it.
        sharing = kc.models.SHARINGS[settings.get("sharing", "tokens")]
        self.sharing = sharing(pairs_of(settings))
        self.vocabulary = kc.data.load_vocabulary(path / "source.json")
        self._model = kc.export.load_saved_model(path)

    def units(self, text: str) -> list[str]:
        """What the encoder reads of a sentence, the token of the target language included."""
        return self.vocabulary.split(self.sharing.told(text, self.into))

    def answers(self, text: str) -> list[tuple[str, float]]:
        """The best translations of a sentence, cut where it is too long, with log-probabilities."""
        asked = self.vocabulary.join(self.units(text)[: self.limit])
        takes_numbers = self.vocabulary.UNIT == "sentencepiece"
        found = self._model.serve([self.vocabulary.encode(asked) if takes_numbers else asked])
        written = [answer.decode() for answer in found["translations"][0].numpy()]
        return list(zip(written, found["log_probabilities"][0].numpy().tolist(), strict=True))
