"""The catalogue against the papers' counts, and what its builders refuse."""

import csv
import inspect
import re

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_classics as kc
from support import NUMBERS

NAMES = kc.list_models()


@pytest.fixture(scope="module", params=NAMES)
def native(request):
    """Every name with its model as it comes, built once for all tests that look at it.

    Without numbers in its weights, whose drawing takes most of the time and nobody here reads.
    """
    # Left before the test: the scope of the last name would be that of all tests that follow.
    with without_numbers():
        model = kc.create_model(request.param)
    yield request.param, model
    keras.utils.clear_session(free_memory=True)


def without_numbers():
    return keras.StatelessScope(initialize_variables=False)


def test_parameters_and_multiply_adds_are_the_papers(native):
    name, model = native
    card = kc.card(name)
    assert model.name == name
    assert kc.analysis.trainable_parameters(model) == card.parameters
    assert card.multiply_adds in (None, kc.analysis.multiply_adds(model))
    assert model.input_shape == (None, *card.input_shape)
    if card.classes is None:
        assert len(model.output_shape) == 4
    else:
        assert model.output_shape == (None, card.classes)
    grammar = re.compile(
        r"image|logits|predictions|stem_\w+|head_\w+|stage\d+_out"
        r"|stage\d+_(block\d+_)?(branch\d+_)?(conv|dense|highway|norm|relu|maxout|lrn|pool|dropout|join|upsample)\d*(_\w+)?"
        r"|stage\d+_block\d+_(shortcut|concat|scale|add|out)(_\w+)?"
    )
    assert [x.name for x in model.layers if not grammar.fullmatch(x.name)] == []


def test_cards_are_the_catalogue_that_was_counted_apart():
    with (NUMBERS / "catalogue.csv").open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert sorted(rows) == sorted(NAMES)
    for name, row in rows.items():
        card = kc.card(name)
        assert card.family == row["family"], name
        assert card.year == int(row["year"]), name
        assert "x".join(map(str, card.input_shape)) == row["input"], name
        assert str(card.classes or "") == row["classes"], name
        # Blank where it depends on a drawn graph: the family's test has the formula.
        count = "" if card.family == "randwire" else str(card.parameters)
        assert count == row["trainable_parameters"], name


@pytest.mark.parametrize(
    "native", [n for n in NAMES if not re.search("1202|1001|vgg", n)], indirect=True
)
def test_config_round_trip_keeps_names_and_shapes(native):
    _, model = native
    with without_numbers():
        twin = keras.Model.from_config(model.get_config())
    assert [x.name for x in twin.layers] == [x.name for x in model.layers]
    assert [w.shape for w in twin.weights] == [w.shape for w in model.weights]


THREE_PARTS = re.compile(r".+\. Allowed: .+\. .+", re.DOTALL)
# Arguments that choose among named forms.
CHOICES = {
    "connectivity", "estimator", "five_by_five", "global_pooling", "graph", "order", "padding", "second_pool", "shortcut", "stem",
    "stride_in", "subsampling", "survival_mode", "survival_rescale", "until", "version", "widen",
}  # fmt: skip

POSITIVE = {
    "columns", "dense_pieces", "dense_units", "depth", "largest_filter", "nodes", "norm_epsilon", "pieces", "q_star", "scale",
    "stem_filters",
}  # fmt: skip
RATES = {"auxiliary_dropout", "dropout", "edge_dropout", "input_dropout"}
# A whole number, or several.
COUNTS = {"filters", "gated", "repeats", "units"}


def signature(name):
    return inspect.signature(kc.core.cards.catalogue.builder(name)).parameters


@pytest.mark.parametrize("name", NAMES)
def test_every_named_form_is_among_those_tried_with_bad_values(name):
    words = {p.name for p in signature(name).values() if isinstance(p.default, str)}
    others = {"name", "classifier_activation", "activation", "kernel_initializer"}
    assert words - others <= CHOICES


@st.composite
def bad_calls(draw):
    """A name of the catalogue and one argument that it cannot admit."""
    name = draw(st.sampled_from(NAMES))
    card = kc.card(name)
    sizes, channels = card.input_shape[:-1], card.input_shape[-1:]
    shapes = [st.sampled_from([(*sizes, 32, 3), (*sizes, None), "32", (*sizes, 0), (*sizes, 1.5)])]
    if sizes:
        too_small = st.integers(-3, card.smallest_size - 1)
        shapes.append(too_small.map(lambda side: (side,) * len(sizes) + channels))
    bad = {
        "classes": st.one_of(st.integers(-9, 0), st.sampled_from([2.5, "ten", True])),
        "weights": st.just("/no/such/file.weights.h5"),
        "pooling": st.sampled_from(["average", "mean", ""]),
        "input_shape": st.one_of(shapes),
        "clases": st.just(3),
        "width": st.sampled_from([0, -1.0, "wide", float("nan")]),
        **dict.fromkeys(POSITIVE, st.sampled_from([0, -1, "x", float("nan"), True])),
        **dict.fromkeys(RATES, st.sampled_from([1, -0.5, "half", float("nan")])),
        **dict.fromkeys(COUNTS, st.sampled_from([(), 0, -3, (0, 1), (1.5,), "12", [True]])),
        **dict.fromkeys(CHOICES, st.sampled_from(["nonsense", 7])),
    }
    known = {*signature(name), "clases"}
    argument = draw(st.sampled_from(sorted(known & set(bad))))
    return name, {argument: draw(bad[argument])}


@settings(max_examples=400, deadline=None)
@given(bad_calls())
def test_bad_arguments_raise_what_was_given_what_is_allowed_what_to_do(call):
    name, bad = call
    with pytest.raises(ValueError) as caught:
        kc.create_model(name, **bad)
    assert THREE_PARTS.fullmatch(str(caught.value))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(NAMES), st.text("abcxyz_0123456789", min_size=1, max_size=4))
def test_unknown_variants_raise_what_was_given_what_is_allowed_what_to_do(name, more):
    with pytest.raises(ValueError) as caught:
        kc.create_model(name + "!" + more)
    assert THREE_PARTS.fullmatch(str(caught.value))
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["lenet_5", "vgg_a"])
def test_smallest_size_is_true(name):
    smallest = kc.card(name).smallest_size
    channels = kc.card(name).input_shape[-1]
    arguments = {"width": 0.05, "dense_units": 8} if name == "vgg_a" else {}
    kc.create_model(name, input_shape=(smallest, smallest, channels), **arguments)
    with pytest.raises(ValueError, match=f"at least {smallest}"):
        kc.create_model(name, input_shape=(smallest - 1, smallest, channels))


@pytest.mark.parametrize("name", ["resnet_18", "resnet_20_cifar", "plain_20_cifar"])
@pytest.mark.parametrize("channels", [1, 4])
def test_any_size_and_channels_without_top(name, channels):
    model = kc.create_model(name, include_top=False, input_shape=(None, None, channels), width=0.1)
    for size in (33, 48):
        assert model(np.zeros((1, size, size, channels), "float32")).shape[0] == 1


def test_pooling_of_vectors_is_refused():
    with pytest.raises(ValueError, match="no height and width to pool over"):
        kc.create_model("mlp_mnist", include_top=False, pooling="avg")


@pytest.mark.parametrize(("pooling", "rank"), [(None, 4), ("avg", 2), ("max", 2)])
def test_pooling_without_top(pooling, rank):
    model = kc.create_model("resnet_18", include_top=False, pooling=pooling, width=0.1)
    assert len(model.output_shape) == rank


def test_input_tensor_is_inlined_not_nested():
    image = keras.Input((40, 40, 3))
    scaled = keras.layers.Rescaling(1 / 255)(image)
    model = kc.models.ResNet18(input_tensor=scaled, width=0.1, classes=5)
    assert model.inputs[0] is image
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert "stage2_block1_conv2" in {layer.name for layer in model.layers}


def test_weights_come_from_a_file(tmp_path):
    source = kc.models.LeNet5()
    source.save_weights(tmp_path / "lenet.weights.h5")
    loaded = kc.models.LeNet5(weights=tmp_path / "lenet.weights.h5")
    digits = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype("float32")
    np.testing.assert_array_equal(loaded(digits), source(digits))


def test_inline_shares_layers_and_keeps_outputs():
    from keras_classics.core.cards.image_builder import inline

    model = kc.models.ResNet20CIFAR(width=0.25)
    image = keras.Input((32, 32, 3))
    twin = keras.Model(image, inline(model, image))
    pictures = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(twin(pictures), model(pictures))
    assert twin.get_layer("stem_conv") is model.get_layer("stem_conv")
