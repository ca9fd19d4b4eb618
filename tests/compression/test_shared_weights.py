"""Weights that share values: k-means, its training, and the size of it in bits."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.compression.shared_weights import cluster
from keras_classics.core.errors import InputError

DRAW = np.random.default_rng(0)


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((20,)), layers.Dense(30, "relu", name="one"), layers.Dense(4, name="two")]
    )


def test_k_means_are_those_of_scikit_learn():
    cluster_library = pytest.importorskip("sklearn.cluster")
    values = np.concatenate([DRAW.normal(size=300), np.zeros(50)]).astype("float32")
    groups = cluster(values, 8)
    present = values[values != 0].astype("float64")
    begin = np.linspace(present.min(), present.max(), 8)[:, None]
    other = cluster_library.KMeans(8, init=begin, n_init=1, max_iter=500, tol=0)
    other.fit(present[:, None])
    means = [values[groups == group].mean() for group in range(1, groups.max() + 1)]
    spread = sum(((values[groups == k] - mean) ** 2).sum() for k, mean in enumerate(means, 1))
    assert spread == pytest.approx(other.inertia_, rel=1e-3)
    assert (groups == 0).tolist() == (values == 0).tolist()


def test_few_values_are_their_own_clusters():
    values = np.float32([[3, 0, -1], [3, 3, -1]])
    assert cluster(values, 16).tolist() == [[2, 0, 1], [2, 2, 1]]
    assert not cluster(np.zeros(3, "float32"), 4).any()


def test_a_layer_has_as_many_values_as_its_bits_name():
    model = network()
    kc.compression.prune(model, 0.5)
    kc.compression.share_weights(model, {"one": 3})
    assert len(np.unique(model.get_layer("one").kernel.numpy())) == 8 + 1
    assert len(np.unique(model.get_layer("two").kernel.numpy())) > 50


def test_values_stay_shared_while_they_are_trained():
    model = network()
    model.compile("sgd", "mse")
    shared = kc.compression.share_weights(model, 2)
    before = np.unique(model.get_layer("one").kernel.numpy())
    model.fit(
        DRAW.normal(size=(64, 20)), DRAW.normal(size=(64, 4)), verbose=0,
        callbacks=[kc.callbacks.HoldWeights(shared)],
    )  # fmt: skip
    after = np.unique(model.get_layer("one").kernel.numpy().round(6))
    assert len(after) == len(before) == 4
    assert not np.allclose(before, after)


def test_values_of_a_million_weights_stay_where_nothing_was_learnt():
    model = keras.Sequential([keras.Input((1000,)), layers.Dense(2000, use_bias=False, name="d")])
    values = np.where(DRAW.random((1000, 2000)) < 0.5, 0.013, -0.0231).astype("float32")
    model.set_weights([values])
    shared = kc.compression.share_weights(model, 1)
    for _ in range(3):
        shared.hold()
    np.testing.assert_allclose(model.get_weights()[0], values, rtol=1e-6)


def best_code(counts):
    """The fewest bits of any prefix code: Kraft's inequality over all lengths."""
    lengths = itertools.product(range(1, len(counts) + 1), repeat=len(counts))
    return min(
        sum(a * b for a, b in zip(counts, each, strict=True))
        for each in lengths
        if sum(2.0**-n for n in each) <= 1
    )


@pytest.mark.parametrize("counts", [[5], [3, 1], [1, 1, 1], [9, 4, 2, 1], [5, 5, 1, 1, 1]])
def test_huffman_codes_are_the_shortest(counts):
    assert kc.compression.huffman_bits([*counts, 0]) == best_code(counts)


def test_sizes_are_those_of_the_three_steps_by_hand():
    layer = layers.Dense(4, use_bias=False, name="d")
    model = keras.Sequential([keras.Input((4,)), layer])
    layer.kernel.assign(np.float32([[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    shared = kc.compression.share_weights(model, 1)
    sizes = shared.sizes().iloc[0]
    assert sizes[["weights", "left", "values", "float32"]].tolist() == [16, 4, 2, 64]
    # Four zeros between the weights: a distance of three bits, beside 32 of a number ...
    assert sizes["pruned"] == -(-4 * (32 + 3) // 8)
    # ... or beside one that names a value of two.
    assert sizes["shared"] == -(-(4 * (1 + 3) + 2 * 32) // 8)
    # A name takes a bit, and so does a distance, 0 or 4; four letters have a byte each.
    assert sizes["coded"] == -(-(4 + 4 + 2 * 32 + 4 * 8) // 8)


def test_names_of_all_places_need_no_distances():
    layer = layers.Dense(8, use_bias=False, name="d")
    model = keras.Sequential([keras.Input((128,)), layer])
    layer.kernel.assign(np.where(DRAW.random((128, 8)) < 0.5, 1.0, -1.0))
    sizes = kc.compression.share_weights(model, 1).sizes().iloc[0]
    # A bit for each of 1,024 weights, two values of four bytes, and two lengths of a byte.
    assert sizes[["shared", "coded"]].tolist() == [1024 // 8 + 8, 1024 // 8 + 8 + 2]


def test_each_step_makes_a_layer_smaller():
    model = keras.Sequential([keras.Input((300,)), layers.Dense(100)])
    whole = kc.compression.zipped_bytes(model)
    kc.compression.prune(model, 0.8)
    pruned = kc.compression.zipped_bytes(model)
    shared = kc.compression.share_weights(model, 3)
    last = shared.sizes().set_index("variable").loc["all"]
    assert last["float32"] > last["pruned"] > last["shared"] > last["coded"]
    assert whole > pruned > kc.compression.zipped_bytes(model)


def test_a_file_is_counted_as_its_bytes_zipped(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(range(256)) + bytes(100_000))
    assert 256 < kc.compression.zipped_bytes(path) < 500
    with pytest.raises(InputError, match="absent"):
        kc.compression.zipped_bytes(tmp_path / "absent")


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="bits=17.*from 1 to 16"):
        kc.compression.share_weights(network(), 17)
    with pytest.raises(InputError, match="bits='three'"):
        kc.compression.share_weights(network(), {"three": 2})
    model = network()
    model.get_layer("one").kernel.assign(np.full((20, 30), np.nan))
    with pytest.raises(InputError, match="not all finite"):
        kc.compression.share_weights(model)


def test_bits_of_no_layer_are_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(InputError, match="names no layer.*Pass bits=5"):
        kc.compression.share_weights(model, {})
