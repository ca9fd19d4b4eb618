"""Weighted aggregation against its formula, and which edges a training step leaves out."""

import keras
import numpy as np
import pytest

from keras_classics.layers import WeightedAggregation
from support import check_gradients, check_round_trip

EDGES = [np.random.default_rng(n).normal(size=(2, 3, 3, 4)).astype("float32") for n in range(3)]
ONES = [np.full((2, 4), 10.0**n, "float32") for n in range(3)]


def numpy(x):
    return keras.ops.convert_to_numpy(x)


def network(layer):
    symbols = [keras.Input(x.shape[1:]) for x in EDGES]
    return keras.Model(symbols, layer(symbols))


@pytest.mark.parametrize("edge_dropout", [0.0, 0.5])
def test_contract(edge_dropout, tmp_path):
    layer = WeightedAggregation(edge_dropout, seed=1)
    model = network(layer)
    assert model.output_shape == (None, 3, 3, 4)
    check_gradients(model, EDGES, EDGES[0].shape)
    loaded = check_round_trip(model, EDGES, tmp_path)
    assert loaded.layers[-1].get_config() == layer.get_config()
    half = WeightedAggregation(edge_dropout, dtype="mixed_bfloat16")(EDGES, training=True)
    assert bool(keras.ops.all(keras.ops.isfinite(half)))


def test_contract_is_a_sum_weighted_by_sigmoids_that_starts_at_one_half():
    layer = WeightedAggregation()
    np.testing.assert_allclose(numpy(layer(EDGES)), sum(EDGES) / 2, atol=1e-6)
    scalars = np.array([-1.0, 0.5, 3.0], "float32")
    layer.set_weights([scalars])
    expected = sum(x / (1 + np.exp(-w)) for x, w in zip(EDGES, scalars, strict=True))
    np.testing.assert_allclose(numpy(layer(EDGES)), expected, atol=1e-5)


def test_a_single_edge_has_no_weight_and_passes():
    layer = WeightedAggregation(0.5)
    for training in (False, True):
        np.testing.assert_array_equal(numpy(layer(EDGES[:1], training=training)), EDGES[0])
    assert layer.weights == []


def test_a_step_leaves_out_at_most_one_edge_at_the_stated_rate():
    # Digits of the sum: 111 is all edges, 110 without the first, ...
    layer, draws = WeightedAggregation(0.4, seed=1), 300
    sums = [np.unique(2 * numpy(layer(ONES, training=True))) for _ in range(draws)]
    assert all(len(found) == 1 for found in sums)
    counts = {value: sums.count(value) for value in (111.0, 110.0, 101.0, 11.0)}
    assert sum(counts.values()) == draws
    for value, rate in ((111.0, 0.6), (110.0, 0.4 / 3), (101.0, 0.4 / 3), (11.0, 0.4 / 3)):
        # Four standard deviations.
        assert abs(counts[value] - rate * draws) < 4 * np.sqrt(draws * rate * (1 - rate))


def test_inference_uses_all_edges_unscaled():
    layer = WeightedAggregation(0.9)
    for _ in range(5):
        np.testing.assert_array_equal(numpy(layer(ONES)), np.full((2, 4), 55.5))


@pytest.mark.parametrize("edge_dropout", [-0.1, 1.0])
def test_edge_dropout_is_a_probability_below_one(edge_dropout):
    with pytest.raises(ValueError, match="edge_dropout=.* from 0 to below 1"):
        WeightedAggregation(edge_dropout)


def test_a_tensor_outside_a_list_is_refused():
    with pytest.raises(ValueError, match="Put the tensor in a list"):
        WeightedAggregation()(EDGES[0])
