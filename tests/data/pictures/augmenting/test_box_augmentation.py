"""Every step moves the boxes with the pixels: tested by painted boxes."""

from dataclasses import replace

import numpy as np
import pytest

from keras_classics.core.errors import InputError
from keras_classics.data import load
from keras_classics.data.pictures.augmenting.box_augmentation import (
    Boxed,
    Views,
    colour_boxes,
    crop_boxes,
    cropped,
    flip_boxes,
    framed,
    mirrored,
    mosaic,
    resized,
    scale_boxes,
    seen_by_detectors,
)

COLOURS = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0]], "float32")


def painted(seed=0, height=60, width=90, empty=False):
    """Four boxes apart from each other, each in a colour of its own, which is its label too."""
    rng = np.random.default_rng(seed)
    image, boxes = np.zeros((height, width, 3), "float32"), []
    for number in range(0 if empty else 4):
        top, left = (number // 2) * height // 2, (number % 2) * width // 2
        y, x = top + rng.integers(2, 8), left + rng.integers(2, 12)
        tall, wide = rng.integers(10, 20), rng.integers(8, width // 2 - 13)
        image[y : y + tall, x : x + wide] = COLOURS[number]
        boxes.append([y, x, y + tall, x + wide])
    boxes = np.array(boxes, "float32").reshape(-1, 4)
    rows = {"box_labels": np.arange(len(boxes)), "marks": np.arange(len(boxes)) * 1.5}
    # The proposals are the boxes, in another order.
    return Boxed(image, boxes, rows, boxes[::-1])


def check(found, tolerance=1.6):
    """The pixels of each colour are where its box is."""
    for box, label in zip(found.boxes, found.rows["box_labels"], strict=True):
        near = (np.abs(found.image - COLOURS[label]) < 60).all(axis=2)
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        tight = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
        np.testing.assert_allclose(box, tight, atol=tolerance)
    assert (found.rows["marks"] == found.rows["box_labels"] * 1.5).all()
    # Nothing but what is known of them tells boxes from proposals.
    assert sorted(found.proposals.tolist()) == sorted(found.boxes.tolist())


STEPS = {
    "flip": flip_boxes,
    "crop": crop_boxes,
    "scale": scale_boxes,
    "frame": lambda picture, rng: framed(picture, rng, *rng.integers(40, 110, 2)),
    "colour": lambda picture, rng: colour_boxes(picture, rng, brightness=0.05, contrast=0.05),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("size", [(60, 90), (91, 64)])
def test_boxes_move_with_what_is_painted_in_them(name, size):
    check(painted(height=size[0], width=size[1]), 0)
    changed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        before = painted(seed, *size)
        found = STEPS[name](before, rng)
        check(found, 1.6 if name == "scale" else 0)
        changed += not np.array_equal(found.image, before.image)
    assert changed >= (5 if name == "flip" else 18)


def test_a_crop_moves_rows_by_rows_and_columns_by_columns():
    # Keras 3.15.1 has [0, 3, 2, 4] here: the axes exchanged (keras#23518, in its order x, y).
    picture = Boxed(np.zeros((12, 10, 3), "float32"), np.float32([[4, 3, 5, 5]]), {})
    found = cropped(picture, 3, 1, 8, 8, least_side=1.0)
    assert found.boxes.tolist() == [[1, 2, 2, 4]]


def test_flipping_twice_changes_nothing():
    picture = painted()
    again = mirrored(mirrored(picture))
    np.testing.assert_array_equal(again.image, picture.image)
    np.testing.assert_array_equal(again.boxes, picture.boxes)


def test_what_is_visible_is_measured_before_the_cut():
    boxes = np.float32([[0, 0, 10, 10], [0, 7, 10, 17], [0, 8, 10, 18]])
    picture = Boxed(np.zeros((20, 20, 3), "float32"), boxes, {"box_labels": np.arange(3)})
    # Of the second three tenths are left, of the third two.
    found = cropped(picture, 0, 0, 20, 10)
    assert found.rows["box_labels"].tolist() == [0, 1]
    assert found.boxes.tolist() == [[0, 0, 10, 10], [0, 7, 10, 10]]
    assert cropped(picture, 0, 0, 20, 10, least_visible=0.2).rows["box_labels"].tolist() == [
        0,
        1,
        2,
    ]
    # A sliver is no object, and what was as small before is.
    thin = Boxed(picture.image, np.float32([[0, 0, 1, 9]]), {"box_labels": np.zeros(1)})
    assert len(cropped(thin, 0, 0, 20, 9).boxes) == 1
    assert len(cropped(thin, 0, 0, 20, 8).boxes) == 0


def test_a_box_that_is_cut_twice_is_measured_against_what_it_was_at_first():
    box = np.float32([[0, 0, 10, 40]])
    picture = Boxed(np.zeros((20, 50, 3), "float32"), box, {"box_labels": np.zeros(1)}, box)
    once = cropped(picture, 0, 0, 20, 12)
    assert once.boxes.tolist() == once.proposals.tolist() == [[0, 0, 10, 12]]
    # Mirrored, enlarged and in a mosaic it is still three tenths.
    for step in (mirrored, lambda each: resized(each, 40, 24)):
        np.testing.assert_allclose(step(once).seen, [0.3])
    for window in ((0, 4, 20, 8), (0, 11, 20, 1)):
        twice = cropped(once, *window)
        assert not len(twice.boxes) and not len(twice.proposals)
    left = cropped(once, 0, 0, 9, 12, least_visible=0.26)
    np.testing.assert_allclose([*left.seen, *left.seen_proposals], 0.27)
    blank = replace(picture, boxes=box[:0], rows={"box_labels": np.zeros(0)}, proposals=box[:0])
    parts = [*[blank] * 3, replace(once, image=picture.image)]
    found = [mosaic(parts, np.random.default_rng(seed)) for seed in range(8)]
    assert any(len(each.boxes) for each in found)
    for each in found:
        whole = np.prod(each.boxes[:, 2:] - each.boxes[:, :2], axis=1)
        np.testing.assert_allclose(each.seen, whole / 400, atol=1e-6)
        assert (each.seen >= 0.3 - 1e-6).all()


def test_four_pictures_around_a_point():
    seen = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        parts = [
            painted(seed + n, *size)
            for n, size in enumerate([(60, 90), (60, 90), (91, 64), (60, 60)])
        ]
        # Colours of their own: one object of each.
        lone = []
        for number, part in enumerate(parts):
            image = np.where(part.image.any(axis=2, keepdims=True), COLOURS[number], 0)
            ymin, xmin = part.boxes[:, :2].min(axis=0)
            ymax, xmax = part.boxes[:, 2:].max(axis=0)
            whole = np.zeros_like(image)
            whole[int(ymin) : int(ymax), int(xmin) : int(xmax)] = COLOURS[number]
            rows = {"box_labels": np.array([number]), "marks": np.array([number * 1.5])}
            box = np.float32([[ymin, xmin, ymax, xmax]])
            lone.append(Boxed(whole, box, rows, box))
        found = mosaic(lone, rng)
        assert found.image.shape == (60, 90, 3)
        check(found)
        seen |= set(found.rows["box_labels"].tolist())
    assert seen == {0, 1, 2, 3}
    with pytest.raises(InputError, match="four"):
        mosaic(parts[:3], rng)


def test_pictures_without_boxes_stay_without():
    rng = np.random.default_rng(0)
    for step in STEPS.values():
        found = step(painted(empty=True), rng)
        assert found.boxes.shape == (0, 4) and found.rows["box_labels"].shape == (0,)


def test_a_picture_is_a_function_of_the_seed_and_scenes_are_pictures():
    scene = load("scenes", train=1, validation=1, test=1).train[0]
    picture = Boxed.of(scene)
    assert picture.boxes.shape == (len(scene.objects), 4)
    one, other = (crop_boxes(picture, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(resized(picture, 128, 64).boxes[:, 0], picture.boxes[:, 0] * 2)


def test_draw_data_shows_what_training_sees():
    examples = load("scenes", train=6, validation=1, test=1).train
    augment = ("mosaic", "scale", "crop", "flip", "colour")
    views, rng = Views(examples, augment), np.random.default_rng(3)
    for number, shown in enumerate(seen_by_detectors(examples, seed=3, augment=augment)):
        view, changed = views(number, rng)
        np.testing.assert_array_equal(shown.image, view.image.round())
        np.testing.assert_array_equal(shown.boxes, view.boxes)
        assert changed and shown.name.endswith(", changed") and shown.image.shape == (64, 64, 3)


def test_what_a_detector_sees_is_mirrored_by_chance_with_its_boxes():
    examples = load("scenes", train=12, validation=1, test=1).train
    found = seen_by_detectors(examples, seed=0)
    turned = [each.name.endswith(", changed") for each in found]
    assert 2 < sum(turned) < 10
    for example, each, mirrored_one in zip(examples, found, turned, strict=True):
        image = example.image[:, ::-1] if mirrored_one else example.image
        np.testing.assert_array_equal(each.image, image)
        np.testing.assert_array_equal(each.box_labels, example.box_labels)
        width = image.shape[1]
        boxes = example.boxes[:, [0, 3, 2, 1]] * [1, -1, 1, -1] + [0, width, 0, width]
        np.testing.assert_allclose(each.boxes, boxes if mirrored_one else example.boxes)


def test_strengths_and_chances_are_those_that_are_promised():
    plain = Boxed(np.full((80, 120, 3), 100, "float32"), np.zeros((0, 4), "float32"), {})
    plain.image[:40] = 200
    crops, scales, shades = [], [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        crop = crop_boxes(plain, rng).image.shape[:2]
        crops.append((crop[0] * crop[1] / 9600, crop[1] / crop[0] / 1.5))
        scales.append(scale_boxes(plain, rng).image.shape[0] / 80)
        shades.append(colour_boxes(plain, rng).image)
    (least, most), (low, high) = np.quantile(crops, [0.0, 1.0], axis=0).T
    assert 0.45 < least < 0.6 and 0.9 < most <= 1.0
    assert 0.7 < low < 0.85 and 1.18 < high < 1.38
    assert 0.74 < min(scales) < 0.8 and 1.42 < max(scales) < 1.51
    means = np.mean(shades, axis=(1, 2, 3)) - 150
    assert -51 <= min(means) < -40 and 35 < max(means) <= 51
    ranges = [(each.max() - each.min()) / 100 for each in shades]
    assert 0.79 < np.min(ranges) < 0.85
    # What is beyond a picture has its mean colour.
    page = framed(plain, np.random.default_rng(0), 200, 200).image
    assert set(np.unique(page)) == {100, 150, 200}


def test_a_crop_without_a_box_is_drawn_anew_as_long_as_there_is_one():
    box = np.float32([[0, 0, 8, 8]])
    picture = Boxed(np.zeros((80, 80, 3), "float32"), box, {"box_labels": np.zeros(1)})
    smallest = {"area": (0.05, 0.06), "aspect": (1.0, 1.0)}
    found = [crop_boxes(picture, np.random.default_rng(seed), **smallest) for seed in range(30)]
    assert all(len(each.boxes) for each in found)
    assert sum(each.image.shape == (80, 80, 3) for each in found) < 25


def test_every_second_picture_is_a_mosaic_around_a_point_of_its_middle_half():
    parts = [
        Boxed(np.full((40, 60, 3), 60.0 * n, "float32"), np.zeros((0, 4)), {}) for n in range(4)
    ]
    points = set()
    for seed in range(60):
        image = mosaic(parts, np.random.default_rng(seed)).image[..., 0]
        points.add((int((image[:, 0] == 0).sum()), int((image[0] == 0).sum())))
    (top, bottom), (left, right) = np.quantile(list(points), [0, 1], axis=0).T
    assert 10 <= top < 13 and 27 < bottom <= 30 and 15 <= left < 18 and 42 < right <= 45
    examples = load("scenes", train=4, validation=1, test=1).train
    views, rng = Views(examples, ("mosaic",)), np.random.default_rng(0)
    changed = sum(views(number % 4, rng)[1] for number in range(200))
    assert 70 < changed < 130
