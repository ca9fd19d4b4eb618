"""Several devices give the loss curve of one device with the same global batch."""

import numpy as np
import pandas as pd
import pytest

import curves
from support import run_on

# Relative, in float32.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def one_device():
    return curves.losses("cpu")


def check_equal(found: dict, wanted: dict) -> None:
    for case, values in found.items():
        np.testing.assert_allclose(values, wanted[case], rtol=TOLERANCE, err_msg=case)


MIRRORED = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np, keras_classics as kc, curves

curves.show("mirrored")
place = kc.distribution.strategy("mirrored")
x = np.random.default_rng(0).normal(size=(16, 64)).astype("float32")
with place as engine:
    assert engine.num_replicas_in_sync == 2
    inputs = keras.Input((64,))
    dropout = keras.layers.Dropout(0.5)
    model = keras.Model(inputs, keras.layers.BatchNormalization()(dropout(inputs)))
    model.compile("sgd", "mse")
    model.fit(x, x, batch_size=8, epochs=2, verbose=0)
    draws = engine.run(lambda: dropout(np.ones((1, 64), "float32"), training=True)).values
    print("ALIKE", bool(np.all(draws[0] == draws[1])))
    predicted = model.predict(x, verbose=0)
    for refused in ({"jit_compile": True}, {"steps_per_execution": 2}):
        try:
            model.compile("sgd", "mse", **refused)
            model.fit(x, x, verbose=0)
        except kc.InputError as error:
            print("REFUSED", error)
print("PREDICTS", float(np.abs(predicted - model(x)).max()), model.layers[-1].synchronized)

keras.config.set_dtype_policy("mixed_float16")
with place:
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    # Overflows in the first replica only.
    model.fit(x * np.where(np.arange(16) < 4, 1e4, 1.0)[:, None], np.ones(16), batch_size=8,
              shuffle=False, verbose=0)
    print("HALVED", [float(model.optimizer.initial_scale / value)
                     for value in model.optimizer.dynamic_scale.value.values])
    print("FINITE", bool(np.isfinite(model.get_weights()[0]).all()))
try:
    with place:
        model.compile("sgd", "mse")
        model.fit(x[:9], x[:9], batch_size=8, verbose=0)
except kc.InputError as error:
    print("REFUSED", error)
"""


@pytest.mark.slow
def test_two_replicas_are_as_one_device(one_device):
    output = run_on("tensorflow", MIRRORED, timeout=900)
    (found,) = curves.read(output)
    assert found.keys() == one_device.keys()
    check_equal(found, one_device)
    facts = dict(line.split(" ", 1) for line in output.splitlines())
    # Batch norm has one set of statistics, and is again as it was given.
    difference, synchronized = facts["PREDICTS"].split()
    assert float(difference) < 1e-6 and synchronized == "False"
    assert facts["ALIKE"] == "False"
    # A step that overflows in one replica is left out by both.
    assert (facts["HALVED"], facts["FINITE"]) == ("[2.0, 2.0]", "True")
    refusals = [line for line in output.splitlines() if line.startswith("REFUSED")]
    reasons = ("jit_compile=True", "steps_per_execution=2", "fewer rows than the 2 replicas")
    for refusal, reason in zip(refusals, reasons, strict=True):
        assert reason in refusal


@pytest.mark.slow
def test_jax_divides_batch_and_model():
    output = run_on(
        "jax",
        "import curves, jax\n"
        "jax.config.update('jax_num_cpu_devices', 2)\n"
        "curves.show('cpu', 'mirrored', cases=('normalized', 'captioner', 'windows'))\n"
        "curves.show('model_parallel', cases=('captioner',))",
        timeout=900,
    )
    one, *others = curves.read(output)
    assert len(others) == 2
    for found in others:
        check_equal(found, one)


@pytest.mark.slow
def test_two_workers_are_as_one_device_and_go_on_after_one_was_killed(one_device, tmp_path):
    code = f"import two_workers; two_workers.killed_and_again({str(tmp_path)!r})"
    run_on("tensorflow", code, timeout=1800)
    check_equal(curves.read((tmp_path / "until_killed").read_text())[0], one_device)
    done = len(pd.read_csv(tmp_path / "alone" / "history.csv"))
    assert 0 < done < 20
    for name in ("alone", "one"):
        curves.resumable("cpu", tmp_path / name)
    two, alone, one = (
        pd.read_csv(tmp_path / name / "history.csv") for name in ("two", "alone", "one")
    )
    assert len(one) == len(two) == len(alone) == 20
    # The row of the epoch that was killed covers its last part only.
    whole = [row for row in range(20) if row != done]
    for found in (two, alone):
        np.testing.assert_allclose(found["loss"][whole], one["loss"][whole], rtol=1e-4)
