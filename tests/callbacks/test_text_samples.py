"""Samples appear after the iterations asked for, once, and leave training alone."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def run(iterations, *, epochs=2, folder, steps_per_execution=1):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=steps_per_execution)
    shown = []
    callback = kc.callbacks.Samples(
        lambda count: ["text"] * count, lambda made, text: shown.append((made, text)), iterations
    )
    batches = [(np.ones((1, 2)), np.ones((1, 1)))] * 100
    kc.training.fit(
        model,
        lambda first: (batch for batch in batches),
        steps_per_epoch=10,
        epochs=epochs,
        folder=folder,
        callbacks=[callback],
        verbose=0,
    )
    return shown


def test_samples_appear_after_their_iterations(tmp_path):
    assert run([15, 3, 20], folder=tmp_path) == [(3, "text"), (15, "text"), (20, "text")]


def test_a_resumed_run_shows_what_is_still_to_come(tmp_path):
    assert run([3, 15], epochs=1, folder=tmp_path) == [(3, "text")]
    assert run([3, 15], epochs=2, folder=tmp_path) == [(15, "text")]


@pytest.mark.parametrize("steps", [4])
def test_several_steps_in_one_go_skip_no_sample(tmp_path, steps):
    shown = run([3, 5], folder=tmp_path, steps_per_execution=steps)
    assert [made for made, _ in shown] == [4, 8]
