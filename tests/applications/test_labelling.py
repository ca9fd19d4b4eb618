"""The labelling application as a user meets it, good input and bad."""

import json
import shlex
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.data.batches import pad_arrays
from keras_classics.data.sound.recordings import read_wave, write_wave
from support import ROOT, load_application, shared, shipped_record

SHIPPED = ROOT / "saved_models" / "labelling-digit_lines"

UNSEEN = ["--epochs", "1", "--batch-size", "8", "--units", "6"]
TINY = [*UNSEEN, "--pictures", "2"]
LINES = ["--data-options", "train=24", "validation=8", "test=6", "digits=(2,3)"]


@pytest.fixture(scope="module")
def application():
    return load_application("labelling")


@pytest.fixture(scope="module")
def finished(application, tmp_path_factory):
    """The folder of a whole, tiny job on lines of digits."""
    out = tmp_path_factory.mktemp("job") / "run"
    assert application.main([*TINY, *LINES, "--out", str(out)]) == 0
    return out


@pytest.mark.slow
def test_the_whole_job_leaves_everything_beside_its_results(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    table = pd.read_csv(finished / "predictions.csv", dtype=str, keep_default_na=False)
    assert len(table) == 6
    for row, column in (("best path", "best path"), ("beam 10", "beam")):
        expected = kc.training.labelling_metrics(list(table[column]), list(table["true"]))
        assert metrics[row] == pytest.approx(expected)
    run = json.loads((finished / "run.json").read_text())
    assert run["settings"]["task"] == "recognize"
    files = ("spikes.png", "example.png", "history.csv", "saved_model/saved_model.pb")
    assert all((finished / file).stat().st_size for file in files)


@pytest.mark.slow
def test_the_export_answers_as_the_model(application, finished):
    """Pictures of other widths in one batch; the texts are those of the evaluation."""
    import tensorflow as tf

    options = {"train": 24, "validation": 8, "test": 6, "digits": (2, 3)}
    lines = kc.data.load("digit_lines", **options).test
    pictures = pad_arrays([line.image for line in lines], axis=1)
    widths = np.array([line.image.shape[1] for line in lines], "int32")
    served = tf.saved_model.load(str(finished / "saved_model"))
    found = served.serve(pictures, widths)
    table = pd.read_csv(finished / "predictions.csv", dtype=str, keep_default_na=False)
    scores = found["log_probabilities"].numpy()
    np.testing.assert_allclose(scores[:, 0], table["log_probability"].astype(float), atol=1e-2)
    # So short a training leaves labellings equal but for rounding, which may change places.
    for text, expected, row in zip(
        found["texts"][:, 0].numpy(), table["beam"], scores, strict=True
    ):
        assert text.decode() == expected or row[0] - row[1] < 1e-2


@pytest.mark.slow
def test_faulty_queries_do_not_stop_the_others(application, finished, tmp_path, capsys):
    Image.new("RGB", (40, 20)).save(tmp_path / "high.png")
    queries = [str(tmp_path / "absent.png"), str(tmp_path / "high.png"),
               str(finished / "example.png")]  # fmt: skip
    assert application.main(["label", *queries, "--out", str(finished)]) == 1
    shown = capsys.readouterr()
    assert "absent.png does not exist" in shown.err
    assert "is 20 pixels high. Allowed: 12" in shown.err
    assert "example.png: " in shown.out


@pytest.mark.slow
def test_a_run_is_not_continued_with_other_settings(application, finished, capsys):
    made = ["--batch-size", "8", "--units", "6", *LINES, "--seed", "1"]
    assert application.main(["train", *made, "--out", str(finished)]) == 1
    assert "holds a run with other settings (seed 0, now 1)" in capsys.readouterr().err


@pytest.mark.slow
def test_speech_is_labelled_from_wave_files_of_its_rate(application, tmp_path, capsys):
    spoken, out = shared("data", "fsdd", "dev_300.npz"), tmp_path / "run"
    arguments = ["--data", f"speech:{spoken}", "--data-options", "digits=(1,1)", *TINY,
                 "--batch-size", "32", "--out", str(out)]  # fmt: skip
    assert application.main(arguments) == 0
    assert set(json.loads((out / "metrics.json").read_text())) == {"best path", "beam 10"}
    heard, fast = out / "example.wav", tmp_path / "7_a_0.wav"
    write_wave(fast, read_wave(heard) / 32768, rate=16000)
    capsys.readouterr()
    assert application.main(["label", str(fast), str(heard), "--out", str(out)]) == 1
    shown = capsys.readouterr()
    refusal = "has 16000 samples a second in 1 channel of 16 bits. Allowed: 8000"
    assert refusal in shown.err and shown.err.count("error: ") == 1
    assert "example.wav: " in shown.out and "%" in shown.out
    arguments[1], arguments[-1] = f"speech:{tmp_path}", str(tmp_path / "other")
    pictures = arguments.index("--pictures")
    del arguments[pictures : pictures + 2]
    assert application.main(["train", *arguments]) == 1
    assert refusal in capsys.readouterr().err


@pytest.mark.slow
def test_a_spoken_word_is_classified_at_any_pace(application, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    rng = np.random.default_rng(0)
    for digit in range(3):
        for take in range(14):
            time = np.arange(2000 + 80 * take) / 8000
            sound = 0.3 * np.sin(2 * np.pi * (300 + 500 * digit) * time)
            sound += rng.normal(0, 0.003, len(time))
            write_wave(tmp_path / "data" / f"{digit}_{'ab'[take % 2]}_{take}.wav", sound)
    out = tmp_path / "run"
    arguments = ["--task", "word", "--data", f"speech:{tmp_path / 'data'}", "--data-options",
                 "leave_out=b", *TINY[:-2], "--epochs", "8", "--learning-rate", "0.03",
                 "--out", str(out)]  # fmt: skip
    assert application.main(arguments) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] == 1.0 and metrics["0.7 times as long"]["accuracy"] > 0.9
    assert len(pd.read_csv(out / "predictions.csv")) == 21
    capsys.readouterr()
    assert application.main(["label", str(out / "example.wav"), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    said = pd.read_csv(out / "predictions.csv", dtype=str)["true"][0]
    assert f"example.wav: {said} " in shown and "%" in shown


@pytest.mark.slow
def test_what_happens_in_clips_is_classified(application, tmp_path, capsys):
    for clip in kc.data.moving_scenes(40, "direction", frames=4, first=1000):
        place = tmp_path / "data" / f"to_{clip.label}" / clip.name
        place.mkdir(parents=True)
        for number, frame in enumerate(clip.frames):
            kc.data.write_picture(place / f"{number}.png", frame)
    out = tmp_path / "run"
    arguments = ["--task", "clip", "--data", f"frames:{tmp_path / 'data'}", *TINY, "--data-options",
                 "test=0.2", "--out", str(out)]  # fmt: skip
    assert application.main(arguments) == 0
    assert len(pd.read_csv(out / "predictions.csv")) == 8
    assert json.loads((out / "metrics.json").read_text())["test"]["accuracy"] >= 0
    assert (out / "clips.png").stat().st_size and len(list((out / "example").iterdir())) == 4
    # One frame, of another size, is a clip that stands still.
    (tmp_path / "one").mkdir()
    Image.new("RGB", (50, 40)).save(tmp_path / "one" / "0.png")
    (tmp_path / "none").mkdir()
    capsys.readouterr()
    queries = [str(tmp_path / name) for name in ("one", "none")]
    assert application.main(["label", *queries, "--out", str(out)]) == 1
    shown = capsys.readouterr()
    assert "one: to_" in shown.out and "%" in shown.out
    assert "none holds no picture" in shown.err and shown.err.count("error: ") == 1
    other = ["train", "--task", "clip", "--data", "digits", "--out", str(tmp_path / "other")]
    assert application.main(other) == 1
    assert "Use moving_scenes, frames:FOLDER" in capsys.readouterr().err


def test_the_remedy_of_frames_of_another_size_can_be_typed(application):
    job = SimpleNamespace(codec={"size": [32, 24], "frames": 4})
    with pytest.raises(kc.InputError, match="Give --data-options (.*)[.]$") as refusal:
        application.TASKS["clip"].even(job, np.zeros((4, 30, 40, 3), "uint8"), "a")
    [typed] = shlex.split(str(refusal.value).partition("--data-options ")[2].removesuffix("."))
    assert typed == "image_size=(32,24)"


@pytest.mark.slow
def test_words_are_tagged(application, tmp_path, capsys):
    row = "{}\t{}\t_\t{}\t_\t_\t0\troot\t_\t_\n"
    sentences = [
        row.format(1, "dogs", "NOUN") + row.format(2, "bark", "VERB")
        + row.format(3, n // 10, "NUM") + row.format(4, n % 10, "NUM") + "\n"
        for n in range(80)
    ]  # fmt: skip
    (tmp_path / "some.conllu").write_text("".join(sentences))
    out = tmp_path / "run"
    arguments = ["--task", "tag", "--data", f"conllu:{tmp_path / 'some.conllu'}",
                 *UNSEEN, "--epochs", "6", "--learning-rate", "0.05"]  # fmt: skip
    assert application.main([*arguments, "--out", str(out)]) == 0
    assert json.loads((out / "metrics.json").read_text())["test"]["accuracy"] == 1.0
    assert ": dogs/NOUN bark/VERB " in capsys.readouterr().out


def _numbered(sentence):
    """Different ones: equal sentences are of one split."""
    return "".join(f"{sentence} {n // 10} {n % 10}\n" for n in range(50))


@pytest.mark.slow
def test_sentences_are_classified(application, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "some.pos").write_text(_numbered("truly good"))
    (tmp_path / "data" / "some.neg").write_text(_numbered("truly bad film"))
    out = tmp_path / "run"
    arguments = ["--task", "classify", "--data", f"sentences:{tmp_path / 'data'}", "--summary",
                 "sum", *UNSEEN, "--epochs", "6", "--learning-rate", "0.05"]  # fmt: skip
    assert application.main([*arguments, "--out", str(out)]) == 0
    assert json.loads((out / "metrics.json").read_text())["test"]["accuracy"] == 1.0
    capsys.readouterr()
    assert application.main(["label", "a good day", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("a good day: pos ")
    facts = json.loads((out / "codec.json").read_text())
    (out / "codec.json").write_text(json.dumps(facts | {"classes": ["pos"]}))
    assert application.main(["label", "a good day", "--out", str(out)]) == 1
    assert "has 1 classes and the model 2" in capsys.readouterr().err


TEXTS = {"unit": "character", "items": ["a", "b", "c"], "classes": ["x", "y"]}


@pytest.mark.parametrize(
    ("task", "facts", "wrong", "message"),
    [
        ("recognize", {"kind": "speech", "labels": "0123456789"}, {"labels": "01234"},
         "has 5 labels and the model 10"),
        ("tag", TEXTS, {"items": ["a", "b"]}, "has 4 units and the model 5"),
        ("classify", TEXTS, {"classes": ["x", "y", "z"]}, "has 3 classes and the model 2"),
        ("classify", TEXTS | {"unit": "word"}, {"items": []}, "has 2 units and the model 5"),
    ],
)  # fmt: skip
def test_facts_of_another_model_are_one_sentence(
    application, task, facts, wrong, message, tmp_path, capsys
):
    settings = {"task": task, "units": 6, "batch_size": 8, "epochs": 1}
    kc.jobs.record_run(tmp_path, settings, job="labelling")
    job = application.Labelling.of(
        application.Labelling.Settings(**settings), tmp_path, kc.jobs.Output()
    )
    job.complete()
    job.facts = {"codec": facts}
    model = job.build()
    job.check_model(model)
    kc.save_model(model, tmp_path / job.model_file)
    kc.jobs.write_json(tmp_path / "codec.json", facts | wrong)
    for verb in ("evaluate", "export"):
        assert application.main([verb, "--task", task, "--out", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert message in error and error.startswith("error: ") and error.count("\n") == 1


def test_a_model_that_reads_no_text_is_refused_by_the_facts_of_one(application):
    job = application.Labelling.of(
        application.Labelling.Settings(task="tag"), None, kc.jobs.Output()
    )
    job.complete()
    job.facts = {"codec": TEXTS}
    other = keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(2)])
    with pytest.raises(kc.InputError, match="has 5 units and the model 0"):
        job.check_model(other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "digits"], "The data 'digits' have no transcribed lines"),
        (["--task", "tag", "--data", "digits"], "The data 'digits' have no tags"),
        (["--task", "classify", "--data", "digits"], "'digits' have no languages"),
        (["--task", "word"], "Give --data speech:FOLDER"),
        (["--data", "speech:nowhere"], "nowhere does not exist"),
        (["--task", "tag", "--data", "conllu:absent"], "absent cannot be read"),
        (["--task", "classify", "--data", "sentences:absent"], "absent does not exist"),
        (["--data-options", "digits=(0,1)"], "1 to 100 digits"),
        (["--data-options", "letters=3"], "'letters' was given to 'digit_lines'"),
        (["--model", "lstmm", "--batch-size", "8", *LINES], "cell='lstmm' was given"),
        (["label", "x.png"], "does not exist"),
        (["evaluate"], "holds no trained labeller"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(application, arguments, message, tmp_path, capsys):
    assert application.main([*arguments, "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1


@pytest.mark.slow
def test_the_shipped_models_recorded_score_is_true(application):
    import tensorflow as tf

    from labellers.tasks import judged

    run = shipped_record(SHIPPED)
    exported = tf.saved_model.load(str(SHIPPED))

    def measured(lines, references):
        texts = []
        for start in range(0, len(lines), 50):
            some = lines[start : start + 50]
            widths = np.array([line.shape[1] for line in some], "int32")
            given = pad_arrays(some, 8, axis=1), widths
            texts += [row[0].decode() for row in exported.serve(*given)["texts"].numpy()]
        return judged(texts, references)["label error rate"]

    examples = kc.export.read_examples(SHIPPED)
    found = measured(examples.inputs, examples.references)
    # Of some 220 digits one may be read otherwise where a processor rounds otherwise.
    assert found == pytest.approx(examples.figures["label error rate"], abs=6e-3)

    settings = run["settings"]
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    data = kc.data.load("digit_lines", seed=settings["seed"], **settings["data_options"])
    lines, texts, _ = zip(*kc.data.transcribed(data, "test"), strict=True)
    true = [[text] for text in texts]
    if kc.export.hash_examples(lines, true) != examples.split_sha256:
        pytest.skip(f"{data.info.made_with} has other lines: the figure on all is another")
    recorded = json.loads((SHIPPED / "metrics.json").read_text())["beam 10"]["label error rate"]
    assert measured(list(lines), true) == pytest.approx(recorded, abs=1e-3) and recorded < 0.04


def test_an_export_without_its_run_is_refused_in_a_sentence(application, tmp_path, capsys):
    shutil.copytree(SHIPPED / "variables", tmp_path / "variables")
    shutil.copy(SHIPPED / "saved_model.pb", tmp_path)
    asked = ["label", str(SHIPPED / "example.png"), "--from"]
    assert application.main([*asked, str(tmp_path)]) == 1
    assert "holds an export without the run that made it" in capsys.readouterr().err
    assert application.main([*asked, str(SHIPPED)]) == 0
    [true, *_] = kc.export.read_examples(SHIPPED).references[0]
    assert f"example.png: {true} " in capsys.readouterr().out
