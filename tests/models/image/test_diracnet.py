"""DiracNet: the first version's counts, and activations where the paper has them."""

import keras
import pytest

import keras_classics as kc


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("diracnet_28_5_cifar", 18_216_138),
        ("diracnet_34_2_cifar", 3_693_158),
        ("diracnet_18", 22_501_192),
        ("diracnet_34", 42_710_120),
    ],
)
def test_the_first_version_has_the_papers_count(name, parameters):
    model = kc.create_model(name, version=1)
    assert kc.analysis.trainable_parameters(model) == parameters


def test_the_first_version_at_three_quarters_of_the_width():
    model = kc.models.DiracNet18(version=1, width=0.75)
    assert kc.analysis.trainable_parameters(model) == 12_756_600


def test_there_is_no_shortcut():
    model = kc.models.DiracNet28_5CIFAR(width=0.1)
    hidden = model.layers[1:]
    assert all(len(keras.tree.flatten(layer.input)) == 1 for layer in hidden)
    # A chain: every layer reads the one before it.
    for before, layer in zip(model.layers, hidden, strict=False):
        assert keras.tree.flatten(layer.input)[0] is keras.tree.flatten(before.output)[0]
