"""An exported translator and the sentences it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keras_classics as kc
from translators.form import Pair, tagged, trained_pairs, untrained_pairs

# What an export keeps beside the SavedModel, to divide sentences as the model does.
SOURCE = "source.json"


def exported(places: list[Path], into: str | None, out_of: str | None) -> tuple[Path, str]:
    """Find the SavedModel that translates into a language.

    Args:
        places: Where to look: folders with a SavedModel, or with one for each direction.
        into: The target language, needed where there are several.
        out_of: The source language, likewise where each direction has a SavedModel of its own.

    Returns:
        Its folder, and the target language.

    Raises:
        InputError: There is none, or more than one.
    """
    for place in places:
        found = directions(place)
        if found:
            break
    else:
        raise kc.InputError(
            f"No exported translator was found in {places[0]}. Allowed: a folder that "
            "translation.py export wrote. Run translation.py without a verb, or name one with "
            "--from."
        )
    chosen = {
        (path, target)
        for (source, target), path in found.items()
        if into in (None, target) and out_of in (None, source)
    }
    if len(chosen) != 1:
        known = ", ".join(f"{source}-{target}" for source, target in found)
        raise kc.InputError(
            f"--into {into} and --out-of {out_of} were given. Allowed: languages that single out "
            f"one of {known}. Name the target language, and if that is not enough the source."
        )
    return chosen.pop()


def directions(place: Path) -> dict[Pair, Path]:
    """The directions that SavedModels in a folder translate, each with its folder."""
    if is_export(place):
        pairs = trained_pairs(kc.training.read_run(place)["settings"])
        return dict.fromkeys([*pairs, *untrained_pairs(pairs)], place)
    found = {}
    for path in filter(is_export, sorted(place.iterdir()) if place.is_dir() else ()):
        pairs = trained_pairs(kc.training.read_run(path)["settings"])
        found |= {pair: path for pair in pairs if "-".join(pair) == path.name}
    return found


def is_export(path: Path) -> bool:
    """Whether a folder holds a SavedModel that `translation.py export` wrote."""
    return all((path / name).exists() for name in ("saved_model.pb", SOURCE, "run.json"))


class Served:
    """A SavedModel, asked for one sentence after another.

    Args:
        path: Its folder.
        into: The target language.
    """

    def __init__(self, path: Path, into: str) -> None:
        import tensorflow as tf

        settings = kc.training.read_run(path)["settings"]
        self.limit = settings["max_words"]
        self.into = into
        # Runs of one form only, before there were two, do not name it.
        tokens = settings.get("sharing", "tokens") == "tokens"
        self.tagged = tokens and tagged(trained_pairs(settings))
        self.vocabulary = kc.data.load_vocabulary(path / SOURCE)
        self._model = tf.saved_model.load(str(path))

    def units(self, text: str) -> list[str]:
        """What the encoder reads of a sentence, the token of the target language included."""
        return self.vocabulary.split(kc.data.tag_target(text, self.into) if self.tagged else text)

    def answers(self, text: str) -> list[tuple[str, float]]:
        """The best translations of a sentence, cut where it is too long, with log-probabilities."""
        asked = self.vocabulary.join(self.units(text)[: self.limit])
        takes_numbers = self.vocabulary.UNIT == "sentencepiece"
        found = self._model.serve([self.vocabulary.encode(asked) if takes_numbers else asked])
        written = [answer.decode() for answer in found["translations"][0].numpy()]
        return list(zip(written, found["log_probabilities"][0].numpy(), strict=True))


def standard_input() -> Iterator[str]:
    """The lines of standard input."""
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise kc.InputError(
                f"Line {number} of standard input is not valid UTF-8. Allowed: UTF-8. "
                "Convert the text."
            ) from error
