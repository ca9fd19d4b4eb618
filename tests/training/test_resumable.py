"""A run that was killed ends with the weights of the run that was not."""

import itertools
import os
import signal
import warnings

import keras
import numpy as np
import pandas as pd
import pytest

import keras_classics as kc
from keras_classics import InputError
from keras_classics.training import SkipNonFinite, averaging, fit, restore
from support import run_on


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x93NUMPY"])
def test_a_damaged_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "checkpoint.npz").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        restore(tiny(), tmp_path)


def test_ctrl_c_keeps_the_step_it_interrupted(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise KeyboardInterrupt

    options = {"steps_per_epoch": 6, "epochs": 1, "folder": tmp_path, "verbose": 0}
    with pytest.raises(KeyboardInterrupt):
        fit(tiny(), batches, callbacks=[Interrupt()], **options)
    assert restore(tiny(), tmp_path) == 4


def test_ctrl_c_in_the_middle_of_a_step_waits_for_its_end(tmp_path):
    class Pressing(keras.layers.Layer):
        """Presses Ctrl-C at its n-th call."""

        presses_at = 0

        def call(self, x):
            self.presses_at -= 1
            if self.presses_at == 0:
                os.kill(os.getpid(), signal.SIGINT)
            return x

    def train(folder, presses_at):
        keras.utils.set_random_seed(0)
        pressing = Pressing()
        layers = [keras.layers.BatchNormalization(), pressing, keras.layers.Dense(3)]
        model = keras.Sequential([keras.Input((2,)), *layers])
        model.compile("adam", "mse", run_eagerly=True)
        pressing.presses_at = presses_at
        fit(model, batches, steps_per_epoch=6, epochs=1, folder=folder, verbose=0)
        return model.get_weights()

    whole = train(tmp_path / "whole", 0)
    # What a shell starts in the background ignores Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "pressed", 3)
    finally:
        signal.signal(signal.SIGINT, before)
    assert np.load(tmp_path / "pressed" / "checkpoint.npz")["steps"] == 3
    for one, other in zip(whole, train(tmp_path / "pressed", 0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_epoch_whose_validation_was_interrupted_is_ended_again(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            raise KeyboardInterrupt

    options = {"steps_per_epoch": 5, "epochs": 2, "folder": tmp_path, "verbose": 0,
               "save_seconds": 0, "validation_data": next(batches(99))}  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        fit(tiny(), batches, callbacks=[Interrupt()], **options)
    assert restore(tiny(), tmp_path) == 4
    history = fit(tiny(), batches, **options)
    assert list(history["epoch"]) == [1, 2] and history["val_loss"].notna().all()


def test_averaged_weights_and_what_callbacks_do_in_the_end_are_those_of_a_run_left_alone(tmp_path):
    class Training(keras.callbacks.Callback):
        """Says in a variable of the model whether it is in training."""

        def on_train_begin(self, logs=None):
            self.model.layers[-1].bias.assign(self.model.layers[-1].bias + 1.0)

        def on_train_end(self, logs=None):
            self.model.layers[-1].bias.assign([7.0] * 3)

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    def train(folder, *callbacks):
        keras.utils.set_random_seed(0)
        model = tiny()
        model.layers[-1].bias.trainable = False
        model.compile(keras.optimizers.Adam(0.1, use_ema=True), "mse")
        fit(model, batches, steps_per_epoch=5, epochs=2, folder=folder, verbose=0,
            callbacks=callbacks)  # fmt: skip
        return model.get_weights()

    whole = train(tmp_path / "whole", Training())
    np.testing.assert_array_equal(whole[1], [7.0] * 3)
    for one, other in zip(whole, train(tmp_path / "whole", Training()), strict=True):
        np.testing.assert_array_equal(one, other)
    straight = train(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "interrupted", Interrupt())
    for one, other in zip(straight, train(tmp_path / "interrupted"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_average_validated_by_keras_is_that_of_a_run_left_alone(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (2, 2):
                raise KeyboardInterrupt

    def train(folder, *callbacks):
        keras.utils.set_random_seed(0)
        model = tiny()
        model.compile(SkipNonFinite(keras.optimizers.Adam(0.1, **averaging(10))), "mse")
        history = fit(model, batches, steps_per_epoch=5, epochs=4, folder=folder, verbose=0,
                      validation_data=next(batches(99)),
                      callbacks=[keras.callbacks.SwapEMAWeights(), *callbacks])  # fmt: skip
        return model.get_weights(), history["val_loss"]

    weights, losses = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "interrupted", Interrupt())
    again, seen = train(tmp_path / "interrupted")
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert list(losses) == list(seen)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_end_with_the_same_average_too(backend, tmp_path):
    run_on(
        backend,
        "from pathlib import Path; from training import test_resumable as test; "
        "test.test_an_average_validated_by_keras_is_that_of_a_run_left_alone("
        f"Path({str(tmp_path)!r}))",
    )


def test_steps_that_loss_scaling_leaves_out_are_steps(tmp_path):
    def overflowing(first):
        for number, (x, y) in enumerate(batches(first), first):
            yield x, y * (1e12 if number == 1 else 1.0)

    model = tiny()
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1e-3), initial_scale=1e30)
    model.compile(scaled, "mse")
    fit(model, overflowing, steps_per_epoch=4, epochs=1, folder=tmp_path, verbose=0)
    assert int(model.optimizer.iterations) == 3
    assert restore(model, tmp_path) == 4


def test_weights_of_half_precision_come_back(tmp_path):
    models = []
    for _ in range(2):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, dtype="bfloat16")])
        model.compile("sgd", "mse")
        models.append(model)
    fit(models[0], batches, steps_per_epoch=2, epochs=1, folder=tmp_path, verbose=0)
    assert restore(models[1], tmp_path) == 2
    kernels = [keras.ops.cast(model.layers[0].kernel, "float32") for model in models]
    np.testing.assert_array_equal(*kernels)


def test_scaled_losses_go_on_with_the_optimizers_state(tmp_path):
    """Of mixed_float16: from a checkpoint and from a file, as if nothing had been in between."""

    def mixed():
        keras.utils.set_random_seed(2)
        dense = keras.layers.Dense(3, dtype="mixed_float16")
        model = keras.Sequential([keras.Input((2,)), dense])
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), 4.0)
        model.compile(optimizer, "mse")
        return model

    def variables(model):
        return [np.array(each) for each in (*model.variables, *model.optimizer.variables)]

    def run(model, folder, epochs):
        options = {"steps_per_epoch": 3, "epochs": epochs, "folder": folder, "verbose": 0}
        return fit(model, batches, **options)

    straight, first = mixed(), mixed()
    run(straight, tmp_path / "straight", 2)
    run(first, tmp_path / "broken", 1)
    kc.save_model(first, tmp_path / "first.keras")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*[Ss]kipping.*")
        filed = kc.load_model(tmp_path / "first.keras")
    second = mixed()
    run(second, tmp_path / "broken", 2)
    filed.fit(batches(3), steps_per_epoch=3, verbose=0, shuffle=False)
    for other in (second, filed):
        for one, two in zip(variables(straight), variables(other), strict=True):
            np.testing.assert_array_equal(one, two)
    assert int(straight.optimizer.iterations) == 6


@pytest.mark.parametrize("kind", [list, iter, lambda some: map(tuple, some)])
def test_batches_come_from_anything_that_can_be_gone_through(kind, tmp_path):
    some = list(itertools.islice(batches(0), 4))
    model, other = tiny(), tiny()
    other.set_weights(model.get_weights())
    options = {"steps_per_epoch": 2, "epochs": 2, "verbose": 0}
    fit(model, lambda first: kind(some[first:]), folder=tmp_path / "a", **options)
    fit(other, batches, folder=tmp_path / "b", **options)
    np.testing.assert_array_equal(model.layers[0].kernel, other.layers[0].kernel)


@pytest.mark.slow
def test_twenty_kills_at_random_moments_leave_no_trace(tmp_path):
    code = f"from training.kills import check_all; check_all({str(tmp_path)!r})"
    said = run_on("tensorflow", code, timeout=3000)
    assert "captioner: 15 kills" in said and "language_model: 5 kills" in said


def tiny(units=3):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])
    model.compile("adam", "mse")
    return model


def batches(first):
    for number in range(first, 10**6):
        draw = np.random.default_rng(number)
        yield draw.normal(size=(4, 2)), draw.normal(size=(4, 3))


def test_a_finished_run_is_not_trained_again_and_more_epochs_go_on(tmp_path):
    seen = []

    def stream(first):
        seen.append(first)
        return batches(first)

    model = tiny()
    options = {"steps_per_epoch": 5, "folder": tmp_path, "verbose": 0}
    fit(model, stream, epochs=2, **options)
    fit(model, stream, epochs=2, **options)
    assert seen == [0]
    history = fit(model, stream, epochs=3, **options)
    assert seen == [0, 10]
    assert list(history["epoch"]) == [1, 2, 3]
    assert list(pd.read_csv(tmp_path / "history.csv")["epoch"]) == [1, 2, 3]
    assert restore(tiny(), tmp_path) == 15


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    fit(tiny(), batches, steps_per_epoch=2, epochs=1, folder=tmp_path, verbose=0)
    with pytest.raises(InputError, match="does not fit the model.*Allowed"):
        restore(tiny(units=5), tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        fit(tiny(), batches, steps_per_epoch=1, epochs=1, folder=tmp_path / "file" / "run")
