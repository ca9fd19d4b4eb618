"""Locally connected layers against loops, and against the convolution they become when shared."""

import keras
import numpy as np
import pytest

from keras_classics.layers import LocallyConnected2D
from support import check_layer

MAPS = np.random.default_rng(5).normal(size=(2, 7, 6, 3)).astype("float32")
FORMS = [
    {"kernel_size": 3},
    {"kernel_size": (2, 4), "strides": (2, 1)},
    {"kernel_size": 3, "padding": "same"},
    {"kernel_size": (3, 2), "strides": (3, 2), "padding": "same"},
    {"kernel_size": 1, "strides": 2, "use_bias": False},
]


def numpy(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("form", FORMS)
def test_contract(form):
    check_layer(LocallyConnected2D(4, activation="tanh", kernel_regularizer="l2", **form), MAPS)


@pytest.mark.parametrize("form", FORMS)
def test_contract_equals_a_loop_over_positions(form):
    layer = LocallyConnected2D(4, bias_initializer="normal", activation="tanh", **form)
    result = numpy(layer(MAPS))
    kernel, *bias = map(numpy, layer.get_weights())
    rows, columns, high, wide, _, _ = kernel.shape
    down, right = layer.strides
    if layer.padding == "same":
        assert (rows, columns) == (-(-7 // down), -(-6 // right))
        padded = np.zeros((2, (rows - 1) * down + high, (columns - 1) * right + wide, 3))
        top, left = (padded.shape[1] - 7) // 2, (padded.shape[2] - 6) // 2
        padded[:, top : top + 7, left : left + 6] = MAPS
    else:
        padded = MAPS
    expected = np.empty((2, rows, columns, 4))
    for r in range(rows):
        for c in range(columns):
            patch = padded[:, r * down : r * down + high, c * right : c * right + wide]
            expected[:, r, c] = np.tensordot(patch, kernel[r, c], 3) + (
                bias[0][r, c] if bias else 0
            )
    np.testing.assert_allclose(result, np.tanh(expected), atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_contract_equals_a_convolution_when_all_positions_share_the_kernel(form):
    layer, shared = LocallyConnected2D(4, **form), keras.layers.Conv2D(4, **form)
    expected = shared(MAPS)
    layer.build(MAPS.shape)
    layer.set_weights(
        [
            np.broadcast_to(numpy(theirs), ours.shape)
            for ours, theirs in zip(layer.weights, shared.weights, strict=True)
        ]
    )
    np.testing.assert_allclose(numpy(layer(MAPS)), numpy(expected), atol=1e-5)
    assert layer.compute_output_shape(MAPS.shape) == tuple(expected.shape)


def test_weights_and_multiplications_are_counted_for_each_position():
    image = keras.Input((11, 9, 3))
    layer = LocallyConnected2D(5, 3, strides=2)
    model = keras.Model(image, layer(image))
    rows, columns = 5, 4
    assert model.output_shape == (None, rows, columns, 5)
    assert model.count_params() == rows * columns * 3 * 3 * 3 * 5 + rows * columns * 5

    import keras_classics as kc

    assert kc.analysis.multiply_adds(model) == rows * columns * 3 * 3 * 3 * 5


def test_kernels_start_from_the_fan_in_of_one_position():
    layer = LocallyConnected2D(16, 3, kernel_initializer=keras.initializers.HeNormal(seed=1))
    layer.build((None, 10, 10, 8))
    kernel = numpy(layer.kernel)
    assert abs(kernel.std() / np.sqrt(2 / (3 * 3 * 8)) - 1) < 0.02
    assert not np.array_equal(kernel[0, 0], kernel[0, 1])


@pytest.mark.parametrize("shape", [(None, 6, 3), (6, None, 3), (2, 6, 3)])
def test_a_size_that_is_unknown_or_too_small_is_refused(shape):
    with pytest.raises(ValueError, match="a known height and width, of at least"):
        LocallyConnected2D(4, 3)(keras.Input(shape))


def test_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="padding='full'"):
        LocallyConnected2D(4, 3, padding="full")
