"""Trainings that are killed again and again, each in a fork of a process that has only imported.

No operation of TensorFlow runs before the forks, so each begins as a fresh process does, without
the seconds that importing takes.
"""

import io
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from keras_classics.training import checkpoints

EPOCHS, STEPS = 12, 8
# Where a training is met: at a random moment, in the middle of writing a checkpoint, or when a new
# one is complete and has not yet taken the old one's place.
SOMEWHEN, HALF_WRITTEN, NOT_YET_RENAMED = "somewhen", "half written", "not yet renamed"


def captioner():
    """Dropout, batch norm, a schedule of the rate, scheduled sampling, shuffled pictures."""
    picture = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(picture))
    encoder = keras.Model(picture, keras.layers.GlobalAveragePooling2D()(x))
    model = kc.models.captioner(encoder, 12, units=6, dropout=0.3, seed=1)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, EPOCHS * STEPS)
    model.compile(
        keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    rng = np.random.default_rng(0)
    words = kc.data.Vocabulary("abcdefgh")
    said = [tuple(map(" ".join, rng.choice(words.words[4:], (3, 5)))) for _ in range(32)]
    pictures = rng.integers(0, 256, (32, 8, 8, 3), "uint8")
    part = kc.data.Pictures(pictures, list(map(str, range(32))), captions=said)

    def stream(first):
        options = {"max_words": 5, "batch_size": 4, "seed": 5}
        return kc.data.caption_batches(part, words, first=first, **options)

    sampling = kc.callbacks.ScheduledSampling(k=20.0)
    return model, stream, [sampling], {"validation_data": stream(0), "validation_steps": 3}


def language_model():
    """Truncated BPTT: the states that are carried from window to window."""
    network = kc.models.language_model(5, 4, 1, "gru", dropout=0.3, seed=1)
    model = kc.training.TruncatedBPTT(network, 2, 3, 6)
    model.compile(
        keras.optimizers.RMSprop(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    rng = np.random.default_rng(0)
    documents = [rng.integers(0, 5, 1 + 3 * STEPS) for _ in range(2)]
    windows = kc.data.text_windows(documents, batch_size=2, k1=3, k2=6)
    return model, windows.batches, [], {"validation_data": windows.epoch()}


class Tell(keras.callbacks.Callback):
    """Tells the parent of every step; a few steps after its number no machine goes on."""

    def __init__(self, tell, number):
        super().__init__()
        self.tell = tell
        self.left = number + 3

    def on_train_batch_end(self, batch, logs=None):
        self.tell()
        self.left -= 1
        if self.left == 0:
            time.sleep(600)


def train(build, folder, place=None, number=0, tell=lambda: None):
    """A training from its command's first line to its last; keeps all variables at its end."""
    keras.utils.set_random_seed(0)
    model, stream, callbacks, arguments = build()
    if place == SOMEWHEN:
        callbacks = [*callbacks, Tell(tell, number)]
    elif place:
        wait_while_writing(place, number, tell)
    kc.training.fit(
        model, stream, steps_per_epoch=STEPS, epochs=EPOCHS, folder=folder, save_seconds=0.0,
        callbacks=callbacks, verbose=0, **arguments,
    )  # fmt: skip
    variables = [*model.variables, *model.optimizer.variables]
    np.savez(folder / "final.npz", *map(keras.ops.convert_to_numpy, variables))


def wait_while_writing(place, number, tell):
    """Hold a training for its killer when it writes the checkpoint for the n-th time."""
    save, written = np.savez, []

    def slow(path, **arrays):
        written.append(path)
        if len(written) < number:
            return save(path, **arrays)
        content = io.BytesIO()
        save(content, **arrays)
        content = content.getvalue()
        Path(path).write_bytes(content[: len(content) // 2] if place == HALF_WRITTEN else content)
        tell()
        time.sleep(600)

    checkpoints.np.savez = slow


def started(build, folder, place=None, number=0):
    """Start a training in a fork; returns its process and the pipe it tells by."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        train(build, folder, place, number, lambda: os.write(writing, b"."))
        code = 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def met(build, folder, place, number=signal.SIGKILL):
    """Run a training up to a place and send it a signal there; returns how it ended."""
    # So few that all kills together are met before the training's end.
    step, moment = random.randint(1, 4), random.uniform(0.0, 0.03)
    process, told = started(build, folder, place, step)
    for _ in range(step if place == SOMEWHEN else 1):
        assert os.read(told, 1), "the training ended before it could be killed"
    if place == SOMEWHEN:
        time.sleep(moment)
    os.kill(process, number)
    os.close(told)
    return os.waitpid(process, 0)[1]


def finished(build, folder):
    """Run a training to its end; returns its variables and its history."""
    process, told = started(build, folder)
    assert os.waitpid(process, 0)[1] == 0
    os.close(told)
    with np.load(folder / "final.npz") as variables:
        return [variables[name] for name in variables.files], pd.read_csv(folder / "history.csv")


def check(build, folder, places):
    """Kill a training at each of the places in turn: it must end as one that was left alone."""
    variables, history = finished(build, folder / "whole")
    killed = folder / "killed"
    random.shuffle(places)
    for place in places:
        status = met(build, killed, place)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert not (killed / "final.npz").exists()
    status = met(build, killed, SOMEWHEN, signal.SIGINT)
    assert os.waitstatus_to_exitcode(status) == 130
    reached = int(np.load(killed / "checkpoint.npz")["steps"])
    again, rows = finished(build, killed)
    for one, other in zip(variables, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert list(rows["epoch"]) == list(range(1, EPOCHS + 1))
    # Of an epoch that was interrupted only the last part is in its row, but all of its validation.
    assert list(rows["val_loss"]) == list(history["val_loss"])
    print(f"{build.__name__}: {len(places)} kills up to step {reached}, then equal")


def check_all(folder, seed=None):
    """Twenty moments in all, drawn from a seed; a failure says which."""
    folder = Path(folder)
    seed = int.from_bytes(os.urandom(4)) if seed is None else seed
    random.seed(seed)
    writing = [HALF_WRITTEN, NOT_YET_RENAMED]
    try:
        check(captioner, folder / "captioner", 9 * [SOMEWHEN] + 3 * writing)
        check(language_model, folder / "language_model", 3 * [SOMEWHEN] + writing)
    except BaseException as error:
        error.add_note(f"check_all(folder, seed={seed}) draws the same moments again.")
        raise
