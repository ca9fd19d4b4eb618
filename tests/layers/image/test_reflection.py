"""Borders that are mirrored, as NumPy mirrors them."""

import numpy as np
import pytest

import keras_classics as kc
from support import check_layer


@pytest.mark.parametrize("shape", [(2, 3), (1, 4), (1, 1)])
@pytest.mark.parametrize("padding", [1, 4])
def test_borders_are_mirrored_however_wide(padding, shape):
    maps = np.arange(2.0 * np.prod(shape), dtype="float32").reshape(1, *shape, 2)
    found = check_layer(kc.layers.ReflectionPadding2D(padding), maps)
    around = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    np.testing.assert_array_equal(found, np.pad(maps, around, mode="reflect"))
