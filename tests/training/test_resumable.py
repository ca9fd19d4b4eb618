"""A run that was killed ends with the weights of the run that was not."""

import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pandas as pd
import pytest

from keras_classics import InputError
from keras_classics.training import fit, restore
from support import ROOT

TRAIN = """
import sys, time
import keras, numpy as np
import keras_classics as kc

folder, pause = sys.argv[1], float(sys.argv[2])
keras.utils.set_random_seed(0)
encoder = kc.models.LeNet5Modern(input_shape=(32, 32, 3), include_top=False, pooling="avg", width=0.5)
model = kc.models.captioner(encoder, 12, units=8, dropout=0.3, seed=1)
model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
images = np.random.default_rng(0).integers(0, 255, (24, 32, 32, 3)).astype("uint8")
tokens = [np.random.default_rng(i).integers(1, 12, (3, 7)).astype("int32") for i in range(24)]

class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(pause)

def stream(first):
    return kc.data.caption_batches(images, tokens, batch_size=4, seed=5, first=first,
                                   prepare=lambda x: kc.data.network_input(x, (32, 32)))

history = kc.training.fit(model, stream, steps_per_epoch=6, epochs=4, folder=folder, save_seconds=0,
                          verbose=0, callbacks=[Slow(), kc.callbacks.ScheduledSampling(k=3.0)])
assert list(history["epoch"]) == [1, 2, 3, 4]
np.savez(folder + "/final.npz", *[keras.ops.convert_to_numpy(v) for v in model.variables])
"""


def start(folder, pause):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "package"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen([sys.executable, "-c", TRAIN, str(folder), str(pause)], env=environment)


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


@pytest.mark.slow
def test_kill_minus_nine_and_the_same_command_again_give_equal_weights(tmp_path):
    assert start(tmp_path / "whole", 0).wait(timeout=300) == 0
    killed = start(tmp_path / "killed", 0.15)
    checkpoint = tmp_path / "killed" / "checkpoint.npz"
    while not checkpoint.exists():
        assert killed.poll() is None
        time.sleep(0.02)
    time.sleep(1.0)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "final.npz").exists()
    assert start(tmp_path / "killed", 0).wait(timeout=300) == 0
    whole, resumed = (np.load(tmp_path / name / "final.npz") for name in ("whole", "killed"))
    assert len(whole.files) > 15
    for name in whole.files:
        np.testing.assert_array_equal(whole[name], resumed[name])


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
