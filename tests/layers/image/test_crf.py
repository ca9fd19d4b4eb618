"""Mean field by hand; the filter of landmarks beside the exact one; gradients; batches."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.layers import MeanFieldCRF
from keras_classics.layers.image.crf import _Bilateral, _Landmarks
from support import check_round_trip


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def drawn(batch=1, height=5, width=6, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(batch, height, width, classes)).astype("float32")
    # Two colours and some noise, as pictures have.
    image = np.where(rng.random((batch, height, width, 1)) < 0.5, 60.0, 180.0)
    return logits, (image + rng.normal(0, 4, (batch, height, width, 3))).astype("float32")


def by_hand(logits, image, layer, iterations):
    """Loops over pairs of pixels."""
    height, width, classes = logits.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    unary, colours = (
        logits.reshape(-1, classes).astype("float64"),
        image.reshape(-1, 3).astype("float64"),
    )
    near, alike = np.zeros((2, len(places), len(places)))
    for i, p in enumerate(places):
        for j, q in enumerate(places):
            apart = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2
            near[i, j] = np.exp(-apart / (2 * layer.spatial_width**2))
            tone = ((colours[i] - colours[j]) ** 2).sum() / (2 * layer.colour_width**2)
            alike[i, j] = np.exp(-apart / (2 * layer.bilateral_width**2) - tone)
    if layer.normalization == "after":
        near, alike = (k / k.sum(1, keepdims=True) for k in (near, alike))
    else:
        near, alike = (k / np.sqrt(k.sum(1, keepdims=True) * k.sum(1)[None]) for k in (near, alike))
    spatial, bilateral, compatibility = layer.get_weights()
    refined = unary
    for _ in range(iterations):
        q = softmax(refined)
        refined = unary - (spatial * (near @ q) + bilateral * (alike @ q)) @ compatibility
    return refined.reshape(logits.shape)


@pytest.mark.parametrize("normalization", ["after", "symmetric"])
def test_the_exact_form_is_the_papers_formula(normalization):
    layer = MeanFieldCRF(
        2, 3, spatial_width=1.5, bilateral_width=4.0, colour_width=20.0, filtering="exact",
        normalization=normalization,
    )  # fmt: skip
    logits, image = drawn()
    layer([logits, image])
    assert all(np.all(w == 1) for w in layer.get_weights()[:2])
    np.testing.assert_array_equal(layer.get_weights()[2], -np.eye(3))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    for training, iterations in ((True, 2), (False, 3)):
        found = layer([logits, image], training=training)
        expected = by_hand(logits[0], image[0], layer, iterations)
        np.testing.assert_allclose(found[0], expected, atol=1e-4)


def pictures(size, kind):
    rng = np.random.default_rng(2)
    if kind == "scenes":
        scene = kc.data.load("scenes", train=1, validation=1, test=1, image_size=size).train[0]
        image, truth = scene.image, scene.class_mask
    else:
        y, x = np.mgrid[:size, :size] / size
        image = np.stack([255 * x, 255 * y, 128 + 100 * np.sin(9 * x * y)], -1)
        image = image + rng.normal(0, 3, image.shape)
        truth = (4 * x).astype(int) % 3
    logits = 2 * np.eye(9)[truth] + rng.normal(0, 1.5, (*truth.shape, 9))
    return logits[None].astype("float32"), image[None].astype("float32"), truth


@pytest.mark.parametrize(
    ("kind", "width", "error"),
    [("scenes", 13.0, 0.05), ("slopes", 13.0, 0.05), ("slopes", 40.0, 0.01)],
)
def test_landmarks_are_near_the_exact_form(kind, width, error):
    logits, image, truth = pictures(48, kind)
    given = {"bilateral_width": 80.0, "colour_width": width}
    near, exact = (MeanFieldCRF(filtering=each, **given) for each in ("landmarks", "exact"))
    found, expected = (np.asarray(each([logits, image])) for each in (near, exact))
    changed = np.abs(softmax(expected) - softmax(logits)).mean()
    assert np.abs(softmax(found) - softmax(expected)).mean() < error * changed
    assert (found.argmax(-1) == expected.argmax(-1)).mean() > 0.98
    # And either says more of what is right than was said before.
    before = (logits[0].argmax(-1) == truth).mean()
    assert (found[0].argmax(-1) == truth).mean() > before + 0.1


@pytest.mark.parametrize("normalization", ["after", "symmetric"])
def test_small_things_between_landmarks_hear_themselves(normalization):
    image = np.full((1, 48, 48, 3), 60.0, "float32")
    image[0, 20:22, 20:22] = 200.0
    logits = np.zeros((1, 48, 48, 2), "float32")
    logits[0, 20:22, 20:22, 1] = 2.0
    given = {"bilateral_width": 80.0, "colour_width": 5.0, "grid": 4, "iterations": 1}
    found = []
    for filtering in ("landmarks", "exact"):
        layer = MeanFieldCRF(filtering=filtering, normalization=normalization, **given)
        layer([logits, image])
        # Of the kernel of places nothing.
        layer.set_weights([np.zeros(2), np.ones(2), -np.eye(2)])
        found.append(np.asarray(layer([logits, image], training=True))[0, 20:22, 20:22])
    moved, expected = (each - logits[0, 20:22, 20:22] for each in found)
    # Four pixels of one colour are of one mind; alone each has at least its own.
    q = softmax(np.array([0.0, 2.0]))
    np.testing.assert_allclose(expected, np.broadcast_to(q, (2, 2, 2)), atol=1e-3)
    np.testing.assert_allclose(moved, expected, atol=0.02)


@pytest.mark.parametrize("filtering", ["exact", "landmarks"])
def test_gradients_end_to_end_are_finite_differences(filtering):
    import tensorflow as tf

    logits, image = drawn(height=4, width=5, seed=3)
    layer = MeanFieldCRF(
        5,
        10,
        bilateral_width=4.0,
        colour_width=30.0,
        spatial_width=1.0,
        filtering=filtering,
        grid=5,
    )
    layer([logits, image])
    rng = np.random.default_rng(0)
    layer.set_weights([w + rng.normal(0, 0.3, w.shape) for w in layer.get_weights()])
    toward = rng.normal(size=logits.shape).astype("float32")

    def loss(x):
        return tf.reduce_sum(tf.nn.softmax(layer([x, seen], training=True)) * toward)

    given, seen = tf.constant(logits), tf.constant(image)
    with tf.GradientTape() as tape:
        tape.watch([given, seen])
        value = loss(given)
    to_image, *found = tape.gradient(value, [seen, given, *layer.trainable_weights])
    assert to_image is None
    for gradient, move in zip(found, [None, *layer.trainable_weights], strict=True):
        way = rng.normal(size=gradient.shape).astype("float32")
        step, ends = 1e-2, []
        for sign in (1, -1):
            if move is None:
                ends.append(float(loss(given + sign * step * way)))
            else:
                before = np.asarray(move)
                move.assign(before + sign * step * way)
                ends.append(float(loss(given)))
                move.assign(before)
        expected = (ends[0] - ends[1]) / (2 * step)
        assert float(tf.reduce_sum(gradient * way)) == pytest.approx(expected, rel=0.02, abs=2e-3)


def test_landmarks_are_the_middles_of_equal_parts_and_hear_exactly():
    # Nine blocks of colours far apart; what is said in the middle of one is heard there alone.
    image = np.kron(np.arange(9).reshape(3, 3) * 25, np.ones((3, 3)))[..., None].repeat(3, -1)
    layer = MeanFieldCRF(grid=3, bilateral_width=3.0, colour_width=5.0)
    said = np.zeros((1, 9, 9, 1), "float32")
    said[0, 4, 4] = 1
    given = np.float32(image[None])
    exact, near = (np.array(kind(layer, given)(said)) for kind in (_Bilateral, _Landmarks))
    block = exact[0, 3:6, 3:6, 0]
    y, x = np.mgrid[-1:2, -1:2]
    np.testing.assert_allclose(block, np.exp(-(x**2 + y**2) / 18), rtol=1e-5)
    # But for what is added among landmarks.
    np.testing.assert_allclose(near[0, 3:6, 3:6, 0], block, rtol=2e-3)
    np.testing.assert_allclose(near, exact, atol=2e-3)


@pytest.mark.parametrize("filtering", ["exact", "landmarks"])
def test_logits_of_half_precision_are_refined_in_single(filtering):
    logits, image = drawn(height=6, width=7)
    logits, image = logits.astype("float16"), np.rint(image).astype("float16")
    given = {"grid": 4, "colour_width": 30.0, "filtering": filtering}
    found = MeanFieldCRF(dtype="mixed_float16", **given)([logits, image])
    expected = MeanFieldCRF(**given)([logits.astype("float32"), image.astype("float32")])
    np.testing.assert_array_equal(found, np.asarray(expected).astype("float16"))


@pytest.mark.parametrize("filtering", ["exact", "landmarks"])
def test_five_pictures_at_once_are_five_pictures(filtering):
    logits, image = drawn(batch=5, height=7, width=4)
    layer = MeanFieldCRF(filtering=filtering, grid=4, colour_width=30.0)
    together = layer([logits, image])
    for n in range(5):
        np.testing.assert_allclose(
            together[n], layer([logits[n : n + 1], image[n : n + 1]])[0], atol=1e-4
        )


def test_it_comes_back_from_its_file_and_takes_any_size(tmp_path):
    inputs = [keras.Input((None, None, 3)), keras.Input((None, None, 3))]
    model = keras.Model(inputs, MeanFieldCRF(grid=5)(inputs))
    given = list(drawn(batch=2, height=9, width=5))
    loaded = check_round_trip(model, given, tmp_path)
    assert loaded.predict_on_batch(list(drawn(height=3, width=11))).shape == (1, 3, 11, 3)


def test_black_and_single_pixels_and_large_logits_stay_finite():
    layer = MeanFieldCRF(grid=3)
    for height, width in ((1, 1), (1, 9), (6, 6)):
        logits = np.zeros((1, height, width, 3), "float32")
        logits[..., 1] = -1e6
        assert np.isfinite(layer([logits, np.zeros((1, height, width, 3))])).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(kc.InputError, match="'exact'"):
        MeanFieldCRF(filtering="permutohedral")
    with pytest.raises(kc.InputError, match=r"\[logits, image\]"):
        MeanFieldCRF()([np.zeros((1, 4, 4, 2)), np.zeros((1, 4, 4, 1))])
    with pytest.raises(kc.InputError, match="colour_width=0"):
        MeanFieldCRF(colour_width=0.0)


@pytest.mark.parametrize("name", ["spatial_width", "bilateral_width", "colour_width"])
def test_widths_that_single_precision_cannot_reckon_with_are_refused(name):
    logits, image = drawn(height=6, width=7)
    for wrong in (1e-38, 1e-10, 1e10, 1e300):
        with pytest.raises(kc.InputError, match=rf"{name}=1e.*from 1e-09 to 1e\+09.*Leave"):
            MeanFieldCRF(**{name: wrong})
    for filtering in ("landmarks", "exact"):
        for edge in (1e-9, 1e9):
            layer = MeanFieldCRF(grid=5, filtering=filtering, **{name: edge})
            assert np.isfinite(layer([logits, image])).all()


def test_a_built_layer_still_asks_whether_its_inputs_fit():
    layer = MeanFieldCRF(grid=3)
    layer([np.zeros((1, 4, 6, 2)), np.zeros((1, 4, 6, 3))])
    for sizes in (((1, 9, 6), (1, 8, 6)), ((1, 0, 6), (1, 0, 6)), ((2, 4, 6), (1, 4, 6))):
        with pytest.raises(kc.InputError, match="of one size"):
            layer([np.zeros((*sizes[0], 2)), np.zeros((*sizes[1], 3))])
    assert layer([np.zeros((0, 4, 6, 2)), np.zeros((0, 4, 6, 3))]).shape == (0, 4, 6, 2)


@pytest.mark.parametrize("filtering", ["landmarks", "exact"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_picture_that_is_none_has_no_answer_and_leaves_the_others_theirs(filtering, wrong):
    logits, image = drawn(batch=2, height=6, width=7)
    layer = MeanFieldCRF(grid=3, colour_width=30.0, filtering=filtering)
    expected = np.asarray(layer([logits[1:], image[1:]]))
    image[0, 2, 3, 1] = wrong
    found = np.asarray(layer([logits, image]))
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], expected, atol=1e-4)
