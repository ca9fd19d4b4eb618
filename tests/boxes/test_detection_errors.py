"""Every detection has its mistake, every true box its finder."""

import numpy as np
import pytest

from keras_classics.boxes import Detections, Truth, sort_errors
from keras_classics.core.errors import InputError


def test_one_of_each_kind():
    there = Truth(
        [[0, 0, 10, 10], [0, 100, 10, 110], [0, 200, 10, 210], [0, 300, 10, 310]],
        [0, 1, 0, 0],
        difficult=[False, False, True, False],
    )
    found = {
        "right": ([0, 0, 10, 10], 0),
        "duplicate": ([0, 0, 10, 9], 0),
        "localisation": ([0, 6, 10, 16], 0),
        "class": ([0, 100, 10, 110], 0),
        "both": ([0, 106, 10, 116], 0),
        "background": ([50, 50, 60, 60], 1),
        "neither": ([0, 200, 10, 210], 0),
    }
    boxes, labels = zip(*found.values(), strict=True)
    # The surest comes last in the list, as the order given does not matter.
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    errors = sort_errors([Detections(boxes[::-1], labels[::-1], scores[::-1])], [there])
    assert errors.detections == [list(found)[::-1]]
    assert errors.counts == {**dict.fromkeys(found, 1), "missed": 2}
    assert errors.missed[0].tolist() == [False, True, False, True]


def test_what_no_rule_counts_is_no_mistake():
    there = Truth(
        [[0, 0, 100, 100], [0, 200, 100, 300], [0, 400, 40, 440]],
        [0, -1, 1],
        crowd=[True, False, False],
        difficult=[False, False, True],
    )
    found = {
        "in a crowd of its class": ([20, 20, 40, 40], 0, "neither"),
        "in another's": ([20, 20, 40, 40], 1, "background"),
        "a region of no class": ([0, 200, 100, 300], 0, "neither"),
        "in it": ([20, 220, 40, 240], 1, "neither"),
        "half in it": ([20, 291, 40, 309], 1, "neither"),
        "less": ([20, 292, 40, 310], 1, "background"),
        "of another class than what is difficult": ([0, 400, 40, 440], 0, "background"),
    }
    boxes, labels, kinds = zip(*found.values(), strict=True)
    errors = sort_errors([Detections(boxes, labels, np.arange(len(boxes)))], [there])
    assert errors.detections == [list(kinds)]
    assert errors.counts["missed"] == 0 and not errors.missed[0].any()


def test_a_tenth_is_background_and_more_is_a_poor_box():
    there = Truth([[0, 0, 10, 10]], [0])
    near, far = [0, 8, 10, 18], [0, 8.5, 10, 18.5]
    for box, label, kind in (
        (near, 0, "localisation"), (near, 1, "both"), (far, 0, "background")
    ):  # fmt: skip
        assert sort_errors([Detections([box], [label], [1.0])], [there]).detections == [[kind]]
    with pytest.raises(InputError, match="background=10"):
        sort_errors([Detections([], [], [])], [there], background=10)


def test_nothing_found_is_all_missed_and_nothing_there_all_background():
    nothing = Detections([], [], [])
    some = Detections([[0, 0, 5, 5]], [0], [0.5])
    counts = sort_errors([nothing, some], [Truth([[0, 0, 5, 5]], [0]), Truth([], [])]).counts
    assert counts["missed"] == 1 and counts["background"] == 1


def test_of_two_boxes_of_a_class_the_nearer_one_is_found():
    # Both overlap it by more than a half: 8 / 10, and 10 / 12 of the second.
    there = Truth([[0, 0, 10, 8], [0, 0, 10, 12]], [0, 0])
    found = Detections([[0, 0, 10, 10]], [0], [0.9])
    assert sort_errors([found], [there]).missed[0].tolist() == [True, False]
    with pytest.raises(InputError, match=r"background=0\.5 and threshold=0\.1"):
        sort_errors([found], [there], threshold=0.1, background=0.5)
    with pytest.raises(InputError, match="a number above 0"):
        sort_errors([found], [there], threshold=0.0)
