"""Zeros between values, what a convolution makes of them, and maps laid on each other."""

import keras
import numpy as np
import pytest

from keras_classics.initializers import BilinearUpsampling
from keras_classics.layers import CropToReference, ResizeToReference, ZeroInterleaving2D
from support import check_layer

MAPS = np.random.default_rng(5).normal(size=(2, 3, 4, 5)).astype("float32")


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_each_value_stands_top_left_in_a_square_of_zeros(factor):
    result = check_layer(ZeroInterleaving2D(factor), MAPS)
    expected = np.zeros((2, 3 * factor, 4 * factor, 5), "float32")
    expected[:, ::factor, ::factor] = MAPS
    np.testing.assert_array_equal(result, expected)


def test_files_from_before_there_was_a_factor_double():
    assert ZeroInterleaving2D.from_config({"name": "one"}).factor == 2


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


def transposed(maps, kernel, stride):
    """Zeros between, then a convolution with the kernel turned about."""
    side = len(kernel)
    apart = np.asarray(ZeroInterleaving2D(stride)(maps))
    apart = apart[:, : apart.shape[1] - stride + 1, : apart.shape[2] - stride + 1]
    padded = np.pad(apart, [(0, 0), (side - 1,) * 2, (side - 1,) * 2, (0, 0)])
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    return np.asarray(keras.ops.conv(padded, turned, padding="valid"))


@pytest.mark.parametrize(("side", "stride"), [(4, 2), (3, 2), (8, 4), (2, 2), (5, 3)])
def test_zeros_between_and_a_convolution_are_a_transposed_convolution(side, stride):
    kernel = np.random.default_rng(1).normal(size=(side, side, 2, 5)).astype("float32")
    theirs = keras.ops.conv_transpose(MAPS, kernel, stride, "valid")
    np.testing.assert_allclose(transposed(MAPS, kernel, stride), theirs, atol=1e-5)


def test_the_bilinear_kernel_by_hand():
    kernel = np.asarray(BilinearUpsampling()((4, 3, 2, 2)))
    np.testing.assert_allclose(kernel[:, 1, 0, 0], [0.25, 0.75, 0.75, 0.25])
    np.testing.assert_allclose(kernel[1, :, 1, 1], [0.375, 0.75, 0.375])
    assert (kernel[..., 0, 1] == 0).all() and (kernel[..., 1, 0] == 0).all()
    with pytest.raises(ValueError, match="as many filters"):
        BilinearUpsampling()((4, 4, 2, 3))


@pytest.mark.parametrize("stride", [2, 4])
def test_bilinear_and_nearest_are_special_cases(stride):
    maps = np.random.default_rng(0).normal(size=(1, 7, 6, 3)).astype("float32")
    kernel = np.asarray(BilinearUpsampling()((2 * stride, 2 * stride, 3, 3)))
    half = stride // 2
    found = np.asarray(keras.ops.conv_transpose(maps, kernel, stride, "valid"))
    found = found[:, half:-half, half:-half]
    theirs = np.asarray(keras.ops.image.resize(maps, (7 * stride, 6 * stride), "bilinear"))
    inner = (slice(None), slice(stride, -stride), slice(stride, -stride))
    np.testing.assert_allclose(found[inner], theirs[inner], atol=1e-5)
    box = np.ones((stride, stride, 1, 1)) * np.eye(3)
    nearest = keras.ops.conv_transpose(maps, box.astype("float32"), stride, "valid")
    np.testing.assert_array_equal(nearest, maps.repeat(stride, 1).repeat(stride, 2))


def test_what_is_made_smaller_is_an_average_of_all_of_it():
    # Every second column is 1: without antialiasing some of them would not count.
    x = np.zeros((1, 9, 12, 1), "float32")
    x[:, :, ::2] = 1
    small = np.zeros((1, 3, 4, 1), "float32")
    theirs = keras.ops.image.resize(x, (3, 4), "bilinear", antialias=True)
    np.testing.assert_allclose(theirs[0, :, 1:-1], 0.5, atol=0.1)
    for factor, reference in ((1 / 3, x), (1.0, small)):
        found = ResizeToReference(factor)([x, reference])
        np.testing.assert_allclose(found, theirs, atol=1e-6)


def test_what_is_made_larger_is_interpolated():
    reference = np.zeros((2, 7, 9, 1), "float32")
    theirs = keras.ops.image.resize(MAPS, (7, 9), "bilinear")
    np.testing.assert_allclose(ResizeToReference()([MAPS, reference]), theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("factor", "size", "expected"),
    [(0.5, (7, 11), (4, 6)), (0.5, (5, 9), (2, 4)), (0.3, (1, 9), (1, 3)), (1.5, (3, 5), (4, 8))],
)
def test_sides_are_rounded_and_at_least_one_now_and_at_run_time(factor, size, expected):
    x = np.zeros((1, *size, 2), "float32")
    layer = ResizeToReference(factor)
    assert layer([x, x]).shape[1:3] == expected
    assert layer.compute_output_shape([x.shape, x.shape])[1:3] == expected
    tf = pytest.importorskip("tensorflow")
    # A graph of any size, as the exported ones are.
    free = [tf.TensorSpec((None, None, None, 2))]
    resized = tf.function(lambda x: layer([x, x]), input_signature=free, autograph=False)
    assert resized(x).shape[1:3] == expected


@pytest.mark.parametrize("offset", [(0, 0), (1, 2), (-2, 0), (3, 3)])
def test_a_window_is_cut_and_its_border_goes_on_beyond_the_map(offset):
    reference = np.zeros((2, 2, 3, 1), "float32")
    rows, columns = (
        np.clip(np.arange(start, start + size), 0, most - 1)
        for start, size, most in zip(offset, (2, 3), (3, 4), strict=True)
    )
    expected = MAPS[:, rows][:, :, columns]
    layer = CropToReference(offset)
    np.testing.assert_array_equal(layer([MAPS, reference]), expected)
    free = [keras.Input((None, None, 5)), keras.Input((None, None, 1))]
    model = keras.Model(free, CropToReference.from_config(layer.get_config())(free))
    np.testing.assert_array_equal(model.predict_on_batch([MAPS, reference]), expected)


def test_an_offset_that_is_none_is_refused():
    with pytest.raises(ValueError, match="two whole numbers"):
        CropToReference((1, 2, 3))
