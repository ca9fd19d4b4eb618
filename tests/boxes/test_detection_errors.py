"""Every detection has its mistake, every true box its finder."""

from keras_classics.boxes import Detections, Truth, sort_errors


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


def test_nothing_found_is_all_missed_and_nothing_there_all_background():
    nothing = Detections([], [], [])
    some = Detections([[0, 0, 5, 5]], [0], [0.5])
    counts = sort_errors([nothing, some], [Truth([[0, 0, 5, 5]], [0]), Truth([], [])]).counts
    assert counts["missed"] == 1 and counts["background"] == 1
