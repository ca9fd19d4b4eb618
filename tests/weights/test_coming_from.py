"""The page for people who come from elsewhere: its tables of names say the truth."""

import re

import keras
import pytest

import keras_classics as kc
from support import ROOT

PAGE = (ROOT / "package" / "docs" / "coming_from.md").read_text()
FORMS = {
    "VGG16": {},
    "ResNet50": {"conv_bias": True},
    "ResNet50V2": {"keras_v2_layout": True},
    "DenseNet121": {},
}


def rows(heading):
    """The pairs of names in the table under a heading."""
    section = PAGE.split(f"\n### {heading}", 1)[1].split("\n### ", 1)[0]
    return re.findall(r"^\| `([\w.]+)` \| `(\w+)` \|$", section, flags=re.M)


@pytest.mark.parametrize("name", FORMS)
def test_layers_of_the_table_stand_at_the_same_place(name):
    ours = getattr(kc.models, name)(weights=None, **FORMS[name])
    theirs = getattr(keras.applications, name)(weights=None)
    pairs = rows(name)
    assert len(pairs) >= 6
    for there, here in pairs:
        layers = theirs.get_layer(there), ours.get_layer(here)
        assert layers[0].output.shape == layers[1].output.shape, (there, here)
        # The layers that lie before it, as far as they have weights, are as many.
        counts = [
            sum(bool(layer.weights) for layer in model.layers[: model.layers.index(own) + 1])
            for model, own in zip((theirs, ours), layers, strict=True)
        ]
        assert counts[0] == counts[1] or "conv" in there, (there, here, counts)


def test_names_of_torchvision_are_those_its_states_are_read_by():
    from keras_classics.weights import torchvision_names

    names = {
        "ResNet": kc.create_model("resnet_50", weights=None),
        "DenseNet": kc.create_model("densenet_121", weights=None),
    }
    rules = {"ResNet": torchvision_names.RESNET, "DenseNet": torchvision_names.DENSENET}
    section = PAGE.split("\n### torchvision and timm", 1)[1]
    checked = 0
    for family, there, here in re.findall(
        r"^\| (\w+) (`[^|]*`) \| (`[^|]*`) \|$", section, flags=re.M
    ):
        known = torchvision_names.by_rules(rules[family])(names[family])
        theirs, ours = (re.findall(r"`([\w.]+)`", each) for each in (there, here))
        for one, other in zip(theirs, ours, strict=True):
            if other in known:
                assert known[other] == one
                checked += 1
    assert checked >= 8


def test_arguments_of_the_page_give_the_published_networks():
    for twin, arguments in re.findall(
        r"^\| `keras.applications.(\w+)`.* \| `(.*)` \|$", PAGE, flags=re.M
    ):
        if "=" in arguments and "(" not in arguments:
            form = eval(f"dict({arguments})")
            ours = getattr(kc.models, twin)(weights=None, **form)
            theirs = getattr(keras.applications, twin)(weights=None)
            kc.weights.load_keras_applications(ours, theirs)
            assert ours.count_params() == theirs.count_params()
