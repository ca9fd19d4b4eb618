"""The classification application as a user meets it, good input and bad."""

import json
import shutil
import signal

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from support import ROOT, load_application, run_on, run_without_us, shipped_record

SHIPPED = ROOT / "saved_models" / "classification-scenes"


@pytest.fixture(scope="module")
def application():
    return load_application("classification")


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """An npz file of pictures that are red, green or blue, with noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    pictures = rng.integers(0, 120, (240, 12, 12, 3), "uint8")
    pictures[np.arange(240), :, :, labels] += 100
    path = tmp_path_factory.mktemp("data") / "colours.npz"
    np.savez(path, x=pictures, y=labels, classes=["red", "green", "blue"])
    return path


@pytest.fixture(scope="module")
def small(colours):
    return [
        "--data", f"npz:{colours}", "--model", "resnet_20_cifar",
        "--model-options", "width=0.25", "repeats=(1,1,1)",
        "--epochs", "4", "--batch-size", "16", "--learning-rate", "0.02",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def finished(application, small, tmp_path_factory):
    """The folder of a whole, small job."""
    out = tmp_path_factory.mktemp("job") / "run"
    assert application.main([*small, "--out", str(out)]) == 0
    return out


@pytest.fixture
def photographs(tmp_path):
    """Files of a red and a blue picture, of other sizes than the training's."""
    files = []
    for n, (name, size) in enumerate((("red", (30, 20)), ("blue", (17, 50)))):
        pixels = np.random.default_rng(n).integers(0, 120, (*size, 3), "uint8")
        pixels[..., 2 * n] += 100
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        files.append(tmp_path / f"{name}.png")
    return files


@pytest.mark.slow
def test_by_default_lenet_learns_digits(application, tmp_path, capsys):
    # A sixth of the default's epochs.
    assert application.main(["--epochs", "10", "--out", str(tmp_path / "run")]) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.9
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (run["settings"]["model"], run["settings"]["data"]) == ("lenet_5", "digits")
    assert "example.png: " in capsys.readouterr().out


@pytest.mark.slow
def test_the_whole_job_leaves_everything_beside_its_results(finished):
    metrics = json.loads((finished / "metrics.json").read_text())["test"]
    assert metrics["accuracy"] > 0.9
    table = pd.read_csv(finished / "predictions.csv")
    assert len(table) == 24
    assert np.mean(table["true"] == table["predicted"]) == pytest.approx(metrics["accuracy"])
    scores = pd.read_csv(finished / "classes.csv", index_col="class")
    assert list(scores.index) == ["red", "green", "blue"]
    assert scores["F1"].mean() == pytest.approx(metrics["macro F1"])
    assert list(pd.read_csv(finished / "history.csv")["epoch"]) == [1, 2, 3, 4]
    for picture in ("confusion_matrix", "mistakes", "history", "answers", "example"):
        assert Image.open(finished / f"{picture}.png").width >= 12
    run = json.loads((finished / "run.json").read_text())
    assert "rate 0.02" in run["settings"]["trained_by"]
    assert (
        run["settings"]["epochs"] == 4
        and "; 4 epochs (the recipe's:" in run["settings"]["trained_by"]
    )
    assert run["data"]["sizes"]["train"] and run["data"]["made_with"] == {}


@pytest.mark.slow
def test_training_goes_on_with_more_epochs_and_refuses_other_settings(
    application, finished, small, tmp_path, capsys
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    more = [*small, "--epochs", "5", "--explain-every", "1", "--out", str(out)]
    assert application.main(["train", *more]) == 0
    assert [page.name for page in (out / "maps").iterdir()] == ["grad-cam-epoch-0005.png"]
    assert list(pd.read_csv(out / "history.csv")["epoch"]) == [1, 2, 3, 4, 5]
    assert application.main(["train", *small, "--seed", "3", "--out", str(out)]) == 1
    assert "seed 0, now 3" in capsys.readouterr().err


KILLED = """
import os, signal
import keras, keras_classics as kc, tensorflow as tf
from keras_classics.jobs import training_run
from support import load_application

# With several the order of sums, and so their rounding, is nobody's.
tf.config.threading.set_intra_op_parallelism_threads(1)

application = load_application("classification")

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (2, 5):
            os.kill(os.getpid(), signal.SIGKILL)

def train(out, *callbacks):
    # Each in a fork of a process that has only imported.
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    fit = training_run.fit
    training_run.fit = lambda *given, **more: fit(
        *given, **{**more, "callbacks": [*more["callbacks"], *callbacks]}
    )
    os._exit(application.main(["train", *SETTINGS, "--out", f"{FOLDER}/{out}"]))

print("ENDS", train("whole"), train("killed", Kill()), os.path.exists(f"{FOLDER}/killed/model.keras"),
      train("killed"))
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(small, tmp_path):
    code = f"SETTINGS, FOLDER = {small!r}, {str(tmp_path)!r}{KILLED}"
    said = run_on("tensorflow", code)
    assert f"ENDS 0 {-signal.SIGKILL} False 0" in said
    whole, resumed = (
        keras.saving.load_model(tmp_path / each / "model.keras") for each in ("whole", "killed")
    )
    for one, other in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    histories = [pd.read_csv(tmp_path / each / "history.csv") for each in ("whole", "killed")]
    assert list(histories[0]["loss"]) == list(histories[1]["loss"])


@pytest.mark.slow
def test_the_exported_model_answers_alike_without_us(application, finished, photographs):
    code = (
        "import json, sys\n"
        "import numpy as np, tensorflow as tf\n"
        "from PIL import Image\n"
        f"model = tf.saved_model.load({str(finished / 'saved_model')!r})\n"
        f"for path in {[str(path) for path in photographs]!r}:\n"
        "    answer = model.serve(tf.constant(np.array(Image.open(path)))[None])\n"
        "    names = [name.decode() for name in answer['classes'][0].numpy()]\n"
        "    print(json.dumps([names, answer['all_probabilities'][0].numpy().tolist()]))\n"
        "assert not [name for name in sys.modules if name.startswith('keras_classics')]\n"
    )
    lines = run_without_us(code).splitlines()[-2:]
    model = keras.saving.load_model(finished / "model.keras")
    preparation = kc.data.Preparation.load(finished / "preparation.npz")
    expected = kc.data.predict_classes(
        model, preparation, [kc.data.read_image(path) for path in photographs]
    )
    for line, path, probabilities in zip(lines, photographs, expected, strict=True):
        names, served = json.loads(line)
        assert names[0] == path.stem
        np.testing.assert_allclose(served, probabilities, atol=1e-5)


@pytest.mark.slow
def test_predict_answers_from_export_and_run_and_names_faulty_files(
    application, finished, photographs, tmp_path, capsys, monkeypatch
):
    drawn, draw = [], kc.analysis.draw_tiles
    monkeypatch.setattr(
        kc.analysis, "draw_tiles", lambda *given: drawn.append(given[2]) or draw(*given)
    )
    bare = tmp_path / "bare"
    shutil.copytree(finished, bare, ignore=shutil.ignore_patterns("saved_model"))
    answers = []
    for source in (finished, finished / "saved_model", bare):
        arguments = ["predict", *map(str, photographs), "--from", str(source)]
        assert application.main([*arguments, "--out", str(tmp_path / "out")]) == 0
        answers.append(capsys.readouterr().out)
        assert "red.png: red " in answers[-1] and "blue.png: blue " in answers[-1]
    assert answers[0] == answers[1] == answers[2]
    for titles in drawn:
        assert [title.split("\n")[0] for title in titles] == [path.name for path in photographs]
    assert len(drawn) == 3
    assert Image.open(tmp_path / "out" / "answers.png").width > 100
    missing = tmp_path / "missing.png"
    arguments = ["predict", str(missing), str(photographs[0]), "--from", str(finished)]
    assert application.main([*arguments, "--out", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert "missing.png does not exist" in captured.err and "red.png: red" in captured.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "options", "size"),
    [
        ("alexnet", ["width=0.05", "dense_units=8"], "67"),
        ("googlenet_bn", ["width=0.05"], "96"),
        ("mlp_mnist", [], "8"),
    ],
)
def test_a_papers_recipe_from_pictures_in_folders(
    application, model, options, size, tmp_path, capsys
):
    """Ten crops and PCA colour, auxiliary losses, vectors; pictures of different sizes."""
    rng = np.random.default_rng(0)
    for n in range(24):
        folder = tmp_path / "data" / f"kind {n % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        side = 30 + n
        pixels = rng.integers(0, 120, (side, 40, 3), "uint8")
        Image.fromarray(pixels + np.uint8(100 * (n % 2))).save(folder / f"{n}.png")
    (tmp_path / "data" / "kind 0" / "broken.png").write_bytes(b"no picture")
    arguments = [
        "--data", f"folder:{tmp_path / 'data'}", "--data-options", "validation=0.2", "test=0.2",
        "--model", model, "--recipe", "paper", "--image-size", size, "--epochs", "1",
        "--batch-size", "4", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    arguments += ["--model-options", *options] if options else []
    assert application.main(arguments) == 0
    assert "broken.png cannot be read" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "run" / "predictions.csv")) == 4


@pytest.mark.parametrize("verb", ["evaluate", "export", "predict"])
def test_verbs_that_need_a_trained_model_say_so(application, verb, tmp_path, capsys):
    more = ["picture.png"] if verb == "predict" else []
    assert application.main([verb, *more, "--out", str(tmp_path)]) == 1
    assert "holds no trained classifier" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "digit"], "Did you mean digits"),
        (["--data", "npz:/no/such.npz"], "/no/such.npz cannot be read (No such file"),
        (["--data", "folder:/no/such/folder"], "does not exist"),
        (["--data", "tfds:no_such_set"], "no_such_set"),
        (["--data-options", "shares=3"], "'shares' was given to 'digits'"),
        (["--data-options", "test=2"], "a share between 0 and 1"),
        (["--model", "lenet_6"], "Did you mean 'lenet_5'"),
        (["--model", "road_alexnet"], "has no classifier"),
        (["--recipe", "papers"], "Allowed: quick, paper"),
        (["--model-options", "widht=2"], "Did you mean 'width'"),
        (["--image-size", "20"], "at least 32"),
        (["--batch-size", "5000"], "at least one whole batch"),
    ],
)
def test_bad_input_is_one_sentence(application, arguments, message, tmp_path, capsys):
    assert application.main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "run" / "run.json").exists()


def test_an_unwritable_out_is_one_sentence(application, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert application.main(["--out", str(tmp_path / "file" / "run")]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.slow
def test_the_shipped_models_recorded_score_is_true(application):
    import tensorflow as tf

    run = shipped_record(SHIPPED)
    exported = tf.saved_model.load(str(SHIPPED))

    def measured(images, references):
        rows = exported.serve(tf.constant(images))["classes"].numpy()
        return application.right([row[0].decode() for row in rows], references)["accuracy"]

    examples = kc.export.read_examples(SHIPPED)
    found = measured(examples.inputs, examples.references)
    # One of 40 may be called otherwise where a processor rounds otherwise.
    assert found == pytest.approx(examples.figures["accuracy"], abs=0.026) and found >= 0.95
    # What maps and attacks are asked of says the same.
    job = kc.jobs.open_run(application.Classification, SHIPPED)
    own = kc.data.predict_classes(job.trained(), job.facts["preparation"], examples.inputs)
    classes = [[job.facts["classes"][number]] for number in own.argmax(axis=1)]
    assert measured(examples.inputs, classes) == 1

    settings = run["settings"]
    data = kc.data.load("scenes", seed=settings["seed"], **settings["data_options"])
    test = kc.data.collect(data.test, "label")
    true = [[data.info.classes[label]] for label in test.labels]
    if kc.export.hash_examples(test.images, true) != examples.split_sha256:
        pytest.skip(f"{data.info.made_with} renders other scenes: the figure on all is another")
    recorded = json.loads((SHIPPED / "metrics.json").read_text())["test"]["accuracy"]
    assert measured(test.images, true) == pytest.approx(recorded, abs=3e-3)


def test_predict_answers_from_the_shipped_model(application, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert application.main(["predict", str(SHIPPED / "example.png")]) == 0
    said = capsys.readouterr()
    true = kc.export.read_examples(SHIPPED).references[0][0]
    assert f"example.png: {true} " in said.out and f"the shipped model, {SHIPPED}" in said.err
    assert (tmp_path / "runs" / "classification" / "answers.png").exists()
