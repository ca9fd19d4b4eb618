"""Distorted recordings: what is hidden, what is stretched, and always the same by its seed."""

import numpy as np
import pytest

import keras_classics as kc

FRAMES = np.random.default_rng(0).normal(size=(120, 24)).astype("float32")


def changed(distortion, seed=0):
    return distortion(FRAMES, np.random.default_rng(seed)) != FRAMES


def test_runs_of_bands_and_moments_are_hidden():
    widest, longest, everywhere = 0, 0, np.zeros(24, bool)
    for seed in range(30):
        bands = changed(kc.data.Distortion(bands=5), seed)
        # A band is hidden always or never.
        assert (bands.all(axis=0) == bands.any(axis=0)).all()
        widest, everywhere = max(widest, bands[0].sum()), everywhere | bands[0]
        moments = changed(kc.data.Distortion(frames=8, every=50), seed)
        assert (moments.all(axis=1) == moments.any(axis=1)).all()
        longest = max(longest, moments[:, 0].sum())
    # Two runs of five bands at most, and one of eight frames for each of 50, 50 and 20.
    assert 5 < widest <= 10 and 16 < longest <= 24
    assert everywhere.all()
    hidden = kc.data.Distortion(bands=5)(FRAMES, np.random.default_rng(1))
    gone = (hidden != FRAMES).any(axis=0)
    np.testing.assert_allclose(hidden[:, gone], FRAMES.mean(axis=0)[gone] + 0 * hidden[:, gone])


def test_a_stretched_recording_takes_longer_and_says_the_same():
    ramp = np.arange(10, dtype="float32")[:, None] * [1, -2]
    slower = kc.data.stretched(ramp, 2)
    np.testing.assert_allclose(slower[:, 0], np.linspace(0, 9, 20), rtol=1e-6)
    np.testing.assert_allclose(slower[:, 1], -2 * slower[:, 0], rtol=1e-6)
    assert len(kc.data.stretched(ramp, 0.5)) == 5
    np.testing.assert_array_equal(kc.data.stretched(ramp, 1), ramp)
    lengths = {
        len(kc.data.Distortion(stretch=0.2)(FRAMES, np.random.default_rng(seed)))
        for seed in range(40)
    }
    assert 96 <= min(lengths) < 105 and 135 < max(lengths) <= 144


def test_batches_are_distorted_by_their_number_alone():
    part = kc.data.LabelledSequences([FRAMES[: 20 + n] for n in range(12)], [np.int32(0)] * 12)
    given = {"batch_size": 4, "seed": 3, "distort": kc.data.Distortion(bands=9, frames=9)}
    later = next(iter(kc.data.sequence_batches(part, first=2, **given)))
    whole = iter(kc.data.sequence_batches(part, **given))
    batches = [next(whole)[0] for _ in range(5)]
    np.testing.assert_array_equal(batches[2], later[0])
    plain = iter(kc.data.sequence_batches(part, batch_size=4, seed=3))
    assert any((np.asarray(each) != np.asarray(next(plain)[0])).any() for each in batches)
    # What is learnt from stays as it is.
    np.testing.assert_array_equal(part.inputs[0], FRAMES[:20])


def test_what_is_no_distortion_is_refused():
    with pytest.raises(kc.InputError, match="stretch=1.5"):
        kc.data.Distortion(stretch=1.5)
    with pytest.raises(kc.InputError, match="bands=-1"):
        kc.data.Distortion(bands=-1)
    with pytest.raises(kc.InputError, match="at least one"):
        kc.data.stretched(FRAMES[:0], 2)
