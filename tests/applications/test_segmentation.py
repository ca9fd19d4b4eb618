"""The segmentation application as a user meets it, good input and bad."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from data.pictures.mask_samples import folder
from support import load_application

SMALL = [
    "--data-options", "train=24", "validation=6", "test=6", "--image-size", "48",
    "--batch-size", "8", "--epochs", "1", "--model", "resnet_20_cifar",
    "--model-options", "width=0.25", "repeats=(1,1,1)", "--stride", "2",
]  # fmt: skip


@pytest.fixture(scope="module")
def application():
    return load_application("segmentation")


@pytest.fixture(scope="module")
def finished(application, tmp_path_factory):
    """The folder of a whole, tiny job."""
    out = tmp_path_factory.mktemp("job") / "run"
    assert application.main([*SMALL, "--pictures", "3", "--out", str(out)]) == 0
    return out


def test_the_whole_job_leaves_everything_beside_its_results(finished):
    metrics = json.loads((finished / "metrics.json").read_text())["test"]
    by_class = pd.read_csv(finished / "classes.csv")
    assert by_class["IU"].mean() == pytest.approx(metrics["mean IU"], nan_ok=True)
    assert by_class["pixels"].sum() == 6 * 48 * 48
    assert set(metrics) >= {
        "pixel accuracy",
        "mean accuracy",
        "frequency-weighted IU",
        "boundary F",
    }
    for name in ("masks", "answers", "history", "example-mask"):
        assert Image.open(finished / f"{name}.png").width >= 48
    assert kc.export.read_examples(finished).figures["mean IU"] == pytest.approx(metrics["mean IU"])


def test_the_export_says_of_any_picture_what_the_model_says(application, finished, tmp_path):
    job = kc.jobs.open_run(application.Segmentation, finished)
    job.results, job.asked = tmp_path, []
    photograph = tmp_path / "odd.png"
    pixels = np.random.default_rng(0).integers(0, 256, (37, 61, 3), "uint8")
    Image.fromarray(pixels).save(photograph)
    one = job.ask(photograph, job.open_export(finished / "saved_model"))
    mask = np.asarray(Image.open(tmp_path / "odd-mask.png"))
    assert mask.shape == (37, 61)
    other = job.ask_model(photograph, job.trained())
    assert (np.asarray(Image.open(tmp_path / "odd-mask.png")) == mask).mean() > 0.999
    assert one.record["shares"].keys() == other.record["shares"].keys()
    assert one.record["shares"]["background"] == pytest.approx(np.mean(mask == 0))


def test_masks_in_a_folder_are_learned_and_what_has_none_is_refused(application, tmp_path, capsys):
    place = folder(tmp_path / "set", 24)
    given = [*SMALL[4:], "--data", f"masks:{place}", "--out", str(tmp_path / "run"), "--crop", "16"]
    assert application.main(["train", *given]) == 0
    assert application.main(["train", "--data", "digits", "--out", str(tmp_path / "other")]) == 1
    assert "Pictures without masks were given" in capsys.readouterr().err
    given = [*SMALL, "--stride", "64", "--out", str(tmp_path / "none")]
    assert application.main(["train", *given]) == 1
    assert "stride=64 was given" in capsys.readouterr().err


def test_kinds_are_compared_on_what_was_held_back(application, tmp_path, monkeypatch):
    from segmenters import comparison

    chosen = {name: comparison.KINDS[name] for name in ("FCN-8s", "FCN-8s, field after it")}
    chosen["FCN-8s, CRF-RNN"] = {"crf": True}
    small = {name: {**each, "stride": 2} for name, each in chosen.items()}
    monkeypatch.setattr(comparison, "KINDS", small)
    out = tmp_path / "compared"
    assert application.main(["compare", *SMALL, "--seeds", "1", "--out", str(out)]) == 0
    rows = pd.read_csv(out / "compare.csv")
    assert list(rows["kind"]) == list(small) and (rows["mean IU"] > 0).all()
