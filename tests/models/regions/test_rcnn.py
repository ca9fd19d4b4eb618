"""R-CNN: regions warped as in the paper, classifiers and regressions on their features."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.boxes import RidgeBoxes, Truth, average_precision, overlap, sliding_windows
from keras_classics.core.errors import InputError
from keras_classics.data.pictures.region_batches import MatchedRegions
from keras_classics.models.regions import rcnn
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
    for far in ([0, 0, 9, 1e6], [1e6, 0, 1e6 + 4, 4], [-40, 0, 4, 4]):
        with pytest.raises(InputError, match="numpy.clip"):
            kc.models.warp_regions(image, [far])
    with pytest.raises(InputError, match="read_image"):
        kc.models.warp_regions(image[..., 0], [[0, 0, 4, 4]])
    assert kc.models.warp_regions(image, [], 8, context=1).shape == (0, 8, 8, 3)


def test_of_a_batch_of_warped_regions_a_quarter_shows_something_and_they_are_what_is_warped():
    examples = [Painted(number) for number in range(12)]
    # Of another size than the others.
    examples[3].image = np.pad(examples[3].image, [(0, 9), (0, 0), (0, 0)])
    options = {"classes": 3, "seed": 0, "batch_size": 32, "size": 24, "context": 4, "flip": False}
    stream = iter(kc.data.warped_batches(examples, [GRID] * 12, **options))
    seen = [[np.asarray(part) for part in next(stream)] for _ in range(3)]
    later = next(iter(kc.data.warped_batches(examples, [GRID] * 12, **options, first=2)))
    for found, expected in zip(later, seen[2], strict=True):
        np.testing.assert_array_equal(found, expected)
    warped, told = [], []
    for example in examples:
        boxes = np.concatenate([GRID, example.boxes])
        warped.append(kc.models.warp_regions(example.image, boxes, 24, context=4) / 127.5 - 1.0)
        shows = overlap(boxes, example.boxes)[:, 0] >= 0.5
        told.append(np.where(shows, example.box_labels[0], 3))
    warped, told = np.concatenate(warped), np.concatenate(told)
    for pictures, labels in seen:
        assert (labels < 3).sum() == 8 and len(set(labels)) == 4
        for picture, label in zip(pictures, labels, strict=True):
            same = np.abs(warped - picture).max(axis=(1, 2, 3)) < 1e-3
            assert label in told[same]
    turned = next(iter(kc.data.warped_batches(examples, [GRID] * 12, **{**options, "flip": True})))
    pairs = list(zip(np.asarray(turned[0]), seen[0][0], strict=True))
    same = [(one == two).all() for one, two in pairs]
    mirrored = [(one[:, ::-1] == two).all() for one, two in pairs]
    assert all(np.logical_or(same, mirrored)) and 4 < np.sum(mirrored) < 32


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
    norms = []
    for example in map(Painted, range(60)):
        regions = np.concatenate([GRID, example.boxes])
        norms.append(np.linalg.norm(fitted.describe(example.image, regions), axis=1))
    assert np.mean(norms) * fitted.scale == pytest.approx(20.0, rel=1e-4)


def test_a_class_without_a_true_box_is_never_found_and_no_proposal_finds_nothing(fitted):
    detector = kc.models.RCNN(fitted.features, 4, context=4)
    detector.fit([Painted(number) for number in range(9)], [GRID] * 9, cost=1.0, penalty=1.0)
    assert detector.regressors[3] is None
    assert 3 not in detector.detect(Painted(0).image, GRID, least_score=-1e9).box_labels
    assert fitted.detect(Painted(0).image, []).boxes.shape == (0, 4)


def test_a_classifier_is_the_machine_of_the_paper():
    """C of 1e-3, positives twice, a bias of 10 that is held back like the others."""
    optimize, svm = pytest.importorskip("scipy.optimize"), pytest.importorskip("sklearn.svm")
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(1, 3, (30, 4)), rng.normal(-1, 3, (60, 4))
    rows = np.concatenate([positive, negative])
    rows = np.concatenate([rows, np.full((90, 1), 10.0)], axis=1)
    signs, costs = np.repeat([1, -1], [30, 60]), np.repeat([2e-3, 1e-3], [30, 60])

    def dual(shares):
        held = (shares * signs) @ rows
        return 0.5 * held @ held - shares.sum()

    solved = optimize.minimize(
        dual, np.zeros(90), bounds=[(0, cost) for cost in costs], method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-12},
    )  # fmt: skip
    expected = (solved.x * signs) @ rows
    found = rcnn._learned(svm, positive, negative, 1e-3, 0)
    np.testing.assert_allclose(found, [*expected[:4], 10 * expected[4]], atol=2e-4)


def test_negatives_are_far_from_true_boxes_and_those_kept_are_hard(monkeypatch):
    """Each feature is its region's number, so that what a machine is given tells which it was."""
    truth = Truth([[0, 0, 10, 10], [70, 70, 80, 80]], [0, 0], crowd=[False, True])
    # Overlaps 0.5, 0.29, 0, one in the crowd, and behind them the true box itself.
    boxes = [[0, 0, 5, 10], [0, 0, 2.9, 10], [50, 50, 60, 60], [71, 71, 79, 79]]
    regions = MatchedRegions(truth, boxes, 1)
    features = [np.float64([[2], [3], [4], [5], [1]]), np.float64([[12], [13], [14], [15], [11]])]
    seen = [rcnn._Seen(regions, each, np.arange(0), each) for each in features]
    given = []

    def learned(svm, positive, negative, cost, seed):
        given.append((positive[:, 0].tolist(), sorted(negative[:, 0].tolist())))
        # Scores x / 10 - 2.35: of 13 and 14 only the latter is above -1.0001; 3 and 4 are easy.
        return np.array([0.1, -2.35])

    monkeypatch.setattr(rcnn, "_learned", learned)
    detector = kc.models.RCNN(colours(), 1, context=4)
    detector._classifier(None, seen, 0, 1e-3, 0)
    assert given == [([1, 11], [3, 4]), ([1, 11], [14])]
    # After 2,000 new ones it learns in between.
    monkeypatch.setattr(rcnn, "_RETRAIN_AFTER", 0)
    given.clear()
    detector._classifier(None, [*seen, *seen[1:]], 0, 1e-3, 0)
    assert [negative for _, negative in given] == [[3, 4], [14], [14, 14]]


def test_the_numbers_are_those_of_the_paper():
    assert (rcnn._COST, rcnn._POSITIVE_WEIGHT, rcnn._RETRAIN_AFTER) == (1e-3, 2.0, 2000)
    assert (rcnn._HARD, rcnn._EASY, rcnn._NEGATIVE, rcnn._REGRESSED) == (-1.0001, -1.2, 0.3, 0.6)


def test_without_a_negative_all_is_of_the_class_and_what_is_nothing_is_passed_over():
    pytest.importorskip("sklearn")
    example = Painted(0)
    detector = kc.models.RCNN(colours(), 1, context=4)
    detector.fit([example], [[]])
    found = detector.detect(example.image, [example.boxes[0], [3, 3, 3, 9], [40, 40, 50, 50]])
    # Without area, and clipped away.
    assert found.box_labels.tolist() == [0] and found.scores.tolist() == [1.0]
    with pytest.raises(InputError, match=r"\(255 \* image\)"):
        detector.detect(example.image / 255, example.boxes)


def test_regressions_learn_from_regions_above_three_fifths_with_features_of_their_own(monkeypatch):
    image = keras.Input((24, 24, 3))
    small = keras.layers.AveragePooling2D(6)(image)
    vectors = [keras.layers.GlobalAveragePooling2D()(image), keras.layers.Flatten()(small)]
    detector = kc.models.RCNN(
        keras.Model(image, vectors), 3, context=4,
        softmax=kc.models.region_classifier(keras.Model(image, vectors), 3),
    )  # fmt: skip
    given = []
    fit = RidgeBoxes.fit
    monkeypatch.setattr(
        rcnn.RidgeBoxes, "fit", lambda *parts: (given.append(parts), fit(*parts))[1]
    )
    examples = [Painted(number) for number in range(6)]
    detector.fit(examples, [GRID] * 6)
    label = int(examples[0].box_labels[0])
    features, targets, penalty = given[label]
    assert penalty == 1000.0 and features.shape[1] == 48
    expected, read = [], []
    for example in examples:
        boxes = np.concatenate([GRID, example.boxes])
        near = overlap(boxes, example.boxes)[:, 0] > 0.6
        if example.box_labels[0] == label:
            true = np.repeat(example.boxes, near.sum(), axis=0)
            expected.append(kc.boxes.regression_targets(boxes[near], true))
            read.append(detector._described(example.image, boxes[near])[1])
    np.testing.assert_allclose(targets, np.concatenate(expected), atol=1e-6)
    assert detector.scale != detector.box_scale
    np.testing.assert_allclose(features, np.concatenate(read) * detector.box_scale, rtol=1e-3)


def test_a_tuned_softmax_takes_the_place_of_the_machines():
    keras.utils.set_random_seed(0)
    features = colours()
    tuned = kc.models.region_classifier(features, 3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tuned.compile(keras.optimizers.Adam(0.05), loss)
    examples = [Painted(number) for number in range(60)]
    batches = kc.data.warped_batches(
        examples, [GRID] * 60, classes=3, seed=0, batch_size=64, size=24, context=4
    )
    tuned.fit(batches, steps_per_epoch=60, verbose=0)
    detector = kc.models.RCNN(features, 3, context=4, softmax=tuned)
    detector.fit(examples, [GRID] * 60, penalty=1.0)
    test = [Painted(number) for number in range(1000, 1020)]
    found = [detector.detect(each.image, GRID) for each in test]
    assert average_precision(found, [Truth.of(each) for each in test], 3).figures["AP50"] > 0.8
    best = max(found[0].scores)
    said = tuned.predict_on_batch(
        kc.models.warp_regions(test[0].image, GRID, 24, context=4) / np.float32(127.5) - 1
    )
    shares = np.exp(said) / np.exp(said).sum(axis=1, keepdims=True)
    assert best == pytest.approx(shares[:, :3].max(), rel=1e-4)
    assert min(each.scores.min() for each in found) >= 0.05
    with pytest.raises(InputError, match="region_classifier"):
        kc.models.RCNN(features, 4, softmax=tuned)


def test_what_is_not_ready_is_refused():
    with pytest.raises(InputError, match="Call fit first"):
        kc.models.RCNN(colours(), 3).detect(Painted(0).image, GRID)
    with pytest.raises(InputError, match="picture_encoder"):
        kc.models.RCNN(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]), 3)
    with pytest.raises(InputError, match="equally many"):
        kc.models.RCNN(colours(), 3).fit([Painted(0)], [])


def test_so_many_at_most_are_found_and_by_default_none_below_the_border(fitted):
    detector, image, boxes = fitted, Painted(0).image, GRID
    every = detector.detect(image, boxes, least_score=-100.0, threshold=1.0, most=1000)
    few = detector.detect(image, boxes, least_score=-100.0, threshold=1.0, most=3)
    assert len(every) > 3 and every.scores.min() < -1
    np.testing.assert_array_equal(few.scores, every.scores[:3])
    plain = detector.detect(image, boxes, threshold=1.0, most=1000)
    assert len(plain) == (every.scores >= -1).sum()


def test_pictures_and_proposals_of_another_number_are_refused_by_all_that_take_both(fitted):
    examples, boxes = [Painted(0), Painted(1)], [GRID]
    options = {"classes": 3, "batch_size": 1, "seed": 0}
    for take in (
        lambda: kc.data.region_batches(examples, boxes, **options),
        lambda: kc.data.warped_batches(examples, boxes, **options),
        lambda: kc.models.RCNN(colours(), 3).fit(examples, boxes),
        lambda: kc.boxes.proposal_quality(boxes, [Truth.of(each) for each in examples], 3),
    ):
        with pytest.raises(InputError, match="2 pictures and proposals for 1 .*equally many"):
            take()
