"""Vocabularies of units from which text can be put together again, case and punctuation included.

Tokens, characters and sentencepieces are numbered by the methods of `Vocabulary`.
"""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import read_json
from keras_classics.core.errors import InputError, check_choice, import_extra
from keras_classics.core.tokenization import characters, join_exactly, tokenize_exactly
from keras_classics.data.texts.vocabulary import Vocabulary

# How sentencepiece writes a space.
PIECE_SPACE = "\u2581"
_PIECES = 8000


class TokenVocabulary(Vocabulary):
    """Words and punctuation marks as they are written, numbered.

    Args:
        words: The tokens in the order of their numbers, without the four special words; those
            after a space begin with `keras_classics.core.tokenization.SPACE_MARK`.

    Raises:
        InputError: A token stands twice.
    """

    UNIT = "token"
    split = staticmethod(tokenize_exactly)

    @staticmethod
    def join(words: Iterable[str]) -> str:
        """Put tokens together to a text."""
        return join_exactly(words)


class CharacterVocabulary(Vocabulary):
    """The characters a model knows, numbered; texts are composed (NFC), every space is one space.

    An emoji is one character, however many code points it has: a family, a flag, any skin's hand.

    Args:
        words: The characters in the order of their numbers, without the four special words.

    Raises:
        InputError: A character stands twice.
    """

    UNIT = "character"

    @staticmethod
    def split(text: str) -> list[str]:
        """Divide a text into characters."""
        return characters(" ".join(unicodedata.normalize("NFC", text).split()))

    @staticmethod
    def join(words: Iterable[str]) -> str:
        """Put characters together to a text."""
        return "".join(words).strip()


class SentencepieceVocabulary(Vocabulary):
    """Pieces of words, as a unigram language model divides them best.

    Kudo and Richardson, "SentencePiece", EMNLP 2018 (arXiv:1808.06226). Text is normalised as the
    library does by default (NFKC). Needs the extra `translation`.

    Args:
        model: A trained model of sentencepiece, serialised, whose first four pieces are those of
            `Vocabulary.SPECIAL`.

    Raises:
        InputError: The model numbers its special pieces otherwise.
    """

    UNIT = "sentencepiece"

    def __init__(self, model: bytes) -> None:
        library = import_extra("sentencepiece", "translation")
        self._model = model
        self._processor = library.SentencePieceProcessor(model_proto=model)
        pieces = [self._processor.id_to_piece(n) for n in range(len(self._processor))]
        if tuple(pieces[: len(self.SPECIAL)]) != self.SPECIAL:
            raise InputError(
                f"A sentencepiece model was given that begins with {pieces[:4]}",
                f"one that begins with {', '.join(self.SPECIAL)}",
                "Train it with SentencepieceVocabulary.from_captions.",
            )
        super().__init__(pieces[len(self.SPECIAL) :])

    @classmethod
    def from_captions(
        cls, captions: Iterable[str], *, min_count: int = 1, max_size: int | None = None
    ) -> SentencepieceVocabulary:
        """Train a unigram model on texts.

        Args:
            captions: The training texts, and only those.
            min_count: Must be 1: the model itself chooses the pieces.
            max_size: Greatest size, the four special pieces included; 8,000 by default. Little
                text gives fewer.

        Raises:
            InputError: `min_count` is not 1, or the texts cannot be divided into so few pieces.
        """
        if min_count != 1:
            raise InputError(
                f"min_count={min_count} was given for sentencepieces",
                "1, as sentencepiece chooses its pieces itself",
                "Limit their number with max_size.",
            )
        library = import_extra("sentencepiece", "translation")
        written = io.BytesIO()
        special = dict(zip(("pad", "bos", "eos", "unk"), cls.SPECIAL, strict=True))
        try:
            library.SentencePieceTrainer.train(
                sentence_iterator=iter(captions),
                model_writer=written,
                vocab_size=max_size or _PIECES,
                hard_vocab_limit=False,
                character_coverage=0.9995,
                # Several threads would sum in another order at every run.
                num_threads=1,
                minloglevel=2,
                **{f"{name}_id": number for number, name in enumerate(special)},
                **{f"{name}_piece": piece for name, piece in special.items()},
            )
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"sentencepiece cannot learn {max_size or _PIECES} pieces of these texts "
                f"({reason})",
                "texts with words, and more pieces than they have different characters",
                "Give more text or a larger max_size.",
            ) from error
        return cls(written.getvalue())

    # The pieces are the model's, so that only an object can divide a text.
    def split(self, text: str) -> list[str]:  # type: ignore[override]
        """Divide a text into its most probable pieces."""
        return self._processor.encode(text, out_type=str)

    @staticmethod
    def join(words: Iterable[str]) -> str:
        """Put pieces together to a text."""
        return "".join(words).replace(PIECE_SPACE, " ").strip()

    def _further(self) -> dict[str, str]:
        return {"model": base64.b64encode(self._model).decode()}

    @classmethod
    def _restored(cls, content: Mapping[str, Any]) -> SentencepieceVocabulary:
        return cls(base64.b64decode(content.get("model", "")))


UNITS: dict[str, type[Vocabulary]] = {
    kind.UNIT: kind
    for kind in (Vocabulary, TokenVocabulary, CharacterVocabulary, SentencepieceVocabulary)
}


@checked
def make_vocabulary(
    unit: str, texts: Iterable[str], *, min_count: int = 1, max_size: int | None = None
) -> Vocabulary:
    """Make a vocabulary of the units of texts.

    Args:
        unit: `"word"` (lower case, without punctuation), `"token"`, `"character"` or
            `"sentencepiece"`.
        texts: The training texts, and only those.
        min_count: Units seen less often are left to the unknown word.
        max_size: Greatest size, the four special words included.

    Returns:
        The vocabulary, of the class of its unit.

    Raises:
        InputError: Another unit was given, or the texts or limits leave no vocabulary.

    Example:
        ```python
        vocabulary = kc.data.make_vocabulary("word", ["a red circle", "a green ring"])
        len(vocabulary)  # 9: four special words and five of the texts
        vocabulary.decode(vocabulary.encode("A red ring."))  # "a red ring"
        ```
    """
    check_choice("unit", unit, tuple(UNITS), "Give the one that is meant.")
    return UNITS[unit].from_captions(texts, min_count=min_count, max_size=max_size)


@checked
def load_vocabulary(path: str | Path) -> Vocabulary:
    """Read a vocabulary of any unit that `save` wrote.

    Args:
        path: The JSON file.

    Returns:
        The vocabulary, of the class of its unit.

    Raises:
        InputError: The file is missing, is no vocabulary, or was changed since.
    """
    content = read_json(path, "a vocabulary file", "Give the file that was saved with the model.")
    unit = content.get("unit") if isinstance(content, dict) else None
    # Without a kind of its own, loading says what is wrong.
    return UNITS.get(str(unit), Vocabulary).load(path)
