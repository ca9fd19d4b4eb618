import collections

import numpy as np
import pytest
from scipy import stats

import keras_classics as kc
from keras_classics.core.errors import InputError
from keras_classics.data import load, sentence_groups
from keras_classics.data.worlds import phrases
from keras_classics.data.worlds.phrases import make_phrase, phrase_groups

LANGUAGES = phrases.LANGUAGES
SMALL = {"train": 300, "validation": 20, "test": 40}


@pytest.fixture(scope="module")
def data():
    return load("phrases", **SMALL)


@pytest.fixture(scope="module")
def splits(data):
    return {name: getattr(data, name).of(LANGUAGES) for name in SMALL}


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        (21, "cardinal", ("twenty-one", "vingt et un", "eenentwintig", "einundzwanzig")),
        (80, "cardinal", ("eighty", "quatre-vingts", "tachtig", "achtzig")),
        (81, "cardinal", ("eighty-one", "quatre-vingt-un", "eenentachtig", "einundachtzig")),
        (3, "ordinal", ("third", "troisième", "derde", "dritte")),
    ],
)
def test_numbers_are_spelled_as_each_language_does(number, form, expected):
    assert tuple(phrases._spelled(number, form)(each) for each in LANGUAGES) == expected


def test_a_phrase_is_a_function_of_seed_and_index():
    assert make_phrase(3, 5) == make_phrase(3, 5)
    assert make_phrase(3, 5, ("fr",)).texts == {"fr": make_phrase(3, 5).texts["fr"]}
    assert len({make_phrase(seed, 5).texts["en"] for seed in range(20)}) > 15


@pytest.fixture
def newer_library(monkeypatch):
    """Make Babel one that names a country and a language more, before all others."""

    def insert(code, name):
        for language in LANGUAGES:
            locale = phrases._locale(language)
            for table in ("territories", "languages"):
                names = {**getattr(locale, table), code: f"{name} {language}"}
                monkeypatch.setitem(locale._data, table, names)
        phrases._codes.cache_clear()
        assert phrases._codes("territories")[0] == code

    yield insert
    monkeypatch.undo()
    phrases._codes.cache_clear()


def test_a_new_name_in_the_library_changes_only_the_phrases_that_say_it(newer_library):
    count = 3000
    before = [make_phrase(0, index) for index in range(count)]
    named = sum(phrase.kind in ("countries", "languages") for phrase in before)
    shares = [1 / len(phrases._codes(table)) for table in ("territories", "languages")]
    newer_library("AA", "Newland")
    after = [make_phrase(0, index) for index in range(count)]
    changed = [new for new, old in zip(after, before, strict=True) if new != old]
    assert all("Newland en" in phrase.texts["en"] for phrase in changed)
    # Of names it is as likely as any other: two or three are said in each such phrase.
    assert 0 < len(changed) < 2 * 3 * max(shares) * named < count / 80


def test_phrases_that_did_not_change_stay_on_their_side(splits, newer_library):
    sides = {text: name for name, part in splits.items() for text in part.texts["en"]}
    newer_library("AA", "Newland")
    again = load("phrases", **SMALL)
    moved, new = [], []
    for name in SMALL:
        for text in getattr(again, name).of(LANGUAGES).texts["en"]:
            (moved if sides.get(text, name) != name else new).append(text)
    assert not moved and len(set(new) - set(sides)) < 10


def test_however_a_release_writes_a_phrase_it_stays_held_back():
    written = [make_phrase(0, index) for index in range(300)]
    held = [phrase for phrase in written if phrases._split(0, phrase) != "train"]
    assert len(held) > 15
    for phrase in held:
        other = phrase._replace(texts={**phrase.texts, "en": f"about {phrase.texts['en']}"})
        assert phrases._split(0, other) == phrases._split(0, phrase)


def test_the_same_thing_said_is_one_meaning_and_other_things_are_others():
    said = {}
    for index in range(2000):
        phrase = make_phrase(0, index)
        assert said.setdefault((phrase.kind, phrase.meaning), phrase.texts) == phrase.texts
    assert len(said) > 1500


def test_names_are_chosen_evenly_and_none_twice():
    codes = phrases._codes("languages")
    rng = np.random.default_rng(0)
    chosen = [phrases._named(rng, "languages").meaning.split() for _ in range(2000)]
    assert all(len(set(each)) == len(each) in (2, 3) for each in chosen)
    counts = collections.Counter(code for each in chosen for code in each)
    expected = sum(counts.values()) / len(codes)
    statistic = sum((counts[code] - expected) ** 2 for code in codes) / expected
    assert statistic < stats.chi2.ppf(0.999, len(codes) - 1)


def test_every_kind_occurs_and_no_phrase_has_odd_spaces_or_names_of_units(splits):
    kinds = collections.Counter(name.split("-")[0] for name in splits["train"].names)
    assert set(kinds) == set(phrases.KINDS)
    for part in splits.values():
        for language in LANGUAGES:
            for text in part.texts[language]:
                assert text and text == " ".join(text.split())
                # What Babel writes where the CLDR has no name.
                assert not any(unit in text for unit in phrases._UNITS), text


def test_no_held_back_phrase_is_trained_on_in_any_language(splits):
    for language in LANGUAGES:
        train, validation, test = (
            {text for text in splits[name].texts[language]} for name in SMALL
        )
        assert not train & test and not train & validation and not validation & test
    everything = [text for part in splits.values() for text in part.texts["en"]]
    assert len(everything) == len(set(everything)) == sum(SMALL.values())
    assert all(" " in text for name in ("validation", "test") for text in splits[name].texts["en"])


def test_held_back_phrases_do_not_depend_on_the_number_of_training_phrases(splits):
    other = load("phrases", **{**SMALL, "train": 50})
    assert other.test.of(LANGUAGES) == splits["test"]
    fewer = other.train.of(LANGUAGES)
    assert fewer.names == splits["train"].names[:50]
    reseeded = load("phrases", seed=1, **SMALL).test
    assert reseeded.names != splits["test"].names


def test_languages_are_chosen(data):
    two = load("phrases", languages="nl,fr", **SMALL)
    assert two.info.languages == ("nl", "fr")
    assert list(two.train[0].texts) == ["nl", "fr"]
    assert list(data.test.of(("fr", "en"))[3].texts) == ["fr", "en"]
    assert data.test.of(("fr", "en"))[3].texts["fr"] == data.test[3].texts["fr"]


def test_paraphrases_are_one_date_in_three_forms():
    groups = phrase_groups("de", groups=3)
    assert sentence_groups(language="de") == phrase_groups("de")
    assert len({label for label, _ in groups}) == 3
    for label, texts in groups:
        assert len(set(texts)) == 3 and all(label[:4] in text for text in texts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": "en,es"}, "en, fr, nl, de"),
        ({"languages": ["en"]}, "two or more"),
        ({"languages": ["en", "en"]}, "two or more"),
        ({"test": 0}, "test=0"),
        ({"train": 10**7}, "1 to 1,000,000"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        kc.data.load("phrases", **options)
