"""The detection application as a user meets it, good input and bad."""

import dataclasses
import json
import shutil
import types
import unittest.mock

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from support import ROOT, load_application, shipped_record

SHIPPED = ROOT / "saved_models" / "detection-scenes"
DATA = ["--data-options", "train=32", "validation=8", "test=8"]
SMALL = [
    *DATA, "--batch-size", "8", "--regions", "8", "--units", "16", "--bins", "3",
    "--backbone", "resnet_20_cifar", "--backbone-options", "width=0.25", "repeats=(1,1,1)",
    "--backbone-layer", "stage3_out", "--sides", "12", "24", "--step", "0.5",
]  # fmt: skip
TRAINED = [*SMALL, "--epochs", "1"]


@pytest.fixture(scope="module")
def application():
    return load_application("detection")


@pytest.fixture(scope="module")
def finished(application, tmp_path_factory):
    """The folder of a whole, tiny job."""
    out = tmp_path_factory.mktemp("job") / "run"
    # So little training is sure of nothing.
    seen = ["--least-score", "0.01", "--shown-from", "0.1"]
    assert application.main([*TRAINED, *seen, "--pictures", "4", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def job(application, finished):
    return kc.jobs.open_run(application.Detection, finished)


def test_the_whole_job_leaves_everything_beside_its_results(finished):
    metrics = json.loads((finished / "metrics.json").read_text())["test"]
    by_class = pd.read_csv(finished / "classes.csv")
    assert by_class["AP50"].mean() == pytest.approx(metrics["AP50"])
    test = kc.data.load("scenes", train=32, validation=8, test=8).test
    assert by_class["true boxes"].sum() == sum(len(each.boxes) for each in test)
    mistakes = pd.read_csv(finished / "mistakes.csv").iloc[0]
    assert mistakes["missed"] <= by_class["true boxes"].sum()
    assert Image.open(finished / "detections.png").width > 600
    assert (finished / "answers.png").exists()
    examples = kc.export.read_examples(finished)
    name, *sides = examples.references[0][0].split()
    assert name in set(by_class["class"])
    assert list(map(float, sides)) == test[0].boxes[0].tolist()
    assert examples.figures["AP50"] == pytest.approx(metrics["AP50"])


def test_the_export_finds_what_the_model_finds_in_pixels_of_the_picture(job, finished, tmp_path):
    job.settings.least_score, job.settings.shown_from, job.asked = 0.01, 0.1, []
    exported, model = job.open_export(finished / "saved_model"), job.trained()
    small, large = finished / "example.png", tmp_path / "large.png"
    Image.open(small).resize((128, 128), Image.Resampling.NEAREST).save(large)
    one, other = job.ask(small, exported).record, job.ask_model(small, model).record
    assert one["classes"] == other["classes"] and one["classes"]
    np.testing.assert_allclose(one["scores"], other["scores"], atol=1e-5)
    np.testing.assert_allclose(one["boxes"], other["boxes"], atol=1e-3)
    # Resized before or inside: a shade of the last bit.
    one, other = job.ask(large, exported).record, job.ask_model(large, model).record
    assert np.array(one["boxes"]).max() > 64
    shared = kc.boxes.overlap(one["boxes"], other["boxes"]).max(axis=1)
    assert np.median(shared) > 0.95


def test_an_export_without_windows_is_asked_with_proposals_of_selective_search(
    application, job, finished, tmp_path
):
    settings = dataclasses.replace(job.settings, proposals="fast", least_score=0.05, shown_from=0.0)
    other = application.Detection(settings, finished, job.output)
    other.complete()
    other.facts = job.facts
    other.export(job.trained(), tmp_path / "export", "saved_model")
    exported, model = other.open_export(tmp_path / "export"), job.trained()
    large = tmp_path / "large.png"
    Image.open(finished / "example.png").resize((160, 160), Image.Resampling.NEAREST).save(large)
    for query in (finished / "example.png", large):
        asked, evaluated = other.ask(query, exported).record, other.ask_model(query, model).record
        assert set(asked) == {"boxes", "classes", "scores"}
        # The proposals of both are those of the picture as the network sees it.
        assert asked["classes"] == evaluated["classes"]
        np.testing.assert_allclose(asked["boxes"], evaluated["boxes"], atol=0.5)
    with pytest.raises(
        kc.InputError,
        match=r"takes images \(uint8\), proposals \(float32\) and answers with boxes, classes, counts",
    ):
        job.open_export(tmp_path / "export")


def test_precision_is_told_by_other_rules_and_what_a_convention_explains_is_named(
    job, finished, monkeypatch, tmp_path
):
    told = []
    monkeypatch.setattr(job, "results", tmp_path)
    monkeypatch.setattr(job.output, "remark", told.append)
    monkeypatch.setattr(job.settings, "rules", "voc10")
    test = job.split("test")
    turned = [
        kc.boxes.Detections(np.float32(each.boxes)[:, [1, 0, 3, 2]], each.box_labels,
                            np.ones(len(each.boxes)))
        for each in test
    ]  # fmt: skip
    monkeypatch.setattr(job, "found", lambda model, images: turned)
    scores = job.evaluate(None)
    expected = kc.boxes.average_precision(
        turned, [kc.boxes.Truth.of(each) for each in test], len(job.classes), rules="voc10"
    )
    assert scores.metrics["test"]["AP"] == expected.figures["AP"]
    assert any("seem to be xyxy given as yxyx" in each for each in told)


def test_a_stopped_training_goes_on_to_the_same_weights(
    application, finished, tmp_path, monkeypatch
):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    out = tmp_path / "run"
    monkeypatch.setattr(application.Detection, "callbacks", lambda *arguments: [Stop()])
    assert application.main(["train", *TRAINED, "--quiet", "--out", str(out)]) == 130
    assert not (out / "model.keras").exists()
    monkeypatch.undo()
    assert application.main(["train", *TRAINED, "--quiet", "--out", str(out)]) == 0
    one, other = (kc.load_model(folder / "model.keras") for folder in (out, finished))
    for ours, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_other_settings_and_facts_of_another_run_are_refused(
    application, finished, tmp_path, capsys
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    assert application.main(["train", *TRAINED, "--bins", "4", "--out", str(out)]) == 1
    assert "bins 3, now 4" in capsys.readouterr().err
    (out / "known.json").write_text('{"classes": ["one"], "size": [64, 64]}')
    assert application.main(["evaluate", "--out", str(out)]) == 1
    assert "known.json has 1 classes and the model 8" in capsys.readouterr().err


def test_pictures_of_several_sizes_are_refused_and_the_remedy_works(application, tmp_path, capsys):
    rng = np.random.default_rng(0)
    lines = ["image,ymin,xmin,ymax,xmax,class"]
    for number, size in enumerate([(40, 50), (50, 40)] * 5):
        Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,5,6,30,31,thing")
    (tmp_path / "boxes.csv").write_text("\n".join(lines))
    given = ["--data", f"boxes:{tmp_path / 'boxes.csv'}", "--out", str(tmp_path / "run")]
    assert application.main(["train", *given]) == 1
    assert "by --image-size 320" in capsys.readouterr().err
    settings = application.Settings(data=given[1], image_size=320)
    job = application.Detection(settings, tmp_path / "run", kc.jobs.Output(quiet=True))
    assert job.make_facts(job.split("train"))["known"] == {"classes": ["thing"], "size": [320, 320]}


@pytest.mark.parametrize("verb", ["evaluate", "export"])
def test_verbs_that_need_a_trained_model_say_so(application, verb, tmp_path, capsys):
    assert application.main([verb, "--out", str(tmp_path)]) == 1
    assert "holds no trained detector" in capsys.readouterr().err


def test_proposals_are_measured_without_a_run(application, tmp_path):
    arguments = ["proposals", *DATA, "--count", "10", "--quiet", "--out", str(tmp_path)]
    assert application.main(arguments) == 0
    table = pd.read_csv(tmp_path / "proposals.csv", index_col=0)
    assert list(table.index) == ["grid", "fast", "quality"]
    assert (table["recall at 0.7"] <= table["recall at 0.5"]).all()
    assert table.loc["grid", "recall at 0.5"] > 0.9
    assert table.loc["quality", "proposals"] >= table.loc["fast", "proposals"]
    assert json.loads((tmp_path / "proposals.json").read_text())["settings"]["seed"] == 0


def test_small_objects_are_found_on_the_trunks_of_the_road(application, tmp_path):
    given = ["upsampling", *DATA, "--count", "8", "--epochs", "1", "--batch-size", "4"]
    chosen = ["--factors", "2", "--depths", "conv3", "--trunk-width", "0.1", "--units", "8"]
    assert application.main([*given, *chosen, "--quiet", "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "upsampling.csv", index_col=0)
    assert list(table.index) == ["conv3, enlarged 2 times"]
    assert {"AP", "AP small", "AP large", "training seconds"} <= set(table.columns)
    assert not (tmp_path / "run.json").exists()


def test_an_enlarged_picture_has_a_finer_map(application, tmp_path):
    from detectors import small_objects

    job = application.Detection(application.Settings(), tmp_path, kc.jobs.Output())
    job.facts = {"known": {"classes": ["a", "b"], "size": [64, 64]}}
    for factor, stride in ((1.0, 16), (2.0, 8), (4.0, 4)):
        model = small_objects.detector(job, "conv3", factor)
        assert model.get_layer("region_pooling").stride == stride


def test_regions_of_no_class_teach_the_ways_that_are_compared_nothing(application, tmp_path):
    from detectors import comparison

    trunk = {"name": "resnet_20_cifar", "layer": "stage3_out", "width": 0.25, "repeats": (1, 1, 1)}
    settings = application.Settings(window=16, epochs=1, units=[4], regions=64, compared=trunk)
    job = application.Detection(settings, tmp_path, kc.jobs.Output(quiet=True))
    job.facts = {"known": {"classes": ["a", "b"], "size": [64, 64]}}
    shown = types.SimpleNamespace(
        image=np.zeros((64, 64, 3), "uint8"), name="street",
        boxes=np.float32([[0, 0, 20, 20], [30, 30, 60, 60]]), box_labels=np.int32([1, -1]),
    )  # fmt: skip
    seen, made = [], kc.data.warped_batches

    def batches(*arguments, **options):
        for pictures, labels in made(*arguments, **options):
            seen.append(np.asarray(labels))
            yield pictures, labels

    with unittest.mock.patch.object(kc.data, "warped_batches", batches):
        proposals = np.float32([[0, 0, 20, 20], [30, 30, 60, 60], [0, 40, 20, 60]])
        features, _ = comparison.told_apart(job, [shown] * 2, [proposals] * 2)
    assert {1, 2} == set(np.concatenate(seen).tolist())
    assert all(np.isfinite(weight).all() for weight in features.get_weights())


@pytest.mark.parametrize(
    "given", [["--shown-from", "-1"], ["--overlap", "7"], ["--least-score", "2"]]
)
def test_what_is_no_share_is_refused_before_anything_runs(application, given, tmp_path, capsys):
    assert application.main(["evaluate", *given, "--out", str(tmp_path)]) == 1
    assert "a number from 0 to 1" in capsys.readouterr().err


@pytest.mark.slow
def test_the_ways_of_detection_are_compared(application, tmp_path):
    pytest.importorskip("sklearn", reason="support vector machines need scikit-learn")
    given = ["compare", *TRAINED, "--count", "8", "--tested", "4", "--timed", "1", "--most", "20"]
    trunk = ["--compared", "name=resnet_20_cifar", "width=0.25", "repeats=(1,1,1)"]
    chosen = [*trunk, "--window", "16", "--scale", "32", "--quiet", "--out", str(tmp_path)]
    assert application.main([*given, *chosen]) == 0
    table = pd.read_csv(tmp_path / "compare.csv", index_col=0)
    assert list(table.index) == [
        "R-CNN", "SPP-net, one scale", "SPP-net, five scales", "Fast R-CNN"
    ]  # fmt: skip
    assert (table.loc["R-CNN", ["convolution faster", "total faster"]] == 1).all()
    assert (table[["training", "convolution", "total"]] > 0).all(axis=None)


@pytest.mark.slow
def test_the_shipped_models_recorded_score_is_true(application):
    import tensorflow as tf

    from detectors import figures

    run = shipped_record(SHIPPED)
    assert run["command"].split()[1:] == [], "not the documented command"
    settings = run["settings"]
    data = kc.data.load("scenes", seed=settings["seed"], **settings["data_options"])
    classes, model = list(data.info.classes), tf.saved_model.load(str(SHIPPED))

    def measured(images, truths):
        found = []
        for start in range(0, len(images), 50):
            said = model.serve(tf.constant(images[start : start + 50]))
            said = {name: each.numpy() for name, each in said.items()}
            for row, count in enumerate(said["counts"]):
                labels = [classes.index(name.decode()) for name in said["classes"][row, :count]]
                found.append(kc.boxes.Detections(
                    said["boxes"][row, :count], labels, said["scores"][row, :count]))  # fmt: skip
        return figures.precisions(found, truths, classes)[0]["AP50"]

    def truth(lines):
        rows = [line.split() for line in lines]
        return kc.boxes.Truth(
            [list(map(float, row[1:])) for row in rows], [classes.index(row[0]) for row in rows]
        )

    examples = kc.export.read_examples(SHIPPED)
    found = measured(examples.inputs, [truth(lines) for lines in examples.references])
    # One of some hundred boxes may come out otherwise where a processor rounds otherwise.
    assert found == pytest.approx(examples.figures["AP50"], abs=2e-2) and found >= 0.85

    test = kc.data.collect(data.test, "boxes")
    images = np.stack([each.image for each in test])
    true = [figures.references(each, classes) for each in test]
    if kc.export.hash_examples(images, true) != examples.split_sha256:
        pytest.skip(f"{data.info.made_with} renders other scenes: the figure on all is another")
    recorded = json.loads((SHIPPED / "metrics.json").read_text())["test"]["AP50"]
    found = measured(images, figures.truths_of(test))
    assert found == pytest.approx(recorded, abs=3e-3) and found >= 0.9


def test_detect_answers_from_the_shipped_model_and_names_faulty_files(
    application, tmp_path, monkeypatch, capsys
):
    # Where there is no run of one's own.
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.png"
    broken.write_bytes((SHIPPED / "example.png").read_bytes()[:300])
    grey = tmp_path / "grey.png"
    Image.open(SHIPPED / "example.png").convert("L").resize((50, 90)).save(grey)
    asked = ["detect", str(SHIPPED / "example.png"), str(broken), str(grey)]
    assert application.main(asked) == 1
    said = capsys.readouterr()
    assert "broken.png" in said.err and f"the shipped model, {SHIPPED}" in said.err
    assert "%" in said.out.splitlines()[0] and "grey.png: " in said.out
    assert (tmp_path / "runs" / "detection" / "answers.png").exists()
