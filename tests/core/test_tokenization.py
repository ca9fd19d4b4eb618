import pytest

from keras_classics.core.tokenization import tokenize


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
