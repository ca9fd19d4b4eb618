"""Models are found by pattern, family and year, and under every spelling people know."""

import pytest

import keras_classics as kc
from keras_classics.core.names import Known, did_you_mean, matching, meant

KNOWN = [
    Known("vgg_d", "VGG16", "vgg", 2014),
    Known("resnet_101", "ResNet101", "resnet", 2015),
    Known("resnet_50_v2", "ResNet50V2", "resnet_v2", 2016),
    Known("resnet_50", "ResNet50", "resnet", 2015),
]
BUILDERS = {each.name: each.builder for each in KNOWN}


def test_patterns_and_families_know_no_case_and_numbers_are_in_natural_order():
    assert matching(KNOWN, "RESNET*") == ["resnet_50", "resnet_50_v2", "resnet_101"]
    assert matching(KNOWN, family="ResNet") == ["resnet_50", "resnet_101"]
    assert matching(KNOWN, "*50*", year=2016) == ["resnet_50_v2"]
    assert matching(KNOWN, "vgg1*") == ["vgg_d"]  # by the builder's name
    assert matching(KNOWN, "nothing*") == []


def test_an_unknown_family_is_an_error_that_lists_them():
    message = "'resnets' is unknown. Allowed: resnet, resnet_v2, vgg. Did you mean 'resnet'"
    with pytest.raises(kc.InputError, match=message):
        matching(KNOWN, family="resnets")
    with pytest.raises(kc.InputError, match="The family 'resnets' is unknown"):
        kc.list_models(family="resnets")


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("vgg_d", "vgg_d"),
        ("VGG16", "vgg_d"),
        ("vgg16", "vgg_d"),
        ("vgg-16", "vgg_d"),
        ("resnet50", "resnet_50"),
        ("ResNet50V2", "resnet_50_v2"),
    ],
)
def test_case_and_underscores_tell_no_models_apart(asked, name):
    assert meant(asked, BUILDERS) == name
    assert kc.card(asked).name == name


def test_what_is_suggested_exists():
    with pytest.raises(kc.InputError, match="Did you mean 'VGG16'") as raised:
        meant("vgg17", BUILDERS)
    assert "resnet" not in str(raised.value)
    with pytest.raises(kc.InputError, match="Did you mean 'resnet_50' or"):
        meant("resnet5", BUILDERS)
    with pytest.raises(kc.InputError, match="keras-classics list"):
        meant("transformer", BUILDERS)


def test_every_builder_and_name_of_the_catalogue_is_found_and_none_twice():
    for name in kc.list_models():
        builder = kc.core.cards.catalogue.builder(name).__name__
        assert {kc.card(each).name for each in (name, builder, builder.lower())} == {name}


@pytest.mark.parametrize("word", ["LSTM", "gradcam", "many-to-one", "Many To One"])
def test_a_word_that_differs_in_its_spelling_is_the_one_that_was_meant(word):
    known = ("gru", "lstm", "grad_cam", "grad_cam_plus_plus", "many_to_one", "many_to_many")
    meant = {"L": "lstm", "g": "grad_cam", "m": "many_to_one", "M": "many_to_one"}[word[0]]
    assert did_you_mean(word, known) == f"Did you mean {meant!r}?"
