"""The application that looks inside networks as a user meets it, good input and bad."""

import json
import re
import shlex

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from support import in_browser, load_application

# A network of three blocks, of which two layers are looked at.
SMALL = [
    "--data-options", "train=64", "validation=8", "test=12",
    "--model-options", "width=0.25", "repeats=(1,1,1)", "--epochs", "1",
]  # fmt: skip
FEW = [
    "--count", "12", "--pictures", "2", "--steps", "3", "--points", "3", "--depths", "2",
    "--layers", "stem_relu", "stage2_out",
]  # fmt: skip


@pytest.fixture(scope="module")
def application():
    return load_application("look_inside")


@pytest.fixture(scope="module")
def run_folder(application, tmp_path_factory):
    """What the whole job leaves."""
    out = tmp_path_factory.mktemp("look") / "run"
    assert application.main([*SMALL, *FEW, "--quiet", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    """A model of somebody else's, and a picture."""
    folder = tmp_path_factory.mktemp("brought")
    image = keras.Input((16, 16, 3))
    h = keras.layers.Conv2D(4, 3, activation="relu", padding="same", name="one")(image)
    h = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="two")(h)
    h = keras.layers.GlobalAveragePooling2D()(h)
    keras.Model(image, keras.layers.Dense(3, name="logits")(h)).save(folder / "net.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), "uint8")
    Image.fromarray(pixels).save(folder / "photo.png")
    return folder


@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_all_parts_with_their_pictures(application, run_folder, width):
    page = run_folder / application.PAGE
    seen = in_browser(page, width, """{
        titles: [...document.querySelectorAll("h2")].map(x => x.textContent),
        told: [...document.querySelectorAll("p")].map(x => x.textContent),
        pictures: [...document.images].map(x => [x.alt, x.complete ? x.naturalWidth : 0]),
        width: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
    }""")  # fmt: skip
    assert [title.split(":")[0] for title in seen["titles"]] == list(application.VERBS)
    assert seen["width"] <= seen["room"]
    # Nothing may have been fooled.
    assert len(seen["pictures"]) >= 11 and all(width > 20 for _, width in seen["pictures"])
    sizes = "3 x 3 pixels in stem_relu, 13 x 13 pixels in stage2_out"
    assert any(sizes in sentence for sentence in seen["told"])


def test_every_sentence_has_figures_that_were_measured(application, run_folder):
    for verb in application.VERBS:
        found = json.loads((run_folder / "inside" / f"{verb}.json").read_text("utf-8"))
        assert found["sentences"] and found["figures"]
        assert all(re.search(r"\d", sentence) for sentence in found["sentences"]), verb
        assert all((run_folder / "inside" / file).exists() for file in found["pictures"].values())
    model = kc.load_model(run_folder / "model.keras")
    lesions = json.loads((run_folder / "inside" / "lesion.json").read_text("utf-8"))
    blocks = [block.name for block in kc.analysis.find_blocks(model)]
    assert list(lesions["figures"]["without"]["resnet_20_cifar"]) == blocks


def test_a_verb_renews_its_part_of_the_page(application, run_folder, capsys):
    before = (run_folder / application.PAGE).read_text("utf-8")
    arguments = ["--layers", "stem_conv", "--count", "12", "--json"]
    assert application.main(["receptive", *arguments, "--out", str(run_folder)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["figures"] == {"sizes": {"stem_conv": [3.0, 3.0]}}
    after = (run_folder / application.PAGE).read_text("utf-8")
    assert "3 x 3 pixels in stem_conv" in after and "stem_conv" not in before
    assert after.count("<h2") == before.count("<h2")


def test_a_model_from_elsewhere_is_looked_into_without_a_training(application, brought, tmp_path,
                                                                  capsys):  # fmt: skip
    given = [
        "--model", str(brought / "net.keras"), "--pixels", "unit", "--out", str(tmp_path / "out"),
        "--images", str(brought / "photo.png"), "--layers", "two", "--epsilon", "40",
    ]  # fmt: skip
    for verb in ("receptive", "fool"):
        assert application.main([verb, *given]) == 0
    told = capsys.readouterr().out
    assert "5 x 5 pixels in two" in told
    assert re.search("Of 1 pictures called what the network says at first . are", told)
    assert json.loads((tmp_path / "out" / "run.json").read_text())["job"] == "look_inside"
    assert not (tmp_path / "out" / "model.keras").exists()


def test_what_is_brought_is_built_as_the_catalogue_has_it(application, tmp_path):
    """The narrow form is that of the small classifier that is trained."""

    def options(**given):
        job = application.LookInside(application.Settings(**given), tmp_path, kc.jobs.Output())
        job.complete()
        return job.settings.model_options

    assert options() == {"width": 0.5}
    assert options(weights="resnet20.npz") == options(model="plain_20_cifar") == {}
    assert options(model_options={"width": 0.25}) == {"width": 0.25}


def test_what_prepares_pictures_is_a_part_of_the_model(application, brought):
    """One step of 8 bits is one of the network's own units, whatever it takes."""
    from explainers import classifiers

    job = application.LookInside(
        application.Settings(
            model=str(brought / "net.keras"), pixels="caffe", images=[brought / "photo.png"]
        ),
        brought / "out",
        kc.jobs.Output(quiet=True),
    )
    job.brought = classifiers.load(job.settings)
    subject = job.subject(job.brought.model)
    picture = np.asarray(subject.images)
    assert picture.shape == (1, 16, 16, 3) and 0 <= picture.min() and picture.max() <= 255
    mean = np.float32([103.939, 116.779, 123.68])
    np.testing.assert_allclose(subject.prepared, picture[..., ::-1] - mean, atol=1e-4)
    found = subject.network.predict_on_batch(picture[..., ::-1] - mean)
    np.testing.assert_allclose(subject.model.predict_on_batch(picture), found, atol=1e-3)


def test_a_twin_of_other_pictures_is_refused_and_the_one_it_names_is_taken(
    application, tmp_path, monkeypatch, capsys
):
    """Of two sets that both have ten classes called 0 to 9, one has other pictures."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name, count in (("train", 200), ("test", 20)):
        pictures = random.integers(0, 256, (count, 32, 32, 3), "uint8")
        np.savez(tmp_path / f"{name}.npz", x=pictures, y=np.arange(count) % 10)
    training = load_application("classification").main
    # LeNet-5 sees digits in one grey channel.
    small = ["--model-options", "width=0.25", "repeats=(1,1,1)", "--epochs", "1", "--quiet"]
    data = ["--data", "npz:train.npz,test.npz"]
    assert training(["train", "--data", "digits", "--epochs", "1", "--quiet", "--out", "grey"]) == 0
    own = ["train", *data, "--model", "resnet_20_cifar", *small]
    assert application.main([*own, "--out", "own"]) == 0
    capsys.readouterr()
    asked = ["lesion", "--count", "20", "--out", "own", "--beside"]
    assert application.main([*asked, "grey"]) == 1
    told = capsys.readouterr().err
    assert "--beside grey was given" in told and "(32, 32, 3)" in told
    command = told.partition("applications/classification.py ")[2].partition(", and pass")[0]
    assert training([*shlex.split(command), *small]) == 0
    assert application.main([*asked, "runs/twin"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["landscape", "--points", "4"], "Pass --points 5"),
        (["fool", "--epsilon", "0"], "--epsilon"),
        (["fool", "--epsilon", "2", "--steps", "0"], "--steps"),
        (["patches", "--layers", "nowhere"], "'nowhere' is not in"),
        (["train", "--count", "3"], "has no meaning"),
        (["fool", "--model", "lenet_5"], "contradicts the run"),
    ],
)
def test_bad_input_is_one_sentence(application, run_folder, capsys, arguments, message):
    assert application.main([*arguments, "--out", str(run_folder)]) != 0
    printed = capsys.readouterr().err.strip()
    assert message in printed and "Traceback" not in printed


def test_pictures_of_other_classes_and_a_folder_in_use_are_refused(application, brought, run_folder,
                                                                   capsys):  # fmt: skip
    given = ["fool", "--model", str(brought / "net.keras"), "--pixels", "unit"]
    assert application.main([*given, "--out", str(brought / "new")]) == 1
    assert "3 classes, and scenes 8" in capsys.readouterr().err
    assert application.main([*given, "--out", str(run_folder)]) == 1
    assert "holds another classifier" in capsys.readouterr().err
