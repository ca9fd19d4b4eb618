"""Characters and their numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.data.texts.numbered import Numbered


class Alphabet(Numbered):
    """The characters a model knows, numbered from 0 by their code points; no special ones.

    Args:
        characters: All characters, in any order and as often as one likes.

    Raises:
        InputError: There are fewer than two different characters.

    Example:
        ```python
        alphabet = kc.data.Alphabet("the quick brown fox")
        alphabet.encode("fox")  # [4, 9, 15]
        alphabet.decode([4, 9, 15])  # "fox"
        ```
    """

    KIND, ITEM = "alphabet", "character"

    @checked
    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = "".join(sorted(set(characters)))
        if len(self.characters) < 2:
            raise InputError(
                f"Text of the characters {self.characters!r} was given",
                "at least two different characters",
                "Give more text.",
            )
        self.items = self.characters
        written = self.characters.encode("utf-8", "surrogatepass")
        self.fingerprint = hashlib.sha256(written).hexdigest()
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
                f"The text has {shown}, which the alphabet lacks",
                f"the characters {self.characters!r}",
                "Leave them out, or train on text that has them.",
            )
        return places.astype("int32")

    @checked
    def decode(self, numbers: Iterable[int]) -> str:
        """Turn numbers back into text.

        Raises:
            InputError: A number is not in the alphabet.
        """
        return "".join(self.characters[number] for number in self._known(numbers))

    def _content(self) -> Mapping[str, Any]:
        return {"characters": self.characters}

    @classmethod
    def _restored(cls, content: Mapping[str, Any]) -> Alphabet:
        return cls(content["characters"])
