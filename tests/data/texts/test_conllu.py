"""CoNLL-U files: what is read, what is passed over, what is refused."""

import gzip

import pytest

import keras_classics as kc
from keras_classics.data.faults import Faults
from keras_classics.data.texts.conllu import read_conllu
from support import shared

ROW = "{}\t{}\t_\t{}\tXX\t_\t0\troot\t_\t_\n"
SENTENCE = (
    "# text = Don't go\n"
    "1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    + ROW.format(1, "Do", "AUX")
    + ROW.format(2, "n't", "PART")
    + ROW.format(3, "go", "VERB")
    + "3.1\tgo\t_\tVERB\t_\t_\t_\t_\t_\t_\n\n"
)


def sentences(count, start=0):
    """Different ones: equal sentences are of one split."""
    return "".join(SENTENCE.replace("go", f"go{n}") for n in range(start, start + count))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.conllu"
    path.write_text(sentences(20))
    return path


def test_words_and_tags(file):
    data = kc.data.load(f"conllu:{file}")
    assert data.info.classes == ("AUX", "PART", "VERB")
    assert data.info.sizes == {"train": 16, "validation": 2, "test": 2}
    first = data.train[0]
    assert first.words[:2] == ["Do", "n't"]
    assert first.tags.tolist() == [0, 1, 2]


def test_files_are_splits_and_may_be_gzipped(file, tmp_path):
    packed = tmp_path / "test.conllu.gz"
    packed.write_bytes(gzip.compress(sentences(3).encode()))
    sizes = kc.data.load(f"conllu:{file},{packed}").info.sizes
    assert sizes == {"train": 18, "validation": 2, "test": 3}
    sizes = kc.data.load(f"conllu:{file},{packed},{file}").info.sizes
    assert sizes == {"train": 20, "validation": 3, "test": 20}


def test_faulty_sentences_are_skipped_or_refused_with_their_line(file):
    file.write_text(sentences(10) + "# x\n1\tone column too few\n\n" + sentences(10, 10))
    data = kc.data.load(f"conllu:{file}")
    assert sum(data.info.sizes.values()) == 20
    assert [f"{file}, line 72 has 2 columns" in each for each in data.info.skipped] == [True]
    with pytest.raises(kc.InputError, match="line 72 has 2 columns"):
        kc.data.load(f"conllu:{file}", strict=True)


@pytest.mark.parametrize("between", ["\t\n", "  \n", "\r\n", " \t \n\n"])
def test_a_line_of_white_space_ends_a_sentence(file, between):
    file.write_text(sentences(2).rstrip("\n").replace("\n\n", f"\n{between}") + "\n")
    assert [len(each.words) for each in read_conllu(file, Faults(strict=True))] == [3, 3]


@pytest.mark.parametrize(
    ("ids", "fault"),
    [
        ((1, 2, 1, 2), "line 3 is word 1 of its sentence.*the next one is 3"),
        ((2, 3), "line 1 is word 2 of its sentence"),
        ((1, 1), "line 2 is word 1 of its sentence"),
        (("1", "x"), "line 2 has the id 'x'"),
    ],
)
def test_the_numbers_of_words_are_checked(file, ids, fault):
    file.write_text("".join(ROW.format(each, "word", "X") for each in ids))
    with pytest.raises(kc.InputError, match=fault):
        list(read_conllu(file, Faults(strict=True)))


def test_one_tag_is_nothing_to_learn(file):
    with pytest.raises(kc.InputError, match="tagged 'root' in the column 'deprel'.*upos, xpos"):
        kc.data.load(f"conllu:{file}", column="deprel")
    assert kc.data.load(f"conllu:{file}", column="upos").info.classes == ("AUX", "PART", "VERB")


def test_equal_sentences_are_of_one_split(file):
    file.write_text(sentences(30) * 3)
    data = kc.data.load(f"conllu:{file}")
    words = {
        split: [tuple(each.words) for each in getattr(data, split)]
        for split in ("train", "validation", "test")
    }
    assert sum(len(set(each)) for each in words.values()) == 30
    assert {split: len(each) for split, each in words.items()} == {
        "train": 75, "validation": 6, "test": 9,
    }  # fmt: skip


def test_other_files_are_refused(file):
    file.write_text("Just a text.\n")
    with pytest.raises(kc.InputError, match="has no tagged sentence"):
        kc.data.load(f"conllu:{file}")
    with pytest.raises(kc.InputError, match="4 files were given"):
        kc.data.load("conllu:a,b,c,d")


@pytest.mark.slow
def test_the_english_treebank_is_read_whole():
    file = shared("data", "ud_english_ewt", "en_ewt-ud-train.conllu.gz")
    sentences = list(read_conllu(file, Faults(strict=True)))
    assert len(sentences) == 12_544
    assert sum(len(sentence.words) for sentence in sentences) == 204_577
    assert len({tag for sentence in sentences for tag in sentence.tags}) == 17


@pytest.mark.parametrize("number", ["²", "١", "1" * 5000])
def test_what_is_no_number_of_a_word_is_a_fault(file, number):
    file.write_text(sentences(5) + ROW.format(number, "word", "X"))
    faults = Faults()
    assert len(list(read_conllu(file, faults))) == 5
    assert "has the id" in faults.messages[0] and len(faults.messages[0]) < 300
