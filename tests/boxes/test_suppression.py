"""Of boxes that say the same one stays."""

import importlib

import numpy as np
import pytest

from keras_classics.boxes import suppress
from keras_classics.core.errors import InputError


def random_boxes(count, seed=0):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 60, (count, 2))], axis=1)
    return boxes.astype("float32"), rng.random(count).astype("float32")


def test_it_is_that_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    for seed in range(20):
        boxes, scores = random_boxes(60, seed)
        for threshold in (0.0, 0.3, 0.7):
            expected = tf.image.non_max_suppression(boxes, scores, 60, threshold).numpy()
            np.testing.assert_array_equal(suppress(boxes, scores, threshold=threshold), expected)
        few = tf.image.non_max_suppression(boxes, scores, 5, 0.3, score_threshold=0.4).numpy()
        np.testing.assert_array_equal(suppress(boxes, scores, most=5, least_score=0.4), few)


def test_it_is_the_same_without_tensorflow(monkeypatch):
    module = importlib.import_module("keras_classics.boxes.suppression")
    for seed in range(10):
        boxes, scores = random_boxes(120, seed)
        # Boxes without area overlap nothing, each other neither.
        boxes[:4, 2:] = boxes[:4, :2]
        boxes[1], boxes[2, 2] = boxes[0], boxes[2, 2] + 3
        for options in ({}, {"threshold": 0.0}, {"threshold": 1.0}, {"most": 7}):
            with monkeypatch.context() as patch:
                expected = suppress(boxes, scores, **options)
                patch.setattr(module, "_tensorflow", lambda: None)
                np.testing.assert_array_equal(suppress(boxes, scores, **options), expected)


def test_classes_do_not_suppress_one_another():
    boxes, scores = random_boxes(80)
    classes = np.arange(80) % 3
    found = suppress(boxes, scores, classes)
    one_by_one = [
        np.flatnonzero(classes == c)[suppress(boxes[classes == c], scores[classes == c])]
        for c in range(3)
    ]
    assert set(found) == set(np.concatenate(one_by_one))
    assert (np.diff(scores[found]) <= 0).all()
    np.testing.assert_array_equal(suppress(boxes, scores, classes, most=4), found[:4])


def test_an_overlap_of_the_threshold_stays_and_more_goes():
    # Two of three rows in common: 2 of 4 in the union.
    boxes, scores = [[0, 0, 3, 1], [1, 0, 4, 1]], [0.5, 0.9]
    assert suppress(boxes, scores, threshold=0.5).tolist() == [1, 0]
    assert suppress(boxes, scores, threshold=0.49).tolist() == [1]


def test_a_score_of_the_least_stays():
    assert suppress([[0, 0, 1, 1], [5, 5, 6, 6]], [0.5, 0.25], least_score=0.5).tolist() == [0]


def test_of_equal_scores_the_first_stays():
    boxes = [[0, 0, 10, 10], [0, 0, 10, 11], [50, 50, 60, 60]]
    for _ in range(3):
        assert suppress(boxes, [0.5] * 3).tolist() == [0, 2]
        assert suppress(boxes, [0.5] * 3, [1, 0, 1]).tolist() == [0, 1, 2]


def test_half_precision_is_computed_in_full():
    boxes, scores = random_boxes(60)
    # In float16 areas beyond 65,504 would be infinite.
    half = (boxes * 10).astype("float16")
    np.testing.assert_array_equal(suppress(half, scores), suppress(half.astype("float32"), scores))


def test_nothing_gives_nothing_and_nonsense_is_refused():
    assert suppress([], []).shape == (0,)
    assert suppress(np.zeros((0, 4)), np.zeros(0), np.zeros(0)).dtype == np.int64
    with pytest.raises(InputError, match="a number from 0 to 1"):
        suppress([[0, 0, 1, 1]], [0.5], threshold=30)
    for scores in ([np.nan], [np.inf], [0.5, 0.5]):
        with pytest.raises(InputError, match="scores=.*finite numbers|scores of shape"):
            suppress([[0, 0, 1, 1]], scores)


@pytest.mark.parametrize("classes", [[np.nan, 0], [0.5, 0.7], [None, "a"], [0]])
def test_a_class_that_is_no_whole_number_loses_no_box_in_silence(classes):
    with pytest.raises(InputError, match=r"classes=.*whole numbers|classes of shape \(1,\)"):
        suppress([[0, 0, 1, 1], [5, 5, 6, 6]], [0.5, 0.4], classes)
    with pytest.raises(InputError, match="not equally many"):
        suppress([[0, 0, 1, 1], [5, 5]], [0.5, 0.4])
