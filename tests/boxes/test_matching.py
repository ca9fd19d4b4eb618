"""Which true box a proposal belongs to, and which proposals are learned from."""

import numpy as np
import pytest

from keras_classics.boxes import coverage, match, overlap, sample_regions
from keras_classics.core.errors import InputError


def test_overlaps_by_hand_and_beside_keras():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 4, 1], [5, 5, 5, 9], [0, 0, 1, 1.0]])
    assert overlap(boxes[:1], boxes).tolist() == [[1.0, 2 / 6, 0.0, 0.25]]
    assert coverage(boxes[[0, 3]], boxes[[1]]).tolist() == [[0.5], [1.0]]
    # Whatever the type, areas are beyond it in none.
    for dtype, side in (("uint8", 200), ("float16", 300), ("int32", 60_000)):
        whole = np.array([[0, 0, side, side]], dtype)
        assert overlap(whole, whole).tolist() == coverage(whole, whole).tolist() == [[1.0]]
    # Of two boxes without area.
    assert overlap(boxes[[2]], boxes[[2]]).tolist() == [[0.0]]
    assert overlap(boxes, np.zeros((0, 4))).shape == (4, 0)
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (2, 30, 2)).astype("float32")
    a, b = np.concatenate([corners, corners + rng.uniform(1, 40, corners.shape)], axis=2)
    found = keras.utils.bounding_boxes.compute_iou(a.astype("float32"), b.astype("float32"), "yxyx")
    np.testing.assert_allclose(overlap(a, b), keras.ops.convert_to_numpy(found), atol=1e-5)


def test_a_proposal_belongs_to_the_true_box_it_overlaps_most():
    found = match(
        [[0, 0, 10, 10], [0, 8, 10, 18], [50, 50, 60, 60]], [[0, 9, 10, 19], [0, 0, 9, 9]]
    )
    assert found.truth.tolist() == [1, 0, -1]
    np.testing.assert_allclose(found.overlap, [0.81, 9 / 11, 0.0])
    nothing = match([[0, 0, 1, 1]], [])
    assert nothing.truth.tolist() == [-1] and nothing.overlap.tolist() == [0.0]


def test_a_quarter_shows_something_and_the_rest_is_background():
    overlaps = np.concatenate([np.linspace(0.5, 1, 50), np.linspace(0, 0.499, 200)])
    rng = np.random.default_rng(0)
    chosen = sample_regions(overlaps, 128, rng)
    assert len(set(chosen)) == 128
    assert (overlaps[chosen[:32]] >= 0.5).all() and (overlaps[chosen[32:]] < 0.5).all()
    hard = sample_regions(overlaps, 64, rng, background=(0.1, 0.5))
    assert (overlaps[hard] >= 0.1).all()
    again = [sample_regions(overlaps, 64, np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize(
    ("overlaps", "shown"),
    [
        ([0.9, 0.8] + [0.1] * 50, 2),
        ([0.9, 0.1], 4),
        ([0.9] * 30, 16),
        ([0.2] * 3, 0),
        ([0.9] * 30 + [0.1], 15),
    ],
)
def test_what_one_kind_lacks_the_other_fills_up(overlaps, shown):
    chosen = sample_regions(overlaps, 16, np.random.default_rng(0))
    assert len(chosen) == 16
    # Of one proposal that shows something no copies are made while there is background.
    assert (np.asarray(overlaps)[chosen] >= 0.5).sum() == min(shown, sum(o >= 0.5 for o in overlaps)
                                                              if 0.1 in overlaps else shown)  # fmt: skip


def test_of_few_regions_a_quarter_show_something_in_the_mean():
    rng = np.random.default_rng(0)
    shown = [sample_regions([0.9] * 5 + [0.1] * 5, count, rng)[0] < 5 for count in [1, 2] * 400]
    assert sum(shown[::2]) == pytest.approx(100, abs=25)
    assert sum(shown[1::2]) == pytest.approx(200, abs=30)


def test_an_overlap_of_the_border_shows_something():
    assert 0 in sample_regions([0.5, 0.2], 4, np.random.default_rng(0))


def test_no_proposal_of_either_kind_is_refused_with_a_remedy_that_works():
    overlaps, rng = [0.05, 0.02], np.random.default_rng(0)
    with pytest.raises(InputError, match=r"background=\(0.0, 0.5\)"):
        sample_regions(overlaps, 4, rng, background=(0.1, 0.5))
    assert len(sample_regions(overlaps, 4, rng, background=(0.0, 0.5))) == 4


@pytest.mark.parametrize(
    "wrong", [{"positive": 5}, {"background": (0.5, 0.1)}, {"background": (0, 7)}]
)
def test_overlaps_that_are_none_draw_nothing(wrong):
    with pytest.raises(InputError, match="positive=5|a least overlap and a higher end"):
        sample_regions([0.1, 0.9], 4, np.random.default_rng(0), **wrong)


def test_a_box_alone_is_no_list_of_boxes():
    for function in (overlap, coverage, match):
        with pytest.raises(InputError, match=r"\(n, 4\)"):
            function([0, 0, 2, 2], [1, 1, 3, 3])
        function([[0, 0, 2, 2]], [[1, 1, 3, 3]])
