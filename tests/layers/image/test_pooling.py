"""Averages rounded up, against PyTorch."""

import numpy as np
import pytest

from keras_classics.layers import CeilAveragePooling2D
from support import check_layer


def normal(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


def test_contract():
    check_layer(CeilAveragePooling2D(3, 2), normal(2, 6, 8, 4))


@pytest.mark.parametrize("side", range(2, 12))
@pytest.mark.parametrize(("pool_size", "strides"), [(3, 2), (2, 2), (4, 3), (3, 1)])
def test_equals_torch(side, pool_size, strides):
    torch = pytest.importorskip("torch")
    x = normal(1, side + 2, side + 3, 2)
    layer = CeilAveragePooling2D(pool_size, strides)
    expected = torch.nn.functional.avg_pool2d(
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), pool_size, strides, ceil_mode=True
    )
    result = layer(x)
    np.testing.assert_allclose(result, expected.numpy().transpose(0, 2, 3, 1), atol=1e-6)
    assert layer.compute_output_shape(x.shape) == tuple(result.shape)


def test_a_step_beyond_the_window_is_refused():
    with pytest.raises(ValueError, match="strides=3.*windows of 2"):
        CeilAveragePooling2D(2, 3)
