"""The metric of Keras is the function, after any number of batches."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from boxes.box_samples import golden, random_set
from keras_classics.core.errors import InputError


def padded(each, columns, count=40):
    rows = {}
    for name, (attribute, fill) in columns.items():
        parts = [np.asarray(getattr(one, attribute), "float32") for one in each]
        rows[name] = np.stack(
            [np.concatenate([p, np.full((count - len(p), *p.shape[1:]), fill)]) for p in parts]
        )
    return rows


def batches(detections, truths, size):
    for start in range(0, len(truths), size):
        yield (
            padded(
                truths[start : start + size],
                {"boxes": ("boxes", -1), "labels": ("box_labels", -1), "crowd": ("crowd", 0)},
            ),
            padded(
                detections[start : start + size],
                {"boxes": ("boxes", -1), "labels": ("box_labels", -1), "scores": ("scores", 0)},
            ),
        )


@pytest.mark.parametrize("size", [1, 2, 6])
def test_any_number_of_batches_gives_the_precision_of_the_whole(size):
    detections, truths, classes = random_set(4, whole=True)
    metric = kc.training.AveragePrecision(classes)
    assert np.isnan(metric.result())
    for _ in range(2):
        metric.reset_state()
        for true, found in batches(detections, truths, size):
            metric.update_state(true, found)
        # Scores are float32 here.
        expected = kc.boxes.average_precision(detections, truths, classes).figures["AP"]
        assert metric.result() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rules", ["coco", "voc07", "voc10", "kitti", "kitti11"])
def test_whatever_is_known_of_true_boxes_counts_as_in_the_function(rules):
    rng = np.random.default_rng(1)
    detections, truths = [], []
    for seed in range(40):
        found, there, _ = random_set(seed, whole=True)
        for one, each in zip(found, there, strict=True):
            n = len(each)
            truths.append(kc.boxes.Truth(
                each.boxes, np.where(rng.random(n) < 0.2, -1, each.box_labels),
                difficult=rng.random(n) < 0.2, crowd=each.crowd, areas=rng.uniform(9, 2e4, n),
                truncation=rng.choice([0, 0.2, 0.4], n), occlusion=rng.integers(0, 3, n),
            ))  # fmt: skip
            detections.append(kc.boxes.Detections(one.boxes, one.box_labels, one.scores.round(2)))
    options = {"rules": rules, "threshold": {1: 0.25}, "neighbours": {0: 1}}
    expected = kc.boxes.average_precision(detections, truths, 4, **options)
    figure = "AP hard" if rules.startswith("kitti") else "AP"
    metric = kc.training.AveragePrecision(4, figure=figure, **options)
    again = type(metric).from_config(json.loads(json.dumps(metric.get_config())))
    columns = {"boxes": ("boxes", -1), "labels": ("box_labels", -1)}
    known = {name: (name, 0) for name in ("areas", "crowd", "difficult", "occlusion", "truncation")}
    for start in range(0, len(truths), 50):
        part = slice(start, start + 50)
        true = padded(truths[part], {**columns, **known})
        true["truncation"] = true["truncation"].round(3).astype("float64")
        again.update_state(true, padded(detections[part], {**columns, "scores": ("scores", 0)}))
    found = again.precision()
    assert found.counts.tolist() == expected.counts.tolist() and found.counts.min() > 0
    for name, each in expected.by_class.items():
        np.testing.assert_allclose(found.by_class[name], each, atol=1e-6, err_msg=name)
        assert np.nanmax(each) > 0


def test_boxes_in_another_convention_of_keras():
    (true, found) = next(batches(*golden(), 1))
    metric = kc.training.AveragePrecision(1, rules="voc07", bounding_box_format="xywh")
    for part in (true, found):
        part["boxes"] = keras.ops.convert_to_numpy(
            keras.utils.bounding_boxes.convert_format(part["boxes"], "yxyx", "xywh")
        )
    metric.update_state(true, found)
    assert metric.result() == pytest.approx(0.61364, abs=5e-6)


def test_it_is_evaluated_by_a_model_that_runs_eagerly_and_refused_in_a_compiled_step():
    class Oracle(keras.Model):
        def call(self, x):
            return x

        def compute_loss(self, *args, **kwargs):
            return keras.ops.zeros(())

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.watched.update_state(y, y_pred)
            return {"AP": self.watched.result()}

    true, found = next(batches(*golden(), 1))
    model = Oracle()
    model.watched = kc.training.AveragePrecision(1, figure="AP50")
    model.compile(run_eagerly=True)
    assert model.evaluate(found, true, verbose=0, return_dict=True)["AP"] == pytest.approx(
        0.62871, abs=5e-6
    )
    model.compile()
    with pytest.raises(InputError, match="run_eagerly=True"):
        model.evaluate(found, true, verbose=0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="'AP60'.*AP50"):
        kc.training.AveragePrecision(2, figure="AP60")
    with pytest.raises(InputError, match="dictionary of boxes, labels, scores"):
        true, _ = next(batches(*golden(), 1))
        kc.training.AveragePrecision(1).update_state(true, true)
    metric = kc.training.AveragePrecision(1)
    (two, said), (one, _) = [next(batches(*[each * n for each in golden()], n)) for n in (2, 1)]
    for true, found in ((one, said), ({**one, "occluded": one["crowd"]}, said),
                        (one, {**said, "scores": said["scores"][:, :3]})):  # fmt: skip
        with pytest.raises(InputError):
            metric.update_state(true, found)
    # What was refused has left nothing behind.
    metric.update_state(two, said)
    assert metric.precision().counts.tolist() == [8]
    metric = kc.training.AveragePrecision(2, rules="kitti", figure="AP hard")
    assert type(metric).from_config(metric.get_config()).get_config() == metric.get_config()


@pytest.mark.parametrize("label", [np.nan, 0.5, -5, 7])
@pytest.mark.parametrize("part", ["truth", "detections"])
def test_a_label_that_is_none_is_refused_with_its_batch_and_leaves_nothing(part, label):
    metric = kc.training.AveragePrecision(2, figure="AP50")
    good = {"boxes": np.float32([[[0, 0, 9, 9]]]), "labels": [[0.0]]}
    said = {**good, "scores": [[0.9]]}
    metric.update_state(good, said)
    bad = {"labels": [[label]]}
    with pytest.raises(InputError, match="labels that are no whole numbers|is of class"):
        if part == "truth":
            metric.update_state({**good, **bad}, said)
        else:
            metric.update_state(good, {**said, **bad})
    metric.update_state(good, said)
    assert metric.result() == 1.0


@pytest.mark.parametrize("name", ["foo", "rel_xyxy", None])
def test_a_format_that_is_none_or_wants_a_size_is_refused_at_once(name):
    with pytest.raises(InputError, match="bounding_box_format"):
        kc.training.AveragePrecision(2, bounding_box_format=name)
    kc.training.AveragePrecision(2, bounding_box_format="center_xywh")
