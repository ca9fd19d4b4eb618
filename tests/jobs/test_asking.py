"""Which model answers, and one answer after another."""

import io
import json
import shutil

import pytest

import keras_classics as kc
from jobs.toys import Toy, slope_of
from support import ROOT


def run(*argv):
    return kc.jobs.run(Toy, list(map(str, argv)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a whole job."""
    folder = tmp_path_factory.mktemp("jobs") / "run"
    assert run("--out", folder) == 0
    return folder


@pytest.fixture
def finished(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def test_a_folder_that_was_named_answers_or_is_refused(finished, tmp_path, monkeypatch, capsys):
    shipped = shutil.copytree(finished / "saved_model", tmp_path / "shipped")
    monkeypatch.setattr(Toy, "shipped", shipped)
    monkeypatch.setattr(Toy, "out", tmp_path / "own")
    assert run("ask", "1", "--out", tmp_path / "none") == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'none'} does not exist. Allowed: the --out of a finished run" in said
    assert "or train it: python applications/toy.py --out" in said
    # The remedy for who meant the shipped model, with results in a new folder.
    remedy = said.split("write ")[1].split(" for the shipped model")[0].split()
    assert run("ask", "1", "--out", tmp_path / "new", *remedy) == 0
    assert f"answers from {shipped}" in capsys.readouterr().err
    (tmp_path / "none").mkdir()
    assert run("ask", "1", "--out", tmp_path / "none") == 1
    assert "holds no exported model, and holds no trained line" in capsys.readouterr().err
    assert run("ask", "1") == 0
    assert f"answers from the shipped model, {shipped}" in capsys.readouterr().err
    shutil.copytree(finished, tmp_path / "own")
    for arguments in ([], ["--from", tmp_path / "own"], ["--from", tmp_path / "own/saved_model"]):
        assert run("ask", "1", *arguments) == 0
        assert f"answers from {tmp_path / 'own' / 'saved_model'}" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "own" / "saved_model")
    assert run("ask", "1", "--times", 3, "--slope", 2) == 0
    said = capsys.readouterr()
    assert f"answers from {tmp_path / 'own' / 'model.keras'}" in said.err
    slope = slope_of(kc.load_model(tmp_path / "own" / "model.keras"))
    assert said.out == f"1: {3 * slope:.3f}\n"


def test_a_program_asks_as_the_command_does_and_no_query_has_another_ones_results(
    finished, tmp_path, monkeypatch
):
    def answered(job):
        job.table("asked.csv", {"asked": job.seen})

    def line_at(job, query, slope):
        job.seen.append(query)
        return of_toy(job, query, slope)

    of_toy = Toy.line_at
    monkeypatch.setattr(Toy, "seen", [], raising=False)
    monkeypatch.setattr(Toy, "complete", lambda job: setattr(job, "seen", []))
    monkeypatch.setattr(Toy, "line_at", line_at)
    monkeypatch.setattr(Toy, "answered", answered)
    before = sorted(path.name for path in finished.iterdir())
    answers = kc.jobs.Answers(Toy, finished, times=3)
    slope = slope_of(kc.load_model(finished / "model.keras"))
    for query in ("1", "2"):
        found = answers(query, tmp_path / query)
        assert found.record["value"] == pytest.approx(3 * slope * int(query))
        assert (tmp_path / query / "asked.csv").read_text() == f"asked\n{query}\n"
    assert sorted(path.name for path in finished.iterdir()) == before
    with pytest.raises(kc.InputError, match="'one' is no number"):
        answers("one", tmp_path)
    with pytest.raises(kc.InputError, match="does not exist"):
        kc.jobs.Answers(Toy, tmp_path / "none")


def test_nothing_is_written_into_a_shipped_run(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(Toy, "shipped", finished)
    monkeypatch.setattr(Toy, "out", tmp_path / "own")
    monkeypatch.setattr(Toy, "answered", lambda job: job.table("asked.csv", {"x": [1]}))
    assert run("ask", "1") == 0
    assert (tmp_path / "own" / "asked.csv").exists() and not (finished / "asked.csv").exists()


def test_an_answer_is_one_where_nothing_can_be_written(finished, tmp_path, monkeypatch, capsys):
    def answered(job):
        job.results = finished / "run.json" / "no folder"
        job.table("answers.csv", {"x": [1]})

    monkeypatch.setattr(Toy, "answered", answered)
    assert run("ask", "1", "--out", finished) == 0
    said = capsys.readouterr()
    assert said.out.startswith("1: ") and "error" not in said.err
    assert "not kept: " in said.err and "cannot be written" in said.err


def test_standard_input_has_an_answer_for_every_line(finished, monkeypatch, capsys):
    lines = b"\xef\xbb\xbf1\n\n2\nx\n3\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert run("ask", "--out", finished) == 1
    said = capsys.readouterr()
    assert [line[:2] for line in said.out.splitlines()] == ["1:", "", "2:", "", "3:"]
    assert "'x' is no number" in said.err and "answers from" in said.err


def test_a_line_that_is_no_text_is_one_error_and_the_others_are_answered(
    finished, monkeypatch, capsys
):
    lines = b"1\n\xff\xfe\n2\n"
    for flags in ([], ["--json"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
        assert run("ask", *flags, "--out", finished) == 1
        said = capsys.readouterr()
        errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert errors == [
            "error: Line 2 of standard input is not valid UTF-8. Allowed: UTF-8. Convert the text."
        ]
        first, second, third = said.out.splitlines()
        if flags:
            assert json.loads(second)["error"].startswith("Line 2 of standard input")
            first, second, third = (json.loads(each).get("value") for each in said.out.splitlines())
            assert first and second is None and third
        else:
            assert (first[:2], second, third[:2]) == ("1:", "", "2:")
    monkeypatch.setattr("sys.stdin", None)
    assert run("ask", "--out", finished) == 0


def test_an_argument_that_is_no_text_is_one_error_and_the_others_are_answered(finished, capsys):
    assert run("ask", "--out", finished, "a\udcff", "3") == 1
    out, err = capsys.readouterr()
    assert r"'a\udcff' is not valid UTF-8" in err and "3" in out


def test_a_training_that_was_stopped_is_called_unfinished_with_its_command(
    tmp_path, monkeypatch, capsys
):
    out = tmp_path / "a run"
    typed = ["toy.py", "train", "--out", str(out), "--stop-at", "5"]
    monkeypatch.setattr("sys.argv", typed)
    assert kc.jobs.run(Toy, typed[1:]) == 130
    capsys.readouterr()
    for verb in (["ask", "1", "--from"], ["ask", "1", "--out"], ["look", "--out"]):
        assert run(*verb, out) == 1
        said = " ".join(capsys.readouterr().err.split())
        assert "is unfinished: 5 steps of its 3 epochs" in said, said
        assert f"run: python toy.py train --out '{out}' --stop-at 5" in said, said


@pytest.mark.parametrize("takes, gives", [({"images": "uint8"}, ["captions"]),
                                          ({"texts": "string"}, ["units"])])  # fmt: skip
def test_the_export_of_another_job_is_refused_with_what_both_take(tmp_path, takes, gives):
    folder = ROOT / "saved_models" / "translation-phrases"
    job = Toy(Toy.Settings(), tmp_path, None)
    assert kc.jobs.Job.open_export(job, folder)
    job.takes, job.gives = {"texts": "string"}, ["translations"]
    assert kc.jobs.Job.open_export(job, folder)
    job.takes, job.gives = takes, gives
    with pytest.raises(kc.InputError, match=r"takes texts \(string\) and answers with .*transl"):
        kc.jobs.Job.open_export(job, folder)


def test_the_help_names_what_is_done_without_a_verb_what_is_asked_and_the_formats(
    monkeypatch, capsys
):
    def told(*argv):
        with pytest.raises(SystemExit):
            run(*argv, "--help")
        return " ".join(capsys.readouterr().out.split())

    assert "none train, evaluate, export, look, ask, one after the other" in told()
    asked = told("ask")
    assert "ask [NUMBER ...] [flags]" in asked and "or else the lines of standard input" in asked
    assert "--format {saved_model,litert,onnx}" in told("export")
    monkeypatch.setattr(Toy, "whole_verbs", ("train", "ask"))
    monkeypatch.setattr(Toy, "formats", ("saved_model",))
    assert "none train, ask, one after the other" in told()
    alone = told("export")
    assert "--format {saved_model}" in alone and "by default OUT/saved_model --" in alone
    assert run("export", "--format", "onnx") == 2
    assert "saved_model" in capsys.readouterr().err


def test_what_two_verbs_would_say_is_said_once(capsys):
    output = kc.jobs.output.Output()
    for _ in range(2):
        output.remark_once("skipped: broken.jpg")
    assert capsys.readouterr().out == "skipped: broken.jpg\n"
