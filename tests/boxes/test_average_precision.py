"""Average precision: by hand, beside pycocotools, and whatever the order."""

import numpy as np
import pytest

from boxes.box_samples import TWELVE, by_pycocotools, golden, random_set
from keras_classics.boxes import Detections, Truth, average_precision
from keras_classics.core.errors import InputError

NOTHING = Detections([], [], [])


def figures(detections, truths, classes=1, **options):
    return average_precision(detections, truths, classes, **options).figures


@pytest.mark.parametrize(
    ("rules", "figure", "expected"),
    [("voc10", "AP", 0.625), ("voc07", "AP", 0.61364), ("coco", "AP50", 0.62871)],
)
def test_the_golden_example(rules, figure, expected):
    assert figures(*golden(), rules=rules)[figure] == pytest.approx(expected, abs=5e-6)


def test_all_figures_equal_those_of_pycocotools():
    pytest.importorskip("pycocotools")
    for seed in range(300):
        detections, truths, classes = random_set(seed, whole=seed % 3 == 0)
        found = figures(detections, truths, classes)
        expected = by_pycocotools(detections, truths, classes)
        np.testing.assert_allclose(
            [found[name] for name in TWELVE], expected, rtol=0, atol=1e-9, err_msg=f"set {seed}"
        )


@pytest.mark.parametrize("rules", ["coco", "voc07", "voc10", "kitti", "kitti11"])
def test_no_figure_depends_on_the_order_of_anything(rules):
    rng = np.random.default_rng(0)
    for seed in range(20):
        detections, truths, classes = random_set(seed, whole=True)
        # Many equal scores.
        detections = [
            Detections(each.boxes, each.box_labels, each.scores.round(1)) for each in detections
        ]
        expected = average_precision(detections, truths, classes, rules=rules)
        pictures = rng.permutation(len(truths))
        names = rng.permutation(classes)
        moved, there = [], []
        for number in pictures:
            a, b = detections[number], truths[number]
            i, j = rng.permutation(len(a)), rng.permutation(len(b))
            moved.append(Detections(a.boxes[i], names[a.box_labels[i]], a.scores[i]))
            there.append(Truth(b.boxes[j], names[b.box_labels[j]], crowd=b.crowd[j]))
        found = average_precision(moved, there, classes, rules=rules)
        for name, each in expected.by_class.items():
            np.testing.assert_array_equal(found.by_class[name][names], each, err_msg=name)


def test_the_axes_of_the_picture_may_be_exchanged():
    detections, truths, classes = random_set(7)
    swap = [1, 0, 3, 2]
    turned = (
        [Detections(each.boxes[:, swap], each.box_labels, each.scores) for each in detections],
        [Truth(each.boxes[:, swap], each.box_labels, crowd=each.crowd) for each in truths],
    )
    expected, found = figures(detections, truths, classes), figures(*turned, classes)
    assert found == pytest.approx(expected, nan_ok=True)


def test_pictures_with_truth_only_and_with_detections_only_count_wherever_they_are():
    (found,), (there,) = golden()
    lone, strange = Truth([[0, 0, 9, 9]], [0]), Detections([[0, 0, 9, 9]], [0], [0.95])
    for place in range(2):
        detections, truths = [found], [there]
        detections.insert(place, NOTHING)
        truths.insert(place, lone)
        # Three of five are found.
        assert figures(detections, truths, rules="voc10")["AP"] == pytest.approx(0.625 * 4 / 5)
        detections, truths = [found], [there]
        detections.insert(place, strange)
        truths.insert(place, Truth([], []))
        # A mistake before all hits: precisions 1/2, 2/4 -> 3/5 behind, 3/5.
        expected = (0.6 + 0.6 + 0.6) / 4
        assert figures(detections, truths, rules="voc10")["AP"] == pytest.approx(expected)


def test_a_class_or_size_without_a_true_box_is_nan_and_in_no_mean():
    detections, truths = golden()
    found = average_precision(detections, truths, 2, rules="coco")
    assert np.isnan(found.by_class["AP"][1])
    assert found.figures["AP50"] == pytest.approx(0.62871, abs=5e-6)
    assert np.isnan(found.figures["AP large"])
    assert found.counts.tolist() == [4, 0]


@pytest.mark.parametrize("rules", ["coco", "voc07", "voc10"])
def test_what_is_difficult_is_neither_right_nor_wrong(rules):
    boxes = [[0, 0, 50, 50], [0, 100, 50, 150]]
    there = Truth(boxes, [0, 0], difficult=[True, False])
    found = Detections([*boxes, boxes[0]], [0, 0, 0], [0.9, 0.8, 0.7])
    ap = average_precision([found], [there], 1, rules=rules)
    # Of COCO the second hit finds the box taken, behind all that is right.
    assert ap.figures["AP"] == pytest.approx(1.0)
    assert ap.counts.tolist() == [1]


def test_in_a_crowd_nothing_is_a_mistake_and_elsewhere_a_duplicate_is():
    crowd = Truth([[0, 0, 100, 100], [0, 200, 50, 250]], [0, 0], crowd=[True, False])
    found = Detections(
        [[0, 0, 20, 20], [30, 30, 60, 60], [0, 200, 50, 250], [0, 200, 50, 249]],
        [0] * 4,
        [0.9, 0.8, 0.7, 0.95],
    )
    # The surer of the two hits is right, the other a duplicate behind it.
    assert figures([found], [crowd], rules="coco")["AP50"] == pytest.approx(1.0)
    plain = Truth(crowd.boxes, [0, 0])
    assert figures([found], [plain], rules="coco")["AP50"] < 0.6


def test_voc_takes_the_best_box_of_all_and_coco_the_best_that_is_free():
    # Both lie within 0.5 of both detections, which prefer the first.
    there = Truth([[0, 0, 100, 100], [0, 20, 100, 120]], [0, 0])
    found = Detections([[0, 0, 100, 100], [0, 5, 100, 105]], [0, 0], [0.9, 0.8])
    assert figures([found], [there], rules="voc10")["AP"] == pytest.approx(0.5)
    assert figures([found], [there], rules="coco")["AP50"] == pytest.approx(1.0)


def test_sizes_are_ranges_of_the_areas_that_are_given():
    there = Truth([[0, 0, 10, 10], [0, 50, 60, 110]], [0, 0], areas=[100.0, 900.0])
    found = Detections([[0, 50, 60, 110]], [0], [0.9])
    for rules in ("coco", "voc10"):
        ap = figures([found], [there], rules=rules)
        assert ap["AP small"] == pytest.approx(51 / 101 if rules == "coco" else 0.5)
        assert np.isnan(ap["AP medium"])


def test_classes_are_numbered_from_0_and_pictures_paired():
    detections, truths = golden()
    with pytest.raises(InputError, match="of class 4, with classes=4.*begin at 1"):
        average_precision(detections, [Truth([[0, 0, 1, 1]], [4])], 4)
    with pytest.raises(InputError, match="equally many"):
        average_precision(detections, [], 1)
    with pytest.raises(InputError, match="voc10"):
        average_precision(detections, truths, 1, rules="voc11")


def test_width_and_height_in_place_of_the_ends_are_refused_and_named():
    with pytest.raises(InputError, match="source='xywh'"):
        Detections([[100, 120, 20, 30]], [0], [0.5])
    with pytest.raises(InputError, match="Box 1 of 2"):
        Truth([[0, 0, 1, 1], [0, 0, np.nan, 1]], [0, 0])
    assert Truth([], []).boxes.shape == (0, 4)


@pytest.mark.parametrize("rules", ["voc07", "voc10", "coco"])
def test_a_true_box_in_a_crowd_is_found_and_what_is_only_in_the_crowd_is_neither(rules):
    there = Truth([[0, 0, 10, 10], [0, 0, 100, 100]], [0, 0], crowd=[False, True])
    # Of the first box nine tenths, and the crowd has all of both.
    found = Detections([[0, 0, 10, 9], [40, 40, 60, 60]], [0, 0], [0.5, 0.9])
    ap = average_precision([found], [there], 1, rules=rules, threshold=0.5)
    assert ap.figures["AP"] == pytest.approx(1.0) and ap.counts.tolist() == [1]


def test_of_a_class_in_a_picture_the_hundred_surest_count_under_the_rules_of_coco():
    strays = np.arange(150)[:, None] * [0, 20, 0, 20] + [50, 0, 60, 10]
    there = Truth([[0, 0, 10, 10]], [0])
    for rank, counts in ((99, True), (100, False)):
        boxes = np.insert(strays, rank, [0, 0, 10, 10], axis=0)
        found = Detections(boxes, np.zeros(151), -np.arange(151.0))
        ap = figures([found], [there])
        assert ap["AR100"] == counts and ap["AR10"] == 0
        assert ap["AP"] == pytest.approx(0.01 if counts else 0.0)
        assert figures([found], [there], rules="voc10")["AP"] == pytest.approx(1 / (rank + 1))


def test_an_area_of_the_border_is_of_both_sizes():
    there = Truth([[0, 0, 32, 32]], [0])
    found = figures([Detections(there.boxes, [0], [1.0])], [there])
    assert found["AP small"] == found["AP medium"] == pytest.approx(1.0)
    assert np.isnan(found["AP large"])


def test_a_threshold_is_an_overlap_perhaps_one_by_class():
    boxes = [[0, 0, 10, 10], [0, 50, 10, 60]]
    there = Truth(boxes, [0, 1])
    found = Detections(np.add(boxes, [0, 0, 0, -4]), [0, 1], [0.9, 0.9])
    for rules in ("voc10", "coco", "kitti"):
        alike = average_precision([found], [there], 2, rules=rules, threshold={1: 0.7})
        for label, threshold in ((0, None), (1, 0.7)):
            alone = average_precision([found], [there], 2, rules=rules, threshold=threshold)
            for name, each in alike.by_class.items():
                if name in alone.by_class:
                    np.testing.assert_equal(each[label], alone.by_class[name][label])
    assert average_precision(
        [found], [there], 2, rules="voc10", threshold={1: 0.7}
    ).by_class["AP"].tolist() == [1, 0]  # fmt: skip
    # At 0 boxes that are apart would be one.
    for wrong in (50, {1: 50}, 0):
        with pytest.raises(InputError, match=r"threshold=\d+ was given. Allowed: a number above 0"):
            average_precision([found], [there], 2, threshold=wrong)
    with pytest.raises(InputError, match="threshold with 2"):
        average_precision([found], [there], 2, threshold={2: 0.5})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0.7], [0.5]), "box_labels=.*whole numbers"),
        (([0], [np.nan]), "scores=.*finite numbers"),
        (([0], [np.inf]), "scores=.*finite numbers"),
        ((["cat"], [0.5]), "box_labels=.*numbers"),
    ],
)
def test_what_is_no_number_of_its_kind_is_refused(columns, message):
    with pytest.raises(InputError, match=message):
        Detections([[0, 0, 1, 1]], *columns)


def test_ranges_and_neighbours_that_are_none_are_refused():
    pair = [Detections([[0, 0, 1, 1]], [0], [1])], [Truth([[0, 0, 1, 1]], [0])]
    with pytest.raises(InputError, match=r"sizes\['s'\]=\(50, 1\).*smaller one first"):
        average_precision(*pair, 2, sizes={"s": (50, 1)})
    for neighbours in ({0: 99}, {99: 0}):
        with pytest.raises(InputError, match="neighbours.*99"):
            average_precision(*pair, 2, rules="kitti", neighbours=neighbours)
