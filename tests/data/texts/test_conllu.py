"""CoNLL-U files: what is read, what is passed over, what is refused."""

import gzip

import pytest

import keras_classics as kc
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


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.conllu"
    path.write_text(SENTENCE * 20)
    return path


def test_words_and_tags(file):
    data = kc.data.load(f"conllu:{file}")
    assert data.info.classes == ("AUX", "PART", "VERB")
    assert data.info.sizes == {"train": 16, "validation": 2, "test": 2}
    first = next(data.train.as_numpy_iterator())
    assert first["words"].tolist() == [b"Do", b"n't", b"go"]
    assert first["tags"].tolist() == [0, 1, 2]
    assert kc.data.load(f"conllu:{file}", column="xpos").info.classes == ("XX",)


def test_files_are_splits_and_may_be_gzipped(file, tmp_path):
    packed = tmp_path / "test.conllu.gz"
    packed.write_bytes(gzip.compress(SENTENCE.encode() * 3))
    sizes = kc.data.load(f"conllu:{file},{packed}").info.sizes
    assert sizes == {"train": 18, "validation": 2, "test": 3}
    sizes = kc.data.load(f"conllu:{file},{packed},{file}").info.sizes
    assert sizes == {"train": 20, "validation": 3, "test": 20}


def test_faulty_sentences_are_skipped_or_refused_with_their_line(file):
    file.write_text(SENTENCE * 10 + "# x\n1\tone column too few\n\n" + SENTENCE * 10)
    data = kc.data.load(f"conllu:{file}")
    assert sum(data.info.sizes.values()) == 20
    assert [f"{file}, line 72 has 2 columns" in each for each in data.info.skipped] == [True]
    with pytest.raises(kc.InputError, match="line 72 has 2 columns"):
        kc.data.load(f"conllu:{file}", strict=True)


def test_other_files_are_refused(file):
    file.write_text("Just a text.\n")
    with pytest.raises(kc.InputError, match="has no tagged sentence"):
        kc.data.load(f"conllu:{file}")
    with pytest.raises(kc.InputError, match="4 files were given"):
        kc.data.load("conllu:a,b,c,d")


@pytest.mark.slow
def test_the_english_treebank_is_read_whole():
    file = shared("data", "ud_english_ewt", "en_ewt-ud-train.conllu.gz")
    sentences = list(kc.data.read_conllu(file, strict=True))
    assert len(sentences) == 12_544
    assert sum(len(sentence.words) for sentence in sentences) == 204_577
    assert len({tag for sentence in sentences for tag in sentence.tags}) == 17
