"""Sliding windows, and how good proposals are."""

import numpy as np
import pytest

from keras_classics.boxes import Truth, proposal_quality, sliding_windows
from keras_classics.core.errors import InputError


def test_a_grid_covers_the_picture_with_windows_of_each_form():
    found = sliding_windows((60, 90), sides=(20,), aspects=(0.25, 1.0), step=0.5)
    assert [0, 0, 60, 90] in found.tolist()
    sizes = {tuple(size) for size in np.round(found[:, 2:] - found[:, :2], 2).tolist()}
    assert sizes == {(60, 90), (40, 10), (20, 20)}
    squares = found[np.isclose(found[:, 2] - found[:, 0], 20)]
    # Half a side from one to the next, and the last ends at the border.
    assert len(squares) == 5 * 8 and squares[:, 2:].max(axis=0).tolist() == [60, 90]
    assert (found >= 0).all() and len(np.unique(found, axis=0)) == len(found)


def test_windows_larger_than_the_picture_are_cut_to_it():
    assert sliding_windows((10, 20), sides=(64,), aspects=(1.0,)).tolist() == [[0, 0, 10, 20]]
    with pytest.raises(InputError, match="step=0"):
        sliding_windows((10, 20), step=0)
    for size in ((0, 10), (-5, 10), (10.5, 10)):
        with pytest.raises(InputError, match="size="):
            sliding_windows(size)


def test_recall_and_mabo_by_hand():
    truths = [
        Truth([[0, 0, 10, 10], [0, 20, 10, 30], [50, 50, 60, 60]], [0, 1, 1], difficult=[0, 0, 1]),
        Truth([[0, 0, 10, 10]], [0]),
    ]
    proposals = [[[0, 0, 10, 10], [0, 20, 10, 25]], []]
    found = proposal_quality(proposals, truths, 3)
    # Overlaps 1 and 0 of the first class, 0.5 of the second; the difficult one does not count.
    assert found.recall == pytest.approx(2 / 3)
    np.testing.assert_allclose(found.by_class, [0.5, 0.5, np.nan])
    assert found.mabo == pytest.approx(0.5) and found.mean_count == 1.0
    assert proposal_quality(proposals, truths, 3, threshold=0.6).recall == pytest.approx(1 / 3)
    # What is difficult, a crowd or of no class does not count.
    crowd = Truth([[0, 0, 10, 10], [0, 0, 90, 90], [0, 0, 90, 90]], [0, 1, -1], crowd=[0, 1, 0])
    assert proposal_quality([[[0, 0, 10, 10]]], [crowd], 2).recall == 1.0
    with pytest.raises(InputError, match="equally many, at least 1"):
        proposal_quality([], truths, 3)
    with pytest.raises(InputError, match="equally many, at least 1"):
        proposal_quality([], [], 3)
    with pytest.raises(InputError, match="is of class 1, with classes=1"):
        proposal_quality(proposals, truths, 1)
    with pytest.raises(InputError, match="threshold=50"):
        proposal_quality(proposals, truths, 3, threshold=50)


@pytest.mark.parametrize("options", [{"step": 1e-6}, {"sides": (1e-3,)}])
def test_more_windows_than_memory_holds_are_refused_before_they_are_made(options):
    with pytest.raises(InputError, match="such as sides=.*up to 10000000 windows|up to 10000000"):
        sliding_windows((1000, 1000), **options)
    assert len(sliding_windows((1000, 1000), sides=(32, 64), step=0.5)) < 30_000
    with pytest.raises(InputError, match="a number above 0"):
        proposal_quality([[]], [Truth([[0, 0, 1, 1]], [0])], 1, threshold=0)
