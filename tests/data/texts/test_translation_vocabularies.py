import json

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
