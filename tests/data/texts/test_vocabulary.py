import json

import numpy as np
import pytest

from keras_classics.core.errors import InputError
from keras_classics.data import Vocabulary

CAPTIONS = ["A dog runs.", "a cat and a dog", "The cat"]


@pytest.fixture
def vocabulary():
    return Vocabulary.from_captions(CAPTIONS)


def test_words_are_numbered_by_count_then_alphabet(vocabulary):
    # a 3, cat 2, dog 2, and 1, runs 1, the 1.
    assert vocabulary.words[4:] == ("a", "cat", "dog", "and", "runs", "the")
    assert len(vocabulary) == 10
    assert Vocabulary.from_captions(reversed(CAPTIONS)) == vocabulary


def test_limits_leave_rare_words_to_the_unknown_one(vocabulary):
    twice = Vocabulary.from_captions(CAPTIONS, min_count=2)
    assert twice.words[4:] == ("a", "cat", "dog")
    assert Vocabulary.from_captions(CAPTIONS, max_size=6).words[4:] == ("a", "cat")
    assert twice.decode(twice.encode("a dog runs")) == "a dog <unknown>"
    assert twice.unknown_words("A zebra runs") == ("zebra", "runs")


def test_captions_are_framed_and_padded(vocabulary):
    start, end = Vocabulary.START, Vocabulary.END
    assert vocabulary.encode("the dog!") == [start, 9, 6, end]
    assert vocabulary.encode("the dog", length=6) == [start, 9, 6, end, 0, 0]
    assert vocabulary.encode("", length=3) == [start, end, 0]


def test_a_cut_caption_keeps_its_end(vocabulary):
    assert vocabulary.encode("a cat and a dog", length=4) == [1, 4, 5, 2]


def test_decoding_stops_at_the_first_end(vocabulary):
    assert vocabulary.decode(np.array([1, 4, 6, 2, 5, 5, 0])) == "a dog"
    assert vocabulary.decode([0, 1, 5]) == "cat"


@pytest.mark.parametrize("number", [-1, 10])
def test_a_number_outside_the_vocabulary_is_refused(vocabulary, number):
    with pytest.raises(InputError, match="0 to 9"):
        vocabulary.decode([4, number])


def test_saving_and_loading_keep_every_number(vocabulary, tmp_path):
    wide = Vocabulary.from_captions([*CAPTIONS, "garçon 犬"])
    wide.save(tmp_path / "words.json")
    loaded = Vocabulary.load(tmp_path / "words.json")
    assert loaded == wide and loaded.fingerprint == wide.fingerprint
    assert loaded.encode("un garçon 犬") == wide.encode("un garçon 犬")
    assert wide.fingerprint != vocabulary.fingerprint


def _change(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": ["cat", "a", "dog", "and", "runs", "the"]}, "changed after"),
        ({"words": None}, "changed after"),
        ({"unit": "character"}, "units of the kind 'character'"),
        ({"format": "other"}, "no vocabulary"),
    ],
)
def test_a_changed_file_is_refused(vocabulary, tmp_path, changes, message):
    path = tmp_path / "words.json"
    vocabulary.save(path)
    _change(path, **changes)
    with pytest.raises(InputError, match=message):
        Vocabulary.load(path)


def test_a_missing_or_broken_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Vocabulary.load(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text('{"format": ')
    with pytest.raises(InputError, match="cannot be read"):
        Vocabulary.load(tmp_path / "broken.json")


def test_another_size_is_refused_with_both_sizes(vocabulary):
    with pytest.raises(InputError, match="has 512 words and this one 10"):
        vocabulary.check_matches(512)
    with pytest.raises(InputError, match="has 5 words and this one 10"):
        vocabulary.check_matches(Vocabulary(["a"]))
    vocabulary.check_matches(10)
    vocabulary.check_matches(Vocabulary(vocabulary.words[4:]))


def test_equal_sizes_with_other_words_are_refused(vocabulary):
    other = Vocabulary(["a", "dog", "cat", "and", "runs", "the"])
    with pytest.raises(InputError, match="number 5 is 'dog' and here 'cat'"):
        vocabulary.check_matches(other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Vocabulary(["a", "b", "a"]), "'a' more than once"),
        (lambda: Vocabulary(["<end>"]), "'<end>' more than once"),
        (lambda: Vocabulary.from_captions([]), "0 different words"),
        (lambda: Vocabulary.from_captions(["..."]), "0 different words"),
        (lambda: Vocabulary.from_captions(CAPTIONS, min_count=9), "min_count=9"),
        (lambda: Vocabulary.from_captions(CAPTIONS, max_size=4), "max_size=4"),
        (lambda: Vocabulary.from_captions("a dog"), "One string"),
        (lambda: Vocabulary(["a"]).encode("a", length=1), "length=1"),
    ],
)
def test_impossible_requests_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
