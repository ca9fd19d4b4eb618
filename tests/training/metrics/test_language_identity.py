"""Languages are told apart by their characters; what is in none is in none."""

import pytest

import keras_classics as kc
from keras_classics.training.metrics.language_identity import LanguageIdentifier

ENGLISH = ["the three houses", "with the fourth", "they thought", "this other thing"]
FRENCH = ["les trois maisons", "avec la quatrième", "ils pensaient", "cette autre chose"]


@pytest.fixture(scope="module")
def identifier():
    return LanguageIdentifier({"en": ENGLISH, "fr": FRENCH})


def test_new_words_are_known_by_their_characters(identifier):
    assert identifier.identify(["the tenth", "les maisonnettes", "thither"]) == ["en", "fr", "en"]
    assert identifier.share(["the tenth", "les maisonnettes"], "fr") == 0.5


def test_what_has_nothing_known_is_in_no_language(identifier):
    assert identifier.identify(["", "77", "the"]) == [None, None, "en"]
    assert identifier.share(["", "77"], "en") == 0.0
    assert identifier.identify([]) == []


def test_the_order_and_number_of_languages_favour_none():
    sentences = {"fr": FRENCH, "en": ENGLISH * 9}
    identifier = LanguageIdentifier(sentences)
    assert identifier.identify(["les maisonnettes", "thither"]) == ["fr", "en"]


def test_held_back_phrases_of_three_languages_are_told_apart():
    languages = ("en", "fr", "nl")
    data = kc.data.load("phrases", languages=languages, train=1500, validation=1, test=300)
    train, test = (split.of(languages).texts for split in (data.train, data.test))
    identifier = LanguageIdentifier(train)
    for language in languages:
        others = {text for other in languages if other != language for text in test[other]}
        # A country, or a number with a unit, may be written alike in two languages.
        own = [text for text in test[language] if text not in others]
        assert identifier.share(own, language) > 0.95


@pytest.mark.parametrize("sentences", [{"en": ENGLISH}, {"en": ENGLISH, "fr": []}, {}], ids=len)
def test_two_languages_with_sentences_are_needed(sentences):
    with pytest.raises(kc.InputError, match="two languages or more"):
        LanguageIdentifier(sentences)
