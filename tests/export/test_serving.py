"""`keras-classics serve-check` asks any exported model, and says what is wrong in sentences."""

import re

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics import cli


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of pictures in two forms, and one with two inputs."""
    folder = tmp_path_factory.mktemp("models")
    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    model = keras.Model(image, x)
    kc.export.export_model(model, folder / "pictures")
    model.save(folder / "pictures.keras")
    inputs = [keras.Input((2,), name="left"), keras.Input((2,), name="right")]
    kc.export.export_model(
        keras.Model(inputs, keras.layers.Add(name="sum")(inputs)), folder / "sum"
    )
    return folder


@pytest.mark.parametrize("name", ["pictures", "pictures.keras"])
def test_inputs_outputs_and_latency_are_printed(name, models, capsys):
    assert cli.main(["serve-check", str(models / name), "--repeats", "3"]) == 0
    out = capsys.readouterr().out
    assert re.search(
        r"input +image +uint8 \(any, any, any, 3\) +1x8x10x3 +\d+, \d+, \d+, \.\.", out
    )
    assert re.search(r"output +mean +float32 \(any, 3\) +1x3 +0\.\d+, 0\.\d+, 0\.\d+ *\n", out)
    assert re.search(r"latency: [\d.e-]+ ms \(median of 3 calls", out)


def test_a_picture_and_arrays_are_asked_about(models, tmp_path):
    Image.new("RGB", (7, 5), (255, 0, 51)).save(tmp_path / "red.png")
    served = kc.export.serve_check(models / "pictures", tmp_path / "red.png", repeats=1)
    assert served.inputs["image"].shape == (1, 5, 7, 3)
    np.testing.assert_allclose(served.outputs["mean"], [[1, 0, 0.2]], atol=1e-6)
    arrays = {"left": np.float32([[1, 2]]), "right": np.float32([[3, 4]])}
    np.savez(tmp_path / "arrays.npz", **arrays)
    served = kc.export.serve_check(models / "sum", tmp_path / "arrays.npz", repeats=2)
    np.testing.assert_array_equal(served.outputs["sum"], [[4, 6]])
    assert len(served.milliseconds) == 2 and served.latency > 0


def test_a_folder_with_a_model_within_names_it(models, tmp_path):
    run = tmp_path / "a run"
    (run / "saved_model").mkdir(parents=True)
    (run / "saved_model" / "saved_model.pb").touch()
    with pytest.raises(kc.InputError, match=r"a run holds no model.* Name .*/a run/saved_model\.$"):
        kc.export.serve_check(run)


def test_a_median_of_no_calls_is_refused(models):
    with pytest.raises(kc.InputError, match="repeats=0 was given. Allowed: .* from 1 on"):
        kc.export.serve_check(models / "pictures", repeats=0)


def test_several_forms_are_asked_the_same_and_compared(models, tmp_path, capsys):
    forms = [str(models / "pictures.keras"), str(models / "pictures")]
    table = kc.export.serve_compare(forms, turns=1).set_index("path")
    assert set(table.index) == set(forms) and table["milliseconds"].is_monotonic_increasing
    first = table.loc[forms[0]]
    assert first["times_faster"] == 1 and first["difference"] == 0
    other = table.loc[forms[1]]
    assert other["times_faster"] == pytest.approx(first["milliseconds"] / other["milliseconds"])
    assert other["difference"] < 1e-6
    files = [each for each in (models / "pictures").rglob("*") if each.is_file()]
    assert other["bytes"] == sum(each.stat().st_size for each in files)

    # What one of them takes in one size only is what all are asked.
    image = keras.Input((9, 9, 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 127)(image)
    darker = keras.Model(image, keras.layers.GlobalAveragePooling2D(name="mean")(x))
    darker.save(tmp_path / "darker.keras")
    assert cli.main(["serve-check", *forms, str(tmp_path / "darker.keras"), "--repeats", "1"]) == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "darker" in each]
    assert 0.3 < float(line.split()[3]) < 1.1
    with pytest.raises(
        kc.InputError, match=r"Arrays for (left, right|right, left) were given. Allowed: image"
    ):
        kc.export.serve_compare([*forms, models / "sum"])
    others = keras.Sequential(
        [keras.Input((3,), name="x"), keras.layers.Dense(2, name="elsewhere")]
    )
    alike = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2, name="here")])
    for number, each in enumerate((alike, others)):
        kc.export.export_model(each, tmp_path / f"{number}.tflite", "litert")
    with pytest.raises(kc.InputError, match="answers .*Compare files that the same model"):
        kc.export.serve_compare([tmp_path / "0.tflite", tmp_path / "1.tflite"])
    with pytest.raises(kc.InputError, match="0 paths and turns=5 were given"):
        kc.export.serve_compare([])


@pytest.mark.parametrize(
    ("path", "given", "message"),
    [
        ("nothing", None, "does not exist. Allowed: a folder with saved_model.pb"),
        (".", None, "holds no model"),
        ("broken.onnx", None, "broken.onnx cannot be read"),
        ("pictures", "a text", "takes image: uint8 (any, any, any, 3)"),
        ("pictures", "absent.npz", "absent.npz cannot be read"),
        ("pictures", "names.npz", "Arrays for picture were given. Allowed: image: uint8"),
        ("pictures", "types.npz", "image of shape (1, 2, 2, 3) and type float64 was given"),
        ("pictures", "sizes.npz", "image of shape (2, 2, 3) and type uint8 was given"),
    ],
)
def test_mistakes_are_one_sentence(path, given, message, models, tmp_path, capsys):
    np.savez(tmp_path / "names.npz", picture=np.zeros((1, 2, 2, 3), "uint8"))
    np.savez(tmp_path / "types.npz", image=np.zeros((1, 2, 2, 3)))
    np.savez(tmp_path / "sizes.npz", image=np.zeros((2, 2, 3), "uint8"))
    (models / "broken.onnx").write_bytes(b"no")
    if given and given.endswith(".npz"):
        given = str(tmp_path / given)
    arguments = ["serve-check", str(models / path), *(["--input", given] if given else [])]
    assert cli.main(arguments) == 1
    captured = capsys.readouterr()
    # Behind the note that an exported model is a program.
    assert captured.err.splitlines()[-1].startswith("error: ") and message in captured.err
