"""A classifier follows from its name and the data: sizes, classes, and the recipe."""

import pytest

import keras_classics as kc


def data(size=28, classes=3, channels=3):
    shape = (size, size, channels) if size else None
    return kc.data.Info(
        name="made", sizes={}, image_shape=shape, classes=tuple(map(str, range(classes)))
    )


def test_a_network_is_no_larger_than_the_pictures_and_no_smaller_than_it_can_be():
    small = kc.training.design_classifier("lenet_5", data(8))
    assert small.model.input_shape == (None, 32, 32, 1) and small.model.output_shape == (None, 3)
    assert small.input == {"size": 32, "native_size": None, "channels": 1, "flat": False}
    # Grey pictures are mostly characters, which are not mirrored.
    assert "flip" not in {each.name for each in small.recipe.augmentation}
    flat = kc.training.design_classifier("mlp_mnist", data(10), image_size=6)
    assert flat.model.input_shape == (None, 36) and flat.input["flat"]


def test_a_papers_recipe_keeps_its_size_and_takes_changes():
    papers = kc.training.design_classifier(
        "resnet_20_cifar", data(8), recipe="paper", batch_size=7, learning_rate=None,
        builder_arguments={"width": 0.25, "repeats": (1, 1, 1)},
    )  # fmt: skip
    assert papers.model.input_shape[1] == papers.input["native_size"] == 32
    card = kc.card("resnet_20_cifar").recipes["paper"]
    assert (papers.recipe.batch_size, papers.recipe.learning_rate) == (7, card.learning_rate)
    quick = kc.training.design_classifier("resnet_20_cifar", data(8), mirror=False)
    assert "flip" not in {each.name for each in quick.recipe.augmentation}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("lenet_6", {}, "Did you mean"),
        ("road_alexnet", {}, "has no classifier"),
        ("lenet_5", {"recipe": "papers"}, "Allowed: quick, paper"),
        ("lenet_5", {"builder_arguments": {"classes": 4}}, "arguments classes were given"),
        ("lenet_5", {"builder_arguments": {"include_top": False}}, "Leave include_top out"),
        ("lenet_5", {"builder_arguments": {"name": "a/b"}}, "a text without '/'"),
    ],
)
def test_what_cannot_be_is_one_sentence(name, arguments, message):
    with pytest.raises(kc.InputError, match=message):
        kc.training.design_classifier(name, data(), **arguments)
