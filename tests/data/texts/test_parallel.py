import gzip
import re
import subprocess

import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_classics.core.errors import InputError
from keras_classics.data import (
    encode_sentences,
    load,
    make_vocabulary,
    sentence_groups,
    translation_batches,
)
from keras_classics.data.texts.sentence_batches import multilingual_batches
from support import shared

EN = [
    f"the {word} house" for word in "red blue old new big small dear dark warm cold far own".split()
]
FR = [text.replace("the", "la").replace("house", "maison") for text in EN]


def write(folder, **files):
    for name, lines in files.items():
        path = folder / name.replace("__", ".")
        text = "\n".join(lines) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, a__en=EN, a__fr=FR)


def rows(data, split, languages=("en", "fr")):
    part = getattr(data, split).of(languages)
    return list(zip(*part.texts.values(), strict=True))


def test_lines_of_two_files_correspond_in_every_split(folder):
    data = load(f"parallel:{folder}/a.en,{folder}/a.fr")
    assert data.info.languages == ("en", "fr")
    assert data.info.sizes == {"train": 10, "validation": 1, "test": 1}
    everything = [row for split in ("train", "validation", "test") for row in rows(data, split)]
    assert sorted(everything) == sorted(zip(EN, FR, strict=True))
    again = load(f"parallel:{folder}/a.en,{folder}/a.fr", seed=1)
    assert rows(again, "test") != rows(data, "test") or rows(again, "train") != rows(data, "train")


def test_a_sentence_that_stands_there_twice_is_on_one_side(tmp_path):
    write(tmp_path, a__en=EN * 3, a__fr=[f"{text} {n}" for n in range(3) for text in FR])
    data = load(f"parallel:{tmp_path}/a.en,{tmp_path}/a.fr")
    assert data.info.sizes == {"train": 30, "validation": 3, "test": 3}
    parts = [{en for en, _ in rows(data, split)} for split in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set().union(*parts))


def test_files_of_their_own_for_validation_and_test(folder):
    write(folder, v__en=["a", "b"], v__fr=["à", "bé"])
    held = f"{folder}/v.en,{folder}/v.fr"
    data = load(f"parallel:{folder}/a.en,{folder}/a.fr", validation=held, test=held)
    assert data.info.sizes == {"train": 12, "validation": 2, "test": 2}
    assert rows(data, "test") == [("a", "à"), ("b", "bé")]


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path):
    write(tmp_path, train__en__gz=EN, train__fr=FR, train__cs=EN, val__en=EN[:2], val__fr=FR[:2],
          test_2016__en=EN[:1], test_2016__fr__gz=FR[:1], notes__txt=["x"])  # fmt: skip
    data = load(f"parallel:{tmp_path}", languages="fr,en")
    assert data.info.languages == ("fr", "en")
    assert data.info.sizes == {"train": 12, "validation": 2, "test": 1}
    assert rows(data, "test") == [(EN[0], FR[0])]


def test_multi30k_as_it_is_published():
    data = load(f"parallel:{shared('data', 'multi30k')}/raw", languages="en,de")
    assert data.info.sizes == {"train": 29000, "validation": 1014, "test": 1000}
    first = data.test[:1].of(("de", "en")).texts
    assert first["en"] == ["A man in an orange hat starring at something."]
    assert first["de"] == ["Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt."]


def test_unequal_files_are_refused_with_counts_and_the_first_line_that_differs(tmp_path):
    spec = f"parallel:{tmp_path}/a.en,{tmp_path}/a.fr"
    write(tmp_path, a__en=EN, a__fr=FR[:-2])
    with pytest.raises(InputError, match=r"a\.en has 12 lines and .*a\.fr has 10; .*line 11") as e:
        load(spec)
    assert repr(EN[10]) in str(e.value) and "absent in a.fr" in str(e.value)
    write(tmp_path, a__en=[*EN[:4], "", *EN[4:]], a__fr=FR)
    with pytest.raises(InputError, match=r"13 lines and .* 12; .*line 5, which is '' in a\.en"):
        load(spec)


def test_bytes_that_are_not_utf8_are_named_with_file_and_line(folder):
    (folder / "a.fr").write_bytes("\n".join(FR[:3]).encode() + b"\n\xe9t\xe9\n")
    with pytest.raises(InputError, match=r"a\.fr, line 4 is not valid UTF-8"):
        load(f"parallel:{folder}/a.en,{folder}/a.fr")


def test_empty_lines_are_skipped_and_counted_or_refused(tmp_path):
    write(tmp_path, a__en=["", *EN[1:]], a__fr=[*FR[:6], "  ", *FR[7:]])
    spec = f"parallel:{tmp_path}/a.en,{tmp_path}/a.fr"
    data = load(spec)
    assert sum(data.info.sizes.values()) == 10
    assert len(data.info.skipped) == 1
    assert data.info.skipped[0].startswith("2 lines are empty, the first is line 1 of")
    with pytest.raises(InputError, match="2 lines are empty"):
        load(spec, strict=True)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("a.en", {}, "two or more files"),
        ("a.en,b.en", {}, "two or more files"),
        ("a.en,none.fr", {}, "none.fr cannot be read"),
        ("a.en,a.fr", {"test": "{0}/a.en,{0}/a.de"}, "test files are in en, de"),
        ("", {}, "no training files"),
        ("", {"test": "t.en,t.fr"}, "and other files beside it"),
    ],
)
def test_other_mistakes_in_naming_files(folder, spec, options, message):
    path = ",".join(f"{folder}/{name}" for name in spec.split(","))
    options = {key: value.format(folder) for key, value in options.items()}
    with pytest.raises(InputError, match=message):
        load(f"parallel:{path}", **options)


def test_translations_of_tensorflow_datasets_through_the_mocked_library():
    with tfds.testing.mock_data(num_examples=3):
        data = load("tfds:ted_hrlr_translate/pt_to_en")
        part = data.test.of(("pt", "en"))
    assert set(data.info.languages) == {"pt", "en"}
    assert [len(texts) for texts in part.texts.values()] == [3, 3]
    with pytest.raises(InputError, match="The languages pt, fr were given"):
        data.test.of(("pt", "fr"))


def test_long_sentences_are_cut_with_their_end_kept_or_refused():
    vocabulary = make_vocabulary("word", EN)
    texts = [*EN, "the red blue old new house"]
    encoded, cut = encode_sentences(texts, vocabulary, 4)
    assert cut == 1 and [len(row) for row in encoded] == [5] * 12 + [6]
    assert vocabulary.decode(encoded[-1]) == "the red blue old"
    assert encoded[-1][-1] == vocabulary.END
    with pytest.raises(InputError, match="1 sentences are longer than 4 words; the first has 6"):
        encode_sentences(texts, vocabulary, 4, strict=True)


def test_batches_visit_every_pair_once_and_go_on_anywhere():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 12, 50)
    sources = [np.full(n, number, "int32") for number, n in enumerate(lengths, 10)]
    targets = [np.append(row, np.int32(2)) for row in sources]
    stream = list(translation_batches(sources, targets, batch_size=8, seed=4).take(12))
    for epoch in (stream[:6], stream[6:]):
        seen = [int(n) for inputs, _ in epoch for n in inputs["source"][:, 0]]
        assert len(set(seen)) == len(seen) == 48
    for inputs, out in stream:
        for source, given, wanted in zip(inputs["source"], inputs["target_in"], out, strict=True):
            number, length = int(source[0]), lengths[int(source[0]) - 10]
            assert source.numpy().tolist() == [number] * length + [0] * (len(source) - length)
            assert given.numpy()[1:].tolist() == wanted.numpy()[:-1].tolist()
            assert wanted.numpy().tolist().count(2) == 1
        # Sorted by length: less padding than at random.
        assert np.ptp((inputs["source"].numpy() != 0).sum(axis=1)) <= 3
    later = list(translation_batches(sources, targets, batch_size=8, seed=4, first=8).take(2))
    for (inputs, _), (expected, _) in zip(later, stream[8:10], strict=True):
        np.testing.assert_array_equal(inputs["source"], expected["source"])


def test_batches_of_pairs_of_languages_stand_side_by_side():
    sides = [[np.full(4, number, "int32") for number in range(first, first + 20)]
             for first in (10, 40, 70)]  # fmt: skip
    pairs = {("en", "fr"): sides[:2], ("nl", "fr"): (sides[2], sides[1])}
    arguments = {"batch_size": 8, "seed": 4}
    batches = multilingual_batches(pairs, first=3, **arguments).take(2)
    alone = {
        "_".join(pair): iter(translation_batches(*each, first=3, **arguments))
        for pair, each in pairs.items()
    }
    for inputs, targets in batches:
        assert len(inputs) == 4 and list(targets) == list(alone)
        for name, stream in alone.items():
            read, written = next(stream)
            np.testing.assert_array_equal(targets[name], written)
            for side, expected in read.items():
                np.testing.assert_array_equal(inputs[f"{name}_{side}"], expected)


def test_groups_are_divided_by_empty_lines(tmp_path):
    file = tmp_path / "groups.txt"
    file.write_text("a b\na, b\n\n\nc d\nc and d\nd\n")
    assert sentence_groups(file) == [("a b", ["a b", "a, b"]), ("c d", ["c d", "c and d", "d"])]
    file.write_text("a\nb\n\nc\n")
    with pytest.raises(InputError, match="groups of 2, 1 sentences"):
        sentence_groups(file)


def test_the_columns_of_a_table_are_written_into_files_as_its_refusal_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"sentence {n}\tphrase {n}\n" for n in range(30))
    (tmp_path / "pairs.tsv").write_text(rows)
    with pytest.raises(InputError) as refusal:
        load("parallel:pairs.tsv")
    commands = re.findall(r"cut -f\d \S+ > \S+", str(refusal.value))
    assert len(commands) == 2
    for command in commands:
        subprocess.run(command, shell=True, check=True)
    (spec,) = re.findall(r"parallel:pairs\.\w+,\S+\w", str(refusal.value))
    data = load(spec)
    assert data.info.languages == ("en", "fr") and sum(data.info.sizes.values()) == 30
    first = data.train[0]
    assert first.texts["fr"] == first.texts["en"].replace("sentence", "phrase")
