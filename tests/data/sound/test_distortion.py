"""Distorted recordings: what is hidden, what is stretched, and always the same by its seed."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.sound.recordings import log_mel_frames

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


def test_another_voice_says_all_at_other_frequencies():
    seconds = np.arange(4000) / 8000
    heard = {
        hertz: log_mel_frames(0.5 * np.sin(2 * np.pi * hertz * seconds).astype("float32"))
        for hertz in (500, 650, 1000, 1250, 1500, 2000, 2600)
    }
    for factor, lower in ((1.3, 500), (1.25, 1000), (1.3, 2000), (0.75, 2000), (0.5, 2000)):
        moved = kc.data.revoiced(heard[lower], factor).mean(axis=0)
        real = heard[factor * lower].mean(axis=0)
        assert abs(int(moved.argmax()) - int(real.argmax())) <= 1
        assert heard[lower].mean(axis=0).argmax() != real.argmax()
    np.testing.assert_allclose(kc.data.revoiced(FRAMES, 1), FRAMES, atol=1e-6)
    distorted = kc.data.Distortion(voice=0.2)(heard[1000], np.random.default_rng(0))
    assert distorted.shape == heard[1000].shape and not np.allclose(distorted, heard[1000])


def test_noise_adds_its_power():
    silent, loud = np.full((400, 24), -9.0, "float32"), np.full((400, 24), 2.0, "float32")
    levels = []
    for seed in range(20):
        noisy = kc.data.Distortion(noise=-20)(silent, np.random.default_rng(seed))
        decibels = 20 * noisy - 20
        levels.append(decibels.mean())
        # From moment to moment 3, between low and high bands 5 at most.
        np.testing.assert_allclose(decibels.std(axis=0), 3, rtol=0.25)
        assert np.ptp(decibels.mean(axis=0)) < 11
    assert -62 < min(levels) < -50 and -30 < max(levels) < -18
    # Of equal power: 3 decibels more. Where the recording is loud, it stays.
    equal = kc.data.Distortion(noise=20)(loud, np.random.default_rng(4))
    level = 20 * kc.data.Distortion(noise=20)(silent, np.random.default_rng(4)) - 20
    expected = 10 * np.log10(10 ** (level / 10) + 10 ** (20 / 10))
    np.testing.assert_allclose(20 * equal - 20, expected, atol=1e-3)


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
    with pytest.raises(kc.InputError, match="noise=1000.*Give -20"):
        kc.data.Distortion(noise=1000)
    with pytest.raises(kc.InputError, match="voice=1"):
        kc.data.Distortion(voice=1)
    with pytest.raises(kc.InputError, match="bands=-1"):
        kc.data.Distortion(bands=-1)
    with pytest.raises(kc.InputError, match="at least one"):
        kc.data.stretched(FRAMES[:0], 2)
