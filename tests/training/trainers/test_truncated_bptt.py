"""Truncated BPTT: its gradients, its states, and that a killed run ends as if it had not been."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from keras_classics.training.metrics.likelihood import bigram_nats
from support import run_on
from training.windows_by_hand import (
    TIME,
    by_hand,
    documents,
    gradients_by_hand,
    gradients_in_training,
    greatest_difference,
    network,
    trainer,
)


@pytest.fixture
def float64():
    def compute_in(dtype):
        # The policy follows floatx only until something sets it, as other tests do.
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)

    compute_in("float64")
    yield
    compute_in("float32")


@pytest.mark.parametrize(("k1", "k2"), [(3, 3), (3, 6), (2, 12), (12, 12)])
def test_gradients_equal_those_by_hand_with_the_stored_state_as_a_constant(float64, k1, k2):
    model = network()
    trained, hand = gradients_in_training(model, k1, k2), gradients_by_hand(model, k1, k2)
    assert max(map(greatest_difference, trained, hand)) < 1e-12


@pytest.mark.parametrize("k1", [3, 12])
def test_gradients_that_reach_back_to_the_beginning_sum_to_full_bptt(float64, k1):
    model = network()
    full = by_hand(model, np.stack(documents()), 0, 0, TIME)
    windows = gradients_in_training(model, k1, TIME)
    mean = [sum(each) / len(windows) for each in zip(*windows, strict=True)]
    assert greatest_difference(mean, full) < 1e-12
    if k1 < TIME:
        truncated = gradients_in_training(model, k1, k1)
        mean = [sum(each) / len(truncated) for each in zip(*truncated, strict=True)]
        assert greatest_difference(mean, full) > 1e-4


def test_one_window_over_everything_is_plain_training(float64):
    model = network()
    plain = keras.Model(model.input, model.output["logits"])
    plain.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(True))
    kept, ids = model.get_weights(), np.stack(documents())
    states = [np.zeros((2, 4)) for _ in range(4)]
    plain.train_on_batch({"tokens": ids[:, :-1], "states": states}, ids[:, 1:])
    gradient = [old - new for old, new in zip(kept, model.get_weights(), strict=True)]
    model.set_weights(kept)
    assert greatest_difference(gradients_in_training(model, TIME, TIME)[0], gradient) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_process_of_its_own_has_the_same_gradients_and_learns(backend):
    code = "from training import windows_by_hand; windows_by_hand.check()"
    assert "equal" in run_on(backend, code)


def test_a_new_document_starts_from_nothing_in_its_own_row_only():
    model = network()
    first, second = documents(2, 7)
    windows = kc.data.text_windows([first, second, *documents(2, 7, 5)], batch_size=2, k1=6)
    assert windows.steps == 2
    learner = trainer(model, 6)
    read = [learner.predict_on_batch(windows.batch(step)[0]) for step in range(2)]
    alone = model({"tokens": second[None, :-1], "states": [np.zeros((1, 4), "float32")] * 4})
    np.testing.assert_allclose(read[1][0], ops.convert_to_numpy(alone["logits"])[0], atol=1e-6)
    # Without the reset the state of the first document would speak.
    inputs, _, _ = windows.batch(1)
    learner.predict_on_batch(windows.batch(0)[0])
    carried = learner.predict_on_batch({**inputs, "reset": np.array([[False], [True]])})
    assert np.abs(carried[0] - read[1][0]).max() > 1e-3
    np.testing.assert_allclose(carried[1], read[1][1], atol=1e-6)


def test_windows_read_one_after_another_say_what_the_whole_says():
    model = network()
    learner = trainer(model, 3, 6)
    windows = kc.data.text_windows(documents(), batch_size=2, k1=3, k2=6)
    pieces = [learner.predict_on_batch(windows.batch(step)[0]) for step in range(4)]
    states = [np.zeros((2, 4), "float32")] * 4
    whole = model({"tokens": np.stack(documents())[:, :-1], "states": states})["logits"]
    np.testing.assert_allclose(
        np.concatenate(pieces, axis=1), ops.convert_to_numpy(whole), atol=1e-6
    )


def test_validation_neither_sees_nor_disturbs_the_states_of_training():
    windows = kc.data.text_windows(documents(2, 40), batch_size=2, k1=3)
    model = network()
    fresh = trainer(model, 3, optimizer=keras.optimizers.SGD(0.0))
    expected = fresh.evaluate(windows.epoch(), verbose=0)
    learner = trainer(model, 3, optimizer=keras.optimizers.SGD(0.0))
    learner.fit(windows.batches(), steps_per_epoch=5, verbose=0, shuffle=False)
    states = [ops.convert_to_numpy(state) for state in learner.carried_in_training]
    assert np.abs(states[0]).max() > 0
    assert learner.evaluate(windows.epoch(), verbose=0) == pytest.approx(expected, rel=1e-6)
    assert learner.evaluate(windows.epoch(), verbose=0) == pytest.approx(expected, rel=1e-6)
    for before, after in zip(states, learner.carried_in_training, strict=True):
        np.testing.assert_array_equal(before, ops.convert_to_numpy(after))


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_with_the_same_weights_and_states(tmp_path):
    windows = kc.data.text_windows(documents(2, 61), batch_size=2, k1=6, k2=12)

    def run(folder, callbacks=(), epochs=2):
        keras.utils.set_random_seed(7)
        learner = trainer(network(dropout=0.3), 6, 12, optimizer=keras.optimizers.Adam(0.01))
        kc.training.fit(
            learner, windows.batches, steps_per_epoch=windows.steps, epochs=epochs,
            folder=folder, callbacks=callbacks, verbose=0,
        )  # fmt: skip
        return [ops.convert_to_numpy(variable) for variable in learner.variables]

    straight = run(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", [Stop()])
    for one, other in zip(straight, run(tmp_path / "stopped"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bits_per_character_leaves_out_what_has_no_weight():
    logits = np.log([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]])
    metric = kc.training.BitsPerCharacter()
    metric.update_state(np.array([[1, 0]]), logits, np.array([[1.0, 0.0]]))
    assert float(metric.result()) == pytest.approx(2.0)
    nats = bigram_nats([np.array([0, 1, 0, 1])], [np.array([0, 1])], 2)
    assert nats == pytest.approx(-np.log(3 / 4))


@pytest.mark.parametrize(("k1", "k2"), [(3, 4), (4, 2)])
def test_windows_that_would_leave_losses_without_a_gradient_are_refused(k1, k2):
    with pytest.raises(kc.InputError, match=f"k1={k1} and k2={k2}"):
        kc.training.TruncatedBPTT(network(), 2, k1, k2)
    with pytest.raises(kc.InputError, match="a multiple of k1"):
        kc.data.text_windows(documents(), batch_size=2, k1=k1, k2=k2)
    with pytest.raises(kc.InputError, match="k1=0 was given. Allowed: a positive whole number"):
        kc.training.TruncatedBPTT(network(), 2, 0, k2)
