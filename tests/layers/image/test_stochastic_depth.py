"""Stochastic depth: whole branches, at the stated rate, unbiased where it says so."""

import numpy as np
import pytest

from keras_classics.layers import StochasticDepth
from support import check_layer

ONES = np.ones((64, 2, 3), "float32")


@pytest.mark.parametrize("mode", ["batch", "row"])
@pytest.mark.parametrize("rescale", ["test", "train"])
def test_contract(mode, rescale):
    check_layer(StochasticDepth(0.8, mode, rescale), ONES)


def test_batch_mode_keeps_or_drops_everything_at_the_stated_rate():
    layer = StochasticDepth(0.7, seed=1)
    draws = np.array([layer(ONES, training=True) for _ in range(300)])
    kept = draws[:, 0, 0, 0]
    assert set(np.unique(draws)) == {0.0, 1.0}
    np.testing.assert_array_equal(draws, kept[:, None, None, None] * ONES)
    # Four standard deviations of the mean of 300 draws.
    assert abs(kept.mean() - 0.7) < 4 * np.sqrt(0.21 / 300)


def test_row_mode_draws_for_each_example():
    layer = StochasticDepth(0.5, "row", seed=1)
    draws = np.array([layer(ONES, training=True) for _ in range(20)])
    rows = draws[:, :, 0, 0]
    np.testing.assert_array_equal(draws, rows[..., None, None] * ONES)
    assert np.all((0 < rows.mean(axis=1)) & (rows.mean(axis=1) < 1))
    assert abs(rows.mean() - 0.5) < 4 * np.sqrt(0.25 / rows.size)


def test_the_paper_scales_at_inference_and_later_code_in_training():
    paper, later = StochasticDepth(0.25), StochasticDepth(0.25, rescale="train")
    np.testing.assert_array_equal(paper(ONES), 0.25 * ONES)
    np.testing.assert_array_equal(later(ONES), ONES)
    seen = {float(np.max(later(ONES, training=True))) for _ in range(40)}
    assert seen == {0.0, 4.0}


@pytest.mark.parametrize("survival", [0, -0.1, 1.1])
def test_survival_is_a_probability(survival):
    with pytest.raises(ValueError, match="a probability above 0"):
        StochasticDepth(survival)
