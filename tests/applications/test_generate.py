"""The application that makes pictures as a user meets it."""

import json

import numpy as np
import pytest
from PIL import Image

from support import load_application

SCENES = ["--data", "scenes", "--data-options", "train=8", "validation=4", "test=8"]


@pytest.fixture(scope="module")
def application():
    return load_application("generate")


@pytest.mark.parametrize("task", ["gan", "vae"])
def test_what_makes_pictures_is_trained_drawn_and_exported(application, task, tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    chosen = ["--task", task, "--epochs", "1", "--filters", "2", "--latent", "4"]
    assert application.main(["train", *chosen, *out]) == 0
    for verb in ("sample", "interpolate"):
        assert application.main([verb, "--count", "16", *out]) == 0
    assert application.main(["export", *out]) == 0
    assert (tmp_path / "saved_model" / "saved_model.pb").exists()
    for name in ("samples", "walks", "pictures/generated-epoch-0001"):
        assert Image.open(tmp_path / f"{name}.png").width > 100
    assert application.main(["evaluate", "--beside", str(tmp_path), *out]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics[task]["KID-own"] == metrics[str(tmp_path)]["KID-own"] > 0
    capsys.readouterr()
    assert application.main(["stylize", *out]) == 1
    assert "--task style" in capsys.readouterr().err


def test_pictures_are_styled_and_enlarged(application, tmp_path):
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
        beside = {"style": ["--gatys", "2"], "super_resolution": ["--beside", str(tmp_path / task)]}
        assert application.main(["evaluate", *beside[task], *out]) == 0
    metrics = json.loads((tmp_path / "super_resolution" / "metrics.json").read_text())
    assert metrics["bicubic"]["PSNR"] > 10
