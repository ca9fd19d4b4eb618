"""Sentences with classes: files by ending, languages, faults."""

import pytest

import keras_classics as kc
from support import growth, shared


@pytest.fixture
def folder(tmp_path):
    good, bad = ([f"{word} {n}\n" for n in range(20)] for word in ("good", "bad"))
    (tmp_path / "reviews.pos").write_text("".join(good))
    (tmp_path / "reviews.neg").write_text("".join([*bad[:10], "\n", *bad[10:]]))
    (tmp_path / "README.md").write_text("nothing")
    return tmp_path


def test_classes_are_the_endings(folder):
    data = kc.data.load(f"sentences:{folder}")
    assert data.info.classes == ("neg", "pos")
    assert data.info.sizes == {"train": 32, "validation": 4, "test": 4}
    for split in (data.train, data.validation, data.test):
        for each in split:
            assert each.text.split()[0] == ("bad", "good")[each.label]
    assert "1 empty lines" in data.info.skipped[0]
    with pytest.raises(kc.InputError, match="1 empty lines"):
        kc.data.load(f"sentences:{folder}", strict=True)


def test_text_files_are_classes_by_name(tmp_path):
    for name in ("happy", "sad"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{name} {n}\n" for n in range(10)))
    assert kc.data.load(f"sentences:{tmp_path}").info.classes == ("happy", "sad")


def test_a_folder_without_two_classes_is_refused(tmp_path):
    with pytest.raises(kc.InputError, match="has no files"):
        kc.data.load(f"sentences:{tmp_path}")
    (tmp_path / "reviews.pos").write_text("good\n")
    with pytest.raises(kc.InputError, match="1 files of the classes pos"):
        kc.data.load(f"sentences:{tmp_path}")


def test_equal_sentences_are_of_one_split(tmp_path):
    for name in ("happy", "sad"):
        lines = [f"{name if n % 3 else 'both say'} {n % 17}\n" for n in range(200)]
        (tmp_path / f"{name}.txt").write_text("".join(lines))
    data = kc.data.load(f"sentences:{tmp_path}")
    texts = {
        split: {each.text for each in getattr(data, split)}
        for split in ("train", "validation", "test")
    }
    assert all(texts.values()) and sum(map(len, texts.values())) == len(set.union(*texts.values()))


def test_equal_sentences_only_are_refused(tmp_path):
    for name in ("happy", "sad"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n" * 50)
    with pytest.raises(kc.InputError, match="split of .* has no sentence.*that differ"):
        kc.data.load(f"sentences:{tmp_path}")


def test_a_class_without_a_sentence_is_refused_by_its_file(tmp_path):
    (tmp_path / "reviews.pos").write_text("good\n")
    (tmp_path / "reviews.neg").write_text("\n \n")
    with pytest.raises(kc.InputError, match="reviews.neg has no sentence"):
        kc.data.load(f"sentences:{tmp_path}")
    (tmp_path / "reviews.pos").write_text("")
    with pytest.raises(kc.InputError, match="reviews.neg has no sentence"):
        kc.data.load(f"sentences:{tmp_path}")


def test_parallel_text_is_classed_by_language():
    options = {"train": 5, "validation": 2, "test": 2, "languages": ("en", "de")}
    data = kc.data.by_language(kc.data.load("phrases", **options))
    assert data.info.classes == ("en", "de")
    assert data.info.sizes == {"train": 10, "validation": 4, "test": 4}
    labels = [each.label for each in data.train]
    assert labels == [0] * 5 + [1] * 5
    with pytest.raises(kc.InputError, match="have no languages"):
        kc.data.by_language(data_without_languages())


def data_without_languages():
    return kc.data.load("digit_lines", train=1, validation=1, test=1)


def test_the_polarity_sentences_are_read_whole():
    data = kc.data.load(f"sentences:{shared('data', 'sentence_polarity')}")
    assert sum(data.info.sizes.values()) == 2 * 4331
    assert data.info.classes == ("neg", "pos")


def test_one_long_line_among_many_takes_its_own_memory_only(tmp_path):
    # As an array of texts, 600 times 4 bytes for each of its characters: 1.2 GB.
    good, bad = ("".join(f"{word} {n}\n" for n in range(300)) for word in ("good", "bad"))
    (tmp_path / "a.pos").write_text(good + "g" * 500_000 + "\n")
    (tmp_path / "a.neg").write_text(bad)
    data = kc.data.load(f"sentences:{tmp_path}")
    assert growth(lambda: kc.data.load(f"sentences:{tmp_path}")) < 100e6
    assert sum(data.info.sizes.values()) == 601
