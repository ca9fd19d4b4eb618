"""Activation maximisation: its transform against NumPy's, known optima, and units that sleep."""

import json
import re
from importlib import import_module

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from analysis.maps.cam_networks import FORMS as MODELS
from analysis.maps.cam_networks import network
from keras_classics.analysis.input_bounds import check_bounds
from keras_classics.analysis.inside.image_forms import COLOURS, Waves
from keras_classics.analysis.inside.maximization import FORMS
from keras_classics.analysis.inside.random_views import random_view, seen_in
from support import run_on

BOUNDS = (-3.0, 3.0)


@pytest.mark.parametrize("size", [(8, 6, 3), (7, 9, 1), (5, 4, 4), (6, 1, 3)])
def test_waves_are_the_inverse_real_fourier_transform(size):
    form = Waves(size, check_bounds((0, 1), size))
    draw = np.random.default_rng(0)
    waves = draw.normal(size=(2, 2, size[0], size[1] // 2 + 1, size[2])).astype("float32")
    found = ops.convert_to_numpy(form.plane(ops.convert_to_tensor(waves)))
    both = waves[:, 0] + 1j * waves[:, 1]
    expected = np.fft.irfft2(both, s=size[:2], axes=(1, 2))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_waves_are_weighted_and_coloured_as_in_lucid():
    size = (16, 12, 3)
    form = Waves(size, check_bounds((-2, 6), size))
    start = form.start(3, seed=1)
    assert start.std() == pytest.approx(0.01, rel=0.1)
    rows, columns = np.fft.fftfreq(16)[:, None], np.fft.rfftfreq(12)[None]
    frequencies = np.sqrt(rows**2 + columns**2)
    scale = np.sqrt(16 * 12) / np.maximum(frequencies, 1 / 16)
    waves = (start[:, 0] + 1j * start[:, 1]) * scale[..., None]
    plain = np.fft.irfft2(waves, s=size[:2], axes=(1, 2)) / 4
    matrix = np.array([[0.26, 0.09, 0.02], [0.27, 0, -0.05], [0.27, -0.09, 0.03]]) / 0.46195
    colours = plain @ matrix.T
    expected = -2 + 8 / (1 + np.exp(-colours))
    found = ops.convert_to_numpy(form.images(ops.convert_to_tensor(start)))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(COLOURS, matrix, atol=1e-5)
    # An image's noise does not depend on how many are looked for.
    np.testing.assert_array_equal(form.start(1, seed=1), start[:1])


def seen(image, shift, turn, zoom, seed=0):
    view = random_view(np.random.default_rng(seed), image.shape, shift, turn, zoom)
    tensors = [ops.convert_to_tensor(own) for own in view]
    grey = ops.zeros((1, 1, 1, image.shape[-1]))
    return ops.convert_to_numpy(seen_in(tensors, ops.convert_to_tensor(image[None]), grey))[0]


def test_a_view_is_shifted_turned_and_zoomed_about_the_middle():
    image = np.random.default_rng(0).normal(size=(9, 7, 2)).astype("float32")
    np.testing.assert_allclose(seen(image, 0, 0, 0), image, atol=1e-6)
    for seed in range(5):
        own = seen(image, 2, 0, 0, seed)
        down, right = np.round(np.random.default_rng(seed).uniform(-1, 1, 4)[2:] * 2).astype(int)
        padded = np.pad(image, [(2, 2), (2, 2), (0, 0)])
        expected = padded[2 + down : 11 + down, 2 + right : 9 + right]
        np.testing.assert_allclose(own, expected, atol=1e-6)
    # A quarter of a turn, and a slope that is seen twice as steep at half the size.
    draw = np.random.default_rng(0).uniform(-1, 1, 4)
    quarter = seen(image[:7], 0, 90 / draw[0], 0)
    near = [np.abs(quarter - np.rot90(image[:7], turns)).max() for turns in (1, 3)]
    assert min(near) < 1e-5
    slope = np.arange(-4, 5, dtype="float32").reshape(9, 1, 1) * np.ones((1, 9, 1), "float32")
    smaller = seen(slope, 0, 0, -0.5 / draw[1])
    np.testing.assert_allclose(smaller[2:7, 4, 0], 2 * slope[2:7, 4, 0], atol=1e-5)


def test_small_images_are_shifted_by_an_eighth_of_their_shorter_side(monkeypatch):
    module = import_module("keras_classics.analysis.inside.maximization")
    shifts = []

    def spied(draw, size, shift, turn, zoom):
        shifts.append(shift)
        return random_view(draw, size, shift, turn, zoom)

    monkeypatch.setattr(module, "random_view", spied)
    kc.analysis.maximize(network(), 0, bounds=BOUNDS, form="jittered", steps=1)
    assert shifts == [10 / 8]


def test_a_linear_class_is_climbed_to_its_known_optimum():
    image = keras.Input((4, 3, 2))
    x = layers.Flatten()(image)
    model = keras.Model(image, layers.Dense(3, "softmax", use_bias=False)(x))
    kernel = np.random.default_rng(0).normal(0, 0.05, (24, 3))
    model.set_weights([kernel])
    bounds = (-1.0, 3.0)
    found = kc.analysis.maximize(model, [2, 0], bounds=bounds, form="plain", steps=400, rate=0.02)
    # w (1 + 2 a) - a^2 / n for each value has its maximum at a = w n, within -1 to 1.
    expected = 1 + 2 * np.clip(kernel.T[[2, 0]] * 24, -1, 1).reshape(2, 4, 3, 2)
    np.testing.assert_allclose(found.images, expected, atol=0.02)
    scores = (found.images.reshape(2, -1) * kernel.T[[2, 0]]).sum(axis=1)
    np.testing.assert_allclose(found.values, scores, rtol=1e-4)


WANTED = {
    "classes": {"target": [0, 3]},
    "channels": {"target": [0, 5], "layer": "stage1_conv"},
    "unit": {"target": [1], "layer": "stage2_relu", "unit": (2, 3)},
    "vector": {"target": [7], "layer": "head_pool"},
    "layer": {"layer": "stage2_conv"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wanted", WANTED)
def test_whatever_is_wanted_is_excited_more(form, wanted):
    found = kc.analysis.maximize(network(), bounds=BOUNDS, form=form, steps=30, **WANTED[wanted])
    assert (found.values > found.start).all() and found.images.shape[1:] == (12, 10, 3)
    assert found.images.min() >= -3 and found.images.max() <= 3
    # The value is that of the image.
    if wanted == "classes":
        logits = network(head=None).predict_on_batch(found.images)
        np.testing.assert_allclose(found.values, logits[[0, 1], [0, 3]], rtol=1e-4)
    if wanted == "unit":
        (maps,) = kc.analysis.FeatureMaps(network(), ["stage2_relu"])(found.images)
        np.testing.assert_allclose(found.values, maps[:, 2, 3, 1], rtol=1e-4)


def test_every_form_of_a_model_and_both_heads_give_the_same():
    options = {"target": [1], "bounds": BOUNDS, "form": "plain", "steps": 5}
    expected = kc.analysis.maximize(network(), **options).images
    others = [network(form) for form in MODELS[1:]] + [network(head=None)]
    for model in others:
        np.testing.assert_allclose(
            kc.analysis.maximize(model, **options).images, expected, atol=1e-4
        )


@pytest.mark.parametrize("form", FORMS)
def test_a_seed_gives_the_same_bits_and_one_of_several_the_same_image(form):
    model = network()
    options = {"bounds": BOUNDS, "form": form, "steps": 4, "seed": 3}
    first, again = (kc.analysis.maximize(model, [2, 1], **options) for _ in range(2))
    np.testing.assert_array_equal(again.images, first.images)
    alone = kc.analysis.maximize(model, [2], **options)
    np.testing.assert_allclose(alone.images, first.images[:1], atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("form", FORMS)
def test_images_of_any_channels_and_sides(channels, form):
    image = keras.Input((None, None, channels))
    x = layers.Conv2D(4, 3, name="conv")(image)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    found = kc.analysis.maximize(model, 1, bounds=(0, 1), form=form, steps=8, image_size=(11, 16))
    assert found.images.shape == (1, 11, 16, channels) and found.values > found.start


def test_preparation_within_the_model_is_differentiated_through():
    plain = network()
    image = keras.Input((12, 10, 3))
    scaled = keras.Model(image, plain(layers.Rescaling(1 / 255)(image)))
    options = {"target": 2, "form": "jittered", "steps": 20}
    one = kc.analysis.maximize(plain, bounds=(0, 1), **options)
    other = kc.analysis.maximize(scaled, bounds=(0, 255), **options)
    np.testing.assert_allclose(other.images, 255 * one.images, atol=0.5)


def test_other_inputs_stay_as_they_are():
    image, factor = keras.Input((6, 6, 1), name="image"), keras.Input((1,), name="factor")
    x = layers.GlobalAveragePooling2D()(image)
    outputs = layers.Dense(2, use_bias=False, name="out")(layers.Multiply()([x, factor]))
    model = keras.Model([image, factor], outputs)
    model.get_layer("out").set_weights([np.float32([[1, 2]])])
    others = [np.zeros((1, 6, 6, 1)), np.full((1, 1), -1.0)]
    found = kc.analysis.maximize(
        model, [0, 1], bounds=(0, 1), others=others, form="plain", steps=60
    )
    # Of a negative factor dark images are the best, as far as their norm lets them: -x - (2x - 1)^2.
    np.testing.assert_allclose(found.images[0], 0.375, atol=0.02)
    np.testing.assert_allclose(found.images[1], 0.25, atol=0.02)
    with pytest.raises(kc.InputError, match="2 inputs, and others was left out"):
        kc.analysis.maximize(model, 0, bounds=(0, 1))


def sleeper(bias, kernel=1.0):
    """A channel that is silent at grey, and everywhere where the kernel is nothing."""
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(2, 1, activation="relu", name="first")(image)
    x = layers.Conv2D(2, 1, activation="relu", name="second")(x)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    model.get_layer("first").set_weights([np.full((1, 1, 3, 2), kernel), np.full(2, bias)])
    model.get_layer("second").set_weights([np.ones((1, 1, 2, 2)), np.zeros(2)])
    return model


@pytest.mark.parametrize("form", FORMS)
def test_what_sleeps_at_the_first_image_is_woken_or_named(form):
    options = {"target": [1], "layer": "second", "bounds": (0, 1), "form": form}
    found = kc.analysis.maximize(sleeper(-1.7), steps=120, **options)
    assert found.start == 0 and found.values > 0.1
    with pytest.raises(
        kc.InputError, match=r"No gradient.*target=\[1\].*another target.*find_patches"
    ):
        kc.analysis.maximize(sleeper(-1.0, 0.0), steps=20, **options)


def test_what_signs_like_is_found_among_pictures():
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, layers.Dense(3)(ops.sign(layers.Flatten()(image))))
    with pytest.raises(kc.InputError, match="those of signs") as told:
        kc.analysis.maximize(model, 0, bounds=BOUNDS, steps=1)
    images = np.random.default_rng(0).normal(size=(5, 4, 4, 1)).astype("float32")
    remedy = re.search(r"kc\.analysis\.find_patches.*(?=\.$)", str(told.value)).group()
    found = eval(remedy, dict(kc=kc, model=model, images=images))
    assert found.values[0, 0] == pytest.approx(model.predict(images, verbose=0)[:, 0].max())


def test_half_precision_stays_finite_and_the_model_as_it_was():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network()
    finally:
        keras.config.set_dtype_policy("float32")
    before = [ops.convert_to_numpy(weight) for weight in model.weights]
    found = kc.analysis.maximize(model, [0, 1], bounds=BOUNDS, steps=10)
    assert np.isfinite(found.images).all() and np.isfinite(found.values).all()
    for own, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), own)


def images_on_the_backend():
    model = network("sequential")
    found = [
        kc.analysis.maximize(model, [1, 2], bounds=BOUNDS, form=form, steps=3).images
        for form in FORMS
    ]
    woken = kc.analysis.maximize(
        sleeper(-1.7), [0], layer="second", bounds=(0, 1), form="plain", steps=20
    )
    return [*np.concatenate(found).ravel().tolist(), *woken.images.ravel().tolist()]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_images_are_equal_on_all_backends(backend):
    code = (
        "import json, keras; from analysis.inside.test_maximization import images_on_the_backend; "
        f"assert keras.config.backend() == {backend!r}; print(json.dumps(images_on_the_backend()))"
    )
    found = json.loads(run_on(backend, code).splitlines()[-1])
    np.testing.assert_allclose(found, images_on_the_backend(), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": None}, "target=None.*classes from 0 to 3"),
        ({"target": 4}, "target=4.*classes from 0 to 3"),
        ({"target": [6], "layer": "stage1_conv"}, "channels from 0 to 5"),
        ({"form": "sharp"}, "form='sharp'.*'fourier'"),
        ({"bounds": (0, np.nan)}, "bounds="),
        ({"unit": (1, 1)}, r"unit=\(1, 1\).*Leave unit out"),
        ({"unit": (12, 0), "layer": "stage1_conv"}, "of 12 x 10 units"),
        ({"layer": "stage9"}, "not in"),
        ({"image_size": (8, 8)}, "takes 12 x 10.*Leave image_size out"),
        ({"rate": 0}, "rate=0"),
        ({"steps": 0}, "steps=0"),
    ],
)
def test_what_is_refused(change, message):
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.maximize(network(), **{"target": 1, "bounds": BOUNDS, **change})
