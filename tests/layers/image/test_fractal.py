"""Joins of FractalNets: what they keep, how often, and that one draw decides for all of them."""

import itertools
import json

import keras
import numpy as np
import pytest

from keras_classics.layers import ColumnDraw, FractalJoin
from support import check_round_trip, run_on

BATCH = 6000
VALUES = (1.0, 10.0, 100.0)
# The mean tells which of the three values were kept.
SUBSETS = {
    round(float(np.mean([VALUES[place] for place in subset])), 3): subset
    for size in (1, 2, 3)
    for subset in itertools.combinations(range(3), size)
}
PATHS = [np.full((BATCH, 2, 1), value, "float32") for value in VALUES]
COLUMNS = [3, 2, 1]


def kept(join, draw):
    """For each example the places of the inputs that the join kept."""
    values = np.asarray(join([np.asarray(draw, "int32"), *PATHS], training=True))
    np.testing.assert_array_equal(values[:, 0], values[:, 1])
    return [SUBSETS[round(float(value), 3)] for value in values[:, 0, 0]]


def near(count, probability, draws=BATCH):
    """Within four standard deviations of a binomial count."""
    spread = np.sqrt(draws * probability * (1 - probability))
    return abs(count - draws * probability) <= 4 * spread + 1e-9


@pytest.mark.parametrize("rate", [0.0, 0.15, 0.9])
def test_local_drop_path_drops_each_input_at_its_rate_and_never_all(rate):
    subsets = kept(FractalJoin(COLUMNS, rate, seed=1), np.zeros(BATCH))
    for subset in SUBSETS.values():
        probability = (1 - rate) ** len(subset) * rate ** (3 - len(subset))
        if len(subset) == 1:
            # One third of the cases in which all three would have been dropped.
            probability += rate**3 / 3
        assert near(subsets.count(subset), probability), subset


def test_joins_drop_independently_of_each_other():
    first, second = (kept(FractalJoin(COLUMNS, seed=seed), np.zeros(BATCH)) for seed in (1, 2))
    both = sum(a == b == (0, 1, 2) for a, b in zip(first, second, strict=True))
    assert near(both, 0.85**6)


@pytest.mark.parametrize("rate", [0.0, 0.15])
def test_a_drawn_column_passes_alone(rate):
    draw = np.arange(BATCH) % 3 + 1
    places = kept(FractalJoin(COLUMNS, rate), draw)
    assert places == [(COLUMNS.index(column),) for column in draw]


def test_a_join_without_the_drawn_column_keeps_all():
    join = FractalJoin([5, 4, 3], 0.15)
    assert set(kept(join, np.full(BATCH, 2))) == {(0, 1, 2)}


def test_inference_is_the_mean_of_all_whatever_the_draw():
    draw = np.arange(BATCH, dtype="int32") % 4
    np.testing.assert_allclose(FractalJoin(COLUMNS)([draw, *PATHS]), np.full((BATCH, 2, 1), 37.0))


def test_an_overflow_in_a_dropped_path_stays_out():
    join, infinite = FractalJoin([2, 1]), np.full((3, 2), np.inf, "float32")
    result = join([np.full(3, 1, "int32"), infinite, np.ones((3, 2), "float32")], training=True)
    np.testing.assert_array_equal(result, np.ones((3, 2)))


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_columns_are_drawn_at_the_rate_and_equally_often(rate):
    draws = np.asarray(ColumnDraw(4, rate, seed=1)(np.ones((BATCH, 2)), training=True))
    assert set(draws) <= set(range(5))
    assert near(np.sum(draws == 0), 1 - rate)
    for column in range(1, 5):
        assert near(np.sum(draws == column), rate / 4)


def test_nothing_is_drawn_at_inference():
    assert not np.any(ColumnDraw(4, 1.0)(np.ones((9, 2))))


def network():
    image = keras.Input((4, 4, 2))
    draw = ColumnDraw(2, seed=3)(image)
    paths = [keras.layers.Conv2D(2, 3, padding="same")(image) for _ in range(2)]
    return keras.Model(image, FractalJoin([2, 1], seed=4)([draw, *paths]))


def test_a_network_of_both_layers_comes_back_from_its_file(tmp_path):
    x = np.random.default_rng(0).normal(size=(5, 4, 4, 2)).astype("float32")
    loaded = check_round_trip(network(), x, tmp_path)
    for layer in loaded.layers:
        if isinstance(layer, ColumnDraw | FractalJoin):
            config = json.loads(json.dumps(layer.get_config()))
            assert type(layer).from_config(config).get_config() == config


def test_training_is_compiled_and_runs_in_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network()
    finally:
        keras.config.set_dtype_policy("float32")
    x = np.random.default_rng(0).normal(size=(8, 4, 4, 2)).astype("float32")
    model.compile("sgd", "mse", jit_compile=True)
    before = model.get_weights()
    assert np.isfinite(model.train_on_batch(x, x))
    assert all(np.any(old != new) for old, new in zip(before, model.get_weights(), strict=True))
    assert keras.backend.standardize_dtype(model(x).dtype) == "bfloat16"


ACROSS_BACKENDS = """
import keras, numpy as np, keras_classics as kc
from keras_classics.layers import FractalJoin

model = kc.models.FractalNet20CIFAR(
    columns=2, filters=(4, 4), dropout=(0, 0), input_shape=(4, 4, 3), classes=3
)
x = np.random.default_rng(0).normal(size=(64, 4, 4, 3)).astype("float32")
model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=JIT)
assert np.all(np.isfinite(model.fit(x, np.arange(64) % 3, epochs=2, verbose=0).history["loss"]))

draw = np.repeat(np.arange(3, dtype="int32"), 1000)
paths = [np.full((3000, 1), value, "float32") for value in (1, 10)]
means = keras.ops.convert_to_numpy(FractalJoin([2, 1])([draw, *paths], training=True))[:, 0]
assert set(means[draw == 1]) == {10} and set(means[draw == 2]) == {1}
values, counts = np.unique(means[draw == 0], return_counts=True)
assert values.tolist() == [1, 5.5, 10], values
# 0.85 squared of a thousand examples keep both, within four standard deviations.
assert abs(counts[1] - 722.5) < 4 * np.sqrt(1000 * 0.7225 * 0.2775), counts
"""


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "jit"), [("jax", True), ("torch", False)])
def test_drop_path_trains_on_other_backends(backend, jit):
    run_on(backend, ACROSS_BACKENDS.replace("JIT", str(jit)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FractalJoin([2, 1], 1.0), "rate=1.0.*below 1"),
        (lambda: ColumnDraw(2, 1.5), "rate=1.5.*from 0 to 1"),
        (lambda: FractalJoin([2, 1])([np.zeros(1, "int32"), np.ones((1, 2))]), "2 tensors"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
