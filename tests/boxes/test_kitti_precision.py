"""KITTI's rules, each by a picture in which it alone decides."""

import numpy as np
import pytest

from boxes.box_samples import by_kitti, random_street
from keras_classics.boxes import Detections, Truth, average_precision
from keras_classics.boxes.kitti_precision import GRADES

CAR, VAN = 0, 1


def grades(found, there, **options):
    ap = average_precision([found], [there], 2, rules=options.pop("rules", "kitti"), **options)
    return {name: float(each[CAR]) for name, each in ap.by_class.items()}


def car(height, row=0, column=0):
    return [row, column, row + height, column + 60]


def test_forty_points_and_eleven_differ():
    # Precision 1 up to a recall of a half, 0 beyond: 20 of 40 points, and 6 of 11 (0 to 0.5).
    boxes = [car(50, column=100 * n) for n in range(40)]
    there, found = Truth(boxes, [CAR] * 40), Detections(boxes[:20], [CAR] * 20, np.arange(20) / 20)
    assert grades(found, there)["AP easy"] == pytest.approx(19 / 40)
    assert grades(found, there, rules="kitti11")["AP easy"] == pytest.approx(5 / 11)


@pytest.mark.parametrize(
    ("there", "counted"),
    [
        (Truth([car(41)], [CAR]), ("easy", "moderate", "hard")),
        (Truth([car(30)], [CAR]), ("moderate", "hard")),
        # A true box has to be higher.
        (Truth([car(40)], [CAR]), ("moderate", "hard")),
        (Truth([car(26)], [CAR]), ("moderate", "hard")),
        (Truth([car(25)], [CAR]), ()),
        (Truth([car(41)], [CAR], occlusion=[1]), ("moderate", "hard")),
        (Truth([car(41)], [CAR], occlusion=[2]), ("hard",)),
        (Truth([car(41)], [CAR], occlusion=[3]), ()),
        (Truth([car(41)], [CAR], truncation=[0.15]), ("easy", "moderate", "hard")),
        (Truth([car(41)], [CAR], truncation=[0.16]), ("moderate", "hard")),
        (Truth([car(41)], [CAR], truncation=[0.3]), ("moderate", "hard")),
        (Truth([car(41)], [CAR], truncation=[0.31]), ("hard",)),
        (Truth([car(41)], [CAR], truncation=[0.5]), ("hard",)),
        (Truth([car(41)], [CAR], truncation=[0.51]), ()),
        (Truth([car(41)], [CAR], difficult=[True]), ()),
        (Truth([car(41)], [CAR], crowd=[True]), ()),
    ],
)
def test_a_grade_counts_what_is_high_visible_and_within_enough(there, counted):
    found = grades(Detections(there.boxes, [CAR], [0.9]), there)
    assert {name.split()[1] for name, ap in found.items() if not np.isnan(ap)} == set(counted)


@pytest.mark.parametrize(
    "stray",
    [
        # In a DontCare region, found too small, and a van.
        (car(50, column=305), Truth([car(50), [0, 300, 60, 400]], [CAR, -1])),
        (car(20, column=305), Truth([car(50)], [CAR])),
        (car(50, column=300), Truth([car(50), car(50, column=300)], [CAR, VAN])),
    ],
    ids=["DontCare", "small", "neighbour"],
)
def test_what_is_no_mistake(stray):
    box, there = stray
    found = Detections([car(50), box], [CAR, CAR], [0.5, 0.9])
    alone = Detections([car(50)], [CAR], [0.5])
    rules = {"neighbours": {CAR: VAN}, "rules": "kitti11"}
    best = grades(alone, there, **rules)
    assert best["AP easy"] == pytest.approx(1 / 11)
    assert grades(found, there, **rules) == best
    mistaken = Detections([car(50), car(50, row=500)], [CAR, CAR], [0.5, 0.9])
    assert grades(mistaken, there, **rules)["AP easy"] == pytest.approx(1 / 22)


def test_without_a_neighbour_a_van_is_a_mistake():
    there = Truth([car(50), car(50, column=300)], [CAR, VAN])
    found = Detections([car(50), car(50, column=300)], [CAR, CAR], [0.5, 0.9])
    assert (
        grades(found, there, rules="kitti11")["AP easy"]
        < (grades(found, there, rules="kitti11", neighbours={CAR: VAN})["AP easy"])
    )


def test_the_overlap_has_to_exceed_the_threshold():
    there = Truth([car(50)], [CAR])
    found = Detections([[0, 0, 50, 45]], [CAR], [0.9])
    assert grades(found, there, rules="kitti11", threshold=0.7)["AP easy"] > 0
    assert grades(found, there, rules="kitti11", threshold=0.75)["AP easy"] == 0


def test_what_is_found_too_small_finds_nothing_and_leaves_the_box_to_what_is_large_enough():
    there = Truth([car(41), car(50, column=300)], [CAR, CAR])
    second = car(50, column=300)
    # The small one covers more of the first box, and is surer than what settles the curve's end.
    small, large = [1, 0, 40.5, 60], [0, 0, 41, 45]
    alone = Detections([small, second], [CAR, CAR], [0.8, 0.5])
    assert grades(alone, there, rules="kitti11")["AP easy"] == pytest.approx(1 / 11)
    both = Detections([large, small, second], [CAR] * 3, [0.9, 0.8, 0.5])
    sure = Detections([large, second], [CAR] * 2, [0.9, 0.5])
    assert grades(both, there)["AP easy"] == grades(sure, there)["AP easy"] > 0
    # A detection of exactly the least height is no longer too small to be a mistake.
    for height, wrong in ((40, True), (39.9, False)):
        stray = Detections([second, car(height, row=500)], [CAR] * 2, [0.5, 0.9])
        expected = 1 / 22 if wrong else 1 / 11
        assert grades(stray, there, rules="kitti11")["AP easy"] == pytest.approx(expected)


@pytest.mark.parametrize("rules", ["kitti", "kitti11"])
def test_all_figures_equal_those_of_its_kit(rules):
    seen = set()
    for seed in range(60):
        found, there = random_street(seed)
        threshold = 0.7 if seed % 2 else 0.5
        known = average_precision(
            found, there, 2, rules=rules, threshold=threshold, neighbours={CAR: VAN}
        )
        for name, grade in GRADES.items():
            expected = by_kitti(
                found, there, grade, threshold, neighbour=VAN, eleven=rules == "kitti11"
            )
            figure = known.by_class[f"AP {name}"][CAR]
            assert figure == pytest.approx(expected, abs=1e-12, nan_ok=True), (seed, name)
            seen.add(expected)
    assert len(seen) > 40
