"""The graph that Keras records: calls, readers, places; what is read of it holds on this release."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.graphs.graph import (
    ancestry,
    connected_names,
    functional,
    needed_for,
    numbered_paths,
    path,
    rebuilt,
)
from keras_classics.core.keras_internals import layers_within, maker, readers


def twice():
    """A nested encoder of two inputs, and a branch that nothing reads."""
    inner = keras.Input((4,))
    encoder = keras.Model(inner, layers.Dense(3, name="dense")(inner), name="encoder")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    both = [encoder(a), encoder(b)]
    layers.Dense(2, name="aside")(a)
    return keras.Model([a, b], [layers.Add(name="add")(both), both[1]])


def test_every_call_of_a_layer_is_a_call_of_its_own():
    model = twice()
    first, second = maker(model.outputs[0]).input_tensors
    assert maker(first).operation is maker(second).operation is model.get_layer("encoder")
    assert maker(first) is not maker(second)
    assert {x.operation.name for x in readers(maker(model.inputs[0]))} == {"encoder", "aside"}
    assert [x.operation.name for x in readers(maker(second))] == ["add"]
    order = [node.operation.name for node in ancestry(model.outputs)]
    assert order.index("add") > max(n for n, x in enumerate(order) if x == "encoder")
    assert "aside" not in order and "aside" in connected_names(model.outputs[0])


def test_places_are_told_apart_and_only_what_is_needed_counts():
    model = twice()
    paths = numbered_paths(model.outputs)
    assert list(paths.values()) == [
        "encoder(0)/dense", "encoder(0)", "encoder(1)/dense", "encoder(1)", "add",
    ]  # fmt: skip
    assert {path(place) for place in paths} == {"encoder/dense", "encoder", "add"}
    places, inputs = needed_for(model.outputs[1:])
    assert [paths[place] for place in places] == ["encoder(1)/dense"]
    assert inputs == {id(model.inputs[1])}


def test_calls_are_numbered_by_the_graph_whatever_came_first(tmp_path):
    """So that a file, or a copy, has the paths of the model it was made of."""
    dense, pair = layers.Dense(3, name="dense"), [keras.Input((4,), name=x) for x in "ab"]
    dense(keras.Input((4,)))
    late, early = dense(pair[1]), dense(pair[0])
    model = keras.Model(pair, layers.Subtract(name="minus")([early, late]))
    model.save(tmp_path / "model.keras")
    copies = keras.saving.load_model(tmp_path / "model.keras"), keras.models.clone_model(model)
    for each in (model, *copies):
        named = {name: place for place, name in numbered_paths(each.outputs).items()}
        assert list(named) == ["dense(0)", "dense(1)", "minus"]
        assert [x.name for x in named["dense(0)"][-1].input_tensors] == ["a"]


def test_a_graph_is_called_again_with_other_layers():
    model = twice()
    aside = [keras.Input((4,)), keras.Input((4,))]
    known = dict(zip(map(id, model.inputs), aside, strict=True))
    made = []
    outputs = rebuilt(model.outputs, known, lambda layer: made.append(layer) or layer)
    assert [layer.name for layer in made] == ["encoder", "add"]
    again = keras.Model(aside, outputs)
    assert {id(w) for w in again.weights} == {id(w) for w in model.weights}


def test_sequential_models_have_a_functional_form_of_their_layers():
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3), layers.Dense(2)])
    form = functional(model)
    assert form.input.name == "x" and form.name == model.name
    assert form.layers[1:] == model.layers
    assert functional(form) is form
    with pytest.raises(kc.InputError, match="no graph of layers"):
        functional(keras.Sequential([layers.Dense(2)]))


def test_layers_are_found_within_whatever_holds_them():
    class Holder(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2, name="held")

    x = keras.Input((3, 4))
    y = layers.TimeDistributed(layers.Dense(3, name="wrapped"))(x)
    model = keras.Model(x, y)
    model.holder = Holder()
    nested = keras.Sequential([keras.Input((3, 4)), model])
    assert {"wrapped", "held"} <= {layer.name for layer in layers_within(nested)}


TAKERS = {
    "model_ends": kc.analysis.model_ends,
    "replace_head": lambda model: kc.transfer.replace_head(model, 3),
    "adapt_channels": lambda model: kc.transfer.adapt_channels(model, 1),
    "features": kc.transfer.features,
    "freeze": kc.transfer.freeze,
    "layer_groups": kc.transfer.layer_groups,
    "cam": lambda model: kc.analysis.cam(model, np.zeros((1, 8, 8, 3))),
    "saliency": lambda model: kc.analysis.saliency(model, np.zeros((1, 8, 8, 3))),
    "receptive_field": lambda model: kc.analysis.receptive_field(model, "x"),
    "costs": kc.analysis.costs,
    "fold": kc.export.fold,
    "save_model": lambda model: kc.save_model(model, "never.keras"),
}


@pytest.mark.parametrize("name", TAKERS)
@pytest.mark.parametrize("given", [None, 3, keras.Model, layers.Dense(3, name="fc")], ids=str)
def test_what_is_no_model_is_refused_in_the_same_sentence(name, given):
    sentence = r"^.* was given as a model. Allowed: a keras.Model. Pass what kc.create_model"
    with pytest.raises(kc.InputError, match=sentence):
        TAKERS[name](given)
