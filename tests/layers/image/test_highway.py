"""Highway layers: closed gates carry, open gates transform, and the formula in numpy."""

import keras
import numpy as np
import pytest

from keras_classics.layers import ConvHighway, Highway, HighwayMerge
from support import check_gradients, check_layer, check_round_trip

VECTORS = np.random.default_rng(5).normal(size=(3, 4)).astype("float32")
MAPS = np.random.default_rng(5).normal(size=(2, 5, 5, 4)).astype("float32")
FORMS = [(Highway, VECTORS), (ConvHighway, MAPS)]


@pytest.mark.parametrize("carry_gate", [False, True])
@pytest.mark.parametrize(("form", "x"), FORMS)
def test_contract(form, x, carry_gate):
    check_layer(form(carry_gate=carry_gate, activation="tanh"), x)


def test_contract_of_the_merge(tmp_path):
    symbols = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(symbols, HighwayMerge(-0.5)(symbols))
    inputs = [VECTORS, VECTORS[::-1].copy()]
    check_round_trip(model, inputs, tmp_path)
    check_gradients(model, inputs, VECTORS.shape)


def test_the_merge_mixes_by_its_gate():
    made = VECTORS[::-1].copy()
    layer = HighwayMerge(transform_bias=0.5)
    result = layer([VECTORS, made])
    kernel, bias = map(np.asarray, layer.weights)
    gate = 1 / (1 + np.exp(-(VECTORS @ kernel + bias)))
    np.testing.assert_allclose(result, gate * made + (1 - gate) * VECTORS, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("form", "x"), FORMS)
def test_a_closed_gate_is_the_identity(form, x):
    # The sigmoid of -1000 is zero in float32, whatever the kernel says.
    np.testing.assert_array_equal(form(transform_bias=-1000.0)(x), x)


@pytest.mark.parametrize(("form", "x"), FORMS)
def test_an_open_gate_is_the_plain_layer(form, x):
    layer = form(transform_bias=1000.0, activation="tanh")
    result = layer(x)
    plain = np.tanh(layer.affine(x, layer.transformation[0]))
    np.testing.assert_allclose(result, plain, atol=1e-6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("carry_gate", [False, True])
@pytest.mark.parametrize(
    ("form", "arguments", "x"),
    [(Highway, {}, VECTORS), (ConvHighway, {}, MAPS), (ConvHighway, {"kernel_size": 1}, MAPS)],
)
def test_every_form_is_the_papers_formula(form, arguments, x, carry_gate):
    layer = form(activation="tanh", carry_gate=carry_gate, **arguments)
    layer.build(x.shape)
    draw = np.random.default_rng(1)
    layer.set_weights([0.4 * draw.normal(size=w.shape) for w in layer.weights])
    kernels, biases = (list(map(np.asarray, layer.weights[n::2])) for n in (0, 1))
    maps = [
        (x @ kernel if x.ndim == 2 else np.asarray(keras.ops.conv(x, kernel, padding="same"))) + b
        for kernel, b in zip(kernels, biases, strict=True)
    ]
    transform = sigmoid(maps[1])
    carry = sigmoid(maps[2]) if carry_gate else 1 - transform
    expected = np.tanh(maps[0]) * transform + x * carry
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-5)


def test_gates_start_where_they_should():
    layer = Highway(transform_bias=-0.5, carry_gate=True)
    layer.build(VECTORS.shape)
    kernels, biases = (list(map(np.asarray, layer.weights[n::2])) for n in (0, 1))
    np.testing.assert_array_equal(biases, [[0.0] * 4, [-0.5] * 4, [0.5] * 4])
    assert not np.array_equal(kernels[0], kernels[1])


def test_a_carry_gate_of_its_own_starts_where_the_coupled_one_does():
    free = Highway("tanh", transform_bias=-2.0, carry_gate=True)
    free.build(VECTORS.shape)
    w_h, b_h, w_t, b_t, w_c, b_c = map(np.asarray, free.weights)
    free.set_weights([w_h, b_h, 0 * w_t, b_t, 0 * w_c, b_c])
    coupled = Highway("tanh", transform_bias=-2.0)
    coupled.build(VECTORS.shape)
    coupled.set_weights([w_h, b_h, 0 * w_t, b_t])
    np.testing.assert_allclose(free(VECTORS), coupled(VECTORS), rtol=1e-5, atol=1e-6)
