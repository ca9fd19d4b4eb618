"""Words and their numbers: how captions are counted, encoded and read back."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, takewhile
from typing import Any

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.tokenization import tokenize
from keras_classics.data.texts.numbered import Numbered, most_frequent


class Vocabulary(Numbered):
    """The words a model knows, numbered; 0 to 3 are padding, start, end and the unknown word.

    `CharacterVocabulary` and `SentencepieceVocabulary` number other units by the same methods;
    their words are those units.

    Args:
        words: The words in the order of their numbers, without the four special ones.

    Raises:
        InputError: A word stands twice, or is one of the special ones.
    """

    PAD, START, END, UNKNOWN = range(4)
    SPECIAL = ("<pad>", "<start>", "<end>", "<unknown>")
    UNIT = "word"
    KIND, ITEM = "vocabulary", "word"

    @checked
    def __init__(self, words: Iterable[str]) -> None:
        self.items = self.words = (*self.SPECIAL, *words)
        self._numbers = {word: number for number, word in enumerate(self.words)}
        if len(self._numbers) < len(self.words):
            twice = [word for word, count in Counter(self.words).items() if count > 1]
            raise InputError(
                f"The vocabulary has {', '.join(map(repr, twice[:3]))} more than once",
                f"different words, other than {', '.join(self.SPECIAL)}",
                "Remove the repeated words.",
            )
        written = json.dumps([self.UNIT, *self.words, *self._further().values()])
        self.fingerprint = hashlib.sha256(written.encode()).hexdigest()

    @classmethod
    @checked
    def from_captions(
        cls, captions: Iterable[str], *, min_count: int = 1, max_size: int | None = None
    ) -> Vocabulary:
        """Number the words of a set of captions: the most frequent first, then by the alphabet.

        Args:
            captions: The training captions, and only those.
            min_count: Words seen less often are left to the unknown word.
            max_size: Greatest size, the four special words included; None for no limit.

        Raises:
            InputError: No caption has a word, or a limit leaves no word.
        """
        if isinstance(captions, str):
            raise InputError("One string was given", "a list of captions", "Put it into a list.")
        units = list(chain.from_iterable(map(cls.split, captions)))
        kept = most_frequent(units, min_count)
        if max_size is not None:
            kept = kept[: max(0, max_size - len(cls.SPECIAL))]
        if not kept:
            raise InputError(
                f"Captions with {len(set(units))} different words leave an empty vocabulary "
                f"(min_count={min_count}, max_size={max_size})",
                f"at least one word besides {', '.join(cls.SPECIAL)}",
                "Give captions with words, a smaller min_count or a larger max_size.",
            )
        return cls(kept)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} words, {self.fingerprint[:8]})"

    @staticmethod
    @checked
    def split(text: str) -> list[str]:
        """Divide a text into the units that are numbered."""
        return tokenize(text)

    @staticmethod
    @checked
    def join(words: Iterable[str]) -> str:
        """Put units together to a text."""
        return " ".join(words)

    @checked
    def normalize(self, text: str) -> str:
        """Return a text as `decode` would write it if every unit were known."""
        return self.join(self.split(text))

    @checked
    def encode(self, text: str, length: int | None = None) -> list[int]:
        """Turn a caption into numbers, from start to end.

        Args:
            text: The caption.
            length: Exact length of the result: longer captions lose their last words, never the
                end; shorter ones are padded. None takes the caption as it is.

        Returns:
            `[START, words, END]`, or the same with `PAD` up to `length`.

        Raises:
            InputError: `length` has no room for start and end.
        """
        numbers = [self._numbers.get(word, self.UNKNOWN) for word in self.split(text)]
        if length is None:
            return [self.START, *numbers, self.END]
        if length < 2:
            raise InputError(
                f"length={length} was given",
                "2 and above, for the start and the end",
                "Give the number of words plus 2.",
            )
        framed = [self.START, *numbers[: length - 2], self.END]
        return framed + [self.PAD] * (length - len(framed))

    @checked
    def decode(self, numbers: Iterable[int]) -> str:
        """Turn numbers back into words, up to the first end.

        Args:
            numbers: Word numbers; padding and starts are passed over.

        Raises:
            InputError: A number is not in the vocabulary.
        """
        shown = takewhile(lambda number: number != self.END, map(int, numbers))
        passed = (self.PAD, self.START)
        return self.join(self.words[n] for n in self._known(shown) if n not in passed)

    @checked
    def search_limits(self, max_words: int) -> dict[str, Any]:
        """Return what `kc.decoding` must be told to write sentences in this vocabulary.

        Args:
            max_words: Most words of a sentence; its end comes on top.

        Returns:
            `start`, `end`, `pad`, `max_length`, and `banned`: padding, start and the unknown word.
        """
        return {
            "start": self.START,
            "end": self.END,
            "pad": self.PAD,
            "banned": (self.PAD, self.START, self.UNKNOWN),
            "max_length": max_words + 1,
        }

    @checked
    def unknown_words(self, text: str) -> tuple[str, ...]:
        """Return the words of a caption that the vocabulary lacks, in order."""
        return tuple(word for word in self.split(text) if word not in self._numbers)

    def _content(self) -> Mapping[str, Any]:
        return {"unit": self.UNIT, "words": self.words[len(self.SPECIAL) :], **self._further()}

    def _further(self) -> dict[str, str]:
        """What a kind of vocabulary keeps besides its words."""
        return {}

    @classmethod
    def _restored(cls, content: Mapping[str, Any]) -> Vocabulary:
        if content.get("unit") != cls.UNIT:
            raise InputError(
                f"A vocabulary that numbers units of the kind {content.get('unit')!r} was given",
                f"the kind {cls.UNIT!r}",
                "Read it with kc.data.load_vocabulary.",
            )
        words: Any = content.get("words")
        texts = isinstance(words, list) and all(isinstance(word, str) for word in words)
        return cls(words if texts else ())
