"""The graph of functional models as Keras records it without documenting it, and life without it.

Where a test of the first kind fails on a new release, that release has changed what is used; the
test of the second kind, beside it, shows what a user then gets.
"""

import contextlib
import types

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from keras_classics.analysis.maps import relus
from keras_classics.core import call_kinds, keras_internals
from keras_classics.core.graphs import layer_windows
from keras_classics.core.graphs.graph import connected_names, inputs_of
from keras_classics.core.keras_internals import (
    TESTED,
    arguments_of,
    heard,
    is_keras,
    layers_within,
    maker,
    operation_name,
    operations_of,
    readers,
    twin,
)
from keras_classics.training import divergence


def shared_and_summed():
    """A layer that is called twice, and an operation that is no layer."""
    dense = layers.Dense(3, name="twice")
    image = keras.Input((3,))
    first = dense(image)
    second = dense(first)
    return keras.Model(image, first + second), first, second


WORKS_AGAIN = rf"Keras {TESTED}, with which this was tested. Run: pip install 'keras=={TESTED}.\*'"


def test_the_tested_release_is_at_hand():
    """Another one: see which tests here fail, mend them, and write it into `TESTED`."""
    assert keras.__version__.startswith(f"{TESTED}.")


def test_tensors_tell_the_calls_that_made_them():
    model, first, second = shared_and_summed()
    one, two = maker(first), maker(second)
    assert one is not two and one.operation is two.operation is model.get_layer("twice")
    assert [id(x) for x in two.input_tensors] == [id(first)] and two.outputs[0] is second
    start = maker(model.inputs[0])
    assert start.is_input and not one.is_input
    total = maker(model.outputs[0])
    assert not isinstance(total.operation, keras.layers.Layer)
    arguments, options = arguments_of(total, {id(first): 5, id(second): 7})
    assert total.operation.call(*arguments, **options) == 12
    assert list(total.arguments.args) == [first, second] and total.arguments.kwargs == {}


def test_without_them_a_sentence_says_which_release_tells(monkeypatch):
    """For everything that reads graphs: a part of the catalogue's work each."""
    model, first, _ = shared_and_summed()

    def gone(self):
        raise AttributeError("_keras_history")

    silent = property(gone, lambda self, history: None)
    monkeypatch.setattr(keras.KerasTensor, "_keras_history", silent, raising=False)
    with pytest.raises(kc.InputError, match=f"which layer made a tensor. .*{WORKS_AGAIN}"):
        maker(first)
    with pytest.raises(kc.InputError, match="which layer made a tensor"):
        kc.transfer.replace_head(model, 3)


@pytest.mark.parametrize("name", ["operation", "arguments", "outputs", "is_input", "input_tensors"])
def test_a_record_that_lacks_something_is_refused_too(name, monkeypatch):
    _, first, _ = shared_and_summed()
    record = {each: None for each in ("operation", "arguments", "outputs", "is_input")}
    record = types.SimpleNamespace(**record, input_tensors=[])
    operation = types.SimpleNamespace(_inbound_nodes=[record])
    tensor = types.SimpleNamespace(
        _keras_history=types.SimpleNamespace(operation=operation, node_index=0)
    )
    monkeypatch.setattr(keras_internals, "_sound", set())
    assert maker(tensor) is record
    keras_internals._sound.clear()
    delattr(record, name)
    with pytest.raises(kc.InputError, match="which layer made a tensor"):
        maker(tensor)


def test_a_tensor_of_no_graph_is_told_from_a_keras_that_does_not_tell():
    with pytest.raises(kc.InputError, match=r"\(2, 3\) that belongs to no graph"):
        maker(keras.KerasTensor((2, 3)))
    with pytest.raises(kc.InputError, match=r"no graph was given.*keras.Input\(\.\.\.\)"):
        kc.create_model("lenet_5", input_tensor=np.zeros((1, 32, 32, 1), "float32"))


def test_calls_tell_who_reads_them_or_nobody_is_known_to(monkeypatch):
    model, first, _ = shared_and_summed()
    twice = model.get_layer("twice")
    total = maker(model.outputs[0])
    assert [each.operation for each in readers(maker(first))] == [twice, total.operation]
    assert connected_names(model.inputs[0]) == {each.name for each in operations_of(model)}
    for operation in operations_of(model):
        monkeypatch.delattr(operation, "_outbound_nodes")
    assert readers(maker(first)) == []
    assert connected_names(first) == {"twice", maker(model.inputs[0]).operation.name}


def test_inputs_are_found_past_any_number_of_shortcuts():
    image = x = keras.Input((2,))
    for _ in range(60):
        x = x + layers.Activation("tanh")(x)
    # As many ways as grains of sand; every call is looked at once.
    assert inputs_of(x) is image
    other = keras.Input((2,))
    assert [id(each) for each in inputs_of(x + other)] == [id(image), id(other)]


def test_operations_are_seen_with_the_layers():
    model, *_ = shared_and_summed()
    names = [each.name for each in operations_of(model)]
    assert "twice" in names and len(names) == 1 + len(model.layers)


def test_without_a_list_of_operations_layers_are_seen(monkeypatch):
    model, *_ = shared_and_summed()
    owner = next(base for base in type(model).__mro__ if "operations" in vars(base))
    monkeypatch.delattr(owner, "operations")
    assert operations_of(model) == model.layers


def test_layers_within_wrappers_and_models_are_found(monkeypatch):
    inner = layers.BatchNormalization(name="inner")
    image = keras.Input((4, 3))
    nested = keras.Sequential([keras.Input((3,)), inner])
    model = keras.Model(image, layers.TimeDistributed(nested)(image))
    assert any(each is inner for each in layers_within(model))
    owner = next(base for base in type(model).__mro__ if "_flatten_layers" in vars(base))
    monkeypatch.delattr(owner, "_flatten_layers")
    with pytest.raises(kc.InputError, match=f"which layers are within others.*{WORKS_AGAIN}"):
        layers_within(model)


OPERATIONS = {
    "Add": lambda x: x + 1.0,
    "Cast": lambda x: ops.cast(x, "float16"),
    "Concatenate": lambda x: ops.concatenate([x, x]),
    "ConvertToTensor": ops.convert_to_tensor,
    "Copy": ops.copy,
    "Divide": lambda x: ops.divide(x, 2.0),
    "Dot": lambda x: ops.dot(x, x),
    "Einsum": lambda x: ops.einsum("bi,bi->b", x, x),
    "ExpandDims": lambda x: ops.expand_dims(x, -1),
    "GetItem": lambda x: x[:, 0],
    "LogSigmoid": ops.log_sigmoid,
    "LogSoftmax": ops.log_softmax,
    "Matmul": lambda x: x @ x,
    "Max": ops.max,
    "Maximum": lambda x: ops.maximum(x, 0.0),
    "Mean": ops.mean,
    "Min": ops.min,
    "Minimum": lambda x: ops.minimum(x, 0.0),
    "Moveaxis": lambda x: ops.moveaxis(x, 0, 1),
    "Multiply": lambda x: x * 2.0,
    "Negative": lambda x: -x,
    "ReLU": keras.activations.relu,
    "Relu": ops.relu,
    "Relu6": ops.relu6,
    "Reshape": lambda x: ops.reshape(x, (2, 2)),
    "Resize": lambda x: ops.image.resize(x[None, ..., None], (2, 2)),
    "Sigmoid": ops.sigmoid,
    "Softmax": ops.softmax,
    "Squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 0), 0),
    "Stack": lambda x: ops.stack([x, x]),
    "Subtract": lambda x: x - 1.0,
    "Sum": ops.sum,
    "Swapaxes": lambda x: ops.swapaxes(x, 0, 1),
    "Tensordot": lambda x: ops.tensordot(x, x, 1),
    "Transpose": ops.transpose,
    "TrueDivide": lambda x: x / 2.0,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_have_the_names_that_are_looked_for(name):
    tensor = OPERATIONS[name](keras.Input((2,), batch_size=2))
    assert operation_name(maker(tensor).operation) == name


def test_all_names_that_are_looked_for_are_tried_here():
    looked_for = {*relus.RELU_OPERATIONS, *layer_windows._POINTWISE_OPERATIONS}
    looked_for |= {*call_kinds._LINES, *call_kinds._SQUASHING_OPERATIONS}
    for table in ("_KEEPING_OPERATIONS", "_MIXING_OPERATIONS", "_RESHAPING_OPERATIONS"):
        looked_for |= {*getattr(call_kinds, table)}
    assert looked_for <= {*OPERATIONS}


def test_an_operation_that_was_renamed_is_unknown_and_said_to_be(monkeypatch):
    image = keras.Input((4,))
    model = keras.Model(image, ops.softmax(layers.Dense(3)(image)))
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(kc.analysis.class_probabilities(model, x), model(x), rtol=1e-5)

    class Renamed(type(maker(model.outputs[0]).operation)):
        pass

    maker(model.outputs[0]).operation.__class__ = Renamed
    assert not is_keras(maker(model.outputs[0]).operation)
    with pytest.raises(kc.InputError, match="Renamed.*keras.layers.Softmax"):
        kc.analysis.class_probabilities(model, x)


def test_a_twin_shares_its_weights():
    dense = layers.Dense(3, activation="softmax")
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    answer = keras.ops.convert_to_numpy(dense(x))
    logits = twin(dense, activation=keras.activations.linear)
    for _ in range(2):
        expected = x @ keras.ops.convert_to_numpy(dense.kernel)
        np.testing.assert_allclose(logits(x), expected + np.array(dense.bias), rtol=1e-5)
        dense.kernel.assign(dense.kernel * 2)
    dense.kernel.assign(dense.kernel / 4)
    np.testing.assert_allclose(dense(x), answer, rtol=1e-6)


def test_a_layer_that_is_kept_elsewhere_has_no_twin(monkeypatch):
    dense = layers.Dense(3)
    dense.build((None, 4))
    kept = {id(dense): dense.weights}
    monkeypatch.setattr(
        keras.layers.Layer, "weights", property(lambda self: kept.get(id(self), []))
    )
    with pytest.raises(kc.InputError, match=f"shared in part.*{WORKS_AGAIN}"):
        twin(dense)


def test_layers_and_operations_are_heard_in_order():
    model, *_ = shared_and_summed()
    said = []
    parts = [each for each in operations_of(model) if not isinstance(each, layers.InputLayer)]
    with heard(parts, lambda part, outputs: said.append((part.name, float(outputs[0, 0])))) as told:
        value = float(model(np.ones((1, 3), "float32"))[0, 0])
    assert [name for name, _ in said[:2]] == ["twice", "twice"] and said[2][1] == value
    assert told == {name for name, _ in said}
    model(np.ones((1, 3), "float32"))
    assert len(said) == 3 and not any("call" in vars(part) for part in parts)


def test_several_may_listen_and_end_in_any_order():
    layer, said = layers.Dense(2, name="dense"), []
    layer.build((None, 3))
    x = np.ones((1, 3), "float32")

    def hear(name, parts=(layer, layer)):
        return heard(parts, lambda part, outputs: said.append((name, part.name)))

    def told():
        said.clear()
        layer(x)
        return [name for name, _ in said]

    first, second, third = hear("first"), hear("second"), hear("third")
    first.__enter__()
    second.__enter__()
    assert told() == ["first", "second"]
    first.__exit__(None, None, None)
    assert told() == ["second"]
    with third:
        assert told() == ["second", "third"]
    assert told() == ["second"]
    second.__exit__(None, None, None)
    assert told() == [] and "call" not in vars(layer)


def test_a_call_that_somebody_has_put_there_is_there_again():
    layer = layers.Activation("linear")
    own = vars(layer)["call"] = lambda x: 2 * x
    with heard([layer], lambda *_: None) as told:
        assert float(layer(np.ones((1, 1), "float32"))[0, 0]) == 2
    assert told == {layer.name} and vars(layer)["call"] is own


def test_without_hearing_the_loss_is_named_and_no_layer(monkeypatch):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", lambda y, answer: keras.ops.mean(answer) * np.nan)
    batch = np.ones((2, 2), "float32"), np.ones((2, 1), "float32")
    assert divergence.first_non_finite(model, batch) == "the loss, of finite outputs of all layers"
    monkeypatch.setattr(divergence, "heard", lambda *_: contextlib.nullcontext(set()))
    assert divergence.first_non_finite(model, batch) == "the loss"
