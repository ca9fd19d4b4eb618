"""A run's facts beside the data that they are used on."""

import pytest

import keras_classics as kc
from support import load_application

WORLDS = {
    "segmentation": ("Segmentation", "known.json", {"image_size": 32}),
    "detection": ("Detection", "known.json", {"image_size": 48}),
    "classification": ("Classification", "classes.json", {}),
}


def facts(application, classes):
    if application == "classification":
        return {"classes": classes}
    return {"known": {"classes": classes, "size": [48, 48]}}


@pytest.mark.parametrize("name", WORLDS)
def test_data_are_not_judged_by_other_names_than_theirs(name, tmp_path):
    kind, file, given = WORLDS[name]
    application = load_application(name)
    settings = {"data": "scenes", "data_options": {"train": 3, "validation": 1, "test": 1}}
    own = getattr(application, kind)
    # With as many classes as the run, a look at the model sees nothing.
    for change, told in (
        (lambda names: [names[1], names[0], *names[2:]], "class 0 of the data is"),
        (lambda names: [*names[:-1], "other"], f"and of {file} 'other'"),
        (lambda names: names[:-1], f"classes and {file} "),
        (list, None),
    ):
        job = own(own.Settings(**settings, **given), tmp_path, kc.jobs.Output())
        job.complete()
        names = job.data.info.pixel_classes if name == "segmentation" else job.data.info.classes
        del job.data
        job.facts = facts(name, change(list(names)))
        if told is None:
            assert len(job.split("test")) == 1
        else:
            with pytest.raises(kc.InputError, match=told):
                job.split("test")


def test_clips_are_not_judged_by_other_names_than_theirs(tmp_path):
    for number, clip in enumerate(kc.data.moving_scenes(24, "direction", frames=4)):
        for place, frame in enumerate(clip.frames):
            folder = tmp_path / ("left", "right")[number % 2] / str(number)
            kc.data.write_picture(folder / f"{place}.png", frame)
    application = load_application("labelling")
    kind = application.Labelling
    settings = kind.Settings(task="clip", data=f"frames:{tmp_path}")
    job = kind.of(settings, tmp_path / "run", kc.jobs.Output())
    job.facts = {"codec": {"classes": ["right", "left"], "frames": 4, "size": [32, 32]}}
    with pytest.raises(
        kc.InputError, match="class 0 of the data is 'left', and of codec.json 'righ"
    ):
        job.split("test")


def test_a_run_that_has_no_facts_yet_takes_any_data():
    kc.jobs.check_classes(["a", "b"], ("a", "b"), "known.json")
    with pytest.raises(kc.InputError, match="the data have 0 classes and known.json 2"):
        kc.jobs.check_classes(["a", "b"], None, "known.json")
