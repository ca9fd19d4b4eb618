"""The segmentation application as a user meets it, good input and bad."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from data.pictures.mask_samples import folder
from support import ROOT, load_application

SHIPPED = ROOT / "saved_models" / "segmentation-scenes"
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
    job.results, job.asked, job.written = tmp_path, [], set()
    photograph = tmp_path / "odd.png"
    pixels = np.random.default_rng(0).integers(0, 256, (37, 61, 3), "uint8")
    Image.fromarray(pixels).save(photograph)
    one = job.ask(photograph, job.open_export(finished / "saved_model"))
    mask = np.asarray(Image.open(tmp_path / "odd-mask.png"))
    assert mask.shape == (37, 61)
    # Which a viewer shows in the colours of the classes.
    with Image.open(tmp_path / "odd-mask.png") as image:
        shown = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(shown, kc.analysis.class_colours(9)[mask])
    other = job.ask_model(photograph, job.trained())
    # A second answer of that name does not take the place of the first.
    assert (np.asarray(Image.open(tmp_path / "odd-2-mask.png")) == mask).mean() > 0.999
    assert one.record["shares"].keys() == other.record["shares"].keys()
    assert one.record["shares"]["background"] == pytest.approx(np.mean(mask == 0))


@pytest.mark.parametrize("name", [f"{'é' * 125}.png", "two\nlines.png"])
def test_whatever_a_file_is_called_it_has_a_mask_and_one_line(
    application, tmp_path, monkeypatch, capsys, name
):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes((SHIPPED / "example.png").read_bytes())
    assert application.main(["segment", name, name]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sum("background 97%" in line for line in said) == 2
    told = name.replace("\n", "\\n")
    assert "".join(said).count(f"{told}: background") == 2
    written = list((tmp_path / "runs" / "segmentation").glob("*-mask.png"))
    assert len(written) == 2


def test_masks_in_a_folder_are_learned_and_what_has_none_is_refused(application, tmp_path, capsys):
    place = folder(tmp_path / "set", 24)
    given = [*SMALL[4:], "--data", f"masks:{place}", "--out", str(tmp_path / "run"), "--crop", "16"]
    assert application.main(["train", *given]) == 0
    assert application.main(["train", "--data", "digits", "--out", str(tmp_path / "other")]) == 1
    assert "Pictures without masks were given" in capsys.readouterr().err
    given = [*SMALL, "--stride", "64", "--out", str(tmp_path / "none")]
    assert application.main(["train", *given]) == 1
    assert "stride=64 was given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "flag", "wrong"),
    [
        ("train", "--crop", "0"), ("train", "--stride", "-8"), ("train", "--stride", "0"),
        ("evaluate", "--pictures", "0"), ("evaluate", "--pictures", "-1"),
        ("compare", "--seeds", "0"), ("compare", "--further-epochs", "0"),
    ],
)  # fmt: skip
def test_what_is_no_count_is_refused_by_its_flag_before_anything_runs(
    application, tmp_path, capsys, verb, flag, wrong
):
    assert application.main([verb, flag, wrong, "--out", str(tmp_path / "run")]) == 1
    told = capsys.readouterr().err
    assert f"{flag}={wrong} was given. Allowed: a positive whole number." in told
    assert "from 0" not in told and not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", [["2", "1"], ["1e9", "1e9"], ["1"]])
def test_ranges_that_are_none_leave_no_record_behind(application, tmp_path, capsys, wrong):
    out = tmp_path / "run"
    assert application.main(["train", *SMALL, "--scales", *wrong, "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert "scales=(" in said and "Traceback" not in said
    # Else the next command would be of other settings than the run.
    assert kc.jobs.read_run(out) is None


def test_kinds_are_compared_on_what_was_held_back(application, tmp_path, monkeypatch):
    from segmenters import comparison

    chosen = (comparison.FINEST, comparison.FIELD, comparison.GOING_ON[0])
    small = {name: {**comparison.KINDS[name], "stride": 2} for name in chosen}
    monkeypatch.setattr(comparison, "KINDS", small)
    out = tmp_path / "compared"
    assert application.main(["compare", *SMALL, "--seeds", "1", "--out", str(out)]) == 0
    rows = pd.read_csv(out / "compare.csv")
    assert list(rows["kind"]) == list(small) and (rows["mean IU"] > 0).all()


def test_kinds_differ_in_what_they_are_named_for_whatever_the_command_says(
    application, monkeypatch, tmp_path
):
    from segmenters import comparison

    asked, begun, laid = {}, {}, []

    def trained(job, settings, training, start):
        asked[len(asked)] = settings
        begun[len(begun)] = start
        return f"network {len(asked) - 1}"

    def segment(model, images):
        truth = [each.class_mask for each in job.split("validation")]
        # A network of a later number is right in more pixels.
        number = int(model.split()[-1]) % 6
        right = [np.arange(mask.size).reshape(mask.shape) % 7 <= number for mask in truth]
        found = [np.where(own, mask, 1) for own, mask in zip(right, truth, strict=True)]
        return [np.eye(9, dtype="float32")[mask] for mask in found]

    def field(images, said, **_):
        laid.append(said)
        return said

    monkeypatch.setattr(comparison, "trained", trained)
    monkeypatch.setattr(kc.models, "segment", segment)
    monkeypatch.setattr(kc.models, "dense_crf", field)
    settings = application.Settings(
        data_options={"train": 3, "validation": 2, "test": 1}, image_size=32, seeds=2, crf=True,
        upsampling="fixed", stride=16, start_from=tmp_path,
    )  # fmt: skip
    job = application.Segmentation(settings, tmp_path, kc.jobs.Output())
    job.complete()
    rows = comparison.compared(job)
    kinds = [kind for kind in comparison.KINDS if kind != comparison.FIELD]
    assert len(rows) == 2 * len(comparison.KINDS) and len(asked) == 2 * len(kinds)
    for number, own in asked.items():
        kind = kinds[number % len(kinds)]
        assert own.crf == ("CRF" in kind) and own.start_from is None
        assert own.upsampling == ("fixed" if "fixed" in kind else "learned")
        assert own.stride == int(kind.split("-")[1].split("s")[0])
        assert own.seed == number // len(kinds)
    # What goes on goes on from FCN-8s of its seed; the field lies over what that says.
    finest = kinds.index(comparison.FINEST)
    expected = [f"network {finest}" if kind in comparison.GOING_ON else None for kind in kinds]
    assert [begun[number] for number in range(len(kinds))] == expected
    assert begun[len(begun) - 1] == f"network {len(kinds) + finest}"
    assert len(laid) == 2
    for said in laid:
        np.testing.assert_array_equal(said, segment(f"network {finest}", None))
    by_kind = {(row["kind"], row["seed"]): row["mean IU"] for row in rows}
    assert by_kind[comparison.FIELD, 1] == by_kind[comparison.FINEST, 1]
    assert by_kind["FCN-32s", 0] < by_kind["FCN-16s", 0] < by_kind["FCN-8s", 0]


def started(application, finished, folder, classes, **settings):
    """A job of the kind of `finished` that goes on from it."""
    given = json.loads((finished / "run.json").read_text())["settings"]
    chosen = {name: given[name] for name in ("model", "model_options", "stride")} | settings
    job = application.Segmentation(
        application.Settings(start_from=finished, **chosen), folder, kc.jobs.Output()
    )
    job.facts = {"known": {"classes": classes}}
    return job


def test_a_run_goes_on_from_another_of_the_same_classes(application, finished, tmp_path, capsys):
    earlier = kc.jobs.open_run(application.Segmentation, finished)
    expected = {each.path: each for each in earlier.trained().weights}
    model = started(application, finished, tmp_path, earlier.classes).build()
    assert f"goes on from {finished}; no layer is new" in capsys.readouterr().out
    for weight in model.weights:
        np.testing.assert_array_equal(weight, expected[weight.path], weight.path)
    started(application, finished, tmp_path, earlier.classes, crf=True).build()
    assert "new are crf" in capsys.readouterr().out
    with pytest.raises(kc.InputError, match=r"--start-from .* a run of the classes background"):
        started(application, finished, tmp_path, ["sky", "road"]).build()
    # What has made steps goes on from these.
    begun = started(application, finished, finished, earlier.classes).build()
    assert "goes on" not in capsys.readouterr().out
    assert any((np.asarray(each) != expected[each.path]).any() for each in begun.weights)


def test_rare_classes_weigh_more_by_the_flag_and_what_is_no_share_is_refused(application, tmp_path):
    settings = application.Settings(
        balance=0.5, data_options={"train": 3, "validation": 1, "test": 1}, image_size=32
    )
    job = application.Segmentation(settings, tmp_path, kc.jobs.Output())
    job.complete()
    training = job.split("train")
    job.make_facts(training)
    masks = [each.class_mask for each in training]
    count = len(job.data.info.pixel_classes)
    assert job.weights == kc.training.median_frequency_weights(masks, count, exponent=0.5)
    # The most common class weighs least.
    assert np.argmin(job.weights) == 0 and max(job.weights) > 1
    settings.balance = 2.0
    with pytest.raises(kc.InputError, match="--balance 2.0 was given"):
        job.complete()


def test_the_validation_split_may_be_judged(application, finished, tmp_path):
    job = kc.jobs.open_run(application.Segmentation, finished)
    job.settings.judged, job.results = "validation", tmp_path
    found = job.evaluate(job.trained())
    assert list(found.metrics) == ["validation"]
    held = job.split("validation")
    by_class = pd.read_csv(tmp_path / "classes.csv")
    counts = np.bincount(np.concatenate([each.class_mask.ravel() for each in held]), minlength=9)
    assert by_class["pixels"].tolist() == counts[: len(by_class)].tolist()
    # Examples that ship with a model are those of the test split.
    assert not (tmp_path / "examples.json").exists()


def test_pictures_of_several_sizes_are_validated_whole(application, tmp_path):
    class Example:
        def __init__(self, height, width):
            self.image = np.zeros((height, width, 3), "uint8")
            self.class_mask = np.zeros((height, width), "uint8")

    job = application.Segmentation(application.Settings(), tmp_path, kc.jobs.Output())
    part = [Example(30, 12), Example(10, 40)]

    class Plan:
        batch_size = 2

    batches = job.validation(part, Plan, None)["validation_data"]
    ((pictures, masks),) = list(batches)
    assert pictures.shape == (2, 30, 40, 3)
    assert [np.count_nonzero(np.asarray(mask) != 255) for mask in masks] == [360, 400]


def test_what_was_said_of_classes_and_pixels_is_read_back(application):
    from segmenters import figures

    mask = np.array([[0, 0, 1], [1, 255, 0]], "uint8")
    said = figures.told(mask, ["the sky, blue", "road"])
    assert said == "the sky, blue 2, road 2, - 1, the sky, blue 1"
    said = figures.told(mask, ["sky", "road 2"])
    np.testing.assert_array_equal(figures.mask_of(said, (2, 3), ["sky", "road 2"]), mask)
    # Names that look like what stands between them, or like no name.
    odd = ["back 2, ground", "-", "#0", "a"]
    mask = np.array([[0, 1, 2], [3, 255, 0]], "uint8")
    said = figures.told(mask, odd)
    assert said == "#0 1, #1 1, #2 1, a 1, - 1, #0 1"
    np.testing.assert_array_equal(figures.mask_of(said, (2, 3), odd), mask)
    wide = np.zeros((200, 300), "uint8")
    wide[150:, 250:] = 1
    down, right = figures.window_of(wide)
    assert down.stop - down.start == right.stop - right.start == figures.WINDOW
    # The corner of the region, which has outlines on two sides.
    assert down.start < 150 < down.stop and right.start < 250 < right.stop


def test_names_of_pictures_are_cut_to_what_leaves_room_and_need_not_be_text(application):
    from segmenters import figures

    assert figures.shortened("a\udcff") == "a\udcff"
    assert figures.shortened("\u00e4" * 150) == "\u00e4" * 100
    assert len(figures.shortened("x" * 199 + "\u00e4" * 9)) == 199


def test_the_figures_of_the_shipped_segmenter(application):
    tf = pytest.importorskip("tensorflow")
    from segmenters import figures

    settings = json.loads((SHIPPED / "run.json").read_text())["settings"]
    given = {"seed": settings["seed"], "image_size": settings["image_size"]}
    data = kc.data.load("scenes", **given, **settings["data_options"])
    classes, model = list(data.info.pixel_classes), tf.saved_model.load(str(SHIPPED))

    def measured(images, truth):
        said = [
            model.serve(tf.constant(images[start : start + 20]))["masks"].numpy()
            for start in range(0, len(images), 20)
        ]
        return figures.scores(truth, list(np.concatenate(said)), classes)[0]["mean IU"]

    examples = kc.export.read_examples(SHIPPED)
    shape = examples.inputs.shape[1:3]
    truth = [figures.mask_of(text, shape, classes) for (text,) in examples.references]
    assert measured(examples.inputs, truth) == pytest.approx(examples.figures["mean IU"], abs=5e-3)

    test = kc.data.collect(data.test, "class_mask")
    windows = [figures.window_of(each.class_mask) for each in test]
    images = np.stack([each.image[place] for each, place in zip(test, windows, strict=True)])
    true = [
        [figures.told(each.class_mask[place], classes)]
        for each, place in zip(test, windows, strict=True)
    ]
    if kc.export.hash_examples(images, true) != examples.split_sha256:
        pytest.skip(f"{data.info.made_with} renders other scenes: the figure on all is another")
    recorded = json.loads((SHIPPED / "metrics.json").read_text())["test"]["mean IU"]
    found = measured(np.stack([each.image for each in test]), [each.class_mask for each in test])
    assert found == pytest.approx(recorded, abs=3e-3) and found >= 0.9


def test_segment_answers_from_the_shipped_model_beside_a_damaged_picture(
    application, tmp_path, monkeypatch, capsys
):
    # Where there is no run of one's own.
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.png"
    broken.write_bytes((SHIPPED / "example.png").read_bytes()[:300])
    assert application.main(["segment", str(SHIPPED / "example.png"), str(broken)]) == 1
    said = capsys.readouterr()
    assert "broken.png" in said.err
    assert f"answers from the shipped model, {SHIPPED}, which learned scenes\n" in said.err
    assert "background 97%, circle 3%" in said.out
    assert (tmp_path / "runs" / "segmentation" / "answers.png").exists()
