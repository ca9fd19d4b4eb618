"""Trainings that go wrong at the seventh step, each in its own way."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc

STEP = 7
# How it goes wrong, and what must be said of it.
HOW = {
    "input": "the inputs of its batch",
    "target": "the targets of its batch",
    "output": "the output of the layer 'power'",
    "loss": "the loss, of finite outputs of all layers",
    "gradient": "the gradient of 'first/kernel'",
    "step": "the optimizer's step, of finite gradients",
}


def model_of(how):
    """Two dense layers, and between them one that can overflow or has no slope at zero."""
    keras.utils.set_random_seed(3)
    x = picture = keras.Input((2,))
    x = keras.layers.Dense(3, use_bias=False, name="first")(x)
    if how == "gradient":
        x = ops.sqrt(ops.abs(x))
    else:
        x = keras.layers.Activation("exponential", name="power")(x)
    x = keras.layers.Dropout(0.5)(x)
    model = keras.Model(picture, keras.layers.Dense(1, name="last")(x))
    model.get_layer("first").kernel.assign([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    rate = 1e-3
    if how == "step":
        boundaries, rates = [STEP - 2, STEP - 1], [rate, 3e38, rate]
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def batches(how):
    """A stream that is harmless but for one batch."""

    def batch(number):
        draw = np.random.default_rng(number)
        x = draw.uniform(0.1, 1.0, (4, 2)).astype("float32")
        y = draw.uniform(-1.0, 1.0, (4, 1)).astype("float32")
        if number == STEP - 1:
            x[0] = {"input": np.nan, "output": 1e6, "gradient": 0.0}.get(how, x[0])
            y[0] = {"target": np.inf, "loss": 1e30, "step": 1e3}.get(how, y[0])
        return x, y

    def stream(first):
        yield from map(batch, range(first, 10**6))

    return stream


def diverge(how, folder, save_seconds):
    """Train, and check all that is left and said."""
    model = model_of(how)
    with pytest.raises(kc.InputError) as caught:
        kc.training.fit(
            model, batches(how), steps_per_epoch=4, epochs=4, folder=folder, verbose=0,
            save_seconds=save_seconds,
        )  # fmt: skip
    said = str(caught.value)
    assert f"It began at step {STEP} with {HOW[how]}" in said, said
    assert "\n" not in said
    with np.load(Path(folder) / "checkpoint.npz") as kept:
        arrays = {name: kept[name] for name in kept.files}
    steps = int(arrays.pop("steps"))
    assert f"checkpoint.npz holds step {steps}, the last good one" in said
    # An epoch shorter than ten times the writing of its checkpoint goes without.
    assert steps in ([STEP - 1] if save_seconds == 0 else [0, 4])
    assert all(np.isfinite(array).all() for array in arrays.values())
    weights = map(ops.convert_to_numpy, model.variables)
    for array, weight in zip(arrays.values(), weights, strict=False):
        np.testing.assert_array_equal(array, weight)


def check(folder):
    """All of them, for a process of its own."""
    for how in HOW:
        diverge(how, Path(folder) / how, 1e9)
    print("all named")
