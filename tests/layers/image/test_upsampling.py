"""Zero-interleaving: each value top left in its square, and what a convolution makes of it."""

import keras
import numpy as np
import pytest

from keras_classics.layers import ZeroInterleaving2D
from support import check_layer

MAPS = np.random.default_rng(5).normal(size=(2, 3, 4, 5)).astype("float32")


def test_each_value_stands_top_left_in_a_square_of_zeros():
    result = check_layer(ZeroInterleaving2D(), MAPS)
    expected = np.zeros((2, 6, 8, 5), "float32")
    expected[:, ::2, ::2] = MAPS
    np.testing.assert_array_equal(result, expected)


def test_sizes_may_be_unknown_until_run_time():
    model = keras.Sequential([keras.Input((None, None, 5)), ZeroInterleaving2D()])
    assert model.output_shape == (None, None, None, 5)
    assert model.predict_on_batch(MAPS).shape == (2, 6, 8, 5)


@pytest.mark.parametrize(
    ("profile", "middle"),
    [
        # A tent interpolates bilinearly, a box repeats the nearest value.
        ([0.5, 1.0, 0.5], lambda left, right: (left + right) / 2),
        ([1.0, 1.0, 0.0], lambda left, right: left),
    ],
)
def test_a_convolution_after_it_is_the_usual_upsampling(profile, middle):
    row = np.random.default_rng(0).normal(size=(1, 1, 6, 1)).astype("float32")
    kernel = np.zeros((3, 3, 1, 1), "float32")
    kernel[1, :, 0, 0] = profile
    upsampled = keras.ops.conv(ZeroInterleaving2D()(row), kernel, padding="same")
    values = np.asarray(upsampled)[0, 0, :, 0]
    np.testing.assert_allclose(values[::2], row[0, 0, :, 0], rtol=1e-6)
    between = middle(row[0, 0, :-1, 0], row[0, 0, 1:, 0])
    np.testing.assert_allclose(values[1:-1:2], between, rtol=1e-6)
