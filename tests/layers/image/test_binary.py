"""Binary layers against the paper's formulas, on three backends."""

import keras
import numpy as np
import pytest

from keras_classics.layers import BinaryConv2D, BinaryDense, binary_sign
from layers.image.binary_steps import CASES, drawn
from support import check_layer, run_on

MAPS = np.random.default_rng(5).normal(size=(2, 6, 6, 4)).astype("float32")


@pytest.mark.parametrize(
    "layer",
    [
        BinaryConv2D(6),
        BinaryConv2D(3, (2, 3), 2, 1, binarize="weights", use_bias=False),
        BinaryConv2D(3, center_clamp=True, input_scale=False, estimator="approx_sign"),
        BinaryDense(3, estimator="swish_sign"),
    ],
    ids=lambda layer: layer.name,
)
def test_contract(layer):
    check_layer(layer, MAPS)


def windows(x):
    """What each output of the convolution sees: `(rows * columns, weights of a filter)`."""
    padded = np.pad(x[0], ((1, 1), (1, 1), (0, 0)))
    return np.array(
        [
            padded[row : row + 3, column : column + 2].ravel()
            for row in range(0, 5, 2)
            for column in range(0, 7, 2)
        ]
    )


def back(gradient):
    """Gradients of windows, summed where windows overlap."""
    padded = np.zeros((7, 8, 4))
    corners = [(row, column) for row in range(0, 5, 2) for column in range(0, 7, 2)]
    for (row, column), window in zip(corners, gradient, strict=True):
        padded[row : row + 3, column : column + 2] += window.reshape(3, 2, 4)
    return padded[None, 1:-1, 1:-1]


FLATTEN = {"dense": (lambda x: x, lambda g: g), "convolution": (windows, back)}

# The functions whose derivatives stand in for the sign's.
STAND_INS = {
    "clipped_identity": lambda x: np.clip(x, -1, 1),
    "approx_sign": lambda x: np.where(np.abs(x) < 1, 2 * x - np.sign(x) * x**2, np.sign(x)),
    "swish_sign": lambda x: swish_sign(5 * x),
}


def swish_sign(z):
    s = 1 / (1 + np.exp(-z))
    return 2 * s * (1 + z * (1 - s)) - 1


def slope(estimator, x):
    f = STAND_INS[estimator]
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6


def by_hand(kind, case):
    """Output and the step's new kernel and shift of the input, from the paper's formulas."""
    x, kernel, upstream = drawn()[kind]
    arguments = CASES[case]
    flat, unflat = FLATTEN[kind]
    shape, channels = kernel.shape, kernel.shape[-2]
    kernel, upstream = kernel.reshape(-1, 3), upstream.reshape(-1, 3)
    n, signs = len(kernel), np.where(kernel >= 0, 1, -1)
    alpha = np.abs(kernel).mean(axis=0)

    binary = case != "weights"
    seen = flat(np.where(x >= 0, 1.0, -1.0) if binary else x)
    scaled = binary and arguments.get("input_scale", True)
    scale = np.abs(flat(x)).mean(axis=1, keepdims=True) if scaled else np.ones((len(seen), 1))
    output = seen @ (alpha * signs) * scale

    of_estimate = seen.T @ (upstream * scale)
    if case == "center_clamp":
        factor = (1 / n + alpha * (np.abs(kernel) < 1)) * n * (1 - 1 / channels)
    else:
        factor = 1 / n + alpha * (np.abs(kernel) <= 1)
    kernel = (kernel - of_estimate * factor).reshape(shape)
    if case == "center_clamp":
        kernel = np.clip(kernel - kernel.mean(axis=-2, keepdims=True), -1, 1)

    of_input = unflat((upstream * scale) @ (alpha * signs).T)
    if binary:
        of_input *= slope(arguments.get("estimator", "clipped_identity"), x)
    if scaled:
        of_scale = (upstream * (seen @ (alpha * signs))).sum(axis=1, keepdims=True)
        of_input += unflat(np.repeat(of_scale / n, n, axis=1)) * np.sign(x)
    return output, kernel, -of_input


@pytest.fixture(scope="module", params=["tensorflow", "jax", "torch"])
def steps(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("steps") / f"{request.param}.npz"
    code = f"from layers.image.binary_steps import results; np.savez({str(path)!r}, **results())"
    run_on(request.param, f"import numpy as np; {code}")
    with np.load(path) as found:
        assert found["backend"] == request.param
        return dict(found)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_output_and_gradients_are_the_papers_formulas(steps, kind, case):
    for name, expected in zip(("output", "kernel", "input"), by_hand(kind, case), strict=True):
        result = steps[f"{kind}_{case}_{name}"]
        # On JAX and PyTorch something on the way rounds to single precision, 7e-7 at most.
        np.testing.assert_allclose(
            result, expected.reshape(result.shape), atol=1e-6, err_msg=f"{kind}, {case}, {name}"
        )


def test_a_sign_is_plus_one_at_zero_and_exact():
    x = np.array([-3.0, -1e-30, -0.0, 0.0, 0.3, 1e30], "float32")
    for estimator in STAND_INS:
        np.testing.assert_array_equal(binary_sign(x, estimator), [-1, -1, 1, 1, 1, 1])


def test_alpha_and_the_signs_are_the_nearest_binary_filter():
    layer = BinaryDense(1)
    layer.build((None, 40))
    kernel = np.asarray(layer.kernel)
    signs, alpha = map(np.asarray, layer.binary_kernel())
    tried = (
        np.random.default_rng(0).choice([-1, 1], (500, 40, 1))
        * np.linspace(0, 3, 500)[:, None, None]
    )
    nearest = min(
        np.square(kernel - other).sum() for other in (*tried, *(signs * alpha * tried[..., :1, :1]))
    )
    assert np.square(kernel - alpha * signs).sum() <= nearest


def test_the_padding_is_a_third_value_around_the_signs():
    layer = BinaryConv2D(1, kernel_initializer="ones")
    expected = [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    x = np.ones((1, 3, 3, 1), "float32")
    scale = np.array(expected)[None, ..., None] / 9
    np.testing.assert_allclose(layer(x), np.array(expected)[None, ..., None] * scale, rtol=1e-6)
    np.testing.assert_allclose(layer.input_scales(x), scale, rtol=1e-6)


@pytest.mark.parametrize(
    ("kernel_size", "margins"), [((3, 5), (1, 2)), (4, (2, 2)), ((1, 2), (0, 1))]
)
def test_the_default_padding_is_half_the_kernel_and_the_bias_is_added_last(kernel_size, margins):
    layer = BinaryConv2D(2, kernel_size, binarize="weights")
    layer.build(MAPS.shape)
    layer.bias.assign([0.3, -2.0])
    signs, alpha = layer.binary_kernel()
    padded = np.pad(MAPS, [(0, 0), *((margin, margin) for margin in margins), (0, 0)])
    expected = keras.ops.conv(padded, signs) * alpha + np.array([0.3, -2.0], "float32")
    np.testing.assert_allclose(layer(MAPS), expected, atol=1e-5)


def test_a_filter_of_zeros_still_learns():
    layer = BinaryDense(1, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(keras.optimizers.SGD(1.0), lambda y, p: keras.ops.sum(p))
    model.train_on_batch(np.ones((1, 4)), np.zeros((1, 1)))
    np.testing.assert_allclose(layer.kernel, -np.full((4, 1), 1 / 4), rtol=1e-6)


def test_center_clamp_starts_centred_and_keeps_the_limits():
    layer = BinaryConv2D(4, center_clamp=True)
    model = keras.Sequential([keras.Input(MAPS.shape[1:]), layer])
    np.testing.assert_allclose(np.mean(layer.kernel, axis=2), 0, atol=1e-6)
    model.compile(keras.optimizers.SGD(10.0), "mse")
    model.train_on_batch(MAPS, np.ones(model.compute_output_shape(MAPS.shape)))
    assert np.abs(layer.kernel).max() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"binarize": "inputs"}, "binarize='inputs'.*'weights', 'weights_and_inputs'"),
        ({"estimator": "sign"}, "estimator='sign'.*'clipped_identity'"),
        ({"center_clamp": True}, "one input channel.*two or more"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        BinaryDense(3, **arguments)(np.ones((2, 1)))
