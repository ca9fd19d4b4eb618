"""Maxout: its contract, its formula, its refusal."""

import numpy as np
import pytest

from keras_classics.layers import Maxout
from support import check_layer


@pytest.mark.parametrize("shape", [(3, 12), (2, 5, 4, 12)])
def test_contract_and_formula(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    value = check_layer(Maxout(3), x)
    # Unit i has the neighbouring channels 3 i, 3 i + 1 and 3 i + 2.
    expected = np.maximum(np.maximum(x[..., 0::3], x[..., 1::3]), x[..., 2::3])
    np.testing.assert_array_equal(value, expected)


def test_works_on_maps_of_unknown_size():
    import keras

    image = keras.Input((None, None, 6))
    model = keras.Model(image, Maxout(2)(image))
    assert model.output_shape == (None, None, None, 3)
    assert model(np.zeros((1, 4, 5, 6))).shape == (1, 4, 5, 3)


def test_two_opposite_pieces_are_the_absolute_value():
    x = np.random.default_rng(0).normal(size=(5, 1)).astype("float32")
    np.testing.assert_array_equal(Maxout(2)(np.concatenate([x, -x], axis=-1)), np.abs(x))


def test_channels_that_are_no_multiple_are_refused():
    with pytest.raises(ValueError, match="7 channels.*multiple of its 2 pieces"):
        Maxout(2)(np.zeros((1, 7), "float32"))
