import itertools

import pytest

from keras_classics.core.tokenization import (
    SPACE_MARK,
    characters,
    join_exactly,
    tokenize,
    tokenize_exactly,
)
from keras_classics.data.texts.translation_vocabularies import CharacterVocabulary
from keras_classics.export.kinds.text_in_graph import (
    characters_in_graph,
    tokenize_exactly_in_graph,
    tokenize_in_graph,
)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A child in a pink dress .", ["a", "child", "in", "a", "pink", "dress"]),
        ("The man's T-shirt, isn't it?", ["the", "mans", "t", "shirt", "isnt", "it"]),
        ("the man’s dog", ["the", "mans", "dog"]),
        ("Un garçon à vélo – l'été", ["un", "garçon", "à", "vélo", "lété"]),
        ("cafe\u0301", ["caf\u00e9"]),
        ("3.5 <end> & $2", ["3", "5", "end", "2"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        (" . ! ", []),
        ("", []),
    ],
)
def test_words_are_lower_case_and_without_punctuation(caption, words):
    assert tokenize(caption) == words


def test_tokenizing_again_changes_nothing():
    words = tokenize('A "dog" -- it\'s running/jumping (fast)!')
    assert tokenize(" ".join(words)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a \u2764\ufe0f dog", ["a", "dog"]),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 run", ["run"]),
        # In a word they are part of its spelling.
        ("\u0915\u094d\u200d\u0937", ["\u0915\u094d\u200d\u0937"]),
    ],
)
def test_what_joins_emoji_is_no_word(text, words):
    assert tokenize(text) == words


FAMILY, SCOTLAND = (
    "👩\u200d👩\u200d👧\u200d👦",
    "🏴" + "".join(chr(0xE0000 + ord(c)) for c in "gbsct\x7f"),
)
EMOJI = [
    "👍🏽", "❤\ufe0f", FAMILY, "🇫🇷", "🇩🇪", "1\ufe0f\u20e3", SCOTLAND, "🏳\ufe0f\u200d🌈",
    "🧑🏿\u200d⚕\ufe0f", "😀", "⛹🏻\u200d♀\ufe0f", "©\ufe0f",
]  # fmt: skip


@pytest.mark.parametrize("emoji", EMOJI)
def test_an_emoji_is_one_unit(emoji):
    assert characters(f"a{emoji}{emoji}b") == ["a", emoji, emoji, "b"]
    assert CharacterVocabulary.split(emoji) == [emoji]
    if emoji[0] not in "1":
        units = tokenize_exactly(f"Hi{emoji} {emoji}!")
        assert units == [f"{SPACE_MARK}Hi", emoji, f"{SPACE_MARK}{emoji}", "!"]
        assert join_exactly(units) == f"Hi{emoji} {emoji}!"
    # Of what is read without symbols none of it is left.
    assert tokenize(f"run {emoji}")[:1] == ["run"]


def test_what_only_stands_side_by_side_is_several():
    assert characters("🇫🇷🇩🇪🇫") == ["🇫🇷", "🇩🇪", "🇫"]
    assert characters("😀😀a\u200db ⅷ2") == ["😀", "😀", *"a\u200db ⅷ2"]
    assert tokenize(f"{SCOTLAND} run 👍🏽") == ["run"]
    # What is no symbol stays in its word.
    assert tokenize_exactly("ⅷ x₂y") == [f"{SPACE_MARK}ⅷ", f"{SPACE_MARK}x₂y"]


def test_the_graph_splits_as_we_do():
    import tensorflow as tf

    texts = [
        f"a {x}{y}b {y} c{x}." for x, y in itertools.product([*EMOJI, "é", "犬", "!"], repeat=2)
    ]
    texts += ["", "  ", "a\u00a0b", SCOTLAND, "\x1fa\x1f"]
    for inside, ours in (
        (characters_in_graph, CharacterVocabulary.split),
        (tokenize_exactly_in_graph, tokenize_exactly),
        (tokenize_in_graph, tokenize),
    ):
        found = [[unit.decode() for unit in row] for row in inside(tf.constant(texts)).to_list()]
        assert found == [ours(text) for text in texts]


def test_characters_of_what_is_no_text_are_signs():
    import tensorflow as tf

    assert characters_in_graph(tf.constant([b"a\xffb"])).to_list() == [
        [b"a", "\ufffd".encode(), b"b"]
    ]
