"""Characters and their numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import reading, write_whole
from keras_classics.core.text_files import read_json

_FORMAT = "keras-classics alphabet"


class Alphabet:
    """The characters a model knows, numbered from 0 by their code points; no special ones.

    Args:
        characters: All characters, in any order and as often as one likes.

    Raises:
        InputError: There are fewer than two different characters.
    """

    @checked
    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = "".join(sorted(set(characters)))
        if len(self.characters) < 2:
            raise InputError(
                explain(
                    f"Text of the characters {self.characters!r} was given",
                    "at least two different characters",
                    "Give more text.",
                )
            )
        self._points = np.array([ord(each) for each in self.characters], "uint32")

    @classmethod
    @checked
    def from_texts(cls, texts: Iterable[str]) -> Alphabet:
        """Number the characters of texts.

        Args:
            texts: All texts of a data set: what is held out decides no more than which signs
                exist.
        """
        return cls(set().union(*map(set, texts)))

    def __len__(self) -> int:
        return len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alphabet) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"Alphabet({self.characters!r})"

    @checked
    def encode(self, text: str) -> np.ndarray:
        """Turn text into numbers, int32 `(characters,)`.

        Raises:
            InputError: The text has characters that are not in the alphabet.
        """
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "uint32")
        places = np.minimum(np.searchsorted(self._points, points), len(self) - 1)
        strange = points[self._points[places] != points]
        if strange.size:
            shown = ", ".join(repr(chr(point)) for point in np.unique(strange)[:5])
            raise InputError(
                explain(
                    f"The text has {shown}, which the alphabet lacks",
                    f"the characters {self.characters!r}",
                    "Leave them out, or train on text that has them.",
                )
            )
        return places.astype("int32")

    @checked
    def decode(self, numbers: Iterable[int]) -> str:
        """Turn numbers back into text.

        Raises:
            InputError: A number is not in the alphabet.
        """
        numbers = [int(number) for number in numbers]
        wrong = [number for number in numbers if not 0 <= number < len(self)]
        if wrong:
            raise InputError(
                explain(
                    f"The character number {wrong[0]} was given",
                    f"0 to {len(self) - 1}",
                    "Decode with the alphabet that the model was trained with.",
                )
            )
        return "".join(self.characters[number] for number in numbers)

    @checked
    def check_matches(self, other: int | Alphabet) -> None:
        """Refuse a model or an alphabet that numbers characters otherwise.

        Args:
            other: The other's size, or the other alphabet itself.

        Raises:
            InputError: The sizes differ, or equal sizes hide different characters.
        """
        size = other if isinstance(other, int) else len(other)
        if size == len(self) and other in (size, self):
            return
        given = "" if isinstance(other, int) else f": {other.characters!r}"
        raise InputError(
            explain(
                f"The other alphabet has {size} characters{given}",
                f"the {len(self)} that were trained with: {self.characters!r}",
                "Load the alphabet saved with the model, or train a new model.",
            )
        )

    @checked
    def save(self, path: str | Path) -> None:
        """Write the alphabet as JSON, with its SHA-256."""
        content = {"format": _FORMAT, "sha256": self._digest(), "characters": self.characters}
        text = json.dumps(content, indent=1) + "\n"
        write_whole(path, lambda fresh: fresh.write_text(text, "utf-8"))

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Alphabet:
        """Read an alphabet that `save` wrote.

        Raises:
            InputError: The file is missing, is no alphabet, or was changed since.
        """
        remedy = "Give the file that was saved with the model."
        content = read_json(path, "an alphabet file", remedy)
        known = isinstance(content, dict) and content.get("format") == _FORMAT
        with reading(path, "an alphabet file", remedy):
            alphabet = cls(content["characters"]) if known else None
        if alphabet is None or alphabet._digest() != content.get("sha256"):
            raise InputError(
                explain(
                    f"{path} is no alphabet, or was changed after it was written",
                    f"an unchanged {_FORMAT} file",
                    remedy,
                )
            )
        return alphabet

    def _digest(self) -> str:
        return hashlib.sha256(self.characters.encode("utf-8", "surrogatepass")).hexdigest()
