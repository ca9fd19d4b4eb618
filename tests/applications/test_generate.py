"""The application that makes pictures as a user meets it."""

import json
import shutil
import types

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from support import ROOT, load_application

SHIPPED = ROOT / "saved_models" / "style-waves"

SCENES = ["--data", "scenes", "--data-options", "train=8", "validation=4", "test=8"]


def damaged(run, folder, **changed):
    """A copy of a run whose record has other settings."""
    shutil.copytree(run, folder, dirs_exist_ok=True)
    record = json.loads((folder / "run.json").read_text())
    record["settings"] |= changed
    (folder / "run.json").write_text(json.dumps(record))


@pytest.fixture(scope="module")
def application():
    return load_application("generate")


def test_what_makes_pictures_is_trained_drawn_judged_and_exported(application, tmp_path, capsys):
    for task in ("vae", "gan"):
        out = ["--out", str(tmp_path / task)]
        chosen = ["--task", task, "--epochs", "1", "--filters", "2", "--latent", "2"]
        assert application.main(["train", *chosen, *out]) == 0
        assert application.main(["interpolate", "--count", "16", *out]) == 0
    assert application.main(["sample", "--count", "16", *out]) == 0
    assert application.main(["export", *out]) == 0
    assert (tmp_path / "gan" / "saved_model" / "saved_model.pb").exists()
    drawn = ("gan/samples", "gan/walks", "gan/pictures/generated-epoch-0001", "vae/manifold")
    for name in drawn:
        assert Image.open(tmp_path / f"{name}.png").width > 100
    assert application.main(["evaluate", "--beside", str(tmp_path / "vae"), *out]) == 0
    metrics = json.loads((tmp_path / "gan" / "metrics.json").read_text())
    assert list(metrics) == ["gan", "vae", "untrained"]
    assert all(row["KID-own"] > 0 and row["classes"] >= 1 for row in metrics.values())
    capsys.readouterr()
    assert application.main(["stylize", *out]) == 1
    assert "--task style" in capsys.readouterr().err
    assert application.main(["sample", "--seed", "7", "--count", "1", *out]) == 0
    assert (tmp_path / "gan" / "samples-seed-7.png").exists()
    # Files of strangers, and of an earlier day.
    for name, changed in (("paint", {"task": "paint"}), ("large", {"image_size": 24})):
        damaged(tmp_path / "gan", tmp_path / name, **changed)
        assert application.main(["sample", "--out", str(tmp_path / name)]) == 1
        assert "Put the" in capsys.readouterr().err
    damaged(tmp_path / "vae", tmp_path / "other", task="gan")
    assert application.main(["sample", "--out", str(tmp_path / "other")]) == 1
    assert "makes no pictures of" in capsys.readouterr().err
    damaged(tmp_path / "gan", tmp_path / "old", bound="iwae", factor=8)
    assert application.main(["train", *chosen, "--out", str(tmp_path / "old")]) == 0


def test_pictures_are_styled_and_enlarged(application, tmp_path, capsys):
    photograph = tmp_path / "odd.png"
    pixels = np.random.default_rng(0).integers(0, 256, (18, 22, 3), "uint8")
    Image.fromarray(pixels).save(photograph)
    small = ["--epochs", "1", "--filters", "8", "--image-size", "32", *SCENES]
    for task, verb, size in (
        ("style", "stylize", (22, 18)),
        ("super_resolution", "enlarge", (88, 72)),
    ):
        out = ["--out", str(tmp_path / task)]
        assert application.main(["train", "--task", task, *small, *out]) == 0
        assert application.main([verb, "--images", str(photograph), *out]) == 0
        (made,) = (tmp_path / task).glob("odd*.png")
        assert Image.open(made).size == size
        if task == "style":
            network = ["--network", str(tmp_path / task / "model.keras")]
            elsewhere = ["--images", str(photograph), "--out", str(tmp_path / "elsewhere")]
            assert application.main([verb, *network, *elsewhere]) == 0
            again = tmp_path / "elsewhere" / made.name
            np.testing.assert_array_equal(Image.open(again), Image.open(made))
        beside = {"style": ["--gatys", "2"], "super_resolution": ["--beside", str(tmp_path / task)]}
        assert application.main(["evaluate", *beside[task], *out]) == 0
    metrics = json.loads((tmp_path / "super_resolution" / "metrics.json").read_text())
    assert metrics["bicubic"]["PSNR"] > 10
    network = ["--network", str(tmp_path / "super_resolution" / "model.keras")]
    elsewhere = ["--images", str(photograph), "--out", str(tmp_path / "elsewhere")]
    assert application.main(["enlarge", *network, *elsewhere]) == 0
    larger = [tmp_path / place / "odd-large.png" for place in ("elsewhere", "super_resolution")]
    np.testing.assert_array_equal(*map(Image.open, larger))
    capsys.readouterr()
    assert application.main(["stylize", *network, *elsewhere]) == 1
    assert "a network that keeps the size" in capsys.readouterr().err
    dot = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(dot)
    style = ["--out", str(tmp_path / "style")]
    assert application.main(["stylize", "--images", str(photograph), str(dot), *style]) == 1
    assert "2 x 2 and more" in capsys.readouterr().err
    assert application.main(["stylize", "--images", *style]) == 2
    assert application.main(["stylize", "--tile", "0", "--out", str(tmp_path / "none")]) == 1
    assert "--tile" in capsys.readouterr().err
    damaged(tmp_path / "super_resolution", tmp_path / "larger", factor=8)
    assert application.main(["enlarge", "--out", str(tmp_path / "larger")]) == 1
    assert "makes it 8 times as large" in capsys.readouterr().err
    damaged(tmp_path / "style", tmp_path / "unmeasured")
    for units, told in (
        ({"content": 0.0}, "as the unit of content"),
        ({"content": 1.0}, "no unit"),
    ):
        (tmp_path / "unmeasured" / "units.json").write_text(json.dumps(units))
        unmeasured = ["--gatys", "0", "--out", str(tmp_path / "unmeasured")]
        assert application.main(["evaluate", *unmeasured]) == 1
        assert told in capsys.readouterr().err
    # With hardly a step, what goes on is what was there.
    asked = ["train", "--task", "super_resolution", *small, "--learning-rate", "1e-9"]
    begun, again = tmp_path / "super_resolution", tmp_path / "again"
    assert application.main([*asked, "--start-from", str(begun), "--out", str(again)]) == 0
    weights = (keras.saving.load_model(run / "model.keras").get_weights() for run in (begun, again))
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    capsys.readouterr()
    other = ["--start-from", str(tmp_path / "style"), "--out", str(tmp_path / "none")]
    assert application.main([*asked, *other]) == 1
    assert "a run of the task style" in capsys.readouterr().err


def test_photographs_without_classes_are_seen_by_what_is_trained_here(application, tmp_path):
    draw = np.random.default_rng(0)
    rows = ["image,caption"]
    (tmp_path / "data" / "Images").mkdir(parents=True)
    for number in range(12):
        picture = draw.integers(0, 256, (32, 32, 3)).astype("uint8")
        Image.fromarray(picture).save(tmp_path / "data" / "Images" / f"{number}.png")
        rows.append(f"{number}.png,noise")
    (tmp_path / "data" / "captions.txt").write_text("\n".join(rows) + "\n")
    out, data = tmp_path / "run", f"captions:{tmp_path / 'data'}"
    small = ["--epochs", "1", "--filters", "4", "--image-size", "32", "--data", data]
    assert application.main(["train", "--task", "style", *small, "--out", str(out)]) == 0
    assert (out / "loss_network.keras").exists()


def test_what_cannot_be_learned_from_is_refused_before_anything_is_learned(
    application, tmp_path, capsys
):
    dot = tmp_path / "dot.png"
    Image.new("RGB", (31, 40)).save(dot)
    for task, asked, told in (
        ("style", ["--style-picture", str(dot)], "32 x 32 and more"),
        ("style", ["--style-picture", str(tmp_path / "none.png")], "does not exist"),
        ("style", ["--start-from", str(tmp_path / "none")], "holds no trained generator"),
        ("style", ["--style-weight", "-1"], "--style-weight -1"),
        ("super_resolution", ["--image-size", "50"], "--image-size 52"),
        ("super_resolution", ["--factor", "5"], "4 and 8"),
    ):
        out = ["--out", str(tmp_path / "out"), "--image-size", "32", *SCENES]
        assert application.main(["train", "--task", task, *out, *asked]) == 1
        said = capsys.readouterr()
        assert told in said.err and "which is to see" not in said.err + said.out


def test_flags_of_another_task_are_refused_before_anything_is_read(application, tmp_path, capsys):
    none, out = str(tmp_path / "none.png"), tmp_path / "out"
    for task, flags, of in (
        ("gan", ["--bound", "iwae"], "--task vae"),
        ("gan", ["--style-picture", none], "--task style"),
        ("gan", ["--start-from", none], "--task style or super_resolution"),
        ("vae", ["--smoothing", "0.2"], "--task gan"),
        ("style", ["--latent", "5"], "--task gan or vae"),
        ("style", ["--loss-weights", none], "--loss-network"),
        ("style", ["--loss-pixels", "caffe"], "--loss-network"),
        ("super_resolution", ["--loss", "pixels", "--pixel-weight", "2"], "--loss perceptual"),
        ("super_resolution", ["--style-weight", "2"], "--task style"),
    ):
        assert application.main(["train", "--task", task, *flags, "--out", str(out)]) == 2
        said = capsys.readouterr().err
        assert f"{flags[-2]} was given" in said and f"Allowed: {flags[-2]} with " in said
        assert of in said and said.count("\n") == 1
    image = str(SHIPPED / "example.png")
    asked = ["stylize", "--network", str(SHIPPED), "--images", image, "--out", str(out)]
    assert application.main([*asked, "--task", "vae"]) == 2
    assert "--network with --task style or super_resolution" in capsys.readouterr().err
    assert not out.exists()


def test_verbs_name_the_training_that_they_are_for(application, tmp_path, capsys):
    for verb, task in (("stylize", "style"), ("enlarge", "super_resolution"), ("sample", "gan")):
        assert application.main([verb, "--out", str(tmp_path)]) == 1
        assert f"train --task {task} --out {tmp_path}" in capsys.readouterr().err


def test_textures_have_the_direction_and_length_of_their_class(application):
    from generators.classifiers import DIRECTIONS, LENGTHS, textures

    side = 128
    patterns, kinds = textures(40, (side, side), np.random.default_rng(0))
    for pattern, kind in zip(patterns, kinds, strict=True):
        told = pattern[..., pattern.std(axis=(0, 1)).argmax()]
        strength = np.abs(np.fft.fft2(told - told.mean()))
        place = np.unravel_index(strength.argmax(), strength.shape)
        row, column = (each - side if each > side / 2 else each for each in place)
        direction, length = divmod(kind, len(LENGTHS))
        assert 0.75 < side / np.hypot(row, column) / LENGTHS[length] < 1.35
        turns = np.arctan2(row, column) / np.pi - direction / DIRECTIONS
        assert abs(turns - round(turns)) < 0.45 / DIRECTIONS


def test_the_shipped_style_network_makes_what_it_made(application, tmp_path, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    examples = kc.export.read_examples(SHIPPED)
    # By way of `loaded`: who only keeps the function loses its variables.
    loaded = tf.saved_model.load(SHIPPED)
    pictures = tf.cast(examples.inputs[:8], "float32")
    made = loaded.signatures["serving_default"](picture=pictures)["styled"].numpy().clip(0, 255)
    true = np.array([line.split() for (line,) in examples.references[:8]], "float64")
    # Processors round otherwise; another network is off by tens.
    assert np.abs(made.mean(axis=(1, 2)) - true).max() < 1
    monkeypatch.chdir(tmp_path)
    asked = ["--network", str(SHIPPED), "--images", str(SHIPPED / "example.png")]
    assert application.main(["stylize", *asked]) == 0
    (styled,) = tmp_path.rglob("example-styled.png")
    assert np.abs(np.asarray(Image.open(styled)) - made[0]).mean() < 1
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file())
    assert size <= 5e6


def test_pictures_of_one_name_have_a_file_each(application, tmp_path):
    run = types.SimpleNamespace(results=tmp_path)
    pictures = [np.full((4, 5, 3), shade, "uint8") for shade in (10, 20, 30)]
    keep = application.TASKS["style"].keep_each
    keep(run, ["a b.png", "photo.png", "a-b.png"], pictures, "styled")
    keep(run, ["photo.png", "test 1"], pictures[:2], "large")
    shades = {path.name: int(np.asarray(Image.open(path)).max()) for path in tmp_path.iterdir()}
    assert shades == {
        "1-a-b-styled.png": 10, "2-photo-styled.png": 20, "3-a-b-styled.png": 30,
        "photo-large.png": 10, "test-1-large.png": 20,
    }  # fmt: skip


def test_the_whole_job_trains_judges_and_shows_all_three(application, tmp_path, monkeypatch):
    asked = []

    def run(job, words):
        asked.append(words)
        folder = tmp_path / words[-1]
        folder.mkdir(parents=True, exist_ok=True)
        for file in application.SHOWN[folder.name]:
            Image.new("RGB", (4, 4)).save(folder / file)
        kc.jobs.record_metrics(folder, {folder.name: {"KID-own": 0.125}, "other": {"loss": 2.5}})
        return 0

    monkeypatch.setattr(kc.jobs, "run", run)
    assert application.main([f"--out={tmp_path}", "--seed", "3"]) == 0
    assert [(words[0], words[-1].rpartition("/")[2]) for words in asked] == [
        *[(verb, "vae") for verb in ("train", "sample", "interpolate", "evaluate")],
        *[(verb, "gan") for verb in ("train", "sample", "interpolate", "evaluate")],
        *[(verb, "style") for verb in ("train", "stylize", "evaluate")],
    ]
    trained = [words[1:5] for words in asked if words[0] == "train"]
    assert trained == [["--task", task, "--seed", "3"] for task in ("vae", "gan", "style")]
    assert asked[7][1:3] == ["--beside", str(tmp_path / "vae")]
    page = (tmp_path / "generate.html").read_text()
    assert page.count("data:image/") == 7 and page.count("<td>0.125</td>") == 3
    # A verb that fails ends it.
    monkeypatch.setattr(kc.jobs, "run", lambda *_: 1)
    assert application.main(["--out", str(tmp_path / "none")]) == 1
    assert not (tmp_path / "none" / "generate.html").exists()


def test_the_shipped_style_network_is_near_gatys():
    """What the run recorded beside a descent of 100 steps, which had not ended."""
    metrics = json.loads((SHIPPED / "metrics.json").read_text())
    loss = {name: row["loss"] for name, row in metrics.items()}
    style = {name: row["style"] for name, row in metrics.items()}
    assert style["styled"] < 0.5 * style["as they are"]
    assert loss["first 2, styled"] < 1.3 * loss["first 2, Gatys"]
    seconds = [metrics[name]["seconds a picture"] for name in ("styled", "first 2, Gatys")]
    assert 100 * seconds[0] < seconds[1]
