"""Words and their numbers as TensorFlow operations, for models that are shipped with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_classics.core.errors import InputError
from keras_classics.core.tokenization import EMOJI_SEQUENCE, JOINERS, SPACE_MARK
from keras_classics.data.texts.translation_vocabularies import PIECE_SPACE
from keras_classics.data.texts.vocabulary import Vocabulary

Tensor = Any

# What `core.tokenization.tokenize` drops, and what it puts a space for: punctuation, symbols,
# white space.
_APOSTROPHES = "['\u2019]"
_SEPARATORS = r"[\p{P}\p{S}\p{Z}\x{1c}-\x{1f}\x{85}]"
_SIGNS = rf"({SPACE_MARK}?(?:{EMOJI_SEQUENCE}|[\p{{P}}\p{{S}}]))"
_MARK = "\x1f"
_SPACES = r"[\s\p{Z}\x{0b}\x{1c}-\x{1f}\x{85}]+"


class GraphVocabulary:
    """A vocabulary inside a TensorFlow graph.

    Args:
        vocabulary: Whose words and numbers to use.

    Attributes:
        table: The lookup table, for whoever has to keep track of it.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        import tensorflow as tf

        first = len(vocabulary.SPECIAL)
        self.vocabulary = vocabulary
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(vocabulary.words[first:], tf.string),
                tf.range(first, len(vocabulary), dtype=tf.int32),
            ),
            default_value=vocabulary.UNKNOWN,
        )
        self.printed = ["", "", "", *vocabulary.words[vocabulary.UNKNOWN :]]

    def encode(self, words: Tensor) -> Tensor:
        """Number words as `Vocabulary.encode` does.

        Args:
            words: Ragged strings `(batch, words)`.

        Returns:
            int32 `(batch, positions)`: start, words, end and padding.
        """
        vocabulary = self.vocabulary
        rows = _framed(self.table.lookup(words), vocabulary.START, vocabulary.END)
        return rows.to_tensor(vocabulary.PAD)

    def words(self, ids: Tensor) -> Tensor:
        """Return the word of every id, empty for padding, start and end."""
        import tensorflow as tf

        # A constant of the graph it stands in: ONNX knows no other texts.
        return tf.gather(tf.constant(self.printed), ids)

    def split(self, texts: Tensor) -> Tensor:
        """Divide texts as the vocabulary does, except that they must be composed (NFC) already.

        Args:
            texts: Strings `(batch,)` in UTF-8.

        Returns:
            Ragged strings `(batch, words)`.

        Raises:
            InputError: The vocabulary is of sentencepieces, which need their own library.
        """
        if self.vocabulary.UNIT == "sentencepiece":
            raise InputError(
                "Text was to be divided into sentencepieces by TensorFlow alone",
                "vocabularies of words or characters",
                "Give the numbers that the vocabulary's encode writes.",
            )
        divide = {
            "word": tokenize_in_graph,
            "token": tokenize_exactly_in_graph,
            "character": characters_in_graph,
        }
        return divide[self.vocabulary.UNIT](texts)

    def join(self, words: Tensor) -> Tensor:
        """Join words `(..., words)` to sentences `(...)`; empty ones may only stand at the end."""
        import tensorflow as tf

        if self.vocabulary.UNIT == "word":
            return tf.strings.strip(tf.strings.reduce_join(words, axis=-1, separator=" "))
        text = tf.strings.reduce_join(words, axis=-1)
        space = {"token": SPACE_MARK, "sentencepiece": PIECE_SPACE}.get(self.vocabulary.UNIT)
        if space:
            text = tf.strings.regex_replace(text, space, " ")
        return tf.strings.strip(text)


def tokenize_in_graph(texts: Tensor) -> Tensor:
    """Split texts as `core.tokenization.tokenize` does; they must be composed (NFC) already.

    Args:
        texts: Strings `(batch,)` in UTF-8.

    Returns:
        Ragged strings `(batch, words)`.
    """
    import tensorflow as tf

    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, _APOSTROPHES, "")
    words = tf.strings.split(tf.strings.regex_replace(texts, _SEPARATORS, " "))
    joiners = tf.strings.regex_full_match(words.values, f"[{JOINERS}]+")
    return tf.ragged.boolean_mask(words, words.with_values(~joiners))


def tokenize_exactly_in_graph(texts: Tensor) -> Tensor:
    """Split texts as `core.tokenization.tokenize_exactly` does; arguments as above."""
    import tensorflow as tf

    texts = tf.strings.regex_replace(texts, SPACE_MARK, " ")
    texts = tf.strings.strip(tf.strings.regex_replace(texts, _SPACES, " "))
    texts = tf.strings.regex_replace(texts, "(^| )([^ ])", rf"\1{SPACE_MARK}\2")
    return tf.strings.split(tf.strings.regex_replace(texts, _SIGNS, r" \1 "))


def words_in_graph(texts: Tensor) -> Tensor:
    """Split texts at white space as `str.split` does, Unicode's too; arguments as above."""
    import tensorflow as tf

    return tf.strings.split(tf.strings.regex_replace(texts, _SPACES, " "))


def codes_in_graph(texts: Tensor) -> Tensor:
    """Split texts into all their characters, spaces too; arguments as above."""
    import tensorflow as tf

    return tf.strings.unicode_split(texts, "UTF-8")


def characters_in_graph(texts: Tensor) -> Tensor:
    """Split texts into characters as `CharacterVocabulary` does; arguments as above."""
    import tensorflow as tf

    # What is no text becomes signs, which the pattern below can then part.
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    texts = tf.strings.strip(tf.strings.regex_replace(texts, _SPACES, " "))
    # The mark is white space, of which none but the space is left.
    parted = tf.strings.regex_replace(texts, f"({EMOJI_SEQUENCE}|.)", rf"{_MARK}\1")
    units = tf.strings.split(parted, _MARK)
    return tf.ragged.boolean_mask(units, units.with_values(units.values != ""))


def most_attended_in_graph(source_words: Tensor, alignments: Tensor) -> Tensor:
    """For every id generated, the source word it looks at most.

    Args:
        source_words: Ragged strings `(batch, words)`.
        alignments: `(batch, n_best, length, positions)`, where a start stands before the words and
            an end behind them.

    Returns:
        Strings `(batch, n_best, length)`.
    """
    import tensorflow as tf

    framed = _framed(source_words, "", "").to_tensor("")
    real = (framed != "")[:, None, None, :]
    chosen = tf.argmax(tf.where(real, alignments, -1.0), axis=-1)
    return tf.gather(framed, chosen, batch_dims=1)


class GraphDictionary:
    """A dictionary inside a TensorFlow graph.

    Args:
        entries: Translations by word, both in units of their vocabularies; none is empty.

    Attributes:
        table: The lookup table, for whoever has to keep track of it.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        import tensorflow as tf

        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant([*entries], tf.string), tf.constant([*entries.values()], tf.string)
            ),
            default_value="",
        )

    def translate(self, words: Tensor) -> Tensor:
        """Return the translation of every word, and the word itself where there is none."""
        import tensorflow as tf

        found = self.table.lookup(words)
        return tf.where(found == "", words, found)


def _framed(rows: Tensor, first: int | str, last: int | str) -> Tensor:
    import tensorflow as tf

    shape = (rows.nrows(), 1)
    return tf.concat([tf.fill(shape, first), rows, tf.fill(shape, last)], axis=1)
