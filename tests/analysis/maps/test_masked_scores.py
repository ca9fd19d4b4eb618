"""Occlusion and RISE against their formulas, in loops, on models whose scores are known."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from analysis.maps.cam_networks import FORMS, IMAGES, network
from keras_classics.analysis.maps import masked_scores


def linear(activation=None):
    image = keras.Input((9, 7, 2))
    return keras.Model(image, layers.Dense(3, activation)(layers.Flatten()(image)))


def pictures(count=3):
    return np.random.default_rng(0).normal(size=(count, 9, 7, 2)).astype("float32")


def weights(model, classes):
    kernel = keras.ops.convert_to_numpy(model.layers[-1].kernel).reshape(9, 7, 2, 3)
    return np.moveaxis(kernel[..., classes], -1, 0)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_square_takes_from_a_linear_score_what_it_hides(activation):
    model, images, classes = linear(activation), pictures(), [2, 0, 1]
    found = kc.analysis.occlusion(
        model, images, target=classes, window=(3, 2), stride=2, fill=0.5, batch_size=5
    )
    parts = (weights(model, classes) * (images - 0.5)).sum(axis=-1)
    total, hidden = np.zeros_like(parts), np.zeros((9, 7))
    # The last squares lie flush with the edges.
    for top in (0, 2, 4, 6):
        for left in (0, 2, 4, 5):
            square = np.s_[top : top + 3, left : left + 2]
            total[:, *square] += parts[:, *square].sum(axis=(1, 2))[:, None, None]
            hidden[square] += 1
    assert hidden.min() == 1
    np.testing.assert_allclose(found, total / hidden, atol=1e-5)


def test_the_grey_of_each_picture_is_its_own_mean():
    model, images = linear(), pictures()
    images += np.arange(3).reshape(3, 1, 1, 1)
    found = kc.analysis.occlusion(model, images, target=1, window=1, stride=1)
    away = images - images.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, (weights(model, [1]) * away).sum(-1), atol=1e-5)


def test_masks_are_grids_enlarged_and_shifted():
    explainer = kc.analysis.Rise(linear(), masks=400, cells=3, shown=0.3, seed=4)
    masks = np.stack([*explainer.masks((9, 7))])
    assert masks.shape == (400, 9, 7) and masks.min() >= 0 and masks.max() <= 1
    assert masks.mean() == pytest.approx(0.3, abs=0.02)
    # 3 cells over 12 rows, of which 9 are seen: neighbours differ by a quarter at most. Half a cell
    # at the edge is flat, so that without shifts no first pair of rows would differ.
    steps = np.abs(np.diff(masks, axis=1)).max(axis=2)
    assert steps.max() == pytest.approx(1 / 4, abs=1e-6)
    assert {0, 1} <= {int((own > 1e-6).argmax()) for own in steps}
    again = np.stack([*explainer.masks((9, 7))])
    np.testing.assert_array_equal(again, masks)


@pytest.mark.parametrize("form", FORMS)
def test_masks_count_by_the_probability_behind_them(form):
    model = network(form)
    explainer = kc.analysis.Rise(model, masks=30, cells=4, seed=2, batch_size=7)
    found = explainer(IMAGES, target=[0, 1, 2, 3, 0])
    masks = np.stack([*explainer.masks(IMAGES.shape[1:3])])
    for image, own, number in zip(IMAGES, found, [0, 1, 2, 3, 0], strict=True):
        shown = model.predict_on_batch(masks[..., None] * image)[:, number].astype("float64")
        expected = np.einsum("m,mhw->hw", shown - shown.mean(), masks) / (30 * 0.5)
        np.testing.assert_allclose(own, expected, atol=1e-5)


def test_a_function_as_target_is_taken_as_it_is():
    model, images = linear("softmax"), pictures()
    by_number = kc.analysis.occlusion(model, images, target=2)
    by_function = kc.analysis.occlusion(model, images, target=lambda outputs: outputs[:, 2])
    np.testing.assert_allclose(by_function, by_number, atol=1e-6)
    explainer = kc.analysis.Rise(model, masks=20, cells=2)
    scores = explainer(images, target=lambda outputs: 10 * outputs[:, 2])
    masks = np.stack([*explainer.masks((9, 7))])
    logits = np.einsum("mhw,bhwc,hwc->bm", masks, images, weights(model, [2])[0]) * 10
    centred = logits - logits.mean(axis=1, keepdims=True)
    expected = np.einsum("bm,mhw->bhw", centred, masks) / (20 * 0.5)
    np.testing.assert_allclose(scores, expected, atol=1e-3)


def test_no_more_images_at_once_than_the_batch_size_and_the_same_maps(monkeypatch):
    met = []
    compiled = masked_scores.compiled_over

    def watched(model, function):
        own = compiled(model, function)

        def call(inputs, classes, *rest):
            met.append(len(inputs[0]) * (rest[-1].shape[0] if rest else 1))
            return own(inputs, classes, *rest)

        return call

    monkeypatch.setattr(masked_scores, "compiled_over", watched)
    model, images = linear(), pictures(4)
    for make in (
        lambda size: kc.analysis.Rise(model, masks=60, batch_size=size),
        lambda size: kc.analysis.Occlusion(model, window=2, stride=1, batch_size=size),
    ):
        found = []
        for size in (1, 4, 32):
            met.clear()
            found.append(make(size)(images))
            assert max(met) <= size
        np.testing.assert_allclose(found[1], found[0], atol=1e-5)
        np.testing.assert_allclose(found[2], found[0], atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: kc.analysis.occlusion(m, pictures(), window=10), r"window=\(10, 10\).*9 x 7"),
        (lambda m: kc.analysis.occlusion(m, pictures(), stride=0), "stride=0.*Pass stride=1"),
        (lambda m: kc.analysis.occlusion(m, pictures(), fill="grey"), "'grey'.*'mean'.*fill"),
        (lambda m: kc.analysis.rise(m, pictures(), shown=1), "shown=1.*between 0 and 1.*0.5"),
        (lambda m: kc.analysis.rise(m, pictures(), masks=1), "masks=1.*Pass masks=2"),
        (lambda m: kc.analysis.rise(m, pictures(), target=3), "target=3.*0 to 2"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(kc.InputError, match=message):
        make(linear())


def test_the_class_is_that_of_the_whole_image():
    """Not of what a mask leaves of it."""
    model = network()
    answers = model.predict_on_batch(IMAGES).argmax(axis=1)
    for method, options in (
        (kc.analysis.occlusion, {"window": 6}),
        (kc.analysis.rise, {"masks": 20}),
    ):
        own = method(model, IMAGES, **options)
        np.testing.assert_allclose(own, method(model, IMAGES, target=answers, **options), atol=1e-6)


def test_squares_that_leave_pixels_out_are_refused():
    model, images = linear(), pictures()
    with pytest.raises(kc.InputError, match=r"stride=\(1, 3\).*Pass stride=\(2, 2\), or less"):
        kc.analysis.occlusion(model, images, window=2, stride=(1, 3))
    assert np.isfinite(kc.analysis.occlusion(model, images, window=2, stride=(2, 2))).all()


@pytest.mark.parametrize("fill", [[np.nan, 1], [0, np.inf]])
def test_a_fill_that_is_no_number_is_refused(fill):
    with pytest.raises(kc.InputError, match="Values of fill that are infinite or not a number"):
        kc.analysis.occlusion(linear(), pictures(), fill=fill)
    with pytest.raises(kc.InputError, match="Values of baseline that are infinite or not a number"):
        kc.analysis.integrated_gradients(linear(), pictures(), baseline=fill)
