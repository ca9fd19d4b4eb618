"""The application that makes networks small, as a user meets it."""

import pandas as pd
import pytest

import keras_classics as kc
from support import load_application

for library in ("numba", "onnxruntime", "ai_edge_litert"):
    pytest.importorskip(library, reason=f"the whole job needs {library}")

SMALL = [
    "--data-options", "train=64", "validation=40", "test=12", "--epochs", "1", "--tune-epochs", "1",
    "--model-options", "width=0.25", "repeats=(1,1,1)", "--samples", "40", "--quiet",
]  # fmt: skip
FORMS = [
    "as trained", "80% zeros", "40% of filters out", "values shared", "int8 onnx", "int8 litert",
    "student, by labels", "student, by the teacher", "signs, in float32", "signs, packed",
]  # fmt: skip


@pytest.mark.slow
def test_the_whole_job_fills_the_ledger_and_a_verb_renews_its_lines(tmp_path):
    application = load_application("compress")
    assert application.main([*SMALL, "--out", str(tmp_path)]) == 0
    book = pd.read_csv(tmp_path / "ledger.csv").set_index("form")
    # Of 40 samples one is more than may be lost: then a form in eight bits is not written.
    assert [form for form in FORMS if form not in book.index and "int8" not in form] == []
    assert book.loc["80% zeros", "weights"] < 0.3 * book.loc["as trained", "weights"]
    assert book.loc["80% zeros", "zipped"] < 0.5 * book.loc["as trained", "zipped"]
    assert "multiply zeros too" in book.loc["80% zeros", "note"]
    packed, signs = book.loc["signs, packed"], book.loc["signs, in float32"]
    assert packed["accuracy"] == signs["accuracy"] and packed["zipped"] < 0.15 * signs["zipped"]
    kc.load_model(tmp_path / "stripped.keras")
    kc.compression.load_packed(tmp_path / "packed.npz")
    assert application.main(
        ["prune", "--sparsity", "0.5", "--tune-epochs", "1", "--quiet", "--out", str(tmp_path)]
    ) == 0  # fmt: skip
    renewed = pd.read_csv(tmp_path / "ledger.csv")
    assert "50% zeros" in list(renewed["form"]) and "80% zeros" not in list(renewed["form"])
    assert len(renewed) == len(book)


def test_flags_without_a_meaning_are_refused(tmp_path, capsys):
    application = load_application("compress")
    assert application.main(["fastest", "--sparsity", "0.5", "--out", str(tmp_path)]) == 2
    assert "--sparsity" in capsys.readouterr().err
