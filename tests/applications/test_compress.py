"""The application that makes networks small, as a user meets it."""

import itertools
from types import SimpleNamespace

import numpy as np
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
    "as trained", "80% zeros", "40% of filters out", "values shared", "float32 onnx", "int8 onnx",
    "float32 litert", "int8 litert", "student, by labels", "student, by the teacher",
    "signs, in float32", "signs, packed", "the fastest form",
]  # fmt: skip


@pytest.mark.slow
def test_the_whole_job_fills_the_ledger_and_a_verb_renews_its_lines(tmp_path, capsys, monkeypatch):
    application = load_application("compress")
    from compressors import ledger

    monkeypatch.setattr(ledger, "TURNS", 1)
    assert application.main([*SMALL, "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    book = pd.read_csv(tmp_path / "ledger.csv").set_index("form")
    # Of 40 samples one is more than may be lost: then a form in eight bits is not written.
    assert [form for form in FORMS if form not in book.index and "int8" not in form] == []
    assert [form for form in FORMS if form in book.index] == list(book.index)
    assert book.loc["80% zeros", "weights"] < 0.3 * book.loc["as trained", "weights"]
    assert book.loc["80% zeros", "zipped"] < 0.5 * book.loc["as trained", "zipped"]
    packed, signs = book.loc["signs, packed"], book.loc["signs, in float32"]
    assert packed["accuracy"] == signs["accuracy"] and packed["zipped"] < 0.15 * signs["zipped"]
    # All are timed together, in the end, and every form is a file.
    assert (book["milliseconds"] > 0).all() and (book["spread"] >= 1).all()
    times = book["milliseconds"][book["beside"]].to_numpy() / book["milliseconds"]
    np.testing.assert_allclose(book["times_faster"], times)
    assert told.count("milliseconds") == 1 and told.count("as trained") >= 1
    for file in book["file"]:
        assert (tmp_path / file).exists(), file
    assert kc.load_model(tmp_path / "shared.keras").count_params() > 0
    typed = ["prune", "--sparsity", "0.5", "--tune-epochs", "1", "--quiet"]
    assert application.main([*typed, "--out", str(tmp_path)]) == 0
    renewed = pd.read_csv(tmp_path / "ledger.csv").set_index("form")
    assert "50% zeros" in renewed.index and "80% zeros" not in renewed.index
    # What was timed with others isn't any more, until all are timed anew.
    assert len(renewed) == len(book) and np.isnan(renewed.loc["50% zeros", "milliseconds"])


def test_flags_without_a_meaning_are_refused(tmp_path, capsys):
    application = load_application("compress")
    assert application.main(["fastest", "--sparsity", "0.5", "--out", str(tmp_path)]) == 2
    assert "--sparsity" in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed", ["--sparsity 1", "--filters 1", "--bits 17", "--bits 0", "--samples 5",
              "--tune-epochs 0", "--temperature 0"],
)  # fmt: skip
def test_numbers_that_no_step_could_take_are_refused_before_any(tmp_path, capsys, typed):
    application = load_application("compress")
    out = tmp_path / "run"
    assert application.main([*typed.split(), "--out", str(out)]) == 1
    option, value = typed.split()
    said = capsys.readouterr().err
    assert f"{option} {value}" in said and f"Leave {option} out" in said and not out.exists()


def rows(**columns):
    lines = [
        ("train", "as trained", "model.keras", "as trained", 1000),
        ("prune", "80% zeros", "pruned.keras", "as trained", 400),
        ("prune", "filters out", "stripped.keras", "as trained", 600),
        ("quantize", "int8", "int8.onnx", "float32", 100),
    ]
    found = pd.DataFrame(lines, columns=["verb", "form", "file", "beside", "zipped"])
    return found.assign(**columns)


def test_a_sentence_stands_for_each_form_that_is_smaller_and_no_faster():
    load_application("compress")
    from compressors import ledger

    # That of zeros depends on what was measured, and the trained form is not smaller than itself.
    (told,) = ledger.doubts(rows(spread=1.0, times_faster=[1, 1.02, 1.4, np.nan]))
    assert told == (
        "80% zeros: smaller than as trained, and no faster (1.02 times): dense kernels multiply "
        "zeros too"
    )
    (told,) = ledger.doubts(rows(spread=1.0, times_faster=[1, 1.29, 0.9, np.nan]))
    assert told == "filters out: smaller than as trained, and no faster (0.90 times)"
    (told,) = ledger.doubts(rows(spread=[1, 1.1, 1.86, 1], times_faster=2.0))
    assert told.startswith("Rounds differ up to 1.86 times: measure again")


def test_all_forms_take_turns_and_those_that_are_gone_are_left_out(tmp_path, monkeypatch):
    load_application("compress")
    from compressors import ledger

    for file in ("model.keras", "pruned.keras", "int8.onnx"):
        (tmp_path / file).touch()
    asked = []
    monkeypatch.setattr(ledger, "opened", lambda path: lambda batch: asked.append(path.name))
    clock = itertools.count()

    def in_turns(calls, turns):
        for call in calls.values():
            call()
        slower = 1 + next(clock)
        return {"as trained": 0.04 * slower, "80% zeros": 0.02, "int8": 0.01}

    monkeypatch.setattr(ledger, "in_turns", in_turns)
    monkeypatch.setattr(ledger, "CALLS", 20)
    found = ledger.timed(rows(), tmp_path, np.zeros((2, 2, 1))).set_index("form")
    assert list(found.index) == ["as trained", "80% zeros", "int8"]
    np.testing.assert_allclose(found["milliseconds"], [2, 1, 0.5])
    np.testing.assert_allclose(found["spread"], [3, 1, 1])
    # What it would be compared with is not there.
    np.testing.assert_allclose(found["times_faster"], [1, 2, np.nan])
    assert len(asked) == 3 * 3 * ledger.CALLS


def test_files_are_opened_on_all_processors(tmp_path, monkeypatch):
    load_application("compress")
    from compressors import forms

    given = []

    def reopen(path, threads):
        given.append((path.name, threads))
        return SimpleNamespace(inputs={"x": None}, __call__=None)

    monkeypatch.setattr(kc.export, "reopen", reopen)
    monkeypatch.setattr(kc.export, "processors", lambda: 7)
    for file in ("a.tflite", "a.onnx", "saved_model"):
        forms.opened(tmp_path / file)
    assert given == [("a.tflite", 7), ("a.onnx", 7), ("saved_model", 7)]


def test_a_verb_renews_its_lines_and_refuses_another_ledger(tmp_path):
    load_application("compress")
    from compressors import ledger

    path, verbs = tmp_path / "ledger.csv", ["train", "prune", "share"]
    for verb, form in ("share", "s"), ("prune", "p"), ("train", "t"), ("prune", "q"):
        known = {"form": form, "file": f"{form}.keras", "beside": "t", "zipped": 1, "note": ""}
        ledger.renewed(path, verbs, verb, [known]).to_csv(path, index=False)
    found = ledger.renewed(path, verbs, "share", [])
    assert list(found["form"]) == ["t", "q"] and ledger.records(found)[0]["milliseconds"] is None
    assert "NaN" not in ledger.shown(found)
    path.write_text("verb,form\nprune,a\n")
    with pytest.raises(kc.InputError, match="of other columns or verbs.*Delete it"):
        ledger.renewed(path, verbs, "prune", [])
