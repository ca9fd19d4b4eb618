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


def test_a_class_in_each_channel_is_no_mask_and_the_remedy_works():
    masks = np.array([[[0, 1], [1, 1]]])
    channels = np.eye(2)[masks]
    made = (
        kc.training.PixelFigure(2),
        kc.training.BoundaryF(2),
        kc.training.PixelCrossEntropy(),
        kc.training.BoundaryLoss(),
    )
    for each in made:
        # Where there is but one picture, its channels could be taken for further ones.
        for batch in (1, 2):
            true, said = (np.repeat(what, batch, axis=0) for what in (channels, 9 * channels - 4))
            with pytest.raises(kc.InputError, match=r"argmax\(-1\)"):
                each(true, said)
            assert np.isfinite(float(each(true.argmax(-1), said)))


@pytest.mark.parametrize("wrong", [0.6, -0.4, 1.6, np.nan, 2.0**32 + 1, -(2.0**31) - 1])
def test_what_is_cut_to_a_class_is_none(wrong):
    masks = np.array([[[0, 1], [wrong, 1]]])
    said = np.eye(2)[[[[0, 1], [0, 1]]]]
    for metric in (kc.training.PixelFigure(2), kc.training.BoundaryF(2)):
        assert np.isnan(metric(masks, said))
    # JAX has no whole numbers of 64 bits.
    if wrong == 2**32 + 1 and keras.config.backend() != "jax":
        metric = kc.training.PixelFigure(2)
        assert np.isnan(metric(masks.astype("int64"), said))


def test_a_network_that_says_nan_has_no_figure_unless_it_is_where_nothing_counts():
    masks = np.array([[[0, 1], [255, 1]]])
    said = np.eye(2)[[[[0, 1], [0, 1]]]]
    for place, known in (((0, 1, 0), True), ((0, 0, 0), False)):
        spoilt = said.copy()
        spoilt[place] = np.nan
        metric = kc.training.PixelFigure(2)
        assert np.isfinite(metric(masks, spoilt)) == known
        if known:
            assert metric.confusion().tolist() == [[1, 0], [0, 2]]
        else:
            with pytest.raises(kc.InputError, match="1 pixels had.*no number"):
                metric.confusion()
    masks[masks == 255] = 0
    metric = kc.training.BoundaryF(2)
    assert float(metric(masks, said)) == 1.0
    said[0, 0, 0] = np.nan
    assert np.isnan(metric(masks, said))


def test_pictures_without_pixels_are_refused():
    empty = np.zeros((0, 4), "int32")
    for count in (kc.training.pixel_confusion, kc.training.boundary_f):
        with pytest.raises(kc.InputError, match=r"picture 0 has the shape \(0, 4\)"):
            count([empty], [empty], 2)
    with pytest.raises(kc.InputError, match=r"float64 \(0, 0\) was given"):
        kc.training.pixel_figures(np.zeros((0, 0)))
    with pytest.raises(kc.InputError, match=r"map \(0, 4\)"):
        kc.training.boundary_figures([empty], [np.zeros((0, 4))])
