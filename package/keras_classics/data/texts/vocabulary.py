"""Words and their numbers: how captions are counted, encoded and read back."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import reading
from keras_classics.core.text_files import read_json, write_json
from keras_classics.core.tokenization import tokenize

_FORMAT = "keras-classics vocabulary"


class Vocabulary:
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

    @checked
    def __init__(self, words: Iterable[str]) -> None:
        self.words = (*self.SPECIAL, *words)
        self._numbers = {word: number for number, word in enumerate(self.words)}
        if len(self._numbers) < len(self.words):
            twice = [word for word, count in Counter(self.words).items() if count > 1]
            raise InputError(
                explain(
                    f"The vocabulary has {', '.join(map(repr, twice[:3]))} more than once",
                    f"different words, other than {', '.join(self.SPECIAL)}",
                    "Remove the repeated words.",
                )
            )

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
            raise InputError(
                explain("One string was given", "a list of captions", "Put it into a list.")
            )
        counts = Counter(chain.from_iterable(map(cls.split, captions)))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        frequent = [word for word in ranked if counts[word] >= min_count]
        kept = frequent if max_size is None else frequent[: max(0, max_size - len(cls.SPECIAL))]
        if not kept:
            raise InputError(
                explain(
                    f"Captions with {len(counts)} different words leave an empty vocabulary "
                    f"(min_count={min_count}, max_size={max_size})",
                    f"at least one word besides {', '.join(cls.SPECIAL)}",
                    "Give captions with words, a smaller min_count or a larger max_size.",
                )
            )
        return cls(kept)

    def __len__(self) -> int:
        return len(self.words)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.words)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} words, {self.fingerprint[:8]})"

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the words in order: equal exactly when numbers mean the same words."""
        written = json.dumps([self.UNIT, *self.words, *self._further().values()])
        return hashlib.sha256(written.encode()).hexdigest()

    @staticmethod
    def split(text: str) -> list[str]:
        """Divide a text into the units that are numbered."""
        return tokenize(text)

    @staticmethod
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
                explain(
                    f"length={length} was given",
                    "2 and above, for the start and the end",
                    "Give the number of words plus 2.",
                )
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
        words = []
        for number in map(int, numbers):
            if number == self.END:
                break
            if not 0 <= number < len(self):
                raise InputError(
                    explain(
                        f"The word number {number} was given",
                        f"0 to {len(self) - 1}",
                        "Decode with the vocabulary that the model was trained with.",
                    )
                )
            if number not in (self.PAD, self.START):
                words.append(self.words[number])
        return self.join(words)

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

    @checked
    def check_matches(self, other: int | Vocabulary) -> None:
        """Refuse a model, checkpoint or vocabulary that numbers words otherwise.

        Args:
            other: The other's size, or the other vocabulary itself.

        Raises:
            InputError: The sizes differ, or equal sizes hide different words.
        """
        size = other if isinstance(other, int) else len(other)
        if size != len(self):
            difference = f"has {size} words and this one {len(self)}"
        elif isinstance(other, Vocabulary) and other.words != self.words:
            number = next(n for n in range(size) if self.words[n] != other.words[n])
            difference = (
                f"has {size} words like this one, but number {number} is "
                f"{other.words[number]!r} and here {self.words[number]!r}"
            )
        else:
            return
        raise InputError(
            explain(
                f"The other vocabulary {difference}",
                "the vocabulary that the model was trained with",
                "Load the vocabulary saved with the model, or train a new model.",
            )
        )

    @checked
    def save(self, path: str | Path) -> None:
        """Write the vocabulary as JSON with its fingerprint."""
        content = {
            "format": _FORMAT,
            "unit": self.UNIT,
            "sha256": self.fingerprint,
            "words": self.words[len(self.SPECIAL) :],
            **self._further(),
        }
        write_json(path, content)

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Vocabulary:
        """Read a vocabulary that `save` wrote.

        Raises:
            InputError: The file is missing, is no vocabulary, or was changed since.
        """
        remedy = "Give the file that was saved with the model."
        content = read_json(path, "a vocabulary file", remedy)
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise InputError(explain(f"{path} is no vocabulary", f"a {_FORMAT} file", remedy))
        if content.get("unit") != cls.UNIT:
            raise InputError(
                explain(
                    f"{path} numbers units of the kind {content.get('unit')!r}",
                    f"the kind {cls.UNIT!r}",
                    "Read it with kc.data.load_vocabulary.",
                )
            )
        words = content.get("words")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            words = []
        with reading(path, "a vocabulary file", remedy):
            vocabulary = cls._restored(words, content)
        if vocabulary.fingerprint != content.get("sha256"):
            raise InputError(
                explain(
                    f"{path} was changed after it was written: its words do not give its sha256",
                    "an unchanged file",
                    remedy,
                )
            )
        return vocabulary

    def _further(self) -> dict[str, str]:
        """What a kind of vocabulary keeps besides its words."""
        return {}

    @classmethod
    def _restored(cls, words: list[str], content: dict[str, Any]) -> Vocabulary:
        return cls(words)
