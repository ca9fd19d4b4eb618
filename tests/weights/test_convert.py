"""`keras-classics convert`: foreign weights in, a file of ours out."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import cli
from weights.states import ARGUMENTS, small_state

SMALL = ["--set", *(f"{key}={value}" for key, value in ARGUMENTS.items())]


@pytest.mark.parametrize("ending", ["weights.h5", "keras"])
def test_a_torch_state_becomes_a_file_that_loads(tmp_path, capsys, ending):
    state, source, out = small_state(), tmp_path / "state.npz", tmp_path / f"resnet.{ending}"
    np.savez(source, **state)
    assert cli.main(["convert", "resnet_18", str(source), "--out", str(out), *SMALL]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    if ending == "keras":
        loaded = keras.saving.load_model(out)
    else:
        loaded = kc.models.ResNet18(weights=out, **ARGUMENTS)
    dense, _ = loaded.get_layer("predictions").get_weights()
    np.testing.assert_array_equal(dense, state["fc.weight"].T.astype("float32"))


def test_a_keras_applications_file_becomes_ours(tmp_path):
    shape = {"input_shape": (32, 32, 3), "classes": 4}
    reference = keras.applications.VGG16(weights=None, **shape)
    reference.save(tmp_path / "vgg.keras")
    out = str(tmp_path / "ours.weights.h5")
    arguments = ["convert", "vgg_d", str(tmp_path / "vgg.keras"), "--out", out]
    assert cli.main([*arguments, "--set", "input_shape=(32,32,3)", "classes=4"]) == 0
    model = kc.models.VGG16(weights=out, **shape)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(model(x), reference(x), rtol=1e-4)


def test_mistakes_are_one_sentence_and_leave_no_file(tmp_path, capsys):
    state, source, out = small_state(), tmp_path / "state.npz", tmp_path / "resnet.weights.h5"
    del state["fc.bias"]
    np.savez(source, **state)
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"PK\x03\x04")
    for given, target, message in (
        (source, out, "missing: fc.bias"),
        (broken, out, "cannot be read"),
        (tmp_path / "absent.npz", out, "No such file"),
        (source, tmp_path / "resnet.npz", "Change the ending"),
    ):
        assert cli.main(["convert", "resnet_18", str(given), "--out", str(target), *SMALL]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ") and message in error and error.count("\n") == 1
        assert not target.exists()
