"""The comparison of translators on Multi30k's files, over a small corpus of the same layout."""

import gzip
import random

import pandas as pd
import pytest

from support import load_application

TINY = [
    "--vocabulary-size", "40", "--embedding-size", "8", "--units", "8", "--batch-size", "32",
]  # fmt: skip


@pytest.fixture
def application():
    return load_application("multi30k")


@pytest.fixture
def corpus(tmp_path):
    """A folder with three splits, in which German says the English words one by one."""
    words = dict(zip("dog cat man boy car tree".split(), "hund katze mann junge auto baum".split(),
                     strict=True))  # fmt: skip
    draw = random.Random(0)
    for split, count in {"train": 96, "val": 32, "test_2016_flickr": 16}.items():
        lines = [draw.choices(list(words), k=draw.randint(2, 5)) for _ in range(count)]
        for language, say in {"en": str, "de": words.get}.items():
            text = "".join(" ".join(map(say, line)) + "\n" for line in lines)
            (tmp_path / f"{split}.{language}.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path


@pytest.mark.slow
def test_systems_are_trained_scored_and_not_trained_again(application, corpus, tmp_path):
    out = tmp_path / "runs"
    flags = [str(corpus), "--pairs", "en-de", "--out", str(out), *TINY]
    assert application.main([*flags, "--systems", "none,attention", "--epochs", "1"]) == 0
    table = pd.read_csv(out / "metrics.csv", index_col=0)
    assert list(table.index) == ["en-de, none", "en-de, attention"]
    assert list(table) == ["BLEU", "chrF2", "epochs", "minutes"]
    assert (table["epochs"] == 1).all() and table["BLEU"].between(0, 100).all()
    assert application.main([*flags, "--systems", "none", "--epochs", "1"]) == 0
    history = pd.read_csv(out / "en-de-none" / "history.csv")
    assert list(history["epoch"]) == [1]
    again = pd.read_csv(out / "metrics.csv", index_col=0)
    assert again.loc["en-de, none", "chrF2"] == table.loc["en-de, none", "chrF2"]


def test_another_system_is_refused(application, tmp_path, capsys):
    assert application.main([str(tmp_path), "--systems", "none,transformer"]) == 1
    told = capsys.readouterr().err
    assert "Allowed: none, attention" in told and "Leave out transformer" in told
