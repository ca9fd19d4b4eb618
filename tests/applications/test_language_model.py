"""The language-model application as a user meets it, good input and bad."""

import json

import pandas as pd
import pytest

import keras_classics as kc
from support import ROOT, load_application, shared, shipped_record

SHIPPED = ROOT / "saved_models" / "writing-shakespeare"

MADE = ["--data-options", "characters=30000", "--units", "12", "--batch-size", "8"]
SMALL = [
    *MADE, "--epochs", "1", "--samples", "5", "30", "--sample-length", "20", "--characters", "4000",
]  # fmt: skip


@pytest.fixture(scope="module")
def application():
    return load_application("language_model")


@pytest.fixture(scope="module")
def finished(application, tmp_path_factory):
    """The folder of a whole, tiny job."""
    out = tmp_path_factory.mktemp("job") / "run"
    assert application.main([*SMALL, "--length", "20", "--out", str(out)]) == 0
    return out


@pytest.mark.slow
def test_the_whole_job_leaves_everything_beside_its_results(finished):
    run = json.loads((finished / "run.json").read_text())
    assert run["settings"]["data"] == "source_code" and run["settings"]["seed"] == 0
    metrics = json.loads((finished / "metrics.json").read_text())
    assert set(metrics) == {"validation", "validation, bigrams", "test", "test, bigrams"}
    for row in metrics.values():
        assert row["bits_per_character"] == pytest.approx(row["nats"] / 0.6931472)
    history = pd.read_csv(finished / "history.csv")
    assert history["val_bits_per_character"][0] == pytest.approx(
        history["val_nats"][0] / 0.6931472, rel=1e-4
    )
    cells = pd.read_csv(finished / "cells.csv")
    assert {"inside_string", "bracket_depth", "line_position"} <= set(cells["target"])
    assert "<pre>" in (finished / "cells.html").read_text("utf-8")


@pytest.mark.slow
def test_samples_appear_once_and_training_goes_on(application, finished, capsys):
    more = [*MADE, "--epochs", "2", "--sample-length", "20", "--out", str(finished)]
    capsys.readouterr()
    assert application.main(["train", *more, "--samples", "5", "150"]) == 0
    said = capsys.readouterr().out
    assert "after 150 iterations" in said and "after 5 iterations" not in said
    assert list(pd.read_csv(finished / "history.csv")["epoch"]) == [1, 2]
    assert application.main(["train", *more, "--units", "8"]) == 1
    assert "units 12, now 8" in capsys.readouterr().err


@pytest.mark.slow
def test_writing_repeats_with_its_seed_and_begins_with_its_prime(application, finished, capsys):
    arguments = ["write", "--prime", "\\ndef ", "--length", "30", "--count", "2", "--top-k", "5",
                 "--temperature", "0.5", "--top-p", "0.9", "--out", str(finished)]  # fmt: skip
    texts = []
    for _ in range(2):
        capsys.readouterr()
        assert application.main(arguments) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] and texts[0].count("\ndef ") == 2
    assert application.main(["write", "--prime", "é", "--out", str(finished)]) == 1
    assert "'é', which the alphabet lacks" in capsys.readouterr().err


@pytest.mark.slow
def test_tiny_shakespeare_by_char_rnns_split(application, tmp_path):
    file = shared("data", "tinyshakespeare", "input.txt")
    short = tmp_path / "short.txt"
    short.write_text(file.read_text()[:60_000])
    arguments = [
        "--data", f"text:{short}", "--data-options", "pieces=8", "test=0", "validation=0.2", "--batch-size", "8",
        "--units", "12", "--k1", "25", "--k2", "50", "--optimizer", "rmsprop",
        "--initial-range", "0.08", "--cell", "gru", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    assert application.main(["train", *arguments, "--epochs", "1"]) == 0
    assert application.main(["evaluate", *arguments]) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics) == {"validation", "validation, bigrams"}
    assert metrics["validation"]["nats"] < 3.6
    # Its characters have no classes.
    assert application.main(["cells", *arguments, "--characters", "2000"]) == 0
    assert "line_position" in set(pd.read_csv(tmp_path / "run" / "cells.csv")["target"])


@pytest.mark.slow
def test_what_is_written_can_be_drawn_anew(application, finished, capsys):
    texts = []
    for seed in ("0", "1"):
        arguments = ["write", "--seed", seed, "--length", "40", "--quiet", "--out", str(finished)]
        assert application.main(arguments) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] != texts[1]


@pytest.mark.parametrize("verb", ["evaluate", "write", "cells"])
def test_verbs_that_need_a_trained_model_say_so(application, verb, tmp_path, capsys):
    assert application.main([verb, "--out", str(tmp_path)]) == 1
    assert "holds no trained language model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "scenes"], "text, such as source_code"),
        (["--data", "text:nowhere.txt"], "nowhere.txt cannot be read"),
        (["--data-options", "lines=3"], "'lines' was given to 'source_code'"),
        (["--k2", "70"], "a k2 that is a multiple of k1"),
        (["--data-options", "characters=20000", "--cell", "rnn"], "cell='rnn' was given"),
    ],
)
def test_faulty_wishes_are_one_sentence(application, arguments, message, tmp_path, capsys):
    assert application.main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1
    assert message in capsys.readouterr().err


def test_the_shipped_models_recorded_figure_is_true_and_it_writes(application, capsys):
    shipped_record(SHIPPED)
    job = kc.jobs.open_run(application.LanguageModel, SHIPPED)
    alphabet, examples = job.facts["alphabet"], kc.export.read_examples(SHIPPED)
    encoded = [*map(alphabet.encode, examples.inputs)]
    figures = kc.training.text_metrics(job.trained(), encoded, {"test": encoded}, len(alphabet))
    assert figures["test"]["nats"] == pytest.approx(examples.figures["nats"], abs=1e-3)
    # The whole test split is carried, which is what the figure of the guide is about.
    recorded = json.loads((SHIPPED / "metrics.json").read_text())["test"]["nats"]
    assert len(encoded) == examples.split_size
    assert recorded == pytest.approx(examples.figures["nats"], abs=1e-4) and recorded < 1.6
    asked = ["write", "--prime", "ROMEO:", "--length", "40", "--out", str(SHIPPED)]
    assert application.main(asked) == 0
    assert len(capsys.readouterr().out) > len("ROMEO:") + 40
