"""What a run's record says of it: when it goes on, and what its data were made with."""

import json

import pytest

import keras_classics as kc
from keras_classics.data.load import SOURCES
from keras_classics.training import runs

SETTINGS = {"units": 8, "languages": ("en", "fr"), "epochs": 6, "trained_by": "six epochs"}
FREE = {"trained_by"}
DATA = {"name": "phrases", "made_with": {"babel": "2.18.0", "num2words": "0.5.14"}}


@pytest.fixture
def at(monkeypatch):
    """What is true of the code and the machine at a time."""

    def become(commit, keras):
        monkeypatch.setattr(runs, "commit", lambda: commit)
        monkeypatch.setattr(runs, "installed", lambda names: {"keras": keras})

    return become


def test_a_run_that_goes_on_keeps_how_it_began_and_adds_what_is_true_now(tmp_path, at):
    at("one", "3.15.1")
    first = kc.training.record_run(tmp_path, SETTINGS, free=FREE, data=DATA)
    at("two", "3.16.0")
    longer = {**SETTINGS, "epochs": 8, "trained_by": "eight epochs"}
    kc.training.record_run(tmp_path, longer, free=FREE, data=DATA)
    at("three", "3.17.0")
    fewer = {**SETTINGS, "epochs": 2, "trained_by": "two epochs"}
    kc.training.record_run(tmp_path, fewer, free=FREE, data=DATA)
    record = kc.training.read_run(tmp_path)
    for name in ("commit", "versions", "started", "command", "data"):
        assert record[name] == first[name]
    assert (record["settings"]["epochs"], record["settings"]["trained_by"]) == (8, "eight epochs")
    assert [(each["commit"], each["versions"]["keras"]) for each in record["continued"]] == [
        ("two", "3.16.0"), ("three", "3.17.0"),
    ]  # fmt: skip


def test_a_run_with_other_settings_is_another_run(tmp_path, at):
    at("one", "3.15.1")
    kc.training.record_run(tmp_path, SETTINGS, free=FREE)
    at("two", "3.15.1")
    record = kc.training.record_run(tmp_path, {**SETTINGS, "units": 9}, free=FREE)
    assert record["commit"] == "two" and "continued" not in record
    assert kc.training.read_run(tmp_path)["settings"]["units"] == 9


def test_data_made_by_other_releases_are_told(tmp_path):
    assert runs.other_releases(tmp_path, DATA["made_with"]) is None
    kc.training.record_run(tmp_path, SETTINGS, data=DATA)
    assert runs.other_releases(tmp_path, DATA["made_with"]) is None
    told = runs.other_releases(tmp_path, {"babel": "2.19.0", "num2words": "0.5.14"})
    assert "babel 2.18.0, now 2.19.0: figures" in told and "num2words" not in told
    # A run of before there were such records says nothing of its data.
    kc.training.record_run(tmp_path / "old", SETTINGS)
    assert runs.other_releases(tmp_path / "old", DATA["made_with"]) is None


@pytest.mark.parametrize("damage", [{"data": 3}, {"continued": {"commit": "x"}}, {"settings": []}])
def test_a_record_of_something_else_is_refused(tmp_path, damage):
    kc.training.record_run(tmp_path, SETTINGS, data=DATA)
    record = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**record, **damage}))
    with pytest.raises(kc.InputError, match="holds something else"):
        kc.training.read_run(tmp_path)


WORLDS = {
    "phrases": {"babel", "num2words", "numpy"},
    "source_code": {"python"},
    "digits": {"scikit-learn", "numpy"},
    "digit_lines": {"scikit-learn", "numpy"},
    "scenes": {"numpy"},
}
FEW = {"train": 20, "validation": 2, "test": 2}
SMALL = {"phrases": FEW, "digit_lines": FEW, "scenes": FEW, "source_code": {"characters": 20_000}}


def test_every_world_of_the_package_is_among_those():
    assert set(WORLDS) == {name for name, source in SOURCES.items() if ":" not in source.usage}


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_names_the_releases_it_is_made_with(world, tmp_path):
    data = kc.data.load(world, **SMALL.get(world, {}))
    kc.training.record_run(tmp_path, SETTINGS, data=data.info.facts())
    recorded = json.loads((tmp_path / "run.json").read_text())["data"]
    assert recorded["name"] == world and recorded["sizes"] == data.info.sizes
    assert set(recorded["made_with"]) == WORLDS[world]
    assert all(version[0].isdigit() for version in recorded["made_with"].values())
