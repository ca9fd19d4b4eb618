import json
import unicodedata

import numpy as np
import pytest

from keras_classics.core.errors import InputError
from keras_classics.data import Vocabulary, load_vocabulary, make_vocabulary
from keras_classics.data.texts.translation_vocabularies import UNITS

TEXTS = [
    "Une fille, très petite, lit.", "Un garçon lit à l'école.", "La fille court.",
    "Le garçon court vite !", "Deux garçons et une fille courent.", "L'école est petite.",
]  # fmt: skip


@pytest.fixture(params=UNITS)
def vocabulary(request):
    sizes = {"sentencepiece": 60}
    return make_vocabulary(request.param, TEXTS, max_size=sizes.get(request.param))


def test_text_comes_back_from_numbers(vocabulary):
    assert type(vocabulary) is UNITS[vocabulary.UNIT]
    assert vocabulary.words[:4] == Vocabulary.SPECIAL
    for text in TEXTS:
        numbers = vocabulary.encode(text)
        assert numbers[0] == vocabulary.START and numbers[-1] == vocabulary.END
        assert max(numbers) < len(vocabulary) and vocabulary.UNKNOWN not in numbers
        written = vocabulary.decode(numbers)
        assert written == vocabulary.normalize(text)
        assert (written == text) == (vocabulary.UNIT != "word")
    padded = vocabulary.encode(TEXTS[2], 40)
    assert len(padded) == 40 and vocabulary.decode(padded) == vocabulary.normalize(TEXTS[2])


def test_unknown_units_are_numbered_so(vocabulary):
    assert vocabulary.encode("犬")[-2] == vocabulary.UNKNOWN
    assert vocabulary.join(vocabulary.unknown_words("犬")) == "犬"
    limits = vocabulary.search_limits(9)
    assert limits["max_length"] == 10 and vocabulary.UNKNOWN in limits["banned"]


def test_saving_and_loading_keep_every_number(vocabulary, tmp_path):
    path = tmp_path / "units.json"
    vocabulary.save(path)
    loaded = load_vocabulary(path)
    assert loaded == vocabulary and loaded.fingerprint == vocabulary.fingerprint
    assert [loaded.encode(text) for text in TEXTS] == [vocabulary.encode(text) for text in TEXTS]
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, "sha256": "0"}), "utf-8")
    with pytest.raises(InputError, match="changed after"):
        load_vocabulary(path)
    path.write_text(json.dumps({**content, "unit": "syllable"}), "utf-8")
    with pytest.raises(InputError, match="units of the kind 'syllable'"):
        load_vocabulary(path)


def test_tokens_are_words_and_marks_as_they_are_written():
    vocabulary = make_vocabulary("token", TEXTS)
    assert vocabulary.split("L'école, 犬!") == ["ˍL", "'", "école", ",", "ˍ犬", "!"]
    for text in ("Un «mot» - deux: 12,50 $-a_b", "I can't. (No!)", "a ˍb"):
        assert vocabulary.normalize(text) == text.replace("ˍ", "")


def test_the_same_units_of_another_kind_are_another_vocabulary():
    texts = ["a b c", "b c"]
    words, characters = make_vocabulary("word", texts), make_vocabulary("character", texts)
    assert words != characters
    assert characters.words[4:] == (" ", "b", "c", "a")
    with pytest.raises(ValueError, match="unit='syllable'"):
        make_vocabulary("syllable", texts)


def test_sentencepieces_are_the_same_at_every_training():
    first, second = (make_vocabulary("sentencepiece", TEXTS, max_size=60) for _ in range(2))
    assert first == second
    assert len(first) <= 60


@pytest.mark.parametrize(
    ("options", "message"),
    [({"min_count": 2}, "min_count=2"), ({"max_size": 8}, "cannot learn 8 pieces")],
)
def test_sentencepieces_that_cannot_be_learnt(options, message):
    with pytest.raises(InputError, match=message):
        make_vocabulary("sentencepiece", TEXTS, **options)


@pytest.mark.parametrize("unit", ["token", "character"])
def test_units_are_split_alike_inside_and_outside_the_graph(unit):
    import tensorflow as tf

    from keras_classics.export.text_in_graph import GraphVocabulary

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
    import tensorflow as tf

    from keras_classics.export.text_in_graph import GraphVocabulary

    vocabulary = make_vocabulary("sentencepiece", TEXTS, max_size=60)
    graph = GraphVocabulary(vocabulary)
    joined = graph.join(graph.words(tf.constant([vocabulary.encode(TEXTS[0], 60)])))
    assert joined.numpy()[0].decode() == TEXTS[0]
    with pytest.raises(InputError, match="sentencepieces by TensorFlow alone"):
        graph.split(tf.constant(TEXTS))
