"""The loss of pixels is the mean over those that count."""

import keras
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
    found = kc.training.PixelCrossEntropy()(masks, logits)
    assert float(found) == pytest.approx(-own[counted].mean(), rel=1e-5)
    assert float(kc.training.PixelCrossEntropy()(np.full_like(masks, 255), logits)) == 0
    weights = [0.5, 1.0, 2.0, 1.0, 3.0]
    each = np.take(weights, masks[counted])
    loss = kc.training.PixelCrossEntropy(class_weights=weights)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    for weighted in (loss, again):
        expected = -(own[counted] * each).sum() / each.sum()
        assert float(weighted(masks, logits)) == pytest.approx(expected, rel=1e-5)
    # What weights are beside each other counts, of any size.
    for scale in (1e38, 1e-38):
        loss = kc.training.PixelCrossEntropy(class_weights=[scale * each for each in weights])
        assert float(loss(masks, logits)) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(kc.InputError, match=r"class_weights\[1\]=0 was given.*above 0"):
        kc.training.PixelCrossEntropy(class_weights=[1, 0, 2])
    with pytest.raises(kc.InputError, match="2 class_weights were given"):
        kc.training.PixelCrossEntropy(class_weights=[1, 2])(masks, logits)


@pytest.mark.parametrize(
    ("wrong", "ignore"), [(5, 255), (-1, 255), (1.7, 255), (-1, None), (255, None), (np.nan, None)]
)
def test_a_label_that_is_no_class_is_no_number_of_the_loss(wrong, ignore):
    masks = np.ones((1, 3, 4), "float32")
    logits = np.zeros((1, 3, 4, 5), "float32")
    loss = kc.training.PixelCrossEntropy(ignore, [1, 2, 3, 4, 5], reduction="none")
    right = np.array(loss(masks, logits))
    assert np.isfinite(right).all()
    masks[0, 1, 2] = wrong
    found = np.array(loss(masks, logits))
    assert np.argwhere(np.isnan(found)).tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(found[0, 0], right[0, 0], rtol=0.1)


def test_rare_classes_weigh_more_by_hand():
    # Class 0: 6 of 8 pixels of both pictures; 1: 2 of 4 pixels of one picture; 2: nowhere.
    masks = [
        np.array([[0, 0], [1, 1]]),
        np.array([[0, 0], [0, 255]]),
        np.array([[0, 255], [255, 255]]),
    ]
    found = kc.training.median_frequency_weights(masks, 3)
    frequencies = np.array([6 / 8, 2 / 4])
    np.testing.assert_allclose(found, [*np.median(frequencies) / frequencies, 1])
    rooted = kc.training.median_frequency_weights(masks, 3, exponent=0.5)
    np.testing.assert_allclose(rooted, np.sqrt(found))
    with pytest.raises(kc.InputError, match="of type float64"):
        kc.training.median_frequency_weights([masks[0] / 1.0], 3)
    with pytest.raises(kc.InputError, match="Mask 1 has the label 7, in 2 pixels"):
        kc.training.median_frequency_weights([masks[0], np.array([[0, 1], [7, 7]])], 3)
    with pytest.raises(kc.InputError, match="without a pixel"):
        kc.training.median_frequency_weights(masks[:0], 3)


def test_masks_that_lie_on_their_side_are_no_masks_of_the_answers():
    logits = np.zeros((2, 3, 4, 5), "float32")
    turned = np.zeros((2, 4, 3), "int32")
    for loss in (kc.training.PixelCrossEntropy(), kc.training.BoundaryLoss()):
        assert np.isfinite(float(loss(turned.swapaxes(1, 2), logits)))
        assert np.isfinite(float(loss(turned.swapaxes(1, 2)[..., None], logits)))
        with pytest.raises(kc.InputError, match=r"Masks of shape \(2, 4, 3\)"):
            loss(turned, logits)
