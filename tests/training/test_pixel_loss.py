"""The loss of pixels is the mean over those that count."""

import numpy as np
import pytest

import keras_classics as kc


def test_the_loss_by_hand():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    masks = rng.integers(0, 5, (2, 3, 4))
    masks[0, :, 1] = 255
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    counted = masks != 255
    own = np.take_along_axis(logs, np.where(counted, masks, 0)[..., None], -1)[..., 0]
    found = kc.training.pixel_cross_entropy()(masks, logits)
    assert float(found) == pytest.approx(-own[counted].mean(), rel=1e-5)
