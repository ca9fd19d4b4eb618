"""What a run's record says of it: each stretch of work, and what its data were made with."""

import json

import pytest

import keras_classics as kc
from keras_classics.data.load import SOURCES
from keras_classics.jobs import records
from support import load_application

SETTINGS = {"units": 8, "languages": ["en", "fr"], "epochs": 6}
DATA = {"name": "phrases", "made_with": {"babel": "2.18.0", "num2words": "0.5.14"}}


@pytest.fixture
def at(monkeypatch):
    """What is true of the code and the machine at a time."""

    def become(commit, keras):
        monkeypatch.setattr(records, "commit", lambda: commit)
        monkeypatch.setattr(records, "installed", lambda names: {"keras": keras})

    return become


def session(folder, epochs=6, start=0):
    return records.Session(folder, "translation", {**SETTINGS, "epochs": epochs}, DATA, start)


def test_a_run_that_goes_on_keeps_how_it_began_and_has_a_line_for_each_stretch(tmp_path, at):
    at("one", "3.15.1")
    session(tmp_path).end("interrupted", 50)
    first = kc.jobs.read_run(tmp_path)
    at("two", "3.16.0")
    # Killed: it never ends.
    session(tmp_path, start=50)
    at("three", "3.17.0")
    session(tmp_path, epochs=8, start=70).end("finished", 80)
    record = kc.jobs.read_run(tmp_path)
    for name in ("commit", "versions", "started", "command", "data", "job"):
        assert record[name] == first[name]
    assert record["settings"]["epochs"] == 8
    lines = [(each["commit"], each["versions"]["keras"], each["from_step"], each.get("to_step"),
              each.get("outcome")) for each in record["sessions"]]  # fmt: skip
    assert lines == [("one", "3.15.1", 0, 50, "interrupted"), ("two", "3.16.0", 50, None, None),
                     ("three", "3.17.0", 70, 80, "finished")]  # fmt: skip


def test_what_is_no_training_is_recorded_anew_but_not_over_another_job(tmp_path):
    kc.jobs.record_run(tmp_path, {"top": 1}, job="explain")
    assert kc.jobs.record_run(tmp_path, {"top": 2}, job="explain")["settings"] == {"top": 2}
    with pytest.raises(kc.InputError, match="holds a run of explain"):
        kc.jobs.record_run(tmp_path, {"top": 2}, job="classification")
    assert kc.jobs.read_run(tmp_path)["job"] == "explain"


def test_data_made_by_other_releases_are_told():
    record = {"data": DATA}
    assert records.other_releases(record, DATA["made_with"]) is None
    told = records.other_releases(record, {"babel": "2.19.0", "num2words": "0.5.14"})
    assert "babel 2.18.0, now 2.19.0: figures" in told and "num2words" not in told
    # A run of before there were such records says nothing of its data.
    assert records.other_releases({}, DATA["made_with"]) is None


@pytest.mark.parametrize("damage", [{"data": 3}, {"sessions": {"commit": "x"}}, {"settings": []}])
def test_a_record_of_something_else_is_refused(tmp_path, damage):
    session(tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**record, **damage}))
    with pytest.raises(kc.InputError, match="holds something else"):
        kc.jobs.read_run(tmp_path)


WORLDS = {
    "phrases": {"babel", "num2words", "numpy"},
    "source_code": {"python"},
    "digits": {"scikit-learn", "numpy"},
    "digit_lines": {"scikit-learn", "numpy"},
    "scenes": {"numpy"},
    "moving_scenes": {"numpy"},
}
FEW = {"train": 20, "validation": 2, "test": 2}
SMALL = {
    **dict.fromkeys(("phrases", "digit_lines", "scenes", "moving_scenes"), FEW),
    "source_code": {"characters": 20_000},
}


def test_every_world_of_the_package_is_among_those():
    assert set(WORLDS) == {name for name, source in SOURCES.items() if ":" not in source.usage}


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_names_the_releases_it_is_made_with(world, tmp_path):
    data = kc.data.load(world, **SMALL.get(world, {}))
    records.Session(tmp_path, "toy", SETTINGS, data.info.facts(), 0)
    recorded = json.loads((tmp_path / "run.json").read_text())["data"]
    assert recorded["name"] == world and recorded["sizes"] == data.info.sizes
    assert set(recorded["made_with"]) == WORLDS[world]
    assert all(version[0].isdigit() for version in recorded["made_with"].values())


@pytest.mark.parametrize("names", [["a", "a"], ["a", ""], ["a", 1]])
def test_names_in_a_record_differ_and_are_not_empty(tmp_path, names):
    kc.jobs.write_json(tmp_path / "classes.json", names)
    with pytest.raises(kc.InputError, match=r"classes\.json holds something else"):
        kc.jobs.read_record(tmp_path / "classes.json")
    kc.jobs.write_json(tmp_path / "known.json", {"classes": names, "size": names})
    kc.jobs.read_record(tmp_path / "known.json", {"size": list})
    with pytest.raises(kc.InputError, match=r"known\.json holds something else"):
        kc.jobs.read_record(tmp_path / "known.json", {"classes": list[str], "size": list})


@pytest.mark.parametrize("name", ["segmentation", "detection"])
def test_classes_of_a_run_have_names_that_differ(tmp_path, name):
    application = load_application(name)
    kind = getattr(application, name.title())
    file, load = kind(kind.Settings(), tmp_path, kc.jobs.Output()).fact_files()["known"]
    for names, sound in ((["a", "b"], True), (["a", "a"], False), (["a", 1], False)):
        kc.jobs.write_json(tmp_path / file, {"classes": names, "size": [8, 8]})
        if sound:
            assert load(tmp_path / file)["classes"] == names
        else:
            with pytest.raises(kc.InputError, match="holds something else"):
                load(tmp_path / file)
