"""A preset is the model again, on a page and in files that hold no program; a forged one is refused."""

import json
import shutil
import sys
import types

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import ROOT

FACTS = {"classes": ["cat", "dog"], "size": 8}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.GlobalAveragePooling2D(),
        kc.layers.BinaryDense(2),
    ]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers], name="small")
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "small"
    kc.save_preset(model, folder, facts=FACTS, run=ROOT / "saved_models" / "detection-scenes")
    return folder


@pytest.fixture
def preset(saved, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(saved, tmp_path / "preset")


def test_the_model_and_its_facts_come_back(model, saved):
    pictures = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype("float32")
    found = kc.load_preset(saved)
    np.testing.assert_array_equal(found.model(pictures), model(pictures))
    assert found.facts == FACTS and not found.model.compiled


def test_weights_are_read_by_the_library_of_their_format(model, saved):
    library = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    arrays = library.load_file(saved / "model.safetensors")
    assert [a.shape for a in arrays.values()] == [tuple(w.shape) for w in model.weights]


def test_weights_lie_as_the_format_says(model, saved):
    """Eight bytes of length, a header in JSON, then the numbers one after the other."""
    data = (saved / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0 and header.pop("__metadata__") == {"format": "keras"}
    start, end = header["0.kernel"]["data_offsets"]
    numbers = np.frombuffer(data[8 + length :][start:end], "<f4")
    np.testing.assert_array_equal(numbers, np.ravel(model.weights[0]))


def test_the_page_says_what_the_run_recorded(saved):
    page = (saved / "README.md").read_text()
    record = json.loads((ROOT / "saved_models" / "detection-scenes" / "run.json").read_text())
    assert page.startswith("---\nlibrary_name: keras\n") and record["command"] in page
    for told in ("# small", "`classes`, `size`", "AP50", "0.938"):
        assert told in page


def test_the_page_of_a_model_of_the_catalogue_names_its_paper(tmp_path):
    kc.save_preset(kc.create_model("lenet_5"), tmp_path)
    assert kc.card("lenet_5").paper in (tmp_path / "README.md").read_text()


def forged(preset, change):
    path = preset / "config.json"
    config = json.loads(path.read_text())
    change(config["model"])
    path.write_text(json.dumps(config))


def test_other_shapes_are_refused(preset):
    forged(
        preset, lambda config: config["config"]["layers"][1]["config"].update(kernel_size=[5, 5])
    )
    with pytest.raises(
        kc.InputError, match=r"0.kernel is float32 \(3, 3, 3, 4\) and not \(5, 5, 3, 4\)"
    ):
        kc.load_preset(preset)


def test_missing_weights_are_refused(preset, model):
    other = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    kc.save_preset(other, preset.parent / "other")
    shutil.copy(preset.parent / "other" / "model.safetensors", preset)
    with pytest.raises(
        kc.InputError, match="weights and its configuration differ in 2.gamma, 3.beta"
    ):
        kc.load_preset(preset)


def test_absurd_sizes_are_refused_before_any_memory_is_taken(preset):
    forged(preset, lambda config: config["config"]["layers"][5]["config"].update(units=10**9))
    with pytest.raises(kc.InputError, match="its layers ask for"):
        kc.load_preset(preset)


def test_unknown_classes_are_refused_and_the_remedy_works(tmp_path):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    kc.save_preset(keras.Sequential([keras.Input((2,)), Mine()]), tmp_path)
    with pytest.raises(kc.InputError, match="Register its classes"):
        kc.load_preset(tmp_path)
    with keras.saving.custom_object_scope({"Mine": Mine}):
        assert isinstance(kc.load_preset(tmp_path).model.layers[0], Mine)


def test_programs_are_refused(preset):
    lambda_layer = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x))
    forged(preset, lambda config: config["config"]["layers"].append(lambda_layer))
    with pytest.raises(kc.InputError, match="Lambda|lambda"):
        kc.load_preset(preset)


def test_files_that_lie_elsewhere_are_refused(preset, tmp_path):
    (preset / "facts.json").unlink()
    (tmp_path / "secret.json").write_text("{}")
    (preset / "facts.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(kc.InputError, match="is a link that leads elsewhere"):
        kc.load_preset(preset)


@pytest.mark.parametrize("name", ["config.json", "facts.json"])
def test_something_else_is_refused(preset, name):
    (preset / name).write_text("[1]")
    with pytest.raises(kc.InputError, match="holds something else"):
        kc.load_preset(preset)


def test_an_absent_one_is_refused(tmp_path):
    with pytest.raises(kc.InputError, match="config.json cannot be read"):
        kc.load_preset(tmp_path / "nowhere")


def as_on_the_hub(preset, cache):
    """The layout that huggingface_hub keeps: snapshots of links into a store of contents."""
    snapshot = cache / "models--me--small" / "snapshots" / "abc"
    blobs = cache / "models--me--small" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, path in enumerate(sorted(preset.iterdir())):
        shutil.move(path, blobs / str(number))
        (snapshot / path.name).symlink_to(f"../../blobs/{number}")
    return snapshot


def test_a_preset_of_the_hub_is_fetched_and_read(preset, tmp_path, monkeypatch):
    snapshot, asked = as_on_the_hub(preset, tmp_path / "cache"), {}

    def snapshot_download(name, **arguments):
        asked.update(arguments, name=name)
        return str(snapshot)

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert kc.load_preset("hf://me/small@v1.0").facts == FACTS
    assert asked["name"] == "me/small" and asked["revision"] == "v1.0"
    (tmp_path / "secret.json").write_text("{}")
    (snapshot / "facts.json").unlink()
    (snapshot / "facts.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(kc.InputError, match="is a link that leads elsewhere"):
        kc.load_preset("hf://me/small")


def test_a_hub_that_cannot_be_reached_is_one_sentence(monkeypatch):
    def snapshot_download(name, **_):
        raise ConnectionError("no route to host")

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    with pytest.raises(kc.InputError, match=r"hf://me/small cannot be read \(no route to host\)"):
        kc.load_preset("hf://me/small")


def test_the_hub_without_its_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-classics\[huggingface\]'"):
        kc.load_preset("hf://me/small")
    with pytest.raises(kc.InputError, match="hf://OWNER/NAME"):
        kc.load_preset("hf://../../etc")
