"""Damaged exports are one sentence at every door that opens one."""

import os
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.export import ExportedTranslator

tf = pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A SavedModel with weights and a table, and what translation.py leaves beside one."""
    folder = tmp_path_factory.mktemp("programs") / "sound"
    program = tf.Module()
    program.weight = tf.Variable([[2.0]])
    words = folder.with_name("words.txt")
    words.write_text("a\nb\n")
    # Its words lie in a file of the export.
    program.words = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(words), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
        ), -1,
    )  # fmt: skip

    @tf.function(input_signature=[tf.TensorSpec((None, 1), tf.float32, name="x")])
    def serve(x):
        return {
            "y": x @ program.weight + tf.cast(program.words.lookup(tf.constant("b")), "float32")
        }

    program.serve = serve
    tf.saved_model.save(program, str(folder), signatures=serve)
    settings = {"languages": ["en", "fr"], "max_words": 5}
    kc.jobs.record_run(folder, settings, job="translation")
    kc.data.Vocabulary(["a"]).save(folder / "source.json")
    return folder


DOORS = {
    "load_saved_model": kc.export.load_saved_model,
    "saved_model_network": lambda folder: kc.export.saved_model_network(folder, keras.Input((1,))),
    "reopen": kc.export.reopen,
    "open_export": lambda folder: kc.jobs.Job.open_export(kc.jobs.Job, folder),
    "serve_check": kc.export.serve_check,
    "translators": lambda folder: ExportedTranslator(folder),
}


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path):
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def empty(path):
    path.write_bytes(b"")


DATA = "variables/variables.data-00000-of-00001"
DAMAGES = {
    **{
        f"{name} {damage.__name__}": lambda folder, name=name, damage=damage: damage(folder / name)
        for name in ("saved_model.pb", "variables/variables.index", DATA)
        for damage in (cut, garbage, empty, Path.unlink)
    },
    "no variables": lambda folder: shutil.rmtree(folder / "variables"),
    "no assets": lambda folder: shutil.rmtree(folder / "assets"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_damaged_export_is_one_sentence(tmp_path, sound, door):
    for name, damage in DAMAGES.items():
        folder = shutil.copytree(sound, tmp_path / name)
        damage(folder)
        with pytest.raises(kc.InputError) as caught:
            DOORS[door](folder)
        told = str(caught.value)
        assert "\n" not in told and ". Allowed: " in told and len(told) < 500, name
    DOORS[door](sound)


def test_an_export_is_a_network_under_the_name_of_its_folder(sound):
    network = kc.export.saved_model_network(sound, keras.Input((1,)))
    x = np.array([[0.0], [3.0]], "float32")
    program = kc.export.load_saved_model(sound)
    np.testing.assert_array_equal(network.predict(x, verbose=0), program.serve(x)["y"])
    assert network.name == sound.name and not network.trainable_weights


@pytest.mark.parametrize("ending", [".tflite", ".onnx"])
def test_damaged_files_of_other_runtimes_are_one_sentence(tmp_path, ending):
    for name, content in {
        "empty": b"", "garbage": bytes(range(256)) * 9, "head": b"\x1c\0\0\0TFL3" + bytes(99),
    }.items():  # fmt: skip
        path = tmp_path / f"{name}{ending}"
        path.write_bytes(content)
        with pytest.raises(kc.InputError, match="cannot be read .*Allowed: a whole exported model"):
            kc.export.serve_check(path)


def test_a_runtime_that_is_missing_is_not_the_files_fault(tmp_path, monkeypatch):
    (tmp_path / "a.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match="onnxruntime"):
        kc.export.reopen(tmp_path / "a.onnx")


def test_an_export_of_others_without_the_function_is_told(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    with pytest.raises(kc.InputError, match="has no function 'serve'"):
        kc.export.load_saved_model(tmp_path / "bare")


def test_nothing_is_fetched_from_elsewhere():
    with pytest.raises(kc.InputError, match="No such file"):
        kc.export.load_saved_model("gs://bucket/model")


def test_a_pipe_in_an_export_is_not_waited_for(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "piped")
    name = "variables/variables.index"
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(kc.InputError, match="variables.index in it is no ordinary file"):
        kc.export.serve_check(str(folder))
