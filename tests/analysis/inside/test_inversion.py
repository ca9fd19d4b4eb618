"""Feature inversion: its steps by hand, its units, and that it finds what a layer has kept."""

import json

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from analysis.maps.cam_networks import network
from keras_classics.analysis.inside.inversion import Inverter, variation
from keras_classics.core.graphs.gradients import value_and_gradients
from support import run_on

BOUNDS = (-3.0, 3.0)
PICTURES = np.random.default_rng(1).normal(size=(3, 12, 10, 3)).clip(*BOUNDS).astype("float32")


def smooth(count=3):
    """Pictures of few waves, as natural images have them."""
    rows, columns = np.linspace(0, np.pi, 12)[:, None, None], np.linspace(0, 3, 10)[None, :, None]
    shifts = np.arange(3)
    waves = [np.sin((n + 1) * rows + shifts) + np.cos(columns * (n + 1) - shifts) for n in range(3)]
    return np.stack(waves[:count]).astype("float32")


def copier():
    """A layer that gives the pixels as they are, so that every term is known."""
    image = keras.Input((6, 5, 2))
    x = layers.Conv2D(2, 1, use_bias=False, name="copy")(image)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    model.get_layer("copy").set_weights([np.eye(2).reshape(1, 1, 2, 2)])
    return model


def gradient_of_variation(x):
    found = np.zeros_like(x)
    for axis in (1, 2):
        differences = np.diff(x, axis=axis)
        pads = [(0, 0)] * 4
        found -= 2 * np.pad(differences, [*pads[:axis], (0, 1), *pads[axis + 1 :]])
        found += 2 * np.pad(differences, [*pads[:axis], (1, 0), *pads[axis + 1 :]])
    return found


def steps_by_hand(images, steps, rate, mean, smoothness):
    """The authors' loop in NumPy, on x in units of sigma."""
    sigma = np.sqrt(np.square(images - mean).sum(axis=(1, 2, 3))).mean()
    noise = np.random.default_rng(7).normal(size=(1, *images.shape[1:]))
    x = np.repeat(noise / np.sqrt(np.square(noise).sum()), len(images), axis=0)
    weight = 2.16e8 * (images[0].size / (227 * 227 * 3)) ** 2
    norms = np.square(images).sum(axis=(1, 2, 3), keepdims=True)
    velocity, errors = np.zeros_like(x), []
    for number in range(steps + 1):
        own = rate * (1 if number < steps // 4 else 0.1 if number < 3 * steps // 4 else 0.01)
        if number in (0, steps // 4, 3 * steps // 4):
            velocity = np.zeros_like(x)
        away = sigma * x + mean - images
        errors.append(np.sqrt(np.square(away).sum(axis=(1, 2, 3)) / norms.ravel()))
        slope = 2 * sigma * away / norms + 6 * weight * x**5
        slope += smoothness * gradient_of_variation(x)
        velocity = 0.9 * velocity - own * slope
        x = x + velocity
    return np.stack(errors)


@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_every_step_is_that_of_the_authors(mean):
    images = PICTURES[:2, :6, :5, :2]
    found = kc.analysis.invert(
        copier(), images, "copy", bounds=(-1e3, 1e3), steps=12, mean=mean, smoothness=5, seed=7
    )
    expected = steps_by_hand(images, 12, 0.004, mean, 5)
    assert found.history.shape == (13, 2, 1)
    np.testing.assert_allclose(found.history[..., 0], expected, rtol=1e-4)


def test_a_window_shows_what_the_units_in_the_middle_see():
    """Nothing else pulls at the pixels: those that they do not see stay as the noise was."""
    keras.utils.set_random_seed(0)
    image = keras.Input((9, 10, 2))
    x = layers.Conv2D(3, 3, padding="same", activation="tanh", name="local")(image)
    model = keras.Model(image, layers.Dense(2, name="dense")(layers.Flatten()(x)))
    pictures = np.random.default_rng(0).normal(size=(1, 9, 10, 2)).astype("float32")
    options = dict(bounds=(-1e3, 1e3), alpha_weight=0, smoothness=0, seed=3)
    start, found = (
        kc.analysis.invert(model, pictures, "local", window=3, steps=steps, rate=rate, **options)
        for steps, rate in ((1, 1e-12), (20, 0.004))
    )
    moved = (np.abs(found.images - start.images)[0, 0] > 1e-4).any(axis=-1)
    seen = np.zeros((9, 10), bool)
    seen[2:7, 2:7] = True
    np.testing.assert_array_equal(moved, seen)
    with pytest.raises(kc.InputError, match="window=3.*a map"):
        kc.analysis.invert(model, pictures, "dense", window=3, **options)


def test_the_variation_is_the_sum_of_squared_differences_and_its_power():
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3))
    across, down = (np.square(np.diff(x, axis=axis)) for axis in (2, 1))
    squared = across.sum(axis=(1, 2, 3)) + down.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(ops.convert_to_numpy(variation(x)), squared)
    both = np.pad(across, [(0, 0), (0, 0), (0, 1), (0, 0)])
    both += np.pad(down, [(0, 0), (0, 1), (0, 0), (0, 0)])
    expected = np.sqrt(both).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(ops.convert_to_numpy(variation(x, 1)), expected)


@pytest.mark.parametrize("power", [1, 1.5, 2])
def test_gradients_of_the_variation_are_its_differences(power):
    x = np.random.default_rng(0).normal(size=(1, 4, 3, 2))
    _, (found,) = value_and_gradients(lambda x: ops.sum(variation(x, power)), [x])
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        ends = [float(variation(x + sign * step, power)[0]) for sign in (1, -1)]
        assert float(found[place]) == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6)
    flat = np.ones((1, 4, 3, 2))
    _, (still,) = value_and_gradients(lambda x: ops.sum(variation(x, power)), [flat])
    assert np.isfinite(still).all() and not np.any(still)


@pytest.mark.parametrize(
    ("layer", "smoothness"), [("stage1_conv", None), ("stage2_relu", None), ("predictions", 0.1)]
)
def test_what_is_found_is_far_nearer_than_another_image(layer, smoothness):
    model, images = network("nested"), smooth()
    found = kc.analysis.invert(
        model, images, layer, bounds=BOUNDS, restarts=2, steps=300, smoothness=smoothness
    )
    assert found.images.shape == (3, 2, 12, 10, 3)
    assert found.images.min() >= -3 and found.images.max() <= 3
    assert (found.history[0] > found.errors).all()
    assert (found.errors < 0.5 * found.between[:, None]).all()
    # The errors are those of the images that are handed out.
    if layer == "stage2_relu":
        (own, given) = (
            kc.analysis.FeatureMaps(model, [f"backbone/{layer}"])(x)[0]
            for x in (found.images[:, 1], images)
        )
        away, norms = (np.sqrt(np.square(x).sum(axis=(1, 2, 3))) for x in (own - given, given))
        np.testing.assert_allclose(found.errors[:, 1], away / norms, rtol=1e-4)


def test_restarts_differ_in_what_the_layer_loses():
    model, images = network(), smooth(1)
    early, late = (
        kc.analysis.invert(model, images, layer, bounds=BOUNDS, restarts=3, smoothness=0.1)
        for layer in ("stage1_conv", "head_pool")
    )
    spread = [np.std(found.images[0], axis=0).mean() for found in (early, late)]
    assert spread[1] > 2 * spread[0]


def test_a_rate_that_is_too_large_is_halved_until_it_descends():
    found = kc.analysis.invert(
        network(), smooth(), "stage1_conv", bounds=(-100, 100), rate=30.0, steps=200
    )
    assert np.isfinite(found.images).all() and (found.errors < found.history[0]).all()


def test_beyond_twice_the_first_objective_it_goes_back_and_on_at_half_the_rate():
    """Of a square with slope 2: a step of r changes the distance by 1 - 2 r, here its square by 3."""
    rate = (1 + np.sqrt(3)) / 2
    found = kc.analysis.invert(
        copier(), PICTURES[:1, :6, :5, :2], "copy", bounds=(-1e3, 1e3), mean=0, rate=rate,
        steps=16, alpha_weight=0, smoothness=0,
    )  # fmt: skip
    first = found.history[:4, 0, 0] / found.history[0, 0, 0]
    np.testing.assert_allclose(first, [1, np.sqrt(3), 1, rate - 1], rtol=1e-4)


def test_units_do_not_matter():
    """[0, 255] with the rescaling in the model is [0, 1] without it."""
    plain, images = network(), (smooth() + 3) / 6
    inside = keras.Input((12, 10, 3))
    scaled = keras.Model(inside, plain(layers.Rescaling(1 / 255)(inside)))
    options = {"steps": 40, "restarts": 2}
    one = kc.analysis.invert(plain, images, "stage1_conv", bounds=(0, 1), **options)
    other = kc.analysis.invert(scaled, 255 * images, "stage1_conv", bounds=(0, 255), **options)
    np.testing.assert_allclose(other.images, 255 * one.images, atol=0.05)
    np.testing.assert_allclose(other.errors, one.errors, rtol=1e-3)


def test_softmax_and_logits_are_inverted_alike_and_a_seed_gives_the_same_bits():
    softmax, logits = network(head="softmax"), network(head=None)
    first, again, other = (
        kc.analysis.invert(model, smooth(), "predictions", bounds=BOUNDS, steps=20)
        for model in (softmax, softmax, logits)
    )
    np.testing.assert_array_equal(again.images, first.images)
    np.testing.assert_allclose(other.images, first.images, atol=1e-5)


def test_the_weight_of_smoothness_grows_with_depth():
    model = network()
    names = ("stage1_conv", "stage2_norm", "head_pool")
    found = [Inverter(model, name, bounds=BOUNDS).smoothness for name in names]
    assert found == [0.5, 5, 50]


def history_on_the_backend():
    found = kc.analysis.invert(
        network("sequential"), smooth(2), "stage2_conv", bounds=BOUNDS, steps=8, restarts=2
    )
    return found.history.ravel().tolist()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_steps_are_equal_on_all_backends(backend):
    code = (
        "import json, keras; from analysis.inside.test_inversion import history_on_the_backend; "
        f"assert keras.config.backend() == {backend!r}; print(json.dumps(history_on_the_backend()))"
    )
    found = json.loads(run_on(backend, code).splitlines()[-1])
    np.testing.assert_allclose(found, history_on_the_backend(), rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bounds": (0, 1)}, "bounds from 0 to 1.*units that the model takes"),
        ({"bounds": (1, 0)}, r"bounds=\(1, 0\).*the lowest and the highest value"),
        ({"bounds": 255}, "bounds=255 was given. Allowed: 2 values"),
        ({"layer": "stage3"}, "not in.*Did you mean 'stage"),
        ({"restarts": 0}, "restarts=0"),
        ({"alpha": 5}, "alpha=.*even"),
        ({"momentum": 1}, "momentum=1"),
        ({"sigma": 0}, "sigma=0"),
        ({"smoothness": -1}, "smoothness=-1"),
        ({"mean": np.zeros(4)}, r"mean of shape \(4,\)"),
    ],
)
def test_what_is_refused(change, message):
    arguments = {"layer": "stage1_conv", "bounds": BOUNDS, **change}
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.invert(network(), smooth(), **arguments)


def test_a_silent_layer_and_broken_images_are_refused():
    model, images = network(), smooth()
    broken = images.copy()
    broken[1, 2, 3] = np.nan
    with pytest.raises(kc.InputError, match="infinite or not a number"):
        kc.analysis.invert(model, broken, "stage1_conv", bounds=BOUNDS)
    model.get_layer("stage1_conv").set_weights([np.zeros((3, 3, 3, 6)), np.full(6, -1.0)])
    with pytest.raises(kc.InputError, match="gives nothing.*image 0.*another layer"):
        kc.analysis.invert(model, images, "stage1_conv", bounds=BOUNDS)
