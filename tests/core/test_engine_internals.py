"""What is asked of engines beside their documentation, and life without it: loops, settings, places."""

import json
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.callbacks import picture_callback
from keras_classics.core.keras_internals import (
    TESTED,
    OwnLoop,
    bring_up_to_date,
    compiled_by_xla,
    custom_objects_in_scope,
    has_one_dropout_mask,
    input_dropout_mask,
    outline,
    strategy_of,
)
from keras_classics.layers.recurrent import hoisted
from support import run_on

WORKS_AGAIN = rf"Keras {TESTED}, with which this was tested. Run: pip install 'keras=={TESTED}.\*'"


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
    output = run_on(
        "jax",
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
    )
    # A step takes a quarter of the mean input off, by hand.
    assert [float(line) for line in output.split()] == [0.75, 0.5, 0.25]


def test_without_that_a_sentence_says_so(monkeypatch):
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    bring_up_to_date(model)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(kc.InputError, match=f"while JAX trains.*{WORKS_AGAIN}"):
        bring_up_to_date(model)
