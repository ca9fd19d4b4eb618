"""A checkpoint has everything, costs little, and remembers that a training has ended."""

import keras
import numpy as np
import pytest

from keras_classics.core.errors import InputError
from keras_classics.training import checkpoints, fit, restore, resumable


def batches(first):
    for number in range(first, 1000):
        x = np.random.default_rng(number).normal(size=(4, 2)).astype("float32")
        yield x, np.ones((4, 1), "float32")


class Trainer(keras.Model):
    """Two networks, each moved by an optimizer of its own, one of them every other step."""

    def __init__(self):
        super().__init__()
        self.one, self.two = (
            keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]) for _ in range(2)
        )
        self.built = True

    def compile(self, first, second):
        super().compile(optimizer=first)
        self.second = second

    @property
    def optimizers(self):
        return [
            (self.optimizer, self.one.trainable_variables),
            (self.second, self.two.trainable_variables),
        ]

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        losses = []
        for network, (optimizer, variables) in zip(
            (self.one, self.two), self.optimizers, strict=True
        ):
            with tf.GradientTape() as tape:
                loss = keras.ops.mean((network(x) - y) ** 2)
            optimizer.apply(tape.gradient(loss, variables), variables)
            losses.append(loss)
        return {"loss": losses[0] + losses[1]}


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise KeyboardInterrupt


def test_every_optimizer_of_a_trainer_goes_on_where_it_was(tmp_path):
    def train(folder, *callbacks):
        keras.utils.set_random_seed(0)
        trainer = Trainer()
        trainer.compile(keras.optimizers.Adam(0.1), keras.optimizers.Adam(0.05))
        fit(trainer, batches, steps_per_epoch=6, epochs=1, folder=folder, verbose=0,
            callbacks=callbacks)  # fmt: skip
        return [np.array(each) for each in [*trainer.get_weights(), *trainer.second.variables]]

    whole = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", Stop())
    for one, other in zip(whole, train(tmp_path / "stopped"), strict=True):
        np.testing.assert_array_equal(one, other)


def tiny():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


class EndAfter(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


def test_a_training_that_a_callback_ended_has_ended_but_for_more_epochs(tmp_path):
    def epochs(asked):
        history = fit(tiny(), batches, steps_per_epoch=2, epochs=asked, folder=tmp_path,
                      verbose=0, callbacks=[EndAfter()])  # fmt: skip
        return list(history["epoch"])

    assert epochs(20) == epochs(20) == epochs(5) == [1]
    assert epochs(21) == [1, 2]


def test_writing_checkpoints_takes_a_tenth_of_the_time_at_most(tmp_path, monkeypatch):
    now, written = [0.0], []

    def slow(model, folder, steps, ended):
        # Four seconds a file, as for a large network on a busy disk.
        now[0] += 4.0
        written.append(steps)
        return save(model, folder, steps, ended)

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now[0] += 1.0

    save = checkpoints.save
    monkeypatch.setattr(resumable, "save", slow)
    monkeypatch.setattr(resumable.time, "monotonic", lambda: now[0])
    fit(tiny(), batches, steps_per_epoch=4, epochs=50, folder=tmp_path, verbose=0,
        save_seconds=0.5, callbacks=[Clock()])  # fmt: skip
    # Before the first step and after the last, and in between in time.
    assert written[0] == 0 and written[-1] == 200
    assert 4 * len(written[1:-1]) <= 0.1 * 200
    assert restore(tiny(), tmp_path) == 200


def test_a_checkpoint_that_does_not_say_its_steps_is_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoints.build_optimizers(model := tiny())
    checkpoints.save(model, tmp_path, 3, None)
    assert restore(model, tmp_path) == 3
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in kept if name != "steps"}
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="does not say how many steps were made"):
        restore(model, tmp_path)
