"""What applications offer without an engine, as texts, is what the package has."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.texts.translation_vocabularies import UNITS
from keras_classics.jobs.flags import flags_of
from support import load_application


def settings_of(name):
    application = load_application(name)
    of_tasks = {"labelling": "Labelling", "generate": "Generate"}
    return (getattr(application, of_tasks[name]) if name in of_tasks else application).Settings


def choices_of(name):
    found = flags_of(settings_of(name))
    return {each.field: set(each.choices) for each in found if each.choices}


def test_choices_are_those_of_the_package():
    translating = choices_of("translation")
    assert translating["vocabulary"] == set(UNITS)
    assert translating["sharing"] == set(kc.models.SHARINGS)
    labelling = choices_of("labelling")
    assert labelling["unit"] == set(kc.data.Units.KINDS)
    writing = choices_of("language_model")["optimizer"]
    for name in writing:
        kc.training.falling_optimizer(name, 0.1, factor=1, steps_per_epoch=1, epochs=1)


def test_the_help_lists_all_cells():
    settings = {each.field: each for each in flags_of(load_application("translation").Settings)}
    listed = settings["cell"].help.partition(" (default")[0].split(", ")
    assert listed == list(kc.layers.RECURRENT_LAYERS)


def test_explain_offers_all_methods_and_all_kinds_of_pixels():
    load_application("explain")
    from explainers import classifiers, flags

    assert flags.METHODS == ("all", *kc.analysis.MAP_METHODS)
    pixels = np.full((1, 2, 2, 3), 255, "uint8")
    found = {name: np.asarray(classifiers.prepared_as(name)(pixels)) for name in flags.PIXELS}
    assert found["raw"].max() == 255 and found["unit"].max() == 1
    assert found["tf"].max() == pytest.approx(1) and found["caffe"].max() > 100
    assert 2 < found["torch"].max() < 3


@pytest.mark.parametrize("name", ["detection", "generate", "labelling", "segmentation"])
def test_what_a_flag_needs_is_a_flag_and_a_value_that_can_be_typed(name):
    settings = {each.field: each for each in flags_of(settings_of(name))}
    needs = [need for each in settings.values() for need in each.when.items()]
    assert needs
    for field, values in needs:
        other = settings[field]
        assert not other.choices or set(values) <= set(other.choices)
        assert other.kind is not bool or list(values) == [True]
