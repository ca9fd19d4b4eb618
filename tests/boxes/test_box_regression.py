"""From proposals to true boxes and back."""

import numpy as np
import pytest

from keras_classics.boxes import RidgeBoxes, Whitening, apply_regression, regression_targets
from keras_classics.core.errors import InputError


def test_targets_are_those_of_the_paper():
    # Twice as high and half as wide; the centre moves from (5, 10) to (20, 5).
    found = regression_targets([[0, 0, 10, 20]], [[10, 0, 30, 10]])
    np.testing.assert_allclose(found, [[1.5, -0.25, np.log(2), -np.log(2)]], rtol=1e-6)


def test_they_lead_to_the_true_boxes_within_the_picture():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 60, (2, 40, 2))
    a, b = np.concatenate([corners, corners + rng.uniform(2, 40, corners.shape)], axis=2)
    targets = regression_targets(a, b)
    np.testing.assert_allclose(apply_regression(a, targets), b, atol=1e-3)
    clipped = apply_regression(a, targets, (50, 70))
    np.testing.assert_allclose(clipped, np.clip(b, 0, [50, 70, 50, 70]), atol=1e-3)


def test_a_box_without_area_has_no_targets():
    with pytest.raises(InputError, match="least side is 0"):
        regression_targets([[0, 0, 0, 4]], [[0, 0, 4, 4]])


def test_whitened_targets_have_mean_0_and_covariance_1_and_come_back():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(2000, 4)) @ rng.normal(size=(4, 4)) + [1, 2, 3, 4]
    whitening = Whitening.fit(targets)
    white = whitening.whiten(targets)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)
    # A thousandth is added to each variance.
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(4), atol=0.02)
    # Turned back after it was stretched: each number stays nearest to its own.
    np.testing.assert_allclose(whitening.matrix, whitening.matrix.T, atol=1e-12)
    np.testing.assert_allclose(whitening.unwhiten(white), targets, atol=1e-9)


def test_targets_without_variance_are_divided_by_a_thousandth():
    whitening = Whitening.fit(np.tile([1.0, 2.0, 3.0, 4.0], (5, 1)))
    np.testing.assert_allclose(whitening.matrix, np.eye(4) / np.sqrt(1e-3), atol=1e-9)


def test_ridge_regression_is_that_of_scikit_learn_with_the_bias_among_the_features():
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    features = rng.normal(size=(80, 6))
    targets = features @ rng.normal(size=(6, 4)) * 0.1 + 0.2
    ours = RidgeBoxes.fit(features, targets)
    whitening = Whitening.fit(targets)
    rows = np.concatenate([features, np.ones((80, 1))], axis=1)
    theirs = linear.Ridge(alpha=1000.0, fit_intercept=False).fit(rows, whitening.whiten(targets))
    np.testing.assert_allclose(
        ours.predict(features), whitening.unwhiten(theirs.predict(rows)), atol=1e-8
    )
    exact = RidgeBoxes.fit(features, targets, penalty=1e-9)
    np.testing.assert_allclose(exact.predict(features), targets, atol=1e-6)
    with pytest.raises(InputError, match="at least one"):
        RidgeBoxes.fit(np.zeros((0, 6)), np.zeros((0, 4)))


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        (np.zeros((1, 4)), {}, r"2 proposals and targets of shape \(1, 4\)"),
        (np.zeros((3, 4)), {}, r"targets of shape \(3, 4\)"),
        (np.zeros((2, 3)), {}, r"targets of shape \(2, 3\)"),
        (np.full((2, 4), np.nan), {}, "8 of them NaN"),
        (np.full((2, 4), 1000.0), {}, "Give the size of the picture"),
        (np.zeros((2, 4)), {"size": (-5, -5)}, "size"),
    ],
)
def test_targets_that_lead_to_no_box_are_refused(targets, options, message):
    boxes = [[0, 0, 5, 5], [1, 2, 9, 8]]
    with pytest.raises(InputError, match=message):
        apply_regression(boxes, targets, **options)
    # As the remedy says: cut to the picture, whatever the size.
    far = apply_regression(boxes, np.full((2, 4), 1000.0), (10, 10))
    assert np.isfinite(far).all() and far.max() <= 10


def test_nothing_and_what_is_not_finite_is_not_learned_from():
    with pytest.raises(InputError, match="No target"):
        Whitening.fit(np.zeros((0, 4)))
    with pytest.raises(InputError, match="Features .* NaN"):
        RidgeBoxes.fit(np.full((3, 2), np.nan), np.zeros((3, 4)))
