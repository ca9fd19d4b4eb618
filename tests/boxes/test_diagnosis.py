"""A convention that is not ours is named, and a sound or merely poor detector is not accused."""

import keras
import numpy as np
import pytest

from keras_classics.boxes import Detections, Truth, diagnose


def world(count=12, seed=0, large=False):
    rng = np.random.default_rng(seed)
    detections, truths = [], []
    for _ in range(count):
        # Flat boxes low in the picture, so that a sound one is sound in any reading.
        corners = rng.uniform([10, 5], [60, 40], (4, 2))
        sides = rng.uniform([60, 80], [90, 160], (4, 2))
        # Larger than their centres are far from the corner.
        sides = sides * [3, 2] if large else sides
        boxes = np.concatenate([corners, corners + sides], axis=1)
        labels = rng.integers(3, size=4)
        truths.append(Truth(boxes, labels))
        detections.append(Detections(boxes + rng.normal(0, 1, boxes.shape), labels, rng.random(4)))
    return detections, truths


def written(detections, how):
    return [Detections(how(each.boxes), each.box_labels, each.scores) for each in detections]


def test_a_sound_detector_is_not_accused_and_neither_is_a_blind_one():
    detections, truths = world()
    assert diagnose(detections, truths, 3) == []
    strangers, _ = world(seed=1)
    moved = written(strangers, lambda boxes: boxes + 500)
    assert diagnose(moved, truths, 3) == []
    assert diagnose([Detections([], [], [])] * 12, truths, 3) == []


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("xyxy", lambda b: b[:, [1, 0, 3, 2]]),
        ("xywh", lambda b: np.stack([b[:, 1], b[:, 0], b[:, 3] - b[:, 1], b[:, 2] - b[:, 0]], 1)),
        ("yxhw", lambda b: np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], 1)),
        ("center_xywh", lambda b: np.stack(
            [(b[:, 1] + b[:, 3]) / 2, (b[:, 0] + b[:, 2]) / 2, b[:, 3] - b[:, 1],
             b[:, 2] - b[:, 0]], 1)),
    ],
)  # fmt: skip
def test_another_reading_of_the_four_numbers_is_named_with_what_mends_it(name, how):
    detections, truths = world(large=name == "center_xywh")
    wrong = written(detections, how)
    found = diagnose(wrong, truths, 3)
    assert f"to be {name} given as yxyx" in found[0] and len(found) == 1
    remedy = found[0].split("Convert them by ")[1].rstrip(".")
    for one, other in zip(wrong, detections, strict=True):
        mended = eval(remedy, {"keras": keras, "numpy": np, "boxes": one.boxes})  # noqa: S307
        np.testing.assert_allclose(keras.ops.convert_to_numpy(mended), other.boxes, atol=1e-3)


def test_shares_of_the_sides_are_named():
    detections, truths = world()
    found = diagnose(written(detections, lambda boxes: boxes / 300), truths, 3)
    assert "shares of the picture's sides" in found[0]


@pytest.mark.parametrize("shift", [-1, 1])
def test_shifted_ids_are_named_with_the_shift_that_mends_them(shift):
    detections, truths = world()
    spread = [Truth(each.boxes, each.box_labels + 1) for each in truths]
    moved = [Detections(d.boxes, d.box_labels + 1 - shift, d.scores) for d in detections]
    found = diagnose(moved, spread, 5)
    assert len(found) == 1 and f"with {shift:+d} AP50 is" in found[0]


def test_what_is_nearly_sound_or_reaches_a_little_beyond_one_is_told_apart():
    rng = np.random.default_rng(0)
    true = np.concatenate([rng.uniform(0, 40, (40, 2))] * 2, axis=1)
    true[:, 2:] += rng.uniform(20, 40, (40, 2))
    there = [Truth(true, np.zeros(40))]
    # Of one box in eight the axes are exchanged: a gain of less than a fifth is no convention.
    some = true.copy()
    some[::8] = true[::8][:, [1, 0, 3, 2]]
    assert diagnose([Detections(some, np.zeros(40), np.ones(40))], there, 1) == []
    shares = Detections(true / 50, np.zeros(40), np.ones(40))
    assert 1 < shares.boxes.max() < 2
    assert any("shares of the picture" in each for each in diagnose([shares], there, 1))
