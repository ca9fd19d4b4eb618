"""The contract of every layer, and each layer's formula against numpy."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.layers import (
    ConnectionTableConv2D,
    EuclideanRBF,
    LocalResponseNormalization,
    PaddedMaxPooling2D,
    RecurrentDecoder,
    StepwiseAdditiveAttention,
    TrainableSubsampling,
    ZeroPaddedShortcut,
)
from support import check_layer


def normal(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


MAPS = normal(2, 6, 6, 4)


@pytest.mark.parametrize(
    "layer",
    [
        ConnectionTableConv2D([[0, 1], [3], [0, 1, 2, 3]], 3, activation="tanh"),
        ConnectionTableConv2D([[0, 1], [3], [0, 1, 2, 3]], 3, "same", strides=2),
        LocalResponseNormalization(size=3, alpha=0.1),
        PaddedMaxPooling2D(3, 2, 1),
        TrainableSubsampling("sigmoid"),
        ZeroPaddedShortcut(6, 2),
    ],
    ids=lambda layer: layer.name,
)
def test_contract_on_maps(layer):
    check_layer(layer, MAPS)


def test_contract_of_rbf():
    check_layer(EuclideanRBF(3, trainable_codes=True), normal(4, 5))


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_connection_table_equals_a_masked_dense_convolution(strides, padding):
    table = [[0, 2], [1], [0, 1, 2, 3]]
    layer, maps = (
        ConnectionTableConv2D(table, 3, padding, "tanh", strides=strides),
        normal(2, 7, 6, 4),
    )
    layer.build(maps.shape)
    assert layer.count_params() == 7 * 9 + 3
    layer.bias.assign([0.5, -1.0, 0.2])
    result = layer(maps)
    dense = np.zeros((3, 3, 4, 3), "float32")
    kernels, link = np.asarray(layer.kernel), 0
    for target, row in enumerate(table):
        for source in row:
            dense[:, :, source, target] = kernels[:, :, 0, link]
            link += 1
    sums = keras.ops.conv(maps, dense, strides, padding) + layer.bias
    np.testing.assert_allclose(result, np.tanh(sums), atol=1e-5)
    assert layer.compute_output_shape(maps.shape) == tuple(result.shape)


def test_connection_table_refuses_a_map_that_is_not_there():
    with pytest.raises(ValueError, match="input map 4.*maps 0 to 3"):
        ConnectionTableConv2D([[0, 4]], 3)(MAPS)


@pytest.mark.parametrize("divided", [False, True])
def test_local_response_normalization_is_the_papers_formula(divided):
    layer = LocalResponseNormalization(3, alpha=0.3, beta=0.6, bias=1.5, alpha_over_n=divided)
    x = normal(2, 3, 3, 8)
    expected = np.empty_like(x)
    for c in range(8):
        window = x[..., max(0, c - 1) : c + 2]
        scale = (0.3 / 3 if divided else 0.3) * np.sum(window**2, axis=-1)
        expected[..., c] = x[..., c] / (1.5 + scale) ** 0.6
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5)


@pytest.mark.parametrize("side", range(3, 12))
@pytest.mark.parametrize(
    "pool_size, strides, padding", [(3, 2, 0), (3, 2, 1), (2, 2, 0), (4, 3, 2)]
)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_padded_max_pooling_equals_torch(side, pool_size, strides, padding, ceil_mode):
    torch = pytest.importorskip("torch")
    x = normal(1, side, side + 1, 2) - 5.0
    layer = PaddedMaxPooling2D(pool_size, strides, padding, ceil_mode)
    expected = torch.nn.functional.max_pool2d(
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()),
        pool_size, strides, padding, ceil_mode=ceil_mode,
    )  # fmt: skip
    result = layer(x)
    np.testing.assert_array_equal(result, expected.numpy().transpose(0, 2, 3, 1))
    assert layer.compute_output_shape(x.shape) == tuple(result.shape)


def test_padded_max_pooling_of_a_size_known_only_at_run_time():
    import tensorflow as tf

    layer = PaddedMaxPooling2D(3, 2, 1, ceil_mode=True)
    traced = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 2))])
    for side in (5, 6, 9):
        x = normal(1, side, side + 1, 2)
        np.testing.assert_array_equal(traced(x), layer(x))


def test_trainable_subsampling_is_the_papers_formula():
    layer = TrainableSubsampling(kc.layers.scaled_tanh, pool_size=3)
    layer.build(MAPS.shape)
    alpha, bias = normal(4), normal(4)[::-1].copy()
    layer.set_weights([alpha, bias])
    mean = MAPS.reshape(2, 2, 3, 2, 3, 4).mean(axis=(2, 4))
    expected = 1.7159 * np.tanh(2 / 3 * (alpha * mean + bias))
    np.testing.assert_allclose(layer(MAPS), expected, rtol=1e-5)


def test_rbf_is_the_squared_distance_to_fixed_codes():
    codes = [[1, -1, 1], [-1, -1, 1]]
    layer = EuclideanRBF(2, codes)
    x = normal(5, 3)
    expected = np.sum((x[:, None] - np.array(codes)) ** 2, axis=-1)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5)
    assert layer.trainable_weights == []


def test_rbf_draws_signs_and_learns_them_only_if_asked():
    drawn, learnt = EuclideanRBF(50), EuclideanRBF(50, trainable_codes=True)
    for layer in (drawn, learnt):
        layer.build((None, 40))
        assert set(np.unique(layer.table)) == {-1, 1}
    assert (len(drawn.trainable_weights), len(learnt.trainable_weights)) == (0, 1)


def test_rbf_draws_the_same_codes_from_the_same_seed():
    tables = []
    for seed in (1, 1, 2):
        layer = EuclideanRBF(50, seed=seed)
        layer.build((None, 40))
        tables.append(np.asarray(layer.table))
    np.testing.assert_array_equal(tables[0], tables[1])
    assert not np.array_equal(tables[0], tables[2])


@pytest.mark.parametrize(("filters", "strides"), [(4, 1), (7, 2), (6, 3)])
def test_the_shortcut_keeps_every_nth_pixel_and_adds_maps_of_zeros(filters, strides):
    result = ZeroPaddedShortcut(filters, strides)(MAPS)
    kept = MAPS[:, ::strides, ::strides]
    np.testing.assert_array_equal(result[..., :4], kept)
    np.testing.assert_array_equal(result[..., 4:], np.zeros((*kept.shape[:3], filters - 4)))


def test_rbf_refuses_codes_of_another_shape():
    with pytest.raises(ValueError, match=r"\(2, 3\).*shape \(2, 4\)"):
        EuclideanRBF(2, [[1, 1, 1], [1, 1, 1]])(normal(1, 4))


def test_attention_is_the_papers_formula():
    layer = StepwiseAdditiveAttention(5)
    memory, query = normal(2, 7, 3), normal(2, 4)
    context, weights = layer(memory, query)
    w_key, w_query, bias, score = map(np.asarray, layer.weights)
    energy = np.tanh(memory @ w_key + (query @ w_query + bias)[:, None]) @ score[:, 0]
    expected = np.exp(energy) / np.exp(energy).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    np.testing.assert_allclose(context, np.einsum("bl,blf->bf", expected, memory), rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({"attention": "dot"}, (2, 4), "attention='dot'"),
        ({"start_from": "middle"}, (2, 4), "start_from='middle'"),
        ({"cell": "gnu"}, (2, 4), "cell='gnu'"),
        ({}, (2, 3, 3, 4), "pooling='avg'"),
        ({"attention": "additive"}, (2, 4), "include_top=False and without pooling"),
    ],
)
def test_decoder_refuses_what_does_not_fit(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        RecurrentDecoder(9, 4, **arguments)(np.ones((2, 3), "int32"), normal(*shape))


def test_padding_in_ceil_mode_ends_with_the_last_window():
    maps = PaddedMaxPooling2D(4, 1, 2, ceil_mode=True)(np.zeros((1, 5, 5, 1), "float32"))
    assert maps.shape == (1, 6, 6, 1)
