"""SAF-pooling and the threshold unit."""

import numpy as np

from keras_classics.layers import SAFPooling, threshold
from support import check_layer

MAPS = np.random.default_rng(5).uniform(1, 2, size=(8, 7, 6, 4)).astype("float32")
MAXIMA = MAPS[:, :6].reshape(8, 3, 2, 3, 2, 4).max(axis=(2, 4))


def test_contract_and_plain_maximum_at_inference():
    np.testing.assert_array_equal(check_layer(SAFPooling(2, 0.4), MAPS), MAXIMA)


def test_training_withholds_maxima_and_scales_the_others():
    result = np.asarray(SAFPooling(2, 0.4, seed=3)(MAPS, training=True))
    dropped = result == 0
    np.testing.assert_allclose(result[~dropped], MAXIMA[~dropped] / 0.6, rtol=1e-6)
    # Four standard deviations.
    assert abs(dropped.mean() - 0.4) < 4 * np.sqrt(0.24 / dropped.size)


def test_the_window_is_also_the_step():
    expected = MAPS[:, :6].reshape(8, 2, 3, 2, 3, 4).max(axis=(2, 4))
    np.testing.assert_array_equal(SAFPooling(3)(MAPS), expected)


def test_threshold_is_one_only_above_zero():
    x = np.array([-1.0, 0.0, 1e-9, 3.0], "float32")
    np.testing.assert_array_equal(threshold(x), [0, 0, 1, 1])
    np.testing.assert_array_equal(threshold([-1.0, 0.5]), [0, 1])
