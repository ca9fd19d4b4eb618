"""The one runner, on a job that is trained in a moment."""

import dataclasses
import errno
import fcntl
import importlib.util
import json
import shutil
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest

import keras_classics as kc
from jobs.toys import Toy, slope_of
from keras_classics.core.boundary import files
from keras_classics.jobs.flags import EXPORTS, flags_of, parse
from keras_classics.jobs.settings import told
from support import run_on


def run(*argv):
    return kc.jobs.run(Toy, list(map(str, argv)))


def record_of(folder):
    return json.loads((folder / "run.json").read_text())


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a whole job."""
    folder = tmp_path_factory.mktemp("jobs") / "run"
    assert run("--out", folder) == 0
    return folder


@pytest.fixture
def finished(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def test_the_whole_job_leaves_everything_and_says_each_thing_once(tmp_path, capsys):
    assert run("--out", tmp_path / "run") == 0
    said = capsys.readouterr()
    assert said.err == "" and "\x1b" not in said.out and "\r" not in said.out
    for line in ("epoch 3 of 3: ", "trained: ", "the line [red]", "exported: ", "slope ", "1: "):
        assert said.out.count(line) == 1
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left >= {"run.json", "model.keras", "names.json", "history.csv", "history.png",
                    "metrics.json", "metrics.csv", "checkpoint.npz", "saved_model"}  # fmt: skip


def test_a_record_says_what_is_trained_and_when_the_work_ended(whole):
    record = record_of(whole)
    assert record["job"] == "toy" and record["backend"] == "tensorflow"
    assert record["settings"]["epochs"] == 3 and record["settings"]["slope"] == 2.0
    # What does not make the run is no part of its settings.
    assert not {"digits", "times", "strategy", "stop_at"} & set(record["settings"])
    assert record["data"]["examples"] == {"train": 16, "validation": 4}
    [session] = record["sessions"]
    assert session["outcome"] == "finished" and session["to_step"] == 12
    assert session["started"] <= session["ended"] and session["seconds"] >= 0


def test_a_finished_training_stays_finished(finished, capsys):
    before = content(finished)
    assert run("train", "--out", finished) == 0
    assert "already trained: " in capsys.readouterr().out
    assert content(finished) == before


def test_a_stopped_training_goes_on_to_the_same_weights_and_has_a_line_for_each_stretch(
    whole, tmp_path
):
    out = tmp_path / "run"
    assert run("train", "--stop-at", 6, "--out", out) == 130
    assert not (out / "model.keras").exists()
    assert run("train", "--out", out) == 0
    ends = [(each["outcome"], each["from_step"], each["to_step"])
            for each in record_of(out)["sessions"]]  # fmt: skip
    assert ends == [("interrupted", 0, 6), ("finished", 6, 12)]
    found, expected = (kc.load_model(each / "model.keras") for each in (out, whole))
    assert slope_of(found) == slope_of(expected)


def test_a_longer_training_says_what_it_means_and_keeps_how_the_run_began(finished, capsys):
    began = record_of(finished)
    assert run("train", "--epochs", 5, "--out", finished) == 0
    said = capsys.readouterr().out
    assert "3 epochs were planned and 3 made; now there are 5" in said
    assert "was exported before the model was trained further" in said
    record = record_of(finished)
    assert record["settings"]["epochs"] == 5 and record["started"] == began["started"]
    assert [each["epochs"] for each in record["sessions"]] == [3, 5]
    assert run("ask", "1", "--out", finished) == 0
    assert "was exported before the model was trained further" in capsys.readouterr().err
    assert run("export", "--out", finished) == 0
    assert run("ask", "1", "--out", finished) == 0
    assert "trained further" not in capsys.readouterr().err


def alter(folder, **members):
    (folder / "run.json").write_text(json.dumps({**record_of(folder), **members}))


REFUSED = {
    "another setting": (["--slope", "3"], "slope 2.0, now 3.0"),
    "another seed": (["--seed", "1"], "seed 0, now 1"),
    "another class": (["--names", "a", "b", "c"], "names ['a', 'b'], now"),
    "fewer epochs": (["--epochs", "2"], "--epochs 2 was given for a run that has made 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_training_changes_nothing(finished, case, capsys):
    arguments, message = REFUSED[case]
    before = content(finished)
    assert run("train", *arguments, "--out", finished) == 1
    assert message in capsys.readouterr().err
    assert content(finished) == before


def test_data_that_changed_behind_a_runs_back_are_refused(finished, monkeypatch, capsys):
    before = content(finished)
    monkeypatch.setattr(Toy, "factor", -1.0)
    assert run("train", "--epochs", 4, "--out", finished) == 1
    assert "on other data (as many examples, but others)" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(Toy, "data", property(lambda self: halved(self)))
    assert run("train", "--epochs", 4, "--out", finished) == 1
    assert "train had 16, now 8" in capsys.readouterr().err
    assert content(finished) == before


def halved(job):
    info = kc.data.Info(name="points", sizes={"train": 8, "validation": 4, "test": 4})
    return type("Data", (), {"info": info})


def test_what_is_wrong_with_data_is_said_once(finished, monkeypatch, capsys):
    def faulty(self):
        sizes = {"train": 16, "validation": 4, "test": 4}
        made_with, skipped = {"numpy": "9"}, ("one point is missing",)
        return SimpleNamespace(
            info=kc.data.Info(name="points", sizes=sizes, made_with=made_with, skipped=skipped)
        )

    alter(finished, data={**record_of(finished)["data"], "made_with": {"numpy": "1"}})
    data = cached_property(faulty)
    data.__set_name__(Toy, "data")
    monkeypatch.setattr(Toy, "data", data)
    assert run("evaluate", "--out", finished) == 0
    said = capsys.readouterr().out
    assert said.count("skipped: one point is missing") == 1
    assert "made with numpy 1, now 9" in said


def test_facts_another_backend_and_another_job_are_refused_before_anything_is_written(
    finished, capsys
):
    # As a folder whose data had a class more.
    kept = record_of(finished)
    (finished / "names.json").write_text('["a", "b", "c"]')
    before = content(finished)
    assert run("train", "--epochs", 4, "--out", finished) == 1
    assert "is of other data (a, b, c, now a, b)" in capsys.readouterr().err
    assert content(finished) == before
    assert run("evaluate", "--out", finished) == 1
    assert "names.json has 3 names and the model 2" in capsys.readouterr().err
    alter(finished, backend="jax")
    assert run("train", "--epochs", 4, "--out", finished) == 1
    assert "training on the jax backend" in capsys.readouterr().err
    alter(finished, backend="tensorflow", job="captioning")
    for verb in ("train", "evaluate", "export"):
        assert run(verb, "--out", finished) == 1
        assert "holds a run of captioning" in capsys.readouterr().err
    alter(finished, **kept)


def test_a_run_of_before_there_were_sessions_and_fingerprints_is_continued(finished, capsys):
    record = record_of(finished)
    old = {key: record[key] for key in ("command", "commit", "started", "versions", "machine")}
    settings = {**record["settings"], "strict": False, "pictures": 3}
    del settings["skip_non_finite"]
    (finished / "run.json").write_text(json.dumps({**old, "settings": settings}))
    assert run("evaluate", "--out", finished) == 0
    assert run("train", "--epochs", 4, "--out", finished) == 0
    record = record_of(finished)
    assert record["started"] == old["started"] and len(record["sessions"]) == 1


def test_two_trainings_do_not_share_a_folder(finished, capsys):
    with (finished / ".training").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = content(finished)
        assert run("train", "--epochs", 4, "--out", finished) == 1
    error = capsys.readouterr().err
    assert "Another training uses this folder" in error and error.count("\n") == 1
    assert content(finished) == before
    assert run("train", "--epochs", 4, "--out", finished) == 0


def test_a_verb_has_only_its_flags(finished, capsys):
    for verb, arguments in (
        ("evaluate", ["--epochs", "3"]),
        ("evaluate", ["--strategy", "cpu"]),
        ("train", ["--digits", "2"]),
        ("export", ["--times", "2"]),
    ):
        assert run(verb, *arguments, "--out", finished) == 2
        error = capsys.readouterr().err
        assert f"{arguments[0]} was given to {verb}" in error and error.count("\n") == 1
    assert run("evaluate", "--out", finished, "--slope", 3) == 1
    assert "--slope 3.0, but" in capsys.readouterr().err
    # What made the run may be repeated.
    assert run("evaluate", "--out", finished, "--slope", 2, "--names", "a", "b") == 0


def test_a_flag_of_another_setting_is_refused_and_its_default_is_no_fault(finished, capsys):
    for arguments, place, allowed in (
        (["train", "--bend", "2"], "with --form line", "--bend with --form curve"),
        (["evaluate", "--bend", "2"], "with --form line", "--bend with --form curve"),
        (
            ["--bend", "2", "--corners", "3"],
            "with --form line",
            "--corners with --form curve and w",
        ),
        (["train", "--form", "curve", "--corners", "3"], "", "the flags of train"),
        (["--form", "curve", "--corners", "3"], "with --bend 1.0", "and with --bend"),
    ):
        before = content(finished)
        assert run(*arguments, "--out", finished) == 2
        error = capsys.readouterr().err
        assert f"given {place}" in error and allowed in error and error.count("\n") == 1
        assert content(finished) == before
    # As the message says: left out, or with what it belongs to.
    assert run("evaluate", "--bend", "1", "--corners", "2", "--out", finished) == 0
    curved = ["--form", "curve", "--bend", "2", "--out", finished / "curved"]
    assert run("train", *curved) == 0
    assert record_of(finished / "curved")["settings"]["bend"] == 2.0
    assert run("evaluate", "--corners", "3", "--out", finished / "curved") == 0
    assert run("evaluate", "--bend", "3", "--out", finished / "curved") == 1
    assert "--bend 3.0, but" in capsys.readouterr().err


def test_what_a_run_recorded_of_flags_without_a_meaning_does_not_keep_it_from_going_on(finished):
    assert "bend" not in record_of(finished)["settings"]
    alter(finished, settings={**record_of(finished)["settings"], "bend": 5.0})
    assert run("train", "--epochs", "4", "--out", finished) == 0
    assert run("evaluate", "--out", finished) == 0


def test_a_verb_of_another_setting_names_the_training_that_it_is_for(
    finished, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(Toy, "verb_needs", {"look": {"form": ["curve"]}})
    assert run("look", "--out", finished) == 1
    assert "a run with --form line. Allowed: runs with --form curve" in capsys.readouterr().err
    out = tmp_path / "none"
    assert run("look", "--out", out) == 1
    said = capsys.readouterr().err
    command = f"train --form curve --out {out}"
    assert said.endswith(f"toy.py {command}\n")
    assert run(*command.split()) == run("look", "--out", out) == 0


def test_the_help_of_a_verb_lists_its_flags_only(capsys):
    known = {each.option for each in flags_of(Toy.Settings)}
    for verb, shown in (
        ("evaluate", {"--corners", "--digits", "--strict"}),
        ("ask", {"--times"}),
    ):
        with pytest.raises(SystemExit) as ended:
            run(verb, "--help")
        assert ended.value.code == 0
        # Others may be named in what is said of these.
        first = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
        assert known & first == shown
    with pytest.raises(SystemExit):
        run("--help")
    said = capsys.readouterr().out
    assert all(option in said.split() for option in known) and "ask for the line" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "Did you mean 'train'"),
        (["--epcohs", "3"], "Did you mean '--epochs'"),
        (["train", "--epochs", "many"], "invalid int value"),
        (["train", "--precision", "float8"], "'float8' was given for --precision. Allowed: "),
        (["evaluate", "more"], "more was given"),
    ],
)
def test_typing_errors_are_one_sentence(arguments, message, capsys):
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_options_of_readers_are_typed_as_python_writes_them():
    asked = parse(
        Toy, ["train", "--data-options", "train=64", "objects=(1,2)", "name=x", "on=True"]
    )
    options = {"train": 64, "objects": (1, 2), "name": "x", "on": True}
    assert asked.typed == {"data_options": options}
    with pytest.raises(kc.InputError, match="key=value"):
        parse(Toy, ["train", "--data-options", "64"])


def test_results_as_json_are_all_that_stands_on_standard_output(tmp_path, capsys):
    assert run("--json", "--out", tmp_path / "run") == 0
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [sorted(line) for line in lines] == [
        ["epochs", "trained"], ["metrics"], ["exported"], ["slope"], ["query", "value"],
    ]  # fmt: skip
    assert "evaluating" in said.err and "epoch 3 of 3" in said.err


def test_quiet_leaves_the_results(finished, capsys):
    assert run("evaluate", "--quiet", "--out", finished) == 0
    said = capsys.readouterr()
    assert "the line" in said.out and "evaluating" not in said.out and said.err == ""


def test_a_job_that_cannot_be_asked_for_is_named_before_the_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Toy, "extras", {"evaluate": [("no_such_module", "captions")]})
    assert run("--out", tmp_path / "run") == 1
    assert "pip install 'keras-classics[captions]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert run("train", "--out", tmp_path / "run") == 0


def test_a_verb_that_needs_no_run_is_done_without_one_and_leaves_one_as_it_is(
    finished, tmp_path, capsys
):
    class Counting(Toy):
        verbs = {**Toy.verbs, "count": "count the points"}
        runless = ("count",)

        def count(self):
            self.output.result(f"{len(self.split('test'))} points, {self.settings.slope}", {})

    before = content(finished)
    for folder in (tmp_path / "new", finished):
        assert kc.jobs.run(Counting, ["count", "--slope", "3", "--out", str(folder)]) == 0
        assert capsys.readouterr().out == "4 points, 3.0\n"
    assert content(finished) == before


def test_verbose_shows_where_a_mistake_was_found(finished, capsys):
    for arguments, code in (
        (["ask", "x"], 1),
        (["evaluate", "--slope", "3"], 1),
        (["ask", "1"], 0),
    ):
        for flags, shown in (([], 0), (["--verbose"], 1)):
            assert run(*arguments, *flags, "--out", finished) == code
            said = capsys.readouterr().err
            assert said.count("Traceback (most recent call last)") >= shown * code
            assert ("Traceback" in said) == bool(shown * code)
            assert said.count("error: ") == code


@dataclasses.dataclass(kw_only=True)
class WithFiles(Toy.Settings):
    files: list[Path] = kc.jobs.flag(list, "files")
    one: Path | None = kc.jobs.flag(None, "a file")


class Reader(Toy):
    """Draws a line, and names files."""

    Settings = WithFiles
    name = "reader"

    def look(self, model):
        self.output.result(f"{self.settings.files} {self.settings.one}", {})


def test_several_files_are_recorded_and_are_files_again(tmp_path, capsys):
    def read(verb, *files, one="x"):
        flags = ["--files", *files, "--one", one] if files else []
        return kc.jobs.run(Reader, [verb, *flags, "--out", str(tmp_path / "run")])

    assert read("train", "a", "b") == 0
    assert record_of(tmp_path / "run")["settings"]["files"] == ["a", "b"]
    capsys.readouterr()
    assert read("look") == read("look", "a", "b") == 0
    assert capsys.readouterr().out == f"{[Path('a'), Path('b')]} x\n" * 2
    assert read("look", "a") == read("look", "a", "b", one="y") == 1
    assert "--files ['a'], but" in capsys.readouterr().err


def test_paths_are_texts_in_a_record_wherever_they_stand():
    values = {"a": Path("x"), "b": [Path("x"), 1], "c": (Path("x"),), "d": {"e": [Path("x")]}}
    assert told(values) == {"a": "x", "b": ["x", 1], "c": ["x"], "d": {"e": ["x"]}}


def test_a_defect_of_ours_keeps_its_traceback(tmp_path, monkeypatch):
    def broken(self):
        raise ValueError("shapes (3,) and (4,) not aligned")

    monkeypatch.setattr(Toy, "build", broken)
    with pytest.raises(ValueError, match="not aligned"):
        run("train", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_failed_training_says_so_in_its_line(tmp_path, capsys):
    assert run("train", "--learning-rate", "1e38", "--out", tmp_path / "run") == 1
    assert "Training stopped at step" in capsys.readouterr().err
    [session] = record_of(tmp_path / "run")["sessions"]
    assert session["outcome"].startswith("failed: Training stopped") and session["ended"]
    skipping = ["--learning-rate", "1e38", "--skip-non-finite", "--out", tmp_path / "other"]
    assert run("train", *skipping) == 0
    assert "11 steps were left out" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["evaluate", "export", "look"])
def test_verbs_that_need_a_trained_model_say_how_to_have_one(verb, tmp_path, capsys):
    assert run(verb, "--out", tmp_path) == 1
    assert f"Run: python applications/toy.py train --out {tmp_path}" in capsys.readouterr().err


def test_logs_for_tensorboard_lie_in_the_run_or_the_extra_is_named(tmp_path, capsys):
    there = importlib.util.find_spec("tensorboard") is not None
    assert run("train", "--tensorboard", "--out", tmp_path / "run") == (0 if there else 1)
    if there:
        assert list((tmp_path / "run" / "tensorboard").rglob("events*"))
    else:
        assert "keras-classics[tensorboard]" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_without_tensorflow_as_backend_the_job_ends_with_an_answer_of_its_own_model(tmp_path):
    said = run_on(
        "torch",
        "import keras_classics as kc\n"
        "from jobs.toys import Toy\n"
        f"code = kc.jobs.run(Toy, ['--out', {str(tmp_path / 'run')!r}])\n"
        "print('code', code)\n"
        f"print('code', kc.jobs.run(Toy, ['export', '--out', {str(tmp_path / 'run')!r}]))\n",
    )
    assert said.startswith("on the torch backend there is no export")
    assert f"answers from {tmp_path / 'run' / 'model.keras'}" in said
    assert said.splitlines()[-3].startswith("1: ")
    assert said.splitlines()[-2:] == ["code 0", "code 1"]


def test_the_names_of_exports_are_those_of_their_formats():
    assert set(EXPORTS) == set(kc.export.FORMATS)
    assert keras.config.backend() == "tensorflow"


def test_a_twin_is_a_run_of_the_same_form_with_the_same_facts(finished, tmp_path, monkeypatch):
    other = shutil.copytree(finished, tmp_path / "other")
    form = property(lambda self: f"slope {self.settings.slope}")
    monkeypatch.setattr(Toy, "form", form, raising=False)
    job = kc.jobs.open_run(Toy, finished)
    assert slope_of(kc.jobs.open_twin(job, other, "form")) == slope_of(job.trained())
    (other / "names.json").write_text('["a", "c"]')
    with pytest.raises(kc.InputError, match=r"of whose files others are names\.json"):
        kc.jobs.open_twin(job, other, "form")
    alter(other, settings={**record_of(other)["settings"], "slope": 3.0})
    with pytest.raises(kc.InputError, match=r"a line of slope 3\.0\. Allowed: slope 2\.0"):
        kc.jobs.open_twin(job, other, "form")


def test_a_folder_that_cannot_be_written_is_named_before_the_evaluation(
    finished, monkeypatch, capsys
):
    def read_only(**arguments):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files.tempfile, "TemporaryDirectory", read_only)
    monkeypatch.setattr(Toy, "evaluate", None)
    assert run("evaluate", "--out", finished) == 1
    assert f"{finished} cannot be written (Read-only file system)" in capsys.readouterr().err


WRONG_VALUES = {
    "--seed": ("-1", str(10**23)),
    "--batch-size": ("0", "-4"),
    "--epochs": ("0", "-1", str(10**20)),
    "--learning-rate": ("0", "-1", "nan", "inf"),
    "--slope": ("nan",),
    "--out": ("", "a\udcffb"),
}


@pytest.mark.parametrize(
    ("option", "value"), [(key, value) for key, values in WRONG_VALUES.items() for value in values]
)
def test_a_value_that_is_none_is_refused_before_anything_is_written(
    option, value, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    out = [] if option == "--out" else ["--out", "run"]
    assert run("train", f"{option}={value}", *out) in (1, 2)
    said = capsys.readouterr().err
    assert said.startswith("error: ") and option in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_files_are_one_or_more(tmp_path, capsys):
    assert kc.jobs.run(Reader, ["train", "--files", "--out", str(tmp_path / "run")]) == 2
    assert "--files: expected at least one argument" in capsys.readouterr().err


def test_the_least_values_are_admitted():
    least = ["--seed", str(2**32 - 1), "--batch-size", "1", "--epochs", "1", "--stop-at", "0"]
    asked = parse(Toy, ["train", *least, "--learning-rate", "1e-9"])
    assert asked.typed == {
        "seed": 2**32 - 1, "batch_size": 1, "epochs": 1, "stop_at": 0, "learning_rate": 1e-9
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("form", "spiral"),
        ("data", None),
        ("data", ["points"]),
        ("data_options", 3),
        ("seed", {}),
        ("names", ["a", 1]),
    ],
)
def test_a_setting_of_another_kind_in_a_record_is_named(finished, name, value, capsys):
    settings = {**record_of(finished)["settings"], name: value}
    alter(finished, settings=settings)
    assert run("evaluate", "--out", finished) == 1
    assert f"run.json has {name}={value!r}" in capsys.readouterr().err


def test_what_cannot_be_batched_or_continued_is_refused_before_anything_is_written(
    finished, tmp_path, monkeypatch, capsys
):
    (finished / "history.csv").write_text("epoch,loss\nx,y\n")
    before = content(finished)
    assert run("train", "--epochs", "5", "--out", finished) == 1
    assert "no table of numbers by epoch" in capsys.readouterr().err
    assert content(finished) == before

    def refuse(*_):
        raise kc.InputError("too short")

    monkeypatch.setattr(Toy, "validation", refuse)
    assert run("train", "--out", tmp_path / "new") == 1
    assert "too short" in capsys.readouterr().err
    assert not list((tmp_path / "new").glob("*"))
