"""PSNR by hand, and SSIM against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

import keras_classics as kc

DRAW = np.random.default_rng(0)
PICTURES = DRAW.uniform(0, 255, (3, 17, 21, 3))
OTHERS = np.clip(PICTURES + DRAW.normal(0, [[[[10]]], [[[30]]], [[[80]]]], PICTURES.shape), 0, 255)


def test_one_grey_level_off_is_48_decibels():
    found = kc.training.peak_signal_to_noise(PICTURES, PICTURES + 1)
    assert found == pytest.approx(20 * np.log10(255))
    assert kc.training.peak_signal_to_noise(PICTURES / 255, (PICTURES + 1) / 255, largest=1) == (
        pytest.approx(found)
    )
    assert np.isinf(kc.training.peak_signal_to_noise(PICTURES, PICTURES)).all()


def test_similarity_is_tensorflows():
    found = kc.training.structural_similarity(PICTURES, OTHERS)
    pair = [tf.constant(x, "float32") for x in (PICTURES, OTHERS)]
    np.testing.assert_allclose(found, tf.image.ssim(*pair, 255.0), atol=1e-4)
    assert (np.diff(found) < 0).all()
    assert kc.training.structural_similarity(PICTURES, PICTURES) == pytest.approx(1)


def test_other_shapes_are_refused():
    with pytest.raises(kc.InputError, match=r"picture\[None\]"):
        kc.training.peak_signal_to_noise(PICTURES[0], OTHERS[0])
    with pytest.raises(kc.InputError, match="11 x 11"):
        kc.training.structural_similarity(PICTURES[:, :10], OTHERS[:, :10])
