"""What a labeller of texts reads: words or characters, and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.data.texts.numbered import most_frequent


class Units:
    """The words or characters a network reads: 0 is padding, 1 the unknown, the others follow.

    Args:
        items: Those that are known, in the order of their numbers.
        unit: `"word"`: texts are divided at white space; or `"character"`.

    Raises:
        InputError: The unit is another.
    """

    UNKNOWN = 1
    KINDS = ("word", "character")

    @checked
    def __init__(self, items: Iterable[str], unit: str) -> None:
        check_choice("unit", unit, self.KINDS, "Use 'word'.")
        self.items = tuple(items)
        self.unit = unit
        self._numbers = {item: number for number, item in enumerate(self.items, 2)}

    @classmethod
    @checked
    def from_sequences(
        cls, sequences: Iterable[Sequence[str]], unit: str, *, min_count: int = 1
    ) -> Units:
        """Number what occurs in sequences, the most frequent first.

        Args:
            sequences: Lists of words, or texts, of which each character is a unit; only those for
                training.
            unit: `"word"` or `"character"`.
            min_count: Rarer ones stay unknown, so that the network learns what that is like.

        Raises:
            InputError: Nothing is left.
        """
        items = [item for sequence in sequences for item in sequence]
        kept = most_frequent(items, min_count)
        if not kept:
            raise InputError(
                f"Sequences of {len(set(items))} different units were given, none of which occurs "
                f"{min_count} times",
                "some that do",
                "Give more text or a smaller min_count.",
            )
        return cls(kept, unit)

    def __len__(self) -> int:
        return len(self.items) + 2

    @checked
    def split(self, text: str) -> list[str]:
        """Divide a text into units."""
        return text.split() if self.unit == "word" else list(text)

    @checked
    def encode(self, sequence: Sequence[str]) -> np.ndarray:
        """Numbers of a sequence of units, int32."""
        return np.array([self._numbers.get(item, self.UNKNOWN) for item in sequence], "int32")
