"""R-CNN: regions warped as in the paper, classifiers and regressions on their features."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.boxes import Truth, average_precision, sliding_windows
from keras_classics.core.errors import InputError
from models.regions.test_fast_rcnn import Painted

GRID = sliding_windows((32, 32), sides=(10, 14), aspects=(1.0,), step=0.4)


def test_a_box_fills_the_middle_and_what_is_around_it_the_context():
    image = np.zeros((100, 120, 3), "uint8")
    image[20:60, 30:90] = [10, 200, 60]
    (found,) = kc.models.warp_regions(image, [[20, 30, 60, 90]], 227)
    assert found.shape == (227, 227, 3)
    # But for the pixels at the border, which are between both.
    np.testing.assert_allclose(found[18:209, 18:209], np.broadcast_to([10, 200, 60], (191, 191, 3)))
    assert (found[:14] == 0).all() and (found[:, 213:] == 0).all()


def test_beyond_the_border_is_the_mean():
    image = np.zeros((20, 20, 3), "uint8")
    image[:, 10:] = 100
    (found,) = kc.models.warp_regions(image, [[0, 0, 20, 20]], 40, context=10)
    np.testing.assert_allclose(found[0], 50, atol=1e-3)
    np.testing.assert_allclose(found[20, 12:18], 0, atol=1e-3)
    np.testing.assert_allclose(found[20, 22:28], 100, atol=1e-3)


def test_a_square_keeps_the_shape_and_a_warp_does_not():
    image = np.zeros((60, 60, 3), "uint8")
    image[20:40, 25:35] = 255
    warped, squared = (
        kc.models.warp_regions(image, [[20, 25, 40, 35]], 50, context=5, square=square)[0]
        for square in (False, True)
    )
    white = [
        (each[..., 0] > 127).sum(axis=axis).max() for each in (warped, squared) for axis in (0, 1)
    ]
    assert white == [40, 40, 40, 20]


def test_what_cannot_be_warped_is_refused():
    image = np.zeros((9, 9, 3), "uint8")
    with pytest.raises(InputError, match="twice the context"):
        kc.models.warp_regions(image, [[0, 0, 4, 4]], 32)
    with pytest.raises(InputError, match="with an area"):
        kc.models.warp_regions(image, [[0, 0, 0, 4]])
    assert kc.models.warp_regions(image, [], 8, context=1).shape == (0, 8, 8, 3)


def colours():
    """Features that say where which colour is: means over a 3 x 3 grid."""
    image = keras.Input((24, 24, 3))
    return keras.Model(image, keras.layers.Flatten()(keras.layers.AveragePooling2D(6)(image)))


@pytest.fixture(scope="module")
def fitted():
    pytest.importorskip("sklearn")
    detector = kc.models.RCNN(colours(), 3, context=4)
    examples = [Painted(number) for number in range(60)]
    return detector.fit(examples, [GRID] * 60, cost=1.0, penalty=1.0)


def test_it_finds_painted_squares_and_its_regression_brings_boxes_nearer(fitted):
    test = [Painted(number) for number in range(1000, 1030)]
    truths = [Truth.of(each) for each in test]
    found = [fitted.detect(each.image, GRID) for each in test]
    assert average_precision(found, truths, 3, rules="voc10").figures["AP"] > 0.8
    fitted_boxes, fitted.regressors = fitted.regressors, (None,) * 3
    try:
        rough = [fitted.detect(each.image, GRID) for each in test]
    finally:
        fitted.regressors = fitted_boxes
    sharp, blunt = (
        average_precision(each, truths, 3, rules="voc10", threshold=0.7).figures["AP"]
        for each in (found, rough)
    )
    assert sharp > blunt


def test_features_are_scaled_to_a_mean_norm_of_20(fitted):
    described = fitted.describe(Painted(0).image, GRID) * fitted.scale
    assert 10 < np.linalg.norm(described, axis=1).mean() < 30


def test_a_class_without_a_true_box_is_never_found_and_no_proposal_finds_nothing(fitted):
    detector = kc.models.RCNN(fitted.features, 4, context=4)
    detector.fit([Painted(number) for number in range(9)], [GRID] * 9, cost=1.0, penalty=1.0)
    assert detector.regressors[3] is None
    assert 3 not in detector.detect(Painted(0).image, GRID, least_score=-1e9).box_labels
    assert fitted.detect(Painted(0).image, []).boxes.shape == (0, 4)


def test_what_is_not_ready_is_refused():
    with pytest.raises(InputError, match="Call fit first"):
        kc.models.RCNN(colours(), 3).detect(Painted(0).image, GRID)
    with pytest.raises(InputError, match="picture_encoder"):
        kc.models.RCNN(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]), 3)
    with pytest.raises(InputError, match="equally many"):
        kc.models.RCNN(colours(), 3).fit([Painted(0)], [])
