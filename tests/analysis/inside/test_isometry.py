"""Singular values of Jacobians: of matrices that are known, of starts beside mean field theory."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.mean_field import jacobian_moments
from support import run_on

NOISE = np.random.default_rng(0)


def linear(kernel):
    vector = keras.Input((len(kernel),))
    model = keras.Model(vector, layers.Dense(kernel.shape[1], name="kernel")(vector))
    model.get_layer("kernel").set_weights([kernel, np.zeros(kernel.shape[1])])
    return model


@pytest.mark.parametrize("shape", [(7, 5), (5, 7)])
def test_of_a_linear_layer_they_are_those_of_its_kernel(shape):
    kernel = NOISE.normal(size=shape)
    model = linear(kernel)
    found = kc.analysis.jacobian_spectrum(model, NOISE.normal(size=(1, shape[0])))
    expected = np.linalg.svd(kernel, compute_uv=False)
    np.testing.assert_allclose(found.values, expected, rtol=1e-5)
    assert found.exact and found.shape == shape[::-1]
    assert found.mean_square == pytest.approx(np.square(expected).mean(), rel=1e-5)


def test_random_vectors_find_the_largest():
    left, _ = np.linalg.qr(NOISE.normal(size=(60, 60)))
    right, _ = np.linalg.qr(NOISE.normal(size=(50, 50)))
    values = np.linspace(3, 0.1, 50)
    model = linear(left[:, :50] * values @ right)
    found = kc.analysis.jacobian_spectrum(model, np.zeros((1, 60)), count=8)
    assert not found.exact and len(found.values) == 8
    np.testing.assert_allclose(found.values, values[:8], rtol=0.01)
    assert found.values.max() <= values[0] * (1 + 1e-5)
    assert found.mean_square == pytest.approx(np.square(values).mean(), rel=0.4)


def test_it_is_the_slope_where_the_example_lies_and_of_logits():
    vector = keras.Input((3,))
    bent = layers.Dense(4, "tanh", name="bent")(vector)
    model = keras.Model(vector, layers.Dense(3, "softmax", name="predictions")(bent))
    x = NOISE.normal(size=(1, 3))
    (first, bias), (second, _) = (model.get_layer(n).get_weights() for n in ("bent", "predictions"))
    slopes = 1 - np.tanh(x @ first + bias) ** 2
    expected = np.linalg.svd(first * slopes @ second, compute_uv=False)
    found = kc.analysis.jacobian_spectrum(model, x)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)


def test_a_linear_network_of_delta_orthogonal_kernels_keeps_all_lengths():
    for each in kc.analysis.isometry_by_depth(
        (1, 12), starts=["delta_orthogonal"], activation="linear", channels=4, side=4
    ):
        np.testing.assert_allclose(each.spectrum.values, 1, rtol=1e-4)
        assert (each.predicted_mean, each.predicted_variance) == pytest.approx((1, 0), abs=1e-9)


def test_starts_beside_theory():
    found = kc.analysis.isometry_by_depth((16,), q_star=1 / 256, channels=64, side=3, seed=1)
    by_start = {each.start: each for each in found}
    spread = {name: np.ptp(each.spectrum.values) for name, each in by_start.items()}
    assert spread["delta_orthogonal"] < 0.5 < 2 < min(spread["orthogonal"], spread["glorot"])
    exact = by_start["delta_orthogonal"]
    squares = np.square(exact.spectrum.values)
    # Its one trait that a narrow network shares with a wide one is the mean.
    assert squares.mean() == pytest.approx(exact.predicted_mean, rel=0.05)
    assert squares.std() == pytest.approx(np.sqrt(exact.predicted_variance), rel=0.5)
    assert exact.predicted_mean == pytest.approx(1, rel=1e-6)


def test_a_layer_of_nine_taps_spreads_as_the_corner_of_an_orthogonal_matrix():
    """The mean of the fourth powers is 2 - 1/9 there, and 2 of a Gaussian matrix."""
    for start, spread in (("orthogonal", 1 - 1 / 9), ("glorot", 1.0)):
        (found,) = kc.analysis.isometry_by_depth(
            (1,), starts=[start], activation="linear", channels=24, side=4, seed=2
        )
        squares = np.square(found.spectrum.values)
        predicted = found.predicted_variance / found.predicted_mean**2
        assert predicted == pytest.approx(spread, rel=1e-6)
        assert squares.var() / squares.mean() ** 2 == pytest.approx(spread, rel=0.05)


def test_moments_by_hand():
    # Products of Gaussian matrices: the second moment of depth L is 1 + L (Fuss and Catalan).
    assert jacobian_moments("linear", 1, 0, 5, spread=1) == pytest.approx((1, 5))
    assert jacobian_moments("linear", 1.5, 0.3, 2, spread=0) == pytest.approx((1.5**4, 0))
    # Half of the rectifiers are off: mu_1 = mu_2 = 1/2.
    assert jacobian_moments("relu", 2**0.5, 0, 7, spread=0) == pytest.approx((1, 7))
    # Squared singular values of layers of random matrices, orthogonal and Gaussian.
    width, depth = 400, 3
    products = np.eye(width)
    for _ in range(depth):
        products = NOISE.normal(size=(width, width)) / width**0.5 @ products
    squares = np.linalg.svd(products, compute_uv=False) ** 2
    _, variance = jacobian_moments("linear", 1, 0, depth, spread=1)
    assert squares.var() == pytest.approx(variance, rel=0.1)


def test_it_is_drawn(tmp_path):
    found = kc.analysis.isometry_by_depth((2, 4), channels=3, side=3)
    kc.analysis.draw_isometry(tmp_path / "isometry.png", found)
    assert (tmp_path / "isometry.png").stat().st_size > 5000
    kc.analysis.draw_isometry(tmp_path / "isometry.svg", found)
    drawn = (tmp_path / "isometry.svg").read_text()
    # The numbers along the axes are the depths, as many times as there are starts.
    assert drawn.count("<!-- 2 -->") == drawn.count("<!-- 4 -->") == 3
    with pytest.raises(kc.InputError, match="No measurement"):
        kc.analysis.draw_isometry(tmp_path / "isometry.png", [])


def test_what_is_refused():
    model = linear(np.ones((3, 2)))
    with pytest.raises(kc.InputError, match=r"\(2, 3\).*batch of one"):
        kc.analysis.jacobian_spectrum(model, np.zeros((2, 3)))
    with pytest.raises(kc.InputError, match="count=3.*up to 2"):
        kc.analysis.jacobian_spectrum(model, np.zeros((1, 3)), count=3)
    with pytest.raises(kc.InputError, match="start='he'.*delta_orthogonal"):
        kc.analysis.isometry_by_depth(starts="he")
    with pytest.raises(kc.InputError, match="depths="):
        kc.analysis.isometry_by_depth([0])
    tokens = keras.Input((3,), dtype="int32")
    words = keras.Model(tokens, layers.Flatten()(layers.Embedding(5, 2)(tokens)))
    with pytest.raises(kc.InputError, match="int32.*have a gradient"):
        kc.analysis.jacobian_spectrum(words, np.zeros((1, 3), "int32"))


def spectra_on_the_backend():
    image = keras.Input((6, 6, 2))
    x = layers.MaxPooling2D()(layers.Conv2D(3, 3, activation="tanh")(image))
    model = keras.Model(image, layers.Dense(4, "softmax")(layers.Flatten()(x)))
    model.set_weights([np.cos(np.arange(x.size).reshape(x.shape)) for x in model.get_weights()])
    example = np.sin(np.arange(72)).reshape(1, 6, 6, 2)
    return [
        kc.analysis.jacobian_spectrum(model, example, count=count).values.tolist()[:2]
        for count in (None, 2)
    ]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_find_the_same(backend):
    code = (
        "import json; from analysis.inside.test_isometry import spectra_on_the_backend; "
        "print(json.dumps(spectra_on_the_backend()))"
    )
    found = json.loads(run_on(backend, code).splitlines()[-1])
    expected = spectra_on_the_backend()
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    np.testing.assert_allclose(expected[0], expected[1], rtol=1e-3)
