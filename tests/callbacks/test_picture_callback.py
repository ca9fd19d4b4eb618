"""Callbacks that draw: when they do, where to, and that training never notices."""

import random
import types

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from callbacks import trainings
from support import run_on


class Stamp(kc.callbacks.PictureCallback):
    """Writes a page as wide as the bias is, and draws from all the generators it can reach."""

    kind = "stamp"
    prepared = 0

    def prepare(self):
        self.prepared += 1
        random.random(), np.random.random()

    def draw(self, path, when):
        random.random(), np.random.random()
        self.seen = [*getattr(self, "seen", []), when]
        width = int(self.explained.layers[-1].bias[0])
        Image.fromarray(np.zeros((5, 1 + width, 3), "uint8")).save(path)


def fit(callback, folder, *, epochs=2, verbose=0, steps_per_execution=1):
    """Ten steps an epoch, each of which adds one to the bias."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, trainable=True)])
    model.compile(
        keras.optimizers.SGD(1.0), lambda y, p: -p, steps_per_execution=steps_per_execution
    )
    kc.training.fit(
        model,
        lambda first: ((np.zeros((1, 2)), np.zeros((1, 1))) for _ in range(100)),
        steps_per_epoch=10,
        epochs=epochs,
        folder=folder / "run",
        callbacks=[callback],
        verbose=verbose,
    )
    return model


@pytest.mark.parametrize(
    ("arguments", "when"),
    [
        ({}, ["epoch 1", "epoch 2", "epoch 3"]),
        ({"every_epochs": 2}, ["epoch 2"]),
        ({"every_steps": 12}, ["step 12", "step 24"]),
    ],
)
def test_pages_come_when_they_were_asked_for(arguments, when, tmp_path):
    stamp = Stamp(tmp_path, **arguments)
    fit(stamp, tmp_path, epochs=3)
    assert stamp.seen == when and stamp.prepared == 1
    names = [name.replace(" ", "-") for name in when]
    assert len(list(tmp_path.glob("*.png"))) == len(when)
    for name in names:
        unit, number = name.split("-")
        digits = 4 if unit == "epoch" else 7
        page = Image.open(tmp_path / f"stamp-{unit}-{int(number):0{digits}d}.png")
        # With the weights of that very step.
        assert page.width == 1 + int(number) * (10 if unit == "epoch" else 1)


def test_several_steps_in_one_go_skip_no_page(tmp_path):
    stamp = Stamp(tmp_path, every_steps=5)
    model = fit(stamp, tmp_path, epochs=1, steps_per_execution=4)
    # Keras makes the last four whole.
    assert stamp.seen == ["step 8", f"step {int(model.optimizer.iterations)}"]


def test_a_resumed_run_goes_on_with_the_numbers(tmp_path):
    fit(Stamp(tmp_path, every_steps=7), tmp_path, epochs=1)
    stamp = Stamp(tmp_path, every_steps=7)
    fit(stamp, tmp_path, epochs=2)
    assert stamp.seen == ["step 14"]


def test_one_line_says_what_it_cost(tmp_path, capsys):
    fit(Stamp(tmp_path), tmp_path, epochs=1)
    assert "Stamp" not in capsys.readouterr().out
    fit(Stamp(tmp_path), tmp_path, epochs=3, verbose=2)
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("Stamp")]
    assert (
        line.startswith(f"Stamp: 2 pictures in {tmp_path}, ") and "% of the training time" in line
    )


def test_generators_of_the_process_are_left_alone(tmp_path):
    random.seed(1), np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1), np.random.seed(1)
    stamp = Stamp(tmp_path)
    stamp.set_model(fit(stamp, tmp_path))
    random.seed(1), np.random.seed(1)
    stamp.on_train_begin()
    stamp.on_epoch_end(0)
    assert (random.random(), np.random.random()) == expected


@pytest.mark.parametrize("first", [True, False])
def test_of_several_workers_the_first_draws(first, tmp_path):
    model = fit(Stamp(tmp_path), tmp_path, epochs=1)
    worker = types.SimpleNamespace(extended=types.SimpleNamespace(should_save_summary=first))
    stamp = Stamp(tmp_path / "pages")
    stamp.set_model(
        types.SimpleNamespace(
            distribute_strategy=worker, optimizer=model.optimizer, layers=model.layers
        )
    )
    for happens in (stamp.on_train_begin, lambda: stamp.on_epoch_end(0), stamp.on_train_end):
        happens()
    assert stamp.prepared == first and (tmp_path / "pages").exists() == first


def test_tensorboard_gets_the_same_picture(tmp_path):
    import tensorflow as tf

    fit(Stamp(tmp_path, tensorboard=tmp_path / "logs"), tmp_path, epochs=1)
    (log,) = (tmp_path / "logs").iterdir()
    records = [tf.compat.v1.Event.FromString(x.numpy()) for x in tf.data.TFRecordDataset(str(log))]
    (value,) = records[-1].summary.value
    assert (records[-1].step, value.tag) == (10, "stamp")
    assert value.metadata.plugin_data.plugin_name == "images"
    width, height, png = value.tensor.string_val
    assert (width, height) == (b"11", b"5")
    assert png == (tmp_path / "stamp-epoch-0001.png").read_bytes()


def test_another_model_that_shares_the_weights(tmp_path):
    other = types.SimpleNamespace(layers=[types.SimpleNamespace(bias=[40])])
    fit(Stamp(tmp_path, model=other), tmp_path, epochs=1)
    assert Image.open(tmp_path / "stamp-epoch-0001.png").width == 41


@pytest.mark.parametrize("arguments", [{"every_epochs": 0}, {"every_steps": -1}], ids=str)
def test_bad_numbers_are_refused(arguments):
    with pytest.raises(kc.InputError, match="1 and above.*Leave the callback out"):
        Stamp("pages", **arguments)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(kc.InputError, match="file/pages cannot be written.*Choose another"):
        fit(Stamp(tmp_path / "file" / "pages"), tmp_path)


def test_a_classifier_trains_the_same_bit_for_bit(tmp_path):
    trainings.check_classifier(tmp_path)


def test_a_captioner_trains_the_same_bit_for_bit(tmp_path):
    trainings.check_same(trainings.captioner, trainings.caption_callback(tmp_path))
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["attention-epoch-0001.png", "attention-epoch-0002.png"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_training_is_the_same_on_other_backends(backend, tmp_path):
    run_on(
        backend,
        "from pathlib import Path; from callbacks import trainings;"
        f"trainings.check_classifier(Path({str(tmp_path)!r}))",
        timeout=900,
    )
