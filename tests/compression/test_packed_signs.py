"""Packed signs: equal to the product of the signs, to the last unit."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_classics.compression import (
    PackedLayer,
    pack_signs,
    packed_signs,
    xnor_convolution,
    xnor_dot,
)
from keras_classics.core.errors import InputError
from keras_classics.layers import BinaryConv2D, BinaryDense

needs_numba = pytest.mark.skipif(
    find_spec("numba") is None,
    reason="needs numba: pip install 'keras-classics[binary]'",
)
engines = pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=needs_numba)])


def drawn(seed, *shape):
    # Whole numbers, so that zeros occur.
    return np.random.default_rng(seed).integers(-3, 4, shape).astype("float32")


def signs(x):
    return np.where(x >= 0, 1.0, -1.0)


def convolved(x, kernel, strides, rows, columns):
    """Convolution as the sum of its definition."""
    x = np.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    (height, width), size = x.shape[1:3], kernel.shape[:2]
    return np.stack(
        [
            np.stack(
                [
                    np.tensordot(x[:, i : i + size[0], j : j + size[1]], kernel, 3)
                    for j in range(0, width - size[1] + 1, strides)
                ],
                axis=1,
            )
            for i in range(0, height - size[0] + 1, strides)
        ],
        axis=1,
    )


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 200), st.integers(0, 10**6))
def test_bits_are_the_signs_and_the_rest_is_empty(length, seed):
    x = drawn(seed, 2, length)
    words = pack_signs(x)
    assert words.dtype == "uint64" and words.shape == (2, -(-length // 64))
    np.testing.assert_array_equal(words.T, pack_signs(x.T, axis=0))
    for row, packed in zip(x, words, strict=True):
        number = sum(int(word) << 64 * place for place, word in enumerate(packed))
        assert number == sum(1 << place for place in range(length) if row[place] >= 0)


@engines
@settings(deadline=None, max_examples=50)
@given(
    rows=st.integers(1, 5), length=st.integers(1, 400), columns=st.integers(1, 9),
    seed=st.integers(0, 10**6),
)  # fmt: skip
def test_dot_products_equal_those_of_the_signs(engine, rows, length, columns, seed):
    a, b = drawn(seed, rows, length), drawn(seed + 1, length, columns)
    result = xnor_dot(pack_signs(a), pack_signs(b, axis=0), length, engine=engine)
    np.testing.assert_array_equal(result, signs(a) @ signs(b))


@engines
@settings(deadline=None, max_examples=50)
@given(
    sides=st.tuples(st.integers(3, 7), st.integers(3, 7)), channels=st.integers(1, 140),
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)), filters=st.integers(1, 5),
    strides=st.integers(1, 3), padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    seed=st.integers(0, 10**6),
)  # fmt: skip
def test_convolutions_equal_those_of_the_signs(
    engine, sides, channels, size, filters, strides, padding, seed
):
    x, kernel = drawn(seed, 2, *sides, channels), drawn(seed + 1, *size, channels, filters)
    result = xnor_convolution(
        pack_signs(x), pack_signs(kernel, axis=-2), channels,
        strides=strides, padding=padding, engine=engine,
    )  # fmt: skip
    np.testing.assert_array_equal(result, convolved(signs(x), signs(kernel), strides, *padding))


LAYERS = {
    "convolution": (BinaryConv2D(7), (2, 6, 5, 70)),
    "strided": (BinaryConv2D(5, (4, 3), 2, 1), (2, 9, 8, 128)),
    "whole_map": (BinaryConv2D(9, 6, padding=0, use_bias=False), (2, 6, 6, 20)),
    "dense": (BinaryDense(9), (4, 100)),
    "dense_sequence": (BinaryDense(9, input_scale=False), (2, 3, 65)),
    "same": (BinaryConv2D(33, 3, 2, "same", activation="relu"), (3, 8, 9, 66)),
    "dilated": (BinaryConv2D(5, (2, 3), dilation_rate=(2, 1)), (2, 7, 6, 3)),
    "real_inputs": (BinaryConv2D(6, 3, 2, binarize="weights"), (2, 7, 6, 70)),
    "real_vectors": (BinaryDense(6, binarize="weights"), (2, 5, 70)),
}


@engines
@pytest.mark.parametrize("name", LAYERS)
def test_a_packed_layer_gives_the_layers_output(engine, name):
    layer, shape = LAYERS[name]
    x = drawn(3, *shape)
    if not layer.built:
        layer.build(x.shape)
    if layer.use_bias:
        layer.bias.assign(drawn(4, *layer.bias.shape))
    result = PackedLayer.of(layer, engine)(x)
    assert result.dtype == "float32"
    np.testing.assert_allclose(result, layer(x), rtol=1e-5, atol=1e-5)


@engines
def test_the_products_of_a_layer_are_exactly_those_of_its_packed_form(engine):
    layer = BinaryConv2D(7, kernel_initializer="ones", input_scale=False)
    x = drawn(5, 2, 6, 6, 130)
    layer.build(x.shape)
    layer.kernel.assign(np.where(drawn(6, *layer.kernel.shape) >= 0, 1.0, -1.0))
    np.testing.assert_array_equal(PackedLayer.of(layer, engine)(x), layer(x))


def test_a_weight_takes_one_bit():
    layer = BinaryConv2D(256)
    layer.build((None, 14, 14, 256))
    assert 32 * PackedLayer.of(layer).kernel.nbytes == np.asarray(layer.kernel).nbytes


def test_unknown_engines_are_refused():
    with pytest.raises(ValueError, match="engine='cuda'.*'numpy', 'numba'"):
        xnor_dot(pack_signs(np.ones((1, 4))), pack_signs(np.ones((4, 1)), 0), 4, engine="cuda")


def packed_kernel(channels=3):
    return pack_signs(np.ones((3, 3, channels, 2)), axis=-2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xnor_dot(pack_signs(np.ones((2, 66))), pack_signs(np.ones((64, 3)), 0), 66),
         "b is uint64 of shape .1, 3.*2 words, which hold 66 signs"),
        (lambda: xnor_dot(pack_signs(np.ones((2, 64))), pack_signs(np.ones((64, 3)), 0), 66),
         "a is uint64 of shape .2, 1"),
        (lambda: xnor_dot(np.ones((2, 1)), pack_signs(np.ones((64, 3)), 0), 64), "a is float64"),
        (lambda: xnor_dot(pack_signs(np.ones(64)), pack_signs(np.ones((64, 3)), 0), 64),
         "a is uint64 of shape .1,.*of 2 axes"),
        (lambda: xnor_convolution(pack_signs(np.ones((1, 5, 5, 65))), packed_kernel(), 3),
         "signs is uint64 of shape .1, 5, 5, 2.*1 words"),
        (lambda: xnor_convolution(pack_signs(np.ones((1, 5, 5, 65))), packed_kernel(), 65),
         "kernel is uint64"),
        (lambda: xnor_convolution(pack_signs(np.ones((1, 2, 5, 3))), packed_kernel(), 3),
         "2 x 5 was given.*at least 3 x 3"),
        (lambda: xnor_convolution(
            pack_signs(np.ones((1, 5, 5, 3))), packed_kernel(), 3, strides=0), "strides=0"),
    ],
)  # fmt: skip
def test_words_that_hold_other_signs_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("shape", [(1, 6, 6, 5), (1, 6, 6, 2), (6, 6, 3), (6, 3), (3,)])
def test_a_packed_convolution_takes_what_the_layer_takes(shape):
    layer = BinaryConv2D(4)
    layer.build((None, 6, 6, 3))
    packed = PackedLayer.of(layer)
    with pytest.raises(InputError, match=r"Inputs of shape .*\(batch, height, width, 3\)"):
        packed(np.ones(shape))
    assert packed(np.ones((2, 6, 6, 3))).shape == (2, 6, 6, 4)


@pytest.mark.parametrize("shape", [(2, 5), (2, 2), (6,), ()])
def test_a_packed_dense_layer_takes_vectors_of_its_length(shape):
    layer = BinaryDense(4, activation="tanh")
    layer.build((None, 3))
    packed = PackedLayer.of(layer)
    with pytest.raises(InputError, match=r"Inputs of shape .*\(\.\.\., 3\)"):
        packed(np.ones(shape))
    x = np.ones((2, 1, 1, 5, 3), "float32")
    np.testing.assert_allclose(packed(x), np.asarray(layer(x)), atol=1e-6)


def test_without_numba_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    wrapped = packed_signs.compiled_kernels.__wrapped__
    monkeypatch.setattr(packed_signs, "compiled_kernels", wrapped)
    with pytest.raises(ImportError, match=r"keras-classics\[binary\]"):
        xnor_dot(pack_signs(np.ones((1, 4))), pack_signs(np.ones((4, 1)), 0), 4, engine="numba")


@engines
def test_an_empty_batch_is_answered(engine):
    for layer, shape in ((BinaryConv2D(4), (0, 6, 6, 4)), (BinaryDense(3), (0, 9))):
        layer.build((None, *shape[1:]))
        found = PackedLayer.of(layer, engine)(np.zeros(shape, "float32"))
        assert found.shape == (0, *layer.compute_output_shape((1, *shape[1:]))[1:])


@pytest.mark.skipif(find_spec("numba") is None, reason="NumPy keeps no table")
def test_tables_of_many_sizes_of_pictures_are_not_all_kept(monkeypatch):
    monkeypatch.setattr(packed_signs, "SIZES_AT_HAND", 2)
    layer = BinaryConv2D(4, input_scale=False)
    layer.build((None, None, None, 3))
    packed = PackedLayer.of(layer, "numba")
    for size in range(4, 10):
        x = drawn(size, 1, size, size, 3)
        np.testing.assert_allclose(packed(x), layer(x), rtol=1e-5, atol=1e-5)
        assert len(packed.products._bases) <= 2


def test_what_has_no_such_axis_is_refused():
    for x, axis in ((3.0, -1), (np.ones((2, 2)), 2), (np.ones(2), -2)):
        with pytest.raises(InputError, match="Pass axis=0 and numpy.ravel"):
            pack_signs(x, axis)
        assert pack_signs(np.ravel(x), 0).shape == (1,)
    with pytest.raises(InputError, match="an array of numbers"):
        pack_signs(iter([1, 2]))
