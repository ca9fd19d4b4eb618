"""Texts are divided and joined inside a graph as their vocabularies do it outside."""

import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from keras_classics.core.errors import InputError
from keras_classics.data import make_vocabulary
from keras_classics.export.kinds.text_in_graph import GraphVocabulary

TEXTS = [
    "Une fille, très petite, lit.", "Un garçon lit à l'école.", "La fille court.",
    "Le garçon court vite !", "Deux garçons et une fille courent.", "L'école est petite.",
]  # fmt: skip


@pytest.mark.parametrize("unit", ["token", "character"])
def test_units_are_split_alike_inside_and_outside_the_graph(unit):
    vocabulary = make_vocabulary(unit, TEXTS)
    graph = GraphVocabulary(vocabulary)
    # Every composed character of the first scripts; beyond, TensorFlow knows an older Unicode.
    characters = [chr(code) for code in range(1, 0x2C00) if not 0x300 <= code < 0x370]
    composed = [f"a{c}b {c}" for c in characters if unicodedata.normalize("NFC", c) == c]
    texts = [*TEXTS, "", " a\u202f \x0b b\x1c\u2028c ", "犬 et 𝄞", "“T-shirt’s” $5.—x", *composed]
    inside = graph.split(tf.constant(texts))
    expected = [vocabulary.split(text) for text in texts]
    got = [[each.decode() for each in row] for row in inside.to_list()]
    assert [pair for pair in zip(texts, got, expected, strict=True) if pair[1] != pair[2]] == []
    numbers = graph.encode(inside)
    length = numbers.shape[1]
    np.testing.assert_array_equal(numbers, [vocabulary.encode(text, length) for text in texts])
    joined = graph.join(graph.words(numbers))
    assert [text.decode() for text in joined.numpy()] == [
        vocabulary.decode(row) for row in numbers.numpy()
    ]


def test_sentencepieces_are_joined_in_the_graph_and_not_split():
    vocabulary = make_vocabulary("sentencepiece", TEXTS, max_size=60)
    graph = GraphVocabulary(vocabulary)
    joined = graph.join(graph.words(tf.constant([vocabulary.encode(TEXTS[0], 60)])))
    assert joined.numpy()[0].decode() == TEXTS[0]
    with pytest.raises(InputError, match="sentencepieces by TensorFlow alone"):
        graph.split(tf.constant(TEXTS))
