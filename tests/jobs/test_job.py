"""What every job has: its optimizer guarded, its reader's options checked, its flags in order."""

import dataclasses
import inspect
import sys

import keras
import numpy as np
import pytest

import keras_classics as kc
from jobs.toys import Toy
from keras_classics import distribution
from keras_classics.jobs import continuing, training_run
from keras_classics.jobs.output import metrics_table
from keras_classics.training.optimizers import skipping
from support import ROOT, load_application

ROOMS = {path.name for path in (ROOT / "applications").iterdir() if path.is_dir()}


def job_of(kind=Toy, **settings):
    return kind(kind.Settings(**settings), None, kc.jobs.Output())


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_steps_that_are_not_finite_are_left_out_where_the_flag_asks(policy):
    plain = keras.optimizers.SGD(0.1)
    assert job_of().guarded(plain) is plain
    optimizer = job_of(skip_non_finite=True).guarded(plain)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype=policy)])
    if policy != "float32":
        # As Keras does for a model of half precision.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    model.compile(optimizer, "mse")
    y = np.ones((6, 1), "float32")
    y[3] = np.nan
    model.fit(np.ones((6, 2), "float32"), y, batch_size=2, shuffle=False, verbose=0)
    assert int(skipping(model.optimizer).skipped) == (1 if policy == "float32" else 0)
    assert np.isfinite(model.get_weights()[0]).all()


def test_leaving_out_is_refused_under_a_strategy():
    tf = pytest.importorskip("tensorflow")
    job = job_of(skip_non_finite=True)
    with tf.distribute.OneDeviceStrategy("cpu:0").scope():
        with pytest.raises(kc.InputError, match="OneDeviceStrategy. Allowed: .*--skip-non-finite"):
            job.guarded(keras.optimizers.SGD())
    assert isinstance(job.guarded(keras.optimizers.SGD()), kc.training.SkipNonFinite)


SMALLEST = {
    "labelling": ["train=16", "validation=8", "test=4", "digits=(2,3)"],
    "language_model": ["characters=20000"],
    "translation": ["train=70", "validation=9"],
}


def trained(application, folder):
    """Train the smallest of an application's networks; returns the exit code."""
    data = ["--data-options", *SMALLEST[application], "--batch-size", "8"]
    return load_application(application).main(
        ["train", *data, "--units", "4", "--epochs", "1", "--skip-non-finite", "--out", str(folder)]
    )


@pytest.mark.parametrize("application", SMALLEST)
def test_applications_refuse_it_under_a_strategy(application, tmp_path, capsys, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    place = distribution._Place(tf.distribute.OneDeviceStrategy("cpu:0").scope)
    monkeypatch.setattr(training_run, "strategy", lambda name: place)
    assert trained(application, tmp_path / "run") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Train on one device" in error
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("application", SMALLEST)
def test_applications_count_what_is_left_out(application, tmp_path, capsys):
    assert trained(application, tmp_path) == 0
    assert "0 steps were left out" in capsys.readouterr().out


class Pictures(Toy):
    data = kc.jobs.Job.data

    def reader_options(self):
        return {"image_size": 16}


@pytest.mark.parametrize("wrong", [{"number": 3}, {"seed": 3}, {"image_size": 8}], ids=str)
def test_options_that_the_reader_does_not_have_are_refused(wrong):
    job = job_of(Pictures, data="digits", data_options=wrong)
    with pytest.raises(kc.InputError, match=rf"'?{next(iter(wrong))}'? was given"):
        _ = job.data


def test_a_figure_that_a_row_lacks_is_left_empty():
    table = metrics_table({"one": {"BLEU": 1.0}, "two": {"BLEU": 0.5, "flips": 0.25}}, "title")
    title, heading, one, two = table.split("\n")
    assert (title, heading.split()) == ("title", ["BLEU", "flips"])
    assert (one.split(), two.split()) == (["one", "1.000"], ["two", "0.500", "0.250"])


def test_settings_fill_what_nothing_was_said_of_and_give_arguments():
    settings = Toy.Settings(batch_size=None, learning_rate=0.5, precision="none")
    settings.fill(batch_size=8, learning_rate=0.1)
    assert (settings.batch_size, settings.learning_rate) == (8, 0.5)
    settings.fill(data_options={"train": 5, "test": 6})
    settings.fill(data_options={"train": 9, "validation": 7})
    assert settings.data_options == {"train": 5, "test": 6, "validation": 7}
    # What is typed as none is no argument.
    assert settings.some("batch_size", "precision") == {"batch_size": 8, "precision": None}


@dataclasses.dataclass(kw_only=True)
class Asking(Toy.Settings):
    n_best: int = kc.jobs.flag(2, verbs=["ask"])


def test_so_many_ranked_answers_are_told_as_are_asked_for_and_fewer_are_said_once(capsys):
    job = Toy(Asking(), None, kc.jobs.Output())
    assert job.ranked("abc", [3, 2, 1], of="letters").record["letters"] == ["a", "b"]
    assert capsys.readouterr().out == ""
    for _ in range(2):
        assert job.ranked("a", [3], of="letters", shown="{}").text == "a"
    assert capsys.readouterr().out.count("the model gives 1 letter, --n-best asked for 2") == 1
    # Where there is no such setting, all are told.
    assert job_of().ranked("abc", [3, 2, 1], of="letters", shown="{}").text == "a | b | c"
    assert capsys.readouterr().out == ""


def test_a_count_of_answers_is_positive_in_whatever_job(capsys):
    class Asked(Toy):
        Settings = Asking

    assert kc.jobs.run(Asked, ["ask", "1", "--n-best", "0"]) == 1
    assert "--n-best=0 was given. Allowed: a positive whole number" in capsys.readouterr().err


def test_tables_are_of_columns_or_of_rows(tmp_path):
    job = job_of()
    job.results = tmp_path / "new"
    job.table("columns.csv", {"a b": [1, 2], "c": ["x", "y"]})
    job.table("rows.csv", [{"a b": 1, "c": "x"}, {"a b": 2, "c": "y"}])
    texts = {(tmp_path / "new" / f"{name}.csv").read_text() for name in ("columns", "rows")}
    assert texts == {"a b,c\n1,x\n2,y\n"}


def test_a_run_whose_data_make_another_vocabulary_is_refused_by_the_file_and_the_folder(tmp_path):
    then = kc.data.make_vocabulary("token", ["one two"])
    then.save(tmp_path / "source.json")
    files = {"source": kc.jobs.Fact("source.json", kc.data.load_vocabulary)}
    continuing.check_facts(tmp_path, files, {"source": then})
    now = kc.data.make_vocabulary("token", ["one two three"])
    with pytest.raises(kc.InputError) as refused:
        continuing.check_facts(tmp_path, files, {"source": now})
    said = str(refused.value)
    assert said.startswith(f"{tmp_path / 'source.json'} is of other data (") and "\n" not in said
    assert said.endswith("Choose another --out, or delete the folder.") and "has 7 words" in said


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "applications").glob("*.py")))
def test_what_an_application_replaces_of_a_job_takes_what_the_runner_gives(name):
    """A method of another meaning under a name of the runner's is called by it all the same."""
    base, module = kc.jobs.Job, load_application(name)
    # Tasks that an application chooses from lie in rooms beside it.
    rooms = [each for key, each in sys.modules.items() if key.split(".")[0] in ROOMS]
    kinds = {each for room in (module, *rooms) for each in vars(room).values()
             if inspect.isclass(each) and issubclass(each, base)}  # fmt: skip
    # Whatever a job is made of beside it, too.
    for kind in {part for each in kinds for part in each.__mro__} - set(base.__mro__):
        for key, own in vars(kind).items():
            wanted = inspect.getattr_static(base, key, None)
            if key[0] != "_" and inspect.isfunction(own) and inspect.isfunction(wanted):
                given, taken = (list(inspect.signature(f).parameters) for f in (wanted, own))
                assert taken[: len(given)] == given, f"{kind.__name__}.{key}"
