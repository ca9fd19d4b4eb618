"""Layers around sequences of different lengths."""

import keras
import numpy as np

import keras_classics as kc
from support import check_layer

SEQUENCES = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
LENGTHS = np.array([5, 2])


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_contract_of_layers_that_take_a_sequence():
    np.testing.assert_array_equal(check_layer(kc.layers.BlankPadding(), SEQUENCES), SEQUENCES)
    total = check_layer(kc.layers.SumOverTime(), SEQUENCES)
    np.testing.assert_allclose(total, SEQUENCES.sum(axis=1), rtol=1e-5, atol=1e-6)


def test_valid_steps_contract():
    layer = kc.layers.ValidSteps(masked=True)
    found = array(layer([SEQUENCES, LENGTHS]))
    np.testing.assert_array_equal(found[0], SEQUENCES[0])
    assert np.array_equal(found[1, :2], SEQUENCES[1, :2]) and not found[1, 2:].any()
    assert array(layer.compute_mask([SEQUENCES, LENGTHS])).sum(axis=1).tolist() == [5, 2]
    halves = kc.layers.ValidSteps(stride=2, masked=True).compute_mask([SEQUENCES, [10, 5]])
    assert array(halves).sum(axis=1).tolist() == [5, 2]
    assert kc.layers.ValidSteps().compute_mask([SEQUENCES, LENGTHS]) is None


def test_normalized_steps_contract():
    layer = kc.layers.NormalizedSteps(least=0.5)
    found = array(layer([SEQUENCES, LENGTHS]))
    for row, length in zip((0, 1), LENGTHS, strict=True):
        own = SEQUENCES[row, :length]
        expected = (own - own.mean(axis=0)) / np.sqrt(own.var(axis=0) + 0.25)
        np.testing.assert_allclose(found[row, :length], expected, rtol=1e-4, atol=1e-5)
    assert not found[1, 2:].any()
    # Loudness is gone, and what pads a sequence is not looked at.
    other = SEQUENCES + np.array([3.0, -1, 7], "float32")
    other[1, 2:] = np.nan
    np.testing.assert_allclose(array(layer([other, LENGTHS])), found, atol=1e-4)
    assert not array(layer([SEQUENCES, np.array([0, 1])])).any()


def test_masked_steps_do_not_count_contract():
    mask = np.arange(5) < LENGTHS[:, None]
    total = array(kc.layers.SumOverTime()(SEQUENCES, mask=mask))
    np.testing.assert_allclose(total[1], SEQUENCES[1, :2].sum(axis=0), atol=1e-6)
    blank = array(kc.layers.BlankPadding()(SEQUENCES, mask=mask))
    np.testing.assert_array_equal(blank[1, 2:], [[0, -1e9, -1e9]] * 3)


def test_segment_means_contract():
    segments = np.array([[1, 1, 2, 2, 2], [0, 1, 1, 0, 0]])
    means = array(kc.layers.SegmentMean()([SEQUENCES, segments]))
    np.testing.assert_allclose(means[0, 1], SEQUENCES[0, 2:].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(means[1, 0], SEQUENCES[1, 1:3].mean(axis=0), atol=1e-6)
    assert not means[0, 2:].any() and not means[1, 1:].any()
