"""The application of memories as a user meets it."""

import json
import sys

import numpy as np
import pytest

import keras_classics as kc
from support import load_application

TINY = [
    "--data-options", "train=96", "validation=16", "test=60", "--model-options", "width=0.1",
    "--epochs", "1", "--batch-size", "32",
]  # fmt: skip


@pytest.fixture(scope="module")
def application():
    return load_application("recall")


@pytest.mark.slow
def test_the_whole_job_looks_for_unknown_shapes_and_completes_digits(application, tmp_path):
    pytest.importorskip("sklearn")
    out = tmp_path / "run"
    arguments = [*TINY, "--pictures", "4", "--stored", "8", "--out", str(out)]
    assert application.main(arguments) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics) == {"trained", "untrained"}
    for row in metrics.values():
        shares = [row[f"recall at {k}"] for k in (1, 2, 4, 8)]
        assert shares == sorted(shares) and 0 < shares[0] and shares[-1] <= 1
    figures = json.loads((out / "recall.json").read_text())["figures"]
    # Digits are alike: what Hebb's rule mixes up, later memories keep apart.
    assert figures["dense 2016"]["exact"] >= 0.8 > figures["Hebb 1982"]["exact"]
    assert (out / "completed.png").stat().st_size > 1000


def test_verbs_that_learn_nothing_keep_their_figures(application, tmp_path, monkeypatch):
    storing = sys.modules["memories.storing"]
    for name, value in {"QUEENS": 5, "CITIES": 4, "STARTS": 8, "COOLING": {"sweeps": 50}}.items():
        monkeypatch.setattr(storing, name, value)
    curves = kc.analysis.recall_by_load
    few = {"units": 40, "repetitions": 1, "recalled": 2}
    monkeypatch.setattr(
        kc.analysis, "recall_by_load", lambda **given: curves([0.05, 0.1], **few, **given)
    )
    for verb in ("solve", "capacity"):
        assert application.main([verb, "--out", str(tmp_path)]) == 0
    solved = json.loads((tmp_path / "solve.json").read_text())["figures"]
    assert solved["5 queens"]["valid"] >= 0.5
    assert solved["4 cities"]["least length"] >= 1 - 1e-6
    held = json.loads((tmp_path / "capacity.json").read_text())["figures"]
    assert list(held) == ["hebb, 0.05", "hebb, 0.1", "projection, 0.05", "projection, 0.1"]
    assert held["projection, 0.1"]["overlap"] == 1
    assert (tmp_path / "capacity.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stored", "0"], "--stored=0 was given"),
        (["--stored-data", "digit_lines"], "Pictures without classes were given"),
        (["--stored-data", "moving_scenes"], "Examples that are no pictures were given"),
        (["--stored-data", "folder:DIR"], "has pictures of 8 x 8, 8 x 9 pixels"),
        (["--stored-data", "npz:DIR.npz"], "has pictures of 65 x 64 pixels"),
    ],
    ids=str,
)
def test_what_cannot_be_stored_is_one_sentence(application, arguments, message, tmp_path, capsys):
    for number in range(12):
        picture = np.full((8, 8 + number % 2, 3), 10 * number, "uint8")
        kc.data.write_picture(tmp_path / "DIR" / "ab"[number % 4 // 2] / f"{number}.png", picture)
    large = np.arange(12, dtype="uint8")[:, None, None] + np.zeros((12, 65, 64), "uint8")
    np.savez(tmp_path / "DIR.npz", x=large, y=np.arange(12) % 2)
    given = [each.replace("DIR", str(tmp_path / "DIR")) for each in arguments]
    assert application.main(["recall", *given, "--out", str(tmp_path / "run")]) != 0
    error = capsys.readouterr().err
    assert message in error and "error: " in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unseen", "cube"], "--unseen cube was given"),
        (["--unseen", "circle", "star", "ring", "heart", "cross", "square", "triangle"],
         "--unseen named 7 of 8 classes"),
        (["--loss", "contrastive", "--mining", "semi_hard"], "--mining semi_hard was given with"),
        (["evaluate"], "holds no trained embedder"),
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_is_one_sentence(application, arguments, message, tmp_path, capsys):
    made = [] if arguments == ["evaluate"] else TINY
    assert application.main([*arguments, *made, "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1
