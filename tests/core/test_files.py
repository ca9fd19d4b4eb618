"""A full disk and a folder that cannot be written: one sentence, and what was there stays."""

import re
import resource
from contextlib import contextmanager

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.recipe import Step
from support import ROOT


@contextmanager
def full_disk():
    """The system refuses to let any file grow, as a full disk does; root may write anywhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def model_of(seed):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="dense")])
    model.compile("adam", "mse")
    return model


def train(folder, version):
    def batches(_):
        while True:
            yield np.ones((4, 2)), np.ones((4, 3))

    kc.training.fit(
        model_of(0), batches, steps_per_epoch=2, epochs=version, folder=folder, verbose=0
    )


def prepare(folder, version):
    arrays = {"shift": np.zeros(version), "gain": np.ones(version)}
    kc.data.Preparation(
        size=8, channels=3, flat=False, resize=8, augmentation=(), test_crops=1,
        normalization=Step("range", {}), arrays=arrays,
    ).save(folder / "preparation.npz")  # fmt: skip


# All an application writes before and while it trains: the first version, then another.
WRITERS = {
    "fit": train,
    "record_run": lambda folder, version: kc.training.record_run(folder, {"version": version}),
    "record_metrics": lambda folder, version: kc.training.record_metrics(
        folder, {"test": {"accuracy": version}}
    ),
    "save_model": lambda folder, version: kc.save_model(model_of(version), folder / "model.keras"),
    "vocabulary": lambda folder, version: kc.data.Vocabulary(["a"] + ["b"] * (version - 1)).save(
        folder / "vocabulary.json"
    ),
    "alphabet": lambda folder, version: kc.data.Alphabet("abc"[: version + 1]).save(
        folder / "alphabet.json"
    ),
    "preparation": prepare,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_sentence_and_what_was_there_stays(tmp_path, capsys, writer):
    WRITERS[writer](tmp_path, 1)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def run(_):
        with full_disk():
            WRITERS[writer](tmp_path, 2)

    assert kc.cli.guarded(run, []) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert "cannot be written (File too large). Allowed: a folder you may write to" in error
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    # With room again, the same goes through.
    WRITERS[writer](tmp_path, 2)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} != before


@pytest.mark.parametrize("writer", WRITERS)
def test_a_folder_that_cannot_be_is_one_sentence(tmp_path, capsys, writer):
    (tmp_path / "file").write_text("")
    assert kc.cli.guarded(lambda _: WRITERS[writer](tmp_path / "file" / "run", 1), []) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cannot be written (Not a directory). Allowed: a folder you may write to" in error


@pytest.mark.parametrize(
    "name", ["captioning", "classification", "labelling", "language_model", "translation"]
)
def test_the_applications_train_save_and_load_by_nothing_else(name):
    source = (ROOT / "applications" / f"{name}.py").read_text("utf-8")
    # What an application keeps in a folder of its own belongs to it.
    for folder in sorted(set(re.findall(r"^from (\w+)\.", source, re.MULTILINE))):
        parts = sorted((ROOT / "applications" / folder).glob("*.py"))
        source += "".join(part.read_text("utf-8") for part in parts)
    for door in ("training.fit(", "training.record_run(", "kc.save_model(", "kc.load_model("):
        assert door in source
    for other in ("keras.saving", ".write_text(", "json.load", "np.load", "model.fit("):
        assert other not in source
