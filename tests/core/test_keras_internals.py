"""One adapter: every undocumented use of Keras, TensorFlow and JAX, and life without it.

Where a test of the first kind fails on a new release, that release has changed what is used; the
test of the second kind, beside it, shows what a user then gets.
"""

import contextlib
import inspect
import json
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from core.private_names import own_names, private_uses, process_settings
from keras_classics.analysis.maps import guided
from keras_classics.callbacks import picture_callback
from keras_classics.core import call_kinds, keras_internals
from keras_classics.core.graph import connected_names, functional, inputs_of
from keras_classics.core.keras_internals import (
    TESTED,
    OwnLoop,
    arguments_of,
    bring_up_to_date,
    compiled_by_xla,
    custom_objects_in_scope,
    deep_graphs,
    has_one_dropout_mask,
    heard,
    input_dropout_mask,
    is_keras,
    layers_within,
    maker,
    operation_name,
    operations_of,
    outline,
    readers,
    strategy_of,
    twin,
)
from keras_classics.distribution import mending
from keras_classics.export.sizes import any_size
from keras_classics.layers.recurrent import hoisted
from keras_classics.training import divergence
from support import ROOT, run_python

PACKAGE = ROOT / "package" / "keras_classics"
FILES = [*PACKAGE.rglob("*.py"), *(ROOT / "applications").rglob("*.py")]
OWN = own_names(FILES)
ADAPTERS = [PACKAGE / "core/keras_internals.py", PACKAGE / "distribution/mending.py"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_private_parts_of_engines_are_used_in_two_files_alone(file):
    used = list(private_uses(file, OWN))
    if file in ADAPTERS:
        assert used, f"{file} adapts nothing"
    else:
        assert not used, "belongs into core/keras_internals.py"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x._keras_history", "_keras_history"),
        ("self._inbound_nodes", "_inbound_nodes"),
        ("getattr(x, '_flatten_layers')", "_flatten_layers"),
        ("model.jax_state_sync()", "jax_state_sync"),
        ("from keras.src import ops", "keras.src.ops"),
        ("from tensorflow.python.ops import x", "tensorflow.python.ops.x"),
        ("importlib.import_module('keras.src.ops')", "keras.src.ops"),
        ("keras.src.ops", "keras.src"),
        ("keras.Variable.__init__ = f", "keras.Variable.__init__ is replaced"),
    ],
)
def test_such_a_use_would_be_found(line, found, tmp_path):
    (tmp_path / "file.py").write_text(f"self._own = point._replace(x=1)\n{line}\n")
    uses = list(private_uses(tmp_path / "file.py", {"_own"}))
    assert f"2: {found}" in uses and not any(use.startswith("1:") for use in uses)


def test_no_class_of_ours_hides_a_private_name_of_keras():
    """A method of theirs that is overridden without being known is used as much as one called."""
    hidden = []
    for name, module in list(sys.modules.items()):
        if not name.startswith("keras_classics.") or name.endswith("keras_internals"):
            continue
        for own in filter(inspect.isclass, vars(module).values()):
            theirs = [base for base in own.__mro__ if base.__module__.startswith("keras.")]
            taken = {key for base in theirs for key in vars(base)}
            hidden += [
                f"{name}.{own.__name__}.{key}"
                for base in own.__mro__
                if base.__module__ == name
                for key in vars(base)
                if key in taken and key.startswith("_") and not key.endswith("__")
            ]
    # What Python and Keras themselves put into classes.
    assert [each for each in hidden if "_abc_impl" not in each and "._api_" not in each] == []


# ---- the user's process ----


# Programs of our own, whose process is theirs, begin there.
COMMANDS = {"jobs", "cli.py", "core/commands.py"}
# Elsewhere each has a reason: deep graphs; one call of Keras, after which all is as it was.
SETTINGS_ALLOWED = {
    "core/keras_internals.py": {"sys.setrecursionlimit"},
    "analysis/maps/map_sanity.py": {"random.seed"},
}


@pytest.mark.parametrize(
    "name", sorted(str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py"))
)
def test_settings_of_the_process_are_left_alone(name):
    if not COMMANDS & {name, name.split("/")[0]}:
        changed = {each.split(": ")[1] for each in process_settings(PACKAGE / name)}
        assert changed == SETTINGS_ALLOWED.get(name, set())


STATE = """
import logging, os, random, signal, sys, threading, warnings
import keras, matplotlib, numpy as np, tensorflow

def state():
    return {
        "recursion": sys.getrecursionlimit(),
        "filters": list(warnings.filters),
        "environment": dict(os.environ),
        "loggers": {name: (each.level, each.disabled, len(each.handlers))
                    for name, each in logging.Logger.manager.loggerDict.items()
                    if isinstance(each, logging.Logger)},
        "root": (logging.root.level, len(logging.root.handlers), logging.root.manager.disable),
        "rc": {key: matplotlib.rcParams._get(key) for key in matplotlib.rcParams},
        "numpy": (np.geterr(), np.get_printoptions()),
        "draws": (random.getstate(), np.random.get_state()[1].tolist()),
        "keras": (keras.config.floatx(), keras.config.dtype_policy().name,
                  keras.config.image_data_format(), keras.config.is_traceback_filtering_enabled()),
        "hooks": (sys.excepthook, threading.excepthook, signal.getsignal(signal.SIGINT)),
        "threads": threading.active_count(),
    }

before = state()
import keras_classics as kc
after = state()
# Importing makes loggers of libraries; those that were there stay as they were.
after["loggers"] = {name: after["loggers"][name] for name in before["loggers"]}
print([key for key in before if before[key] != after[key]])
"""


def test_importing_leaves_the_process_as_it_was():
    assert run_python(STATE).strip() == "[]"


# ---- the graph of functional models ----


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
    looked_for = {*guided.RELU_OPERATIONS, *call_kinds._LINES, *call_kinds._SQUASHING_OPERATIONS}
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


# ---- depth ----


def test_the_limit_is_raised_within_and_only_there():
    usual = sys.getrecursionlimit()
    with deep_graphs():
        assert sys.getrecursionlimit() == max(usual, keras_internals.DEEP)
        with pytest.raises(KeyError), deep_graphs():
            raise KeyError
        assert sys.getrecursionlimit() > usual
    assert sys.getrecursionlimit() == usual
    # Whoever sets it in the meantime has the last word.
    try:
        with deep_graphs():
            sys.setrecursionlimit(usual + 7)
        assert sys.getrecursionlimit() == usual + 7
    finally:
        sys.setrecursionlimit(usual)


def test_threads_share_the_limit_until_the_last_has_left():
    usual, inside, leave = sys.getrecursionlimit(), threading.Barrier(3), threading.Event()

    def work():
        with deep_graphs():
            inside.wait(10)
            leave.wait(10)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    with deep_graphs():
        pass
    assert sys.getrecursionlimit() == max(usual, keras_internals.DEEP)
    leave.set()
    for thread in threads:
        thread.join()
    assert sys.getrecursionlimit() == usual


@pytest.fixture(scope="module")
def deep():
    """A model of 1,100 layers, more than Python has frames."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(2, 3, padding="same", name="stage1_conv", use_bias=False)(image)
    x = layers.BatchNormalization(name="stage1_norm")(x)
    for number in range(1_100):
        x = layers.Activation("tanh", name=f"tanh{number}")(x)
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    with deep_graphs():
        return keras.Model(image, layers.Dense(4, activation="softmax", name="predictions")(x))


@deep_graphs()
def in_a_row(model):
    return keras.Sequential([keras.Input(model.input_shape[1:]), *model.layers[1:]])


def test_keras_alone_would_not_connect_so_deep_a_model(deep):
    """Once this fails Keras recurses no more, and `deep_graphs` can go."""
    with pytest.raises(RecursionError):
        keras.models.clone_model(deep)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        kc.export.fold,
        lambda model: kc.transfer.features(model, "tanh1090"),
        lambda model: kc.transfer.replace_head(model, 7),
        lambda model: kc.transfer.adapt_channels(model, 1),
        lambda model: kc.analysis.randomize_layers(model),
        lambda model: kc.models.split_captioner(
            kc.models.captioner(kc.transfer.features(model, "head_pool"), 9, units=3)
        )[0],
        lambda model: kc.create_model(
            "resnet_20_cifar", include_top=False, input_tensor=model.get_layer("tanh1090").output
        ),
        any_size,
        lambda model: functional(in_a_row(model)),
    ],
    ids=[
        "fold",
        "features",
        "head",
        "channels",
        "randomize",
        "captioner",
        "builder",
        "size",
        "row",
    ],
)
def test_deep_models_are_made(deep, make):
    usual = sys.getrecursionlimit()
    assert len(make(deep).layers) > 1_000
    assert sys.getrecursionlimit() == usual


@pytest.mark.slow
def test_deep_models_are_loaded(deep, tmp_path):
    kc.save_model(deep, tmp_path / "deep.keras")
    usual = sys.getrecursionlimit()
    loaded = kc.load_model(tmp_path / "deep.keras")
    assert sys.getrecursionlimit() == usual
    image = np.ones((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(loaded.predict_on_batch(image), deep.predict_on_batch(image))


# ---- layers ----


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


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_keras_runs_our_loop_and_without_asking_its_own(kind, monkeypatch):
    ours, theirs = getattr(kc.layers, kind)(4, dropout=0.5), getattr(layers, kind)(4)
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    theirs.build(x.shape)
    ours.build(x.shape)
    theirs.set_weights(ours.get_weights())
    asked = []
    real = type(ours).loop
    monkeypatch.setattr(type(ours), "loop", lambda *args: asked.append(1) or real(*args))
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)
    assert asked == [1]
    monkeypatch.delattr(OwnLoop, "inner_loop")
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)
    assert asked == [1]


def test_dropped_inputs_are_those_that_the_cell_drops(monkeypatch):
    cell = layers.LSTMCell(4, dropout=0.5, seed=1)
    assert has_one_dropout_mask(cell) and not has_one_dropout_mask(
        layers.LSTMCell(4, implementation=1)
    )
    step = np.ones((64, 3), "float32")
    mask = keras.ops.convert_to_numpy(input_dropout_mask(cell, step))
    assert mask.shape == step.shape and set(np.unique(mask)) == {0.0, 2.0}
    # The one that the cell itself goes on with.
    cell.build(step.shape)
    states = [np.zeros((64, 4), "float32")] * 2
    cell.recurrent_kernel.assign(cell.recurrent_kernel * 0)
    found, _ = cell(step, states, training=True)
    expected, _ = cell(mask, states, training=False)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_cells_that_do_not_tell_are_run_by_keras(monkeypatch):
    told = {"implementation": 2, "get_dropout_mask": None}
    assert has_one_dropout_mask(types.SimpleNamespace(**told))
    for name in told:
        less = {key: value for key, value in told.items() if key != name}
        assert not has_one_dropout_mask(types.SimpleNamespace(**less))
    layer = kc.layers.LSTM(4)
    x = np.ones((2, 5, 3), "float32")
    expected = keras.ops.convert_to_numpy(layer(x))
    monkeypatch.setattr(hoisted, "has_one_dropout_mask", lambda cell: False)
    assert layer.loop(x, None, None, False) is None
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)


# ---- configurations ----


def outlined(model):
    """Shapes of the variables that the configuration of a model asks for."""
    config = json.loads(model.to_json())
    with ThreadPoolExecutor(1) as thread:
        return [tuple(x.shape) for x in thread.submit(outline, config, {}).result().variables]


def test_a_configuration_shows_what_it_asks_for_before_it_is_taken():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Activation("relu")])
    wanted = sorted(tuple(x.shape) for x in model.variables)
    assert sorted(outlined(model)) == wanted
    config = json.loads(model.to_json())
    config["config"]["layers"][1]["config"]["units"] = 10**13
    with ThreadPoolExecutor(1) as thread:
        large = thread.submit(outline, config, {}).result()
    # More than any machine has.
    assert (3, 10**13) in [tuple(x.shape) for x in large.variables]


def test_a_release_that_makes_values_is_refused_before(monkeypatch):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    monkeypatch.setattr(keras, "StatelessScope", lambda: None)
    with pytest.raises(kc.InputError, match=f"before it can be seen how much.*{WORKS_AGAIN}"):
        outline(json.loads(model.to_json()), {})


def test_what_is_shared_is_asked_for_once_or_counted_twice(monkeypatch):
    shared = layers.Dense(3, name="shared")
    image = keras.Input((3,))
    model = keras.Model(image, layers.Add()([shared(image), shared(shared(image))]))
    assert sorted(outlined(model)) == [(3,), (3, 3)]
    monkeypatch.setitem(sys.modules, "keras.src.saving.serialization_lib", None)
    assert set(outlined(model)) == {(3,), (3, 3)}


def test_classes_in_scope_are_known_or_else_unknown(monkeypatch):
    class Own:
        pass

    assert custom_objects_in_scope() == {}
    with keras.saving.custom_object_scope({"Own": Own}):
        assert custom_objects_in_scope() == {"Own": Own}
        monkeypatch.setitem(sys.modules, "keras.src.backend.common.global_state", None)
        assert custom_objects_in_scope() == {}


# ---- engines ----


def test_xla_is_noticed_while_it_compiles():
    import tensorflow as tf

    seen = []

    def look(x):
        seen.append(compiled_by_xla())
        return x

    tf.function(look, jit_compile=True)(tf.constant(1.0))
    tf.function(look)(tf.constant(1.0))
    look(1.0)
    assert seen == [True, False, False]


def test_where_tensorflow_does_not_tell_grids_are_computed_as_xla_could(monkeypatch):
    layer = kc.layers.MultiDimensionalLSTM(2)
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 2)).astype("float32")
    expected = keras.ops.convert_to_numpy(layer(x))
    monkeypatch.setitem(sys.modules, "tensorflow.python.ops.control_flow_util", None)
    assert compiled_by_xla()
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)


def test_a_model_tells_its_strategy_or_counts_as_one_replica(monkeypatch):
    import tensorflow as tf

    place = tf.distribute.OneDeviceStrategy("/cpu:0")
    with place.scope():
        model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    assert strategy_of(model) is place
    owner = next(base for base in type(model).__mro__ if "distribute_strategy" in vars(base))
    monkeypatch.delattr(owner, "distribute_strategy")
    assert strategy_of(model) is None
    assert picture_callback._is_chief(model)


@pytest.mark.slow
def test_variables_catch_up_with_training_on_jax():
    output = run_python(
        """
import keras, numpy as np
from keras_classics.core.keras_internals import bring_up_to_date

class Look(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        bring_up_to_date(self.model)
        print(float(self.model.weights[0].value[0, 0]))

model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
model.compile(keras.optimizers.SGD(0.25), lambda y, answer: keras.ops.mean(answer))
model.fit(np.ones((3, 1)), np.ones((3, 1)), batch_size=1, verbose=0, callbacks=[Look()])
""",
        backend="jax",
    )
    # A step takes a quarter of the mean input off, by hand.
    assert [float(line) for line in output.split()] == [0.75, 0.5, 0.25]


def test_without_that_a_sentence_says_so(monkeypatch):
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    bring_up_to_date(model)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(kc.InputError, match=f"while JAX trains.*{WORKS_AGAIN}"):
        bring_up_to_date(model)


# ---- what distribution patches ----

PATCHES = [*mending.REPLICAS, *mending.BATCHES]


@pytest.fixture
def unmended(monkeypatch):
    """Undoes what a test mends, in this process of one device."""
    for patch in PATCHES:
        owner = mending._look_up(patch.module, patch.owner)
        monkeypatch.setattr(owner, patch.name, getattr(owner, patch.name))
    monkeypatch.setattr(mending, "_summed", [])


def names_in_place():
    return [getattr(mending._look_up(patch.module, patch.owner), patch.name) for patch in PATCHES]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_what_is_patched_is_there_and_takes_what_it_took(patch):
    _, original = mending._found(patch)
    assert callable(original)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
@pytest.mark.parametrize("how", ["gone", "another"])
def test_a_release_without_it_trains_on_one_device_only(patch, how, unmended, monkeypatch):
    owner = mending._look_up(patch.module, patch.owner)
    if how == "gone":
        holder = next(o for o in getattr(owner, "__mro__", [owner]) if patch.name in vars(o))
        monkeypatch.delattr(holder, patch.name)
        if holder is not owner and patch.name in vars(owner):
            monkeypatch.delattr(owner, patch.name)
        if hasattr(owner, patch.name):
            monkeypatch.delattr(next(o for o in owner.__mro__ if patch.name in vars(o)), patch.name)
    else:
        monkeypatch.setattr(owner, patch.name, lambda something, quite, different, yes: None)
    before = [vars(mending._look_up(each.module, each.owner)).get(each.name) for each in PATCHES]
    patches = mending.REPLICAS if patch in mending.REPLICAS else mending.BATCHES
    with pytest.raises(kc.InputError, match=f"one device only here.*{WORKS_AGAIN}"):
        mending._apply(patches, ())
    after = [vars(mending._look_up(each.module, each.owner)).get(each.name) for each in PATCHES]
    # All or none.
    assert before == after


@pytest.mark.parametrize("needed", mending.CALLED, ids=str)
def test_what_is_called_besides_is_there_or_missed(needed):
    assert mending._look_up(*needed)
    with pytest.raises(kc.InputError, match="one device only"):
        mending._apply((), [(needed[0], needed[1] + "_no_more")])


def test_an_untested_release_that_has_all_of_it_says_so_once(unmended, monkeypatch):
    before = names_in_place()
    monkeypatch.setattr(keras, "__version__", "3.99.0")
    with pytest.warns(UserWarning, match=f"tested with Keras {TESTED}, and this is 3.99.0"):
        mending._apply(mending.REPLICAS, ())
    count = len(mending.REPLICAS)
    assert all(a is not b for a, b in zip(before[:count], names_in_place(), strict=False))


def test_one_device_computes_the_same_after_mending(unmended):
    def losses():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Dropout(0.5)])
        model.compile(keras.optimizers.SGD(0.1, global_clipnorm=0.1), "mse")
        x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
        return model.fit(x, x, epochs=3, verbose=0).history["loss"]

    before = losses()
    mending._apply(mending.REPLICAS, ())
    assert losses() == before
