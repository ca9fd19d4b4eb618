"""The captioning application as a user meets it, good input and bad."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from support import ROOT, load_application, shared

SHIPPED = ROOT / "saved_models" / "captioning-scenes"
MADE = [
    "--data-options", "train=64", "validation=16", "test=16",
    "--encoder-options", "width=0.05", "repeats=(1,1)",
    "--units", "16", "--batch-size", "16",
]  # fmt: skip
TRAINED = [*MADE, "--epochs", "1"]
SMALL = [*TRAINED, "--pictures", "4"]


@pytest.fixture(scope="module")
def application():
    return load_application("captioning")


@pytest.fixture(scope="module")
def finished(application, tmp_path_factory):
    """The folder of a whole, tiny job."""
    out = tmp_path_factory.mktemp("job") / "run"
    assert application.main([*SMALL, "--out", str(out)]) == 0
    return out


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 50, 3), "uint8")).save(path)
    return path


@pytest.mark.slow
def test_the_whole_job_leaves_everything_beside_its_results(finished):
    run = json.loads((finished / "run.json").read_text())
    assert run["settings"]["seed"] == 0
    assert {"keras", "tensorflow", "numpy"} <= set(run["versions"])
    metrics = json.loads((finished / "metrics.json").read_text())
    assert set(metrics) == {"model", "image-blind"}
    table = pd.read_csv(finished / "metrics.csv", index_col="evaluated")
    assert table.loc["model", "BLEU-4"] == pytest.approx(metrics["model"]["BLEU-4"])
    captions = pd.read_csv(finished / "captions.csv", keep_default_na=False)
    assert len(captions) == 16
    references = [row.split(" | ") for row in captions["references"]]
    again = kc.training.caption_metrics(list(captions["caption"]), references, meteor=False)
    assert again["CIDEr-D"] == pytest.approx(metrics["model"]["CIDEr-D"])
    assert Image.open(finished / "captions.png").width > 600
    assert list(pd.read_csv(finished / "history.csv")["epoch"]) == [1]


@pytest.mark.slow
def test_training_goes_on_with_more_epochs_and_refuses_other_settings(
    application, finished, tmp_path, capsys
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    more = [*MADE, "--epochs", "2", "--out", str(out)]
    assert application.main(["train", *more, "--explain-every", "1"]) == 0
    assert [page.name for page in (out / "attention").iterdir()] == ["attention-epoch-0002.png"]
    assert list(pd.read_csv(out / "history.csv")["epoch"]) == [1, 2]
    assert application.main(["train", *more, "--units", "8"]) == 1
    assert "units 16, now 8" in capsys.readouterr().err


@pytest.mark.slow
def test_a_checkpoint_of_another_vocabulary_is_refused_with_both_sizes(
    application, finished, tmp_path, capsys
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    kc.data.Vocabulary(["one", "two"]).save(out / "vocabulary.json")
    assert application.main(["train", *TRAINED, "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert "6" in error and "words" in error
    assert application.main(["evaluate", *MADE, "--out", str(out)]) == 1
    assert "this one 6" in capsys.readouterr().err


@pytest.mark.slow
def test_real_pictures_of_a_folder(application, tmp_path):
    folder = shared("data", "flickr8k_1k")
    arguments = [
        "--data", f"captions:{folder}", "--image-size", "32", "--encoder", "resnet_20_cifar",
        "--encoder-options", "width=0.25", "repeats=(1,1,1)", "--freeze-encoder",
        "--attention", "additive", "--decoder", "lstm", "--units", "16", "--epochs", "1",
        "--pictures", "4", "--beam", "2", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    assert application.main(arguments) == 0
    assert len(pd.read_csv(tmp_path / "run" / "captions.csv")) == 75


@pytest.mark.slow
def test_captions_of_characters_say_what_training_spells(application, tmp_path, picture):
    out = tmp_path / "run"
    arguments = [*SMALL, "--vocabulary", "character", "--max-words", "70", "--beam", "1"]
    assert application.main([*arguments, "--out", str(out)]) == 0
    vocabulary = kc.data.load_vocabulary(out / "vocabulary.json")
    assert vocabulary.UNIT == "character" and {"a", " "} <= set(vocabulary.words)
    text = "a red circle"
    assert vocabulary.decode(vocabulary.encode(text)) == text
    table = pd.read_csv(out / "captions.csv", keep_default_na=False)
    assert set("".join(table["caption"])) <= set(vocabulary.words)
    assert application.main(["caption", str(picture), "--out", str(out)]) == 0
    run = json.loads((out / "run.json").read_text())["settings"]
    assert (run["vocabulary"], run["max_words"]) == ("character", 70)


@pytest.mark.slow
def test_the_shipped_models_recorded_score_is_true():
    import tensorflow as tf

    run = json.loads((SHIPPED / "run.json").read_text())
    assert run["commit"] and run["command"]
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file())
    assert size <= 5 * 2**20
    model = tf.saved_model.load(str(SHIPPED))

    def captions(images):
        found = []
        for start in range(0, len(images), 100):
            answer = model.serve(tf.constant(images[start : start + 100]))
            found += [row[0].decode() for row in answer["captions"].numpy()]
        return found

    examples = kc.export.read_examples(SHIPPED)
    measured = kc.training.caption_metrics(
        captions(examples.inputs), examples.references, meteor=False
    )
    # One of 40 captions may come out otherwise where a processor rounds otherwise.
    assert measured["BLEU-4"] == pytest.approx(examples.figures["BLEU-4"], abs=2e-2)
    assert measured["BLEU-4"] >= 0.75

    settings = run["settings"]
    data = kc.data.load("scenes", seed=settings["seed"], **settings["data_options"])
    test = kc.data.collect(data.test, "captions")
    if kc.export.hash_examples(test.images, test.captions) != examples.split_sha256:
        made = data.info.made_with
        pytest.skip(f"{made} renders other scenes: the figure on all of them is not compared")
    recorded = json.loads((SHIPPED / "metrics.json").read_text())["model"]
    measured = kc.training.caption_metrics(captions(test.images), test.captions, meteor=False)
    assert measured["BLEU-4"] == pytest.approx(recorded["BLEU-4"], abs=2e-3)


def test_caption_answers_from_the_shipped_model_and_names_faulty_files(
    application, picture, tmp_path, monkeypatch, capsys
):
    # Where there is no run of one's own.
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.jpg"
    Image.open(picture).save(broken)
    broken.write_bytes(broken.read_bytes()[:300])
    grey = tmp_path / "grey.png"
    Image.open(picture).convert("L").save(grey)
    arguments = ["caption"]
    assert application.main([*arguments, str(picture), str(grey)]) == 0
    said = capsys.readouterr()
    assert "picture.png: " in said.out and "grey.png: " in said.out
    assert f"answers from the shipped model, {SHIPPED}" in said.err
    missing = tmp_path / "missing.png"
    assert application.main([*arguments, str(missing), str(broken), str(grey)]) == 1
    captured = capsys.readouterr()
    assert "missing.png" in captured.err and "broken.jpg" in captured.err
    assert "grey.png: " in captured.out


@pytest.mark.parametrize("verb", ["evaluate", "export"])
def test_verbs_that_need_a_trained_model_say_so(application, verb, tmp_path, capsys):
    assert application.main([verb, "--out", str(tmp_path)]) == 1
    assert "holds no trained captioner" in capsys.readouterr().err


def test_an_unwritable_out_is_one_sentence(application, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert application.main([*SMALL, "--out", str(tmp_path / "file" / "run")]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("scene", "Did you mean"),
        ("captions:/no/such/folder", "/no/such/folder"),
        ("tfds:no_such_set", "no_such_set"),
    ],
)
def test_data_that_is_not_there_is_one_sentence(application, spec, message, tmp_path, capsys):
    assert application.main(["train", "--data", spec, "--out", str(tmp_path / "run")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run" / "run.json").exists()


def test_scenes_without_attention_take_the_courses_vector(application):
    job = application.Captioning(application.Settings(attention="none"), None, kc.jobs.Output())
    job.complete()
    job.facts = {"vocabulary": range(12)}
    model = job.build()
    assert model.get_layer("decoder").attention is None
    assert len(model.get_layer("decoder").input[1].shape) == 2


def test_more_captions_than_there_are_is_said_and_none_refused(application, capsys):
    example = str(SHIPPED / "example.png")
    asked = ["caption", example, "--from", str(SHIPPED), "--n-best"]
    assert application.main([*asked, "0"]) == 1
    assert "--n-best=0 was given. Allowed: a positive whole number" in capsys.readouterr().err
    assert application.main([*asked, "9"]) == 0
    said = capsys.readouterr()
    assert said.out.count(" | ") == 4 and "the model gives 5 captions" in said.err
    assert application.main([*asked, "5"]) == 0
    assert "the model gives" not in capsys.readouterr().err
