"""A training that begins with the weights of a finished run."""

import dataclasses
from pathlib import Path

import keras
import pytest

import keras_classics as kc
from jobs import toys
from keras_classics.jobs.flags import parse

flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(toys.Settings):
    start_from: Path | None = flag(None, "folder of a finished run whose weights it goes on from")
    further: bool = flag(False, "a layer more")


class Beginner(toys.Toy):
    """The line through points, which another line may begin."""

    Settings = Settings
    name, makes = "beginner", "line"

    @property
    def slope(self):
        return f"{self.settings.slope:g}"

    @property
    def known(self):
        return self.facts["names"]

    def build(self):
        layers = [keras.layers.Dense(1, use_bias=False, name="line")]
        layers += [keras.layers.Dense(1, use_bias=False, name="bend")] * self.settings.further
        model = keras.Sequential([keras.Input((1,)), *layers])
        return kc.jobs.begin_with(self, model, kc.jobs.earlier_run(self, "slope"))


@dataclasses.dataclass(kw_only=True)
class Switched(toys.Settings):
    turned: bool = flag(True, "something that is done unless it is turned off")
    further: bool = flag(False, "a layer more")


class Switch(toys.Toy):
    Settings = Switched


@pytest.mark.parametrize(("typed", "value"), [([], {}), (["--turned"], {"turned": True}),
                                              (["--no-turned"], {"turned": False})])  # fmt: skip
def test_what_is_done_by_default_can_be_turned_off(typed, value):
    assert parse(Switch, ["train", *typed]).typed == value
    with pytest.raises(kc.InputError):
        parse(Switch, ["train", "--no-further"])


def run(*argv):
    return kc.jobs.run(Beginner, list(map(str, argv)))


def kernel_of(model):
    return float(model.get_layer("line").get_weights()[0][0, 0])


def job_of(folder, **settings):
    job = Beginner(Settings(**settings), folder, kc.jobs.Output())
    job.facts = {"names": job.settings.names}
    return job


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("starting") / "run"
    assert run("train", "--out", folder) == 0
    return folder


def test_the_weights_of_the_run_are_those_of_the_start_and_what_is_new_is_told(
    finished, tmp_path, capsys
):
    learned = kernel_of(kc.load_model(finished / "model.keras"))
    model = job_of(tmp_path, start_from=finished).build()
    assert kernel_of(model) == learned
    assert f"goes on from {finished}; no layer is new" in capsys.readouterr().out
    assert kernel_of(job_of(tmp_path, start_from=finished, further=True).build()) == learned
    assert f"goes on from {finished}; new are bend" in capsys.readouterr().out
    assert kernel_of(job_of(tmp_path).build()) != learned
    assert "goes on" not in capsys.readouterr().out


def test_a_training_that_was_begun_goes_on_with_its_own_weights_though_the_run_is_gone(
    finished, tmp_path
):
    out, gone = tmp_path / "run", ["--start-from", tmp_path / "first"]
    finished.rename(gone[1])
    try:
        assert run("train", *gone, "--stop-at", 5, "--out", out) == 130
    finally:
        gone[1].rename(finished)
    assert run("train", *gone, "--out", out) == 0


@pytest.mark.parametrize(
    ("same", "changed", "told"),
    [
        ("slope", {"slope": 3.0}, r"a run of the slope 2\. Allowed: runs of the slope 3\."),
        ("known", {"names": ["a", "c"]}, r"of the known a, b\. Allowed: runs of the known a, c\."),
    ],
)
def test_a_run_of_another_kind_is_refused(finished, tmp_path, same, changed, told):
    job = job_of(tmp_path, start_from=finished, **changed)
    with pytest.raises(kc.InputError, match=f"--start-from .*{told} Name such a run, or leave"):
        kc.jobs.earlier_run(job, same)
    # As the remedy says.
    job.settings.start_from = None
    assert kc.jobs.earlier_run(job, same) is None


def test_what_is_no_finished_run_is_refused_before_anything_is_written(tmp_path, capsys):
    out = tmp_path / "out"
    assert run("train", "--start-from", tmp_path / "none", "--out", out) == 1
    assert "holds no trained line" in capsys.readouterr().err
    assert not out.exists()


def test_a_class_that_opens_runs_of_several_kinds_gives_that_of_the_run(finished, tmp_path):
    class Steep(Beginner):
        pass

    class Door(Beginner):
        @classmethod
        def of(cls, settings, folder, output):
            kind = Steep if settings.slope > 1 else Beginner
            return kind(settings, folder, output)

    job = job_of(tmp_path, start_from=finished)
    assert type(kc.jobs.earlier_run(job, "slope")) is Beginner
    assert type(kc.jobs.earlier_run(job, "slope", Door)) is Steep
