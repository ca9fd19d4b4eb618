"""Delta-orthogonal kernels keep every length, and variances are the critical ones."""

import numpy as np
import pytest
from keras import ops

from keras_classics.initializers import CriticalVariance, DeltaOrthogonal, critical_point
from keras_classics.layers import CircularPadding2D


def draw(initializer, *shape):
    return ops.convert_to_numpy(initializer(shape))


@pytest.mark.parametrize(("size", "channels", "filters"), [(3, 4, 4), (5, 3, 6), (1, 2, 2)])
def test_all_singular_values_of_the_convolution_are_the_gain(size, channels, filters):
    kernel = draw(DeltaOrthogonal(1.3), size, size, channels, filters)
    pixels = 6 * 5 * channels
    images = np.eye(pixels, dtype="float32").reshape(pixels, 6, 5, channels)
    padded = CircularPadding2D(size // 2)(images) if size > 1 else images
    operator = ops.convert_to_numpy(ops.conv(padded, kernel)).reshape(pixels, -1)
    np.testing.assert_allclose(np.linalg.svd(operator)[1], np.full(pixels, 1.3), rtol=1e-5)


def test_stacked_kernels_are_drawn_apart():
    kernels = draw(DeltaOrthogonal(seed=3), 7, 3, 3, 8, 8)
    centres = kernels[:, 1, 1]
    products = np.einsum("aij,bkj->abik", centres, centres)
    for first in range(7):
        for second in range(7):
            same = np.allclose(products[first, second], np.eye(8), atol=1e-5)
            assert same == (first == second)
    assert np.count_nonzero(kernels) == np.count_nonzero(centres)
    np.testing.assert_array_equal(kernels, draw(DeltaOrthogonal(seed=3), 7, 3, 3, 8, 8))


def test_orthogonal_matrices_are_uniformly_distributed():
    # Under Haar's measure an entry has mean 0, variance 1/n and fourth moment 3 / (n (n + 2)).
    entries = draw(DeltaOrthogonal(seed=1), 4000, 1, 1, 4, 4)[:, 0, 0]
    np.testing.assert_allclose(entries.mean(0), 0, atol=0.04)
    np.testing.assert_allclose((entries**2).mean(0), 1 / 4, atol=0.02)
    np.testing.assert_allclose((entries**4).mean(0), 3 / 24, atol=0.02)


@pytest.mark.parametrize("shape", [(3, 3, 5, 4), (2, 3, 4, 4), (9, 3, 2, 4, 4)])
def test_kernels_that_cannot_keep_lengths_are_refused(shape):
    with pytest.raises(ValueError, match="delta-orthogonal.*odd sides"):
        DeltaOrthogonal()(shape)


@pytest.mark.parametrize(
    ("shape", "fan_in"), [((400, 300), 400), ((3, 3, 64, 64), 576), ((20, 3, 3, 16, 16), 144)]
)
def test_critical_variance_counts_the_inputs_of_one_unit(shape, fan_in):
    sigma_w, sigma_b = critical_point("tanh", 0.2)
    weights = draw(CriticalVariance("tanh", 0.2, seed=0), *shape)
    assert weights.std() * np.sqrt(fan_in) == pytest.approx(sigma_w, rel=0.02)
    biases = draw(CriticalVariance("tanh", 0.2, "bias", seed=0), 9000)
    assert biases.std() == pytest.approx(sigma_b, rel=0.03)


def test_another_role_is_refused():
    with pytest.raises(ValueError, match="role='weight'.*'kernel', 'bias'"):
        CriticalVariance(role="weight")
