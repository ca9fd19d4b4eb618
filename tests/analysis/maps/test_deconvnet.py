"""The deconvnet against one that is run backwards by hand, in loops."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from analysis.maps.cam_networks import FORMS, IMAGES, network
from support import run_on

PICTURES = np.random.default_rng(0).normal(size=(3, 7, 5, 2)).astype("float32")


def model():
    """Two convolutions with a pooling of odd sides between: 7 x 5 becomes 4 x 3."""
    image = keras.Input(PICTURES.shape[1:])
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    x = layers.MaxPooling2D(2, padding="same", name="pool")(x)
    x = layers.ReLU(name="last")(layers.Conv2D(3, 1, name="second")(x))
    made = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    draw = np.random.default_rng(1)
    for weight in made.weights:
        weight.assign(draw.normal(size=weight.shape))
    # So much light that no window is all dark, where any switch would do.
    made.get_layer("first").bias.assign([3.0, 3.0, 3.0, 3.0])
    return made


def by_hand(made, image, channel):
    """Up, and down again with switches, a rectifier at each ReLU and kernels transposed."""
    first, second = made.get_layer("first"), made.get_layer("second")
    kernel, bias, mixing, shift = (
        keras.ops.convert_to_numpy(x) for x in (*first.weights, *second.weights)
    )
    padded = np.pad(image, [(1, 1), (1, 1), (0, 0)])
    maps = np.zeros((7, 5, 4))
    for row in range(7):
        for column in range(5):
            window = padded[row : row + 3, column : column + 3]
            maps[row, column] = np.einsum("hwi,hwio->o", window, kernel) + bias
    maps = np.maximum(maps, 0)
    pooled, switches = np.zeros((4, 3, 4)), {}
    for row in range(4):
        for column in range(3):
            for own in range(4):
                window = maps[2 * row : 2 * row + 2, 2 * column : 2 * column + 2, own]
                place = np.unravel_index(window.argmax(), window.shape)
                pooled[row, column, own] = window[place]
                switches[row, column, own] = 2 * row + place[0], 2 * column + place[1]
    top = np.maximum(pooled @ mixing[0, 0] + shift, 0)[..., channel]
    row, column = np.unravel_index(top.argmax(), top.shape)
    back = np.zeros((7, 5, 4))
    for own in range(4):
        value = max(top[row, column], 0) * mixing[0, 0, own, channel]
        back[*switches[row, column, own], own] = max(value, 0)
    pixels = np.zeros((9, 7, 2))
    for row in range(7):
        for column in range(5):
            pixels[row : row + 3, column : column + 3] += kernel @ back[row, column]
    return pixels[1:-1, 1:-1]


def found_and_expected():
    made = model()
    found = [kc.analysis.deconvnet(made, PICTURES, layer="last", channel=n) for n in range(3)]
    expected = [np.stack([by_hand(made, image, n) for image in PICTURES]) for n in range(3)]
    return np.stack(found), np.stack(expected)


def check():
    found, expected = found_and_expected()
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_it_runs_the_network_backwards_with_switches():
    check()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_is_the_same_on_every_backend(backend):
    code = "import keras; from analysis.maps.test_deconvnet import check; check()"
    run_on(backend, f"{code}; assert keras.config.backend() == {backend!r}")


def test_relus_of_every_kind_and_nested_models_are_met():
    expected = kc.analysis.deconvnet(network(), IMAGES, target=1)
    # What the ReLUs themselves would stop passes, unlike in guided back-propagation.
    assert np.abs(expected - kc.analysis.guided_gradients(network(), IMAGES, target=1)).max() > 0.01
    for form in FORMS[1:]:
        found = kc.analysis.deconvnet(network(form), IMAGES, target=1)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    image = keras.Input((4, 4, 1))
    convolved = layers.Conv2D(2, 1, name="conv")(image)
    kinds = [keras.activations.relu, layers.ReLU(), layers.Activation("relu"), keras.ops.relu]
    kernel, results = np.float32([1, -1]).reshape(1, 1, 1, 2), []
    for kind in kinds:
        x = layers.GlobalAveragePooling2D()(kind(convolved))
        made = keras.Model(image, layers.Dense(1, use_bias=False)(x))
        made.set_weights([kernel, np.zeros(2), np.float32([[1], [-1]])])
        results.append(kc.analysis.deconvnet(made, np.ones((1, 4, 4, 1)), target=1))
    # Of the second channel a negative weight comes back, which no ReLU lets through.
    for own in results:
        np.testing.assert_allclose(own, 1 / 16, atol=1e-6)


def test_a_silent_channel_is_dark_and_the_model_stays_as_it_was():
    made = model()
    made.get_layer("second").bias.assign([-1e3, 0, 0])
    before = [keras.ops.convert_to_numpy(x) for x in made.weights]
    answers = made.predict_on_batch(PICTURES)
    assert not kc.analysis.deconvnet(made, PICTURES, layer="last", channel=0).any()
    np.testing.assert_array_equal(made.predict_on_batch(PICTURES), answers)
    for own, weight in zip(before, made.weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), own)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": "last"}, "channel=None.*pass both layer and channel"),
        ({"channel": 1}, "layer=None.*pass both layer and channel"),
        ({"layer": "last", "channel": 3}, "channel=3.*0 to 2.*channel=2 or less"),
        ({"layer": "last", "channel": 0, "target": 1}, "Leave target out"),
        ({"layer": "lst", "channel": 0}, "Did you mean 'last'"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.deconvnet(model(), PICTURES, **arguments)
