"""Names find models, and a builder's help and errors name every argument."""

import functools
import inspect
import pickle
import re
import typing

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.cards.catalogue import Builder, builder
from keras_classics.core.cards.image_builder import IMAGE_DEFAULTS, ImageArguments
from support import ROOT

NAMES = kc.list_models()
# In the order of keras.applications, whose builders take them by position.
SHARED = list(inspect.signature(keras.applications.VGG16).parameters)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [("VGG16", "vgg_d"), ("vgg16", "vgg_d"), ("vgg-19", "vgg_e"), ("resnet50", "resnet_50"),
     ("ResNet152V2", "resnet_152_v2"), ("resnext50_32x4d", "resnext_50_32x4d"),
     ("wide_resnet50_2", "wide_resnet_50_2"), ("GoogLeNet", "googlenet"), ("LeNet-5", "lenet_5"),
     ("squeezenet1.1", "squeezenet_1_1"), ("VGG_D", "vgg_d")],
)  # fmt: skip
def test_names_people_know_find_the_model(spelled, name):
    assert kc.card(spelled).name == name
    assert builder(spelled) is builder(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_builder_is_found_in_the_models_room_under_its_cards_name(name):
    build = builder(name)
    assert getattr(kc.models, kc.card(name).builder) is build
    assert build.__name__ == build.__qualname__ == kc.card(name).builder
    assert pickle.loads(pickle.dumps(build)) is build


def test_unknown_names_are_refused_with_the_nearest():
    for given, meant in {
        "resnet_5O": "resnet_50", "resnet20": "resnet_20_cifar", "VGG17": "VGG16",
    }.items():  # fmt: skip
        with pytest.raises(kc.InputError, match=f"Did you mean .*{meant!r}"):
            kc.create_model(given)


def test_every_network_of_keras_applications_is_here_or_is_said_not_to_be():
    theirs = [name for name, each in vars(keras.applications).items() if inspect.isfunction(each)]
    absent = []
    for name in theirs:
        if not hasattr(kc.models, name):
            absent.append(name)
            for ask in (kc.create_model, functools.partial(getattr, kc.models)):
                with pytest.raises((kc.InputError, AttributeError)) as refusal:
                    ask(name)
                assert re.search(r"keras.applications has (\w+); ", str(refusal.value))
                assert "Did you mean" not in str(refusal.value)
    assert len(theirs) > 30 and {"MobileNetV2", "EfficientNetB0", "InceptionV3"} <= {*absent}


def test_unknown_arguments_are_refused_with_the_nearest():
    for build in (kc.models.ResNet18, lambda **arguments: kc.create_model("vgg_d", **arguments)):
        with pytest.raises(kc.InputError, match="Did you mean 'classes'"):
            build(clases=3)


def test_a_model_may_be_given_any_name():
    model = kc.create_model("resnet_20_cifar", name="student", width=0.25)
    assert model.name == "student"


def test_list_models_filters_and_sorts_numbers_as_numbers():
    assert kc.list_models("resnet_1*", family="resnet") == [
        "resnet_18", "resnet_101", "resnet_110_cifar", "resnet_152", "resnet_1202_cifar",
    ]  # fmt: skip
    assert set(kc.list_models(family="vgg")) == set(kc.list_models("vgg_*"))
    assert kc.list_models(year=1998) == ["lenet_5", "lenet_5_modern"]


def test_shared_arguments_are_those_of_keras_applications_in_their_order():
    known = typing.get_type_hints(ImageArguments)
    # Ours alone, by name only.
    assert known.pop("pretrained") is bool
    assert list(IMAGE_DEFAULTS) == list(known) == SHARED
    positional = list(inspect.signature(Builder.__call__).parameters)[1:9]
    assert positional == SHARED
    kinds = typing.get_type_hints(Builder.__call__)
    assert {name: kinds[name] for name in SHARED} == known


@pytest.mark.parametrize("name", NAMES)
def test_help_has_every_argument_with_the_cards_default_and_its_text(name):
    build, card = builder(name), kc.card(name)
    parameters = inspect.signature(build).parameters
    assert list(parameters)[: len(SHARED)] == SHARED
    own = list(parameters.values())[len(SHARED) :]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in own)
    assert parameters["classes"].default == card.classes
    assert parameters["name"].default == card.name
    texts = re.search(r"Args:\n(.*?)\n\n", build.__doc__, re.DOTALL)[1]
    assert re.findall(r"^    (\w+): \S", texts, re.MULTILINE) == list(parameters)
    assert build.__doc__.startswith(card.summary)


def test_defaults_are_the_cards():
    deep, wide = (inspect.signature(kc.models.ResNet50), inspect.signature(kc.models.ResNet18))
    assert deep.parameters["repeats"].default == (3, 4, 6, 3)
    assert wide.parameters["repeats"].default == (2, 2, 2, 2)
    assert deep.parameters["stride_in"].default == "1x1"
    assert deep.parameters["norm_epsilon"].default == 1e-5


def test_shared_arguments_are_taken_by_position():
    model = kc.models.ResNet20CIFAR(
        True, None, None, (40, 40, 1), None, 4, None, "student", width=0.25
    )
    assert model.input_shape == (None, 40, 40, 1)
    assert model.output_shape == (None, 4)
    assert model.name == "student"
    assert model.get_layer("predictions").activation is keras.activations.linear


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((True, None, None, None, None, 4, None, "n", "3x3"), {}, "9 arguments without a name"),
        ((False,), {"include_top": True}, "by position and by name"),
        (("imagenet",), {}, "include_top='imagenet'"),
        ((False, 3), {}, "weights='3'"),
    ],
)
def test_what_is_wrong_by_position_is_refused(arguments, named, message):
    with pytest.raises(kc.InputError, match=message):
        kc.models.ResNet20CIFAR(*arguments, **named)


def test_numbers_of_numpy_are_numbers():
    labels = np.array([0, 3, 1])
    model = kc.create_model(
        "resnet_20_cifar",
        classes=labels.max() + 1,
        input_shape=np.array([32, 32, 3]),
        width=np.float32(0.25),
    )
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, 4)
    assert model.get_layer("stem_conv").filters == 4


def row(**facts):
    return kc.ModelCard(
        family="mine", paper="none", year=2024, idea="an idea", input_shape=(8, 8, 1), classes=2,
        parameters=0, **facts,
    )  # fmt: skip


def generic(card, *, units=3, **arguments):
    """A family.

    Args:
        card: Its row.
        units: How many.
        **arguments: The shared ones.
    """
    return units, arguments


@pytest.mark.parametrize(
    "facts", [{"name": "vgg_d"}, {"name": "VGG-16"}, {"name": "new", "builder": "VGG16"}]
)
def test_a_taken_name_is_refused(facts):
    with pytest.raises(kc.InputError, match="is taken by keras_classics.models.image.vgg.VGG16"):
        kc.register(row(**facts), generic)


def test_a_model_of_ones_own_is_entered_and_may_be_entered_again(monkeypatch):
    from keras_classics.core.cards import catalogue

    for table in ("_CARDS", "_BUILDERS"):
        monkeypatch.setattr(catalogue, table, dict(getattr(catalogue, table)))
    kc.register(row(name="my_net"), generic)
    # What autoreload of a notebook does.
    mine = kc.register(row(name="my_net", builder="my_net"), generic)
    assert kc.create_model("MyNet", units=4, classes=5) == (4, {"classes": 5})
    assert mine.__module__ == __name__
    assert mine.__doc__.startswith("An idea.\n\nA family.")
    assert "units: How many." in mine.__doc__
    assert "card:" not in mine.__doc__


def test_the_guide_has_the_figures_of_the_cards():
    guide = (ROOT / "package" / "docs" / "classify.md").read_text()
    measured = {
        name: card.measured
        for name in kc.list_models()
        if (card := kc.card(name)).measured != "not trained here"
    }
    table = re.findall(r"^\| (\w+) \| (.*; 20\d\d-\d\d-\d\d, python .*) \|$", guide, flags=re.M)
    assert dict(table) == measured and len(table) == len(measured) >= 5
    prose = guide.replace("\n", " ")
    for figure in ("347 of 359", "82.9 %", "37.8 % (plain-20)", "40.2 % (ResNet-56)"):
        assert figure in prose
        assert any(figure.split(" (")[0] in text for text in measured.values())


@pytest.mark.parametrize(
    "arguments",
    [
        {"classes": 10**30},
        {"classes": 10**10},
        {"classifier_activation": 3},
        {"name": 3},
        {"name": "a/b"},
        {"name": ["a"]},
    ],
    ids=str,
)
def test_what_no_engine_takes_is_refused_by_the_argument(arguments):
    (argument,) = arguments
    with pytest.raises(kc.InputError, match=f"^{argument}=.* was given. Allowed: "):
        kc.create_model("lenet_5", **arguments)


def test_a_list_is_no_name_of_a_model():
    for asked in (kc.card, kc.create_model):
        with pytest.raises(kc.InputError, match="is unknown. Allowed: the .* names"):
            asked(["vgg16"])


@pytest.mark.parametrize("shape", [(3, 40, 40), (1, 40, 40)])
def test_channels_come_last_and_the_remedy_says_how(shape):
    turned = (40, 40, shape[0])
    with pytest.raises(kc.InputError, match=re.escape(f"Pass input_shape={turned}, ")):
        kc.models.ResNet20CIFAR(input_shape=shape, width=0.25)
    model = kc.models.ResNet20CIFAR(input_shape=turned, width=0.25)
    assert model(np.moveaxis(np.zeros((1, *shape)), 1, -1)).shape == (1, 10)
