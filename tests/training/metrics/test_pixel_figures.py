"""The four figures by hand, by Keras, and over any number of batches; outlines."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc

# Of six pixels of class 0 four are found, of two of class 1 one, of class 2 there are none.
COUNTS = np.array([[4, 1, 1], [1, 1, 0], [0, 0, 0]])


def drawn(classes=4, ignored=0.2):
    rng = np.random.default_rng(3)
    true = rng.integers(0, classes, (5, 6, 7))
    true[rng.random(true.shape) < ignored] = 255
    return true, rng.normal(size=(*true.shape, classes)).astype("float32")


def test_the_formulas_by_hand():
    figures = kc.training.pixel_figures(COUNTS)
    assert figures == pytest.approx(
        {
            "pixel accuracy": 5 / 8,
            "mean accuracy": (4 / 6 + 1 / 2) / 2,
            "mean IU": (4 / 7 + 1 / 3 + 0 / 1) / 3,
            "frequency-weighted IU": (6 * 4 / 7 + 2 * 1 / 3) / 8,
        }
    )
    np.testing.assert_allclose(kc.training.intersections_over_unions(COUNTS), [4 / 7, 1 / 3, 0])
    assert all(np.isnan(v) for v in kc.training.pixel_figures(np.zeros((3, 3))).values())


def test_a_class_that_is_nowhere_does_not_count():
    counts = np.pad(COUNTS, (0, 1))
    assert kc.training.pixel_figures(counts) == kc.training.pixel_figures(COUNTS)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_metrics_are_the_functions_after_any_batches_and_the_mean_iou_of_keras(batch):
    true, logits = drawn()
    counts = kc.training.pixel_confusion(true, logits.argmax(-1), 4)
    expected = kc.training.pixel_figures(counts)
    theirs = keras.metrics.MeanIoU(4, ignore_class=255, sparse_y_pred=False)
    for figure, value in expected.items():
        metric = kc.training.PixelFigure(4, figure)
        assert np.isnan(metric.result())
        for _ in range(2):
            metric.reset_state()
            for start in range(0, len(true), batch):
                metric.update_state(
                    true[start : start + batch, ..., None], logits[start : start + batch]
                )
            assert float(metric.result()) == pytest.approx(value, rel=1e-6)
        np.testing.assert_array_equal(metric.confusion(), counts)
        config = json.loads(json.dumps(metric.get_config()))
        assert type(metric).from_config(config).get_config() == metric.get_config()
    theirs.update_state(true, logits)
    assert float(theirs.result()) == pytest.approx(expected["mean IU"], rel=1e-6)


def test_counts_beyond_what_float32_and_32_bits_hold_stay_exact():
    metric = kc.training.PixelFigure(2, "pixel accuracy")
    metric.counts.assign([[2**24 - 1, 0, 0, 0, 0], [2**20, 0, 0, 3, 0]])
    metric.update_state(np.zeros((1, 1, 2), "int32"), np.tile(np.float32([1, 0]), (1, 1, 2, 1)))
    assert metric.confusion()[0, 0] == 2**44 + 2**24 + 1


def test_labels_that_are_no_class_are_refused_and_no_figure_hides_them():
    true, logits = drawn()
    with pytest.raises(kc.InputError, match="picture 0 has the label 255"):
        kc.training.pixel_confusion(true, logits.argmax(-1), 4, ignore=None)
    metric = kc.training.PixelFigure(4, ignore=None)
    metric.update_state(true, logits)
    assert np.isnan(metric.result())
    with pytest.raises(kc.InputError, match=f"{(true == 255).sum()} pixels had labels"):
        metric.confusion()
    with pytest.raises(kc.InputError, match="whole numbers of one shape"):
        kc.training.pixel_confusion(true, logits, 4)
    for wrong in ([[1, -1], [0, 1]], [[1, np.nan], [0, 1]], [[1, np.inf], [0, 1]]):
        with pytest.raises(kc.InputError, match="negative or no finite"):
            kc.training.pixel_figures(np.array(wrong))
    with pytest.raises(kc.InputError, match="'mean IoU'.*Did you mean"):
        kc.training.PixelFigure(4, "mean IoU")
    with pytest.raises(kc.InputError, match=r"\(batch, height, width, 3\)"):
        kc.training.PixelFigure(3).update_state(true, logits)


def test_boundary_f_of_a_square_that_is_moved():
    true = np.zeros((40, 40), "int32")
    true[10:20, 10:20] = 1
    assert kc.training.boundary_f([true], [true], 2) == 1.0
    # 0.0075 of the diagonal is rounded up to one pixel: a shift by one costs nothing.
    one, two = np.roll(true, 1, 1), np.roll(true, 2, 1)
    assert kc.training.boundary_f([true], [one], 2) == 1.0
    # Of two, 20 of the 36 pixels of the square's rim are near, and of the 40 around it 20.
    found = kc.training.boundary_f([true], [two], 2)
    assert found == pytest.approx((20 / 36 + 20 / 40) / 2)
    assert np.isnan(kc.training.boundary_f([np.full_like(true, 255)], [two], 2))
    assert kc.training.boundary_f([true], [np.zeros_like(true)], 2) == 0.0


def test_masks_that_do_not_fit_are_refused_and_negative_labels_are_told():
    metric = kc.training.PixelFigure(2)
    with pytest.raises(
        kc.InputError, match=r"shape \(1, 2, 3\) and answers of shape \(1, 3, 2, 2\)"
    ):
        metric.update_state(np.zeros((1, 2, 3), int), np.zeros((1, 3, 2, 2)))
    metric.update_state(np.array([[[0, -1]]]), np.zeros((1, 1, 2, 2)))
    assert np.isnan(metric.result())
