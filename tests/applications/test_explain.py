"""The explaining application as a user meets it, good input and bad."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from support import load_application, shared

SMALL = {"width": 0.25, "repeats": (1, 1, 1)}
SCENES = {"train": 64, "validation": 8, "test": 8, "objects": [1, 1]}


@pytest.fixture(scope="module")
def application():
    return load_application("explain")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """What classification.py leaves; the network has learned nothing."""
    folder = tmp_path_factory.mktemp("run")
    data = kc.data.load("scenes", **SCENES)
    model = kc.create_model("resnet_20_cifar", classes=8, input_shape=(32, 32, 3), **SMALL)
    recipe = kc.training.quick_recipe(model)
    images = [scene.image for scene in data.train[:8]]
    kc.data.fit_preparation(recipe, images, size=32).save(folder / "preparation.npz")
    model.save(folder / "model.keras")
    kc.jobs.write_json(folder / "classes.json", data.info.classes)
    kc.jobs.record_run(folder, {"data": "scenes", "data_options": SCENES}, job="classification")
    Image.fromarray(images[0]).save(folder / "scene.png")
    return folder


def test_pictures_are_explained_and_faulty_files_named(application, run_folder, tmp_path, capsys):
    files = [str(run_folder / "scene.png"), str(tmp_path / "missing.png")]
    arguments = ["--model", str(run_folder), "--method", "cam", "eigen_cam", "--top", "2"]
    assert application.main([*files, *arguments, "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert "missing.png does not exist" in printed.err
    assert printed.out.count("scene.png: ") == 2
    page = Image.open(tmp_path / "out" / "maps.png")
    # Three columns and two rows of pictures, four times as large as the network's.
    assert 3 * 128 < page.width < 4 * 128 and 2 * 128 < page.height < 3 * 128
    assert json.loads((tmp_path / "out" / "run.json").read_text())["settings"]["top"] == 2


@pytest.mark.parametrize("target", [[], ["--target", "1"], ["--target", "cat"]])
def test_one_unit_is_a_classifier_of_two(target, application, run_folder, tmp_path, capsys):
    image = keras.Input((32, 32, 3))
    h = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(image))
    bias = keras.initializers.Constant(-1.0)
    p = keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros", bias_initializer=bias)(h)
    # The mixed-precision guide's own idiom.
    keras.Model(image, keras.layers.Activation("linear", dtype="float32")(p)).save(
        tmp_path / "one.keras"
    )
    (tmp_path / "names.txt").write_text("dog\ncat\n", "utf-8")
    arguments = ["--model", str(tmp_path / "one.keras"), "--pixels", "unit", "--out", str(tmp_path)]
    arguments += ["--classes", str(tmp_path / "names.txt"), *target]
    assert application.main([str(run_folder / "scene.png"), *arguments]) == 0
    said = "cat 26.9%" if target else "dog 73.1%"
    assert f"scene.png: {said}" in capsys.readouterr().out


def test_methods_are_scored_on_the_scenes_of_the_run(application, run_folder, tmp_path, capsys):
    arguments = ["--evaluate", "--model", str(run_folder / "model.keras"), "--count", "3"]
    arguments += ["--method", "grad_cam", "eigen_cam", "--steps", "2", "--out", str(tmp_path)]
    assert application.main([*arguments, "--data-options", "clutter=0.5"]) == 0
    table = pd.read_csv(tmp_path / "methods.csv", index_col="method")
    assert [*table.index] == ["grad_cam", "eigen_cam", "centre"]
    assert np.isfinite(table.drop(columns="untrained")).all(axis=None)
    assert table["energy"].between(0, 1).all() and (table["energy"] > 0).any()
    printed = capsys.readouterr().out
    assert "objects in 3 test scenes" in printed and "eigen_cam" in printed


def test_the_network_sees_what_is_shown(run_folder):
    from explainers.classifiers import of_run

    classifier = of_run(run_folder)
    picture = np.zeros((64, 96, 3), "uint8")
    picture[:, 16:80] = 200
    picture[16:32, 48:64, 0] = 90
    shown, seen = classifier.view([picture])
    assert shown.shape == (1, 128, 128, 3) and seen.shape == (1, 32, 32, 3)
    # The middle square of the picture, once in its own colours and once prepared.
    assert (shown[0, 36:60, 68:92, 0] == 90).all() and (shown[0, 4:-4, 4:-4, 1] == 200).all()
    dark = seen[0, ..., 0] < seen[0, 0, 0, 0] - 1e-3
    assert dark[9:15, 17:23].all() and not dark[:7].any() and not dark[:, :15].any()


def test_the_run_that_is_explained_is_not_written_into(application, run_folder, capsys):
    folder = str(run_folder)
    assert application.main([f"{folder}/scene.png", "--model", folder, "--out", folder]) == 1
    assert "which holds a classifier" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("1", 1), ("Tiger cat", 3), ("tabby", 2), ("tabby cat", 2), ("bull", 0), ("cat", 4)],
)
def test_classes_are_asked_for_by_number_name_or_part_of_one(wanted, number):
    from explainers.classifiers import class_number

    names = ["bull mastiff", "boxer", "tabby, tabby cat", "tiger cat", "cat"]
    assert class_number(names, wanted) == number


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("t", "2 classes are called.*tench or tiger"),
        ("tigr", "mean tiger"),
        ("7", "Allowed: tench, tiger, owl, or a number below 3. Pass one of them."),
    ],
)
def test_unclear_classes_are_refused(wanted, message):
    from explainers.classifiers import class_number

    with pytest.raises(kc.InputError, match=message):
        class_number(["tench", "tiger", "owl"], wanted)


@pytest.mark.slow
def test_the_photograph_is_explained_with_weights_from_a_file(application, tmp_path, capsys):
    folder = shared("data", "weights", "squeezenet_v1.0_imagenet")
    arguments = [
        str(shared("data", "photos", "catdog_both.png")), "--model", "squeezenet_1_0",
        "--weights", str(folder / "squeezenet_v1.0_deepcompression.npz"), "--pixels", "caffe",
        "--classes", str(folder / "synset_words.txt"), "--out", str(tmp_path),
        "--target", "bull mastiff", "282", "--picture", "maps.jpg",
    ]  # fmt: skip
    assert application.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "catdog_both.png: bull mastiff 8" in printed and "catdog_both.png: tiger cat" in printed
    assert Image.open(tmp_path / "maps.jpg").height > 2 * 224


@pytest.mark.slow
def test_no_arguments_train_explain_and_evaluate(application, monkeypatch, tmp_path, capsys):
    data = [f"{key}={value}" for key, value in SCENES.items()]
    monkeypatch.setattr(application, "TRAINING", [
        "--data", "scenes", "--data-options", *data, "--model", "lenet_5_modern", "--epochs", "1",
    ])  # fmt: skip
    arguments = ["--method", "grad_cam", "eigen_cam", "--count", "4", "--steps", "2"]
    assert application.main([*arguments, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "classifier" / "model.keras").exists()
    # Two scenes of one object and two of two.
    assert capsys.readouterr().out.count("scene-2") == 6
    assert Image.open(tmp_path / "maps.png").height > 6 * 128
    assert len(pd.read_csv(tmp_path / "methods.csv")) == 3


def test_what_is_no_classifier_of_scenes_is_not_evaluated_on_them(application, tmp_path, capsys):
    model = kc.create_model("resnet_20_cifar", classes=3, **SMALL)
    model.save(tmp_path / "own.keras")
    arguments = ["--evaluate", "--model", str(tmp_path / "own.keras"), "--pixels", "unit"]
    assert application.main([*arguments, "--out", str(tmp_path / "out")]) == 1
    assert "3 classes that are not those of scenes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.png"], "No --model was given"),
        (["--evaluate"], "No --model was given"),
        (["--model", "resnet_50"], "was given alone"),
        (["x.png", "--model", "resnet_5"], "Did you mean"),
        (["x.png", "--model", "no/such.keras"], "which is not there"),
        (["x.png", "--model", "."], "holds no trained classifier"),
        (["x.png", "--model", "lenet_5", "--weights", "x.npz"], "Allowed: --pixels caffe"),
        (["x.png", "--model", "mlp_mnist", "--pixels", "raw", "--weights", "no.npz"], "no.npz"),
        (["x.png", "--model", "resnet_50", "--model-options", "classes=3"], "replace_head"),
    ],
)
def test_bad_input_is_one_sentence(application, arguments, message, tmp_path, capsys):
    assert application.main([*arguments, "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_what_is_refused_after_the_model_was_read_leaves_no_folder(
    application, run_folder, tmp_path, capsys
):
    picture = tmp_path / "grey.png"
    Image.new("RGB", (32, 32), "grey").save(picture)
    out = tmp_path / "run"
    asked = [str(picture), "--model", str(run_folder), "--out", str(out)]
    for wrong in (["--target", "nobody"], ["--layer", "nowhere"]):
        assert application.main([*asked, *wrong]) == 1
        assert wrong[1] in capsys.readouterr().err
        assert not out.exists()
    assert application.main(asked) == 0
    assert (out / "run.json").exists()
