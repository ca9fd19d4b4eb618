"""ODS, OIS and AP of maps whose figures are known."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.training.metrics.boundary_benchmark import _blurred, _matches


def drawn(size=60):
    mask = np.zeros((size, size), int)
    mask[15:40, 20:45] = 1
    return kc.data.boundary_map(mask)


def test_outlines_of_a_mask():
    mask = np.array([[0, 0, 1, 1], [0, 0, 1, 255]])
    np.testing.assert_array_equal(kc.data.boundary_map(mask), [[0, 1, 0, 255], [0, 1, 255, 255]])
    scene = kc.data.load("scenes", train=1, validation=1, test=1, objects=(2, 2)).train
    found = kc.data.outlined(scene)[0]
    assert set(np.unique(found.class_mask)) == {0, 1}
    assert 20 < found.class_mask.sum() < 500


def test_what_is_right_has_all_figures_1_and_what_is_far_away_few():
    true = drawn()
    assert kc.training.boundary_figures([true], [true.astype(float)], thin=False) == pytest.approx(
        {"ODS": 1, "OIS": 1, "AP": 1, "threshold": 1 / 34}
    )
    far = np.roll(true, 8, 0)[:, ::-1]
    assert kc.training.boundary_figures([true], [far.astype(float)], thin=False)["ODS"] < 0.5
    nothing = kc.training.boundary_figures([np.zeros((9, 9))], [np.zeros((9, 9))])
    assert all(np.isnan(value) for value in nothing.values())


def test_what_is_said_as_it_was_drawn_is_right_whatever_its_shape():
    # A disc, whose outline has steps, of which thinning leaves a line.
    rows, columns = np.mgrid[:60, :60]
    disc = kc.data.boundary_map(((rows - 30) ** 2 + (columns - 28) ** 2 < 300).astype(int))
    for true in (disc, drawn()):
        for said in (true.astype(float), 0.9 * true):
            found = kc.training.boundary_figures([true], [said])
            assert found["ODS"] == found["OIS"] == found["AP"] == 1
    # Half of it is half: the steps of the other half are missing too.
    said = np.where(columns < 28, disc, 0.0)
    found = kc.training.boundary_figures([disc], [said], thresholds=1)
    assert found["ODS"] == pytest.approx(2 / 3, abs=0.04)


def test_each_pixel_is_matched_once():
    true = drawn()
    # 0.0075 of the diagonal of 85 is less than a pixel: what is doubled is half wrong.
    double = np.maximum(true, np.roll(true, 1, 1)).astype(float)
    found = kc.training.boundary_figures([true], [double], thin=False, thresholds=1)
    precision = true.sum() / double.sum()
    assert found["ODS"] == pytest.approx(2 * precision / (precision + 1))


def test_one_threshold_for_each_picture_is_no_worse_than_one_for_all():
    true = [drawn(), np.roll(drawn(), 7, 0)]
    # Of one picture what is wrong is as probable as what is right of the other.
    wrong = [np.roll(each, 9, 1).astype(float) for each in true]
    said = [np.maximum(0.9 * true[0], 0.6 * wrong[0]), np.maximum(0.6 * true[1], 0.3 * wrong[1])]
    found = kc.training.boundary_figures(true, said, thin=False)
    assert 0.5 < found["ODS"] < found["OIS"] == 1


def test_matches_nearest_first_are_nearly_as_many_as_the_best_assignment():
    optimize = pytest.importorskip("scipy.sparse.csgraph")
    from scipy.sparse import csr_array

    rng = np.random.default_rng(1)
    one, other = drawn() == 1, np.zeros((60, 60), bool)
    # The same outline by an unsteady hand.
    places = np.argwhere(one) + rng.integers(-2, 3, (one.sum(), 2))
    other[places[:, 0], places[:, 1]] = True
    a, b = np.argwhere(one), np.argwhere(other)
    near = ((a[:, None] - b[None]) ** 2).sum(-1) <= 2.5**2
    best = (optimize.maximum_bipartite_matching(csr_array(near), perm_type="column") >= 0).sum()
    assert 0.9 * best <= _matches(one, other, 2.5) <= best


def test_a_blurred_outline_is_thinned_to_its_ridge():
    x = np.arange(40.0)
    for angle in (0.0, 0.4, 1.0):
        across = np.cos(angle) * x[None] + np.sin(angle) * x[:, None] - 22.0
        said = np.exp(-0.5 * (across / 3) ** 2)
        thin = kc.training.thin_outlines(said)
        kept = thin > 0.5
        inner = (slice(4, -4),) * 2
        # They are what was said, not what is smoothed to find them.
        np.testing.assert_array_equal(thin[kept], said[kept])
        assert kept.sum() > 20 and np.abs(across[inner][kept[inner]]).max() < 1.1


def test_outlines_are_smoothed_by_twice_1_2_1():
    point = np.zeros((7, 7))
    point[3, 3] = 256
    once = np.array([1, 4, 6, 4, 1])
    np.testing.assert_allclose(_blurred(point)[1:6, 1:6], np.outer(once, once))


def test_reach_is_a_share_of_the_diagonal_and_outlines_are_thinned_unless_they_are():
    # The diagonal of 30 x 40 is 50.
    true, said = np.zeros((30, 40), "uint8"), np.zeros((30, 40))
    true[:, 20], said[:, 23] = 1, 1.0
    for reach, found in ((3.05, 1), (2.95, 0)):
        figures = kc.training.boundary_figures([true], [said], tolerance=reach / 50)
        assert figures["ODS"] == found
    # An outline of three columns, of which the middle says most.
    said[:, 19:24] = [0.6, 1.0, 0.6, 0.0, 0.0]
    thinned, whole = (
        kc.training.boundary_figures([true], [said], **given) for given in ({}, {"thin": False})
    )
    assert thinned["ODS"] == whole["ODS"] == 1
    # What is beside the ridge is right of no threshold, or of those above it.
    assert thinned["threshold"] == pytest.approx(1 / 34) and whole["threshold"] > 0.6


def test_average_precision_by_hand_and_what_does_not_count():
    true = np.zeros((60, 60), "uint8")
    true[10, 10:20] = 1
    said = np.zeros((60, 60))
    said[10, 10:15], said[10, 15:20], said[40, 10:20] = 0.9, 0.5, 0.5
    found = kc.training.boundary_figures([true], [said], thin=False)
    # Up to a recall of a half all is right, beyond it half of what is said.
    assert found["AP"] == pytest.approx((51 + 50 * 0.5) / 101)
    true[40, 10:20] = 255
    found = kc.training.boundary_figures([true], [said], thin=False)
    assert found["AP"] == found["ODS"] == 1


def test_in_a_picture_without_outlines_the_best_threshold_says_least():
    true, empty = drawn(), np.zeros((60, 60), "uint8")
    noise = np.where(np.random.default_rng(0).random((60, 60)) < 0.1, 0.3, 0.0)
    found = kc.training.boundary_figures([true, empty], [0.9 * true, noise], thin=False)
    assert found["ODS"] == found["OIS"] == 1


def test_what_is_no_probability_and_no_map_of_outlines_is_refused():
    true = drawn()
    for map_, said, told in (
        (true, 4.0 * true, "goes from 0.0 to 4.0"),
        (true, np.where(true == 1, np.nan, 0.0), "goes from nan"),
        (255 * true // 255 * 7, true / 1.0, r"has the values \[7\]"),
        (true[:1], true[:1] / 1.0, r"shape \(1, 60\)"),
        (true[:0], true[:0] / 1.0, r"a map \(0, 60\)"),
    ):
        with pytest.raises(kc.InputError, match=told):
            kc.training.boundary_figures([map_], [said])
    with pytest.raises(kc.InputError, match="1 values not finite"):
        kc.training.thin_outlines(np.where(np.arange(9).reshape(3, 3) == 4, np.inf, 0.5))
