"""The application of memories as a user meets it."""

import json

import pytest

from support import load_application


@pytest.fixture(scope="module")
def application():
    return load_application("recall")


@pytest.mark.slow
def test_the_whole_job_finds_unknown_digits_and_completes_known_ones(application, tmp_path):
    pytest.importorskip("sklearn")
    out = tmp_path / "run"
    arguments = ["--epochs", "3", "--pictures", "4", "--stored", "8", "--out", str(out)]
    assert application.main(arguments) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["trained"]["recall at 1"] >= metrics["untrained"]["recall at 1"]
    assert metrics["trained"]["recall at 1"] > 0.8
    figures = json.loads((out / "recall.json").read_text())["figures"]
    # Digits are alike: what Hebb's rule mixes up, later memories keep apart.
    assert figures["dense 2016"]["exact"] >= 0.8 > figures["Hebb 1982"]["exact"]
    assert (out / "completed.png").stat().st_size > 1000
    assert application.main(["evaluate", "--out", str(out)]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unseen", "ten"], "--unseen ten was given"),
        (["--unseen", *"012345678"], "--unseen named 9 of 10 classes"),
        (["--loss", "contrastive", "--mining", "semi_hard"], "mining='semi_hard'"),
        (["evaluate"], "holds no trained embedder"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(application, arguments, message, tmp_path, capsys):
    pytest.importorskip("sklearn")
    assert application.main([*arguments, "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1
