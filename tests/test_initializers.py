"""Delta-orthogonal kernels keep every length, variances are critical, draws are weights' own."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from keras_classics.initializers import (
    CriticalVariance,
    DeltaOrthogonal,
    critical_point,
    own_draw,
)
from keras_classics.layers import CircularPadding2D


def draw(initializer, *shape):
    return ops.convert_to_numpy(initializer(shape))


@pytest.mark.parametrize(("size", "channels", "filters"), [(3, 4, 4), (5, 3, 6), (1, 2, 2)])
def test_all_singular_values_of_the_convolution_are_the_gain(size, channels, filters):
    kernel = draw(DeltaOrthogonal(1.3), size, size, channels, filters)
    pixels = 6 * 5 * channels
    images = np.eye(pixels, dtype="float32").reshape(pixels, 6, 5, channels)
    padded = CircularPadding2D(size // 2)(images) if size > 1 else images
    operator = ops.convert_to_numpy(ops.conv(padded, kernel)).reshape(pixels, -1)
    np.testing.assert_allclose(np.linalg.svd(operator)[1], np.full(pixels, 1.3), rtol=1e-5)


def test_stacked_kernels_are_drawn_apart():
    kernels = draw(DeltaOrthogonal(seed=3), 7, 3, 3, 8, 8)
    centres = kernels[:, 1, 1]
    products = np.einsum("aij,bkj->abik", centres, centres)
    for first in range(7):
        for second in range(7):
            same = np.allclose(products[first, second], np.eye(8), atol=1e-5)
            assert same == (first == second)
    assert np.count_nonzero(kernels) == np.count_nonzero(centres)
    np.testing.assert_array_equal(kernels, draw(DeltaOrthogonal(seed=3), 7, 3, 3, 8, 8))


def test_orthogonal_matrices_are_uniformly_distributed():
    # Under Haar's measure an entry has mean 0, variance 1/n and fourth moment 3 / (n (n + 2)).
    entries = draw(DeltaOrthogonal(seed=1), 4000, 1, 1, 4, 4)[:, 0, 0]
    np.testing.assert_allclose(entries.mean(0), 0, atol=0.04)
    np.testing.assert_allclose((entries**2).mean(0), 1 / 4, atol=0.02)
    np.testing.assert_allclose((entries**4).mean(0), 3 / 24, atol=0.02)


@pytest.mark.parametrize("shape", [(3, 3, 5, 4), (2, 3, 4, 4), (9, 3, 2, 4, 4)])
def test_kernels_that_cannot_keep_lengths_are_refused(shape):
    with pytest.raises(ValueError, match="delta-orthogonal.*odd sides"):
        DeltaOrthogonal()(shape)


@pytest.mark.parametrize(
    ("shape", "fan_in"), [((400, 300), 400), ((3, 3, 64, 64), 576), ((20, 3, 3, 16, 16), 144)]
)
def test_critical_variance_counts_the_inputs_of_one_unit(shape, fan_in):
    sigma_w, sigma_b = critical_point("tanh", 0.2)
    weights = draw(CriticalVariance("tanh", 0.2, seed=0), *shape)
    assert weights.std() * np.sqrt(fan_in) == pytest.approx(sigma_w, rel=0.02)
    biases = draw(CriticalVariance("tanh", 0.2, "bias", seed=0), 9000)
    assert biases.std() == pytest.approx(sigma_b, rel=0.03)


def test_another_role_is_refused():
    with pytest.raises(ValueError, match="role='weight'.*'kernel', 'bias'"):
        CriticalVariance(role="weight")


SEEDED = [
    keras.initializers.HeNormal(seed=3),
    keras.initializers.serialize(keras.initializers.RandomUniform(seed=np.int64(3).item())),
    DeltaOrthogonal(seed=3),
    CriticalVariance(seed=3),
]


@pytest.mark.parametrize("rule", SEEDED, ids=lambda rule: type(rule).__name__)
def test_a_seeded_rule_draws_by_the_name_of_the_weight(rule):
    first, again, other = (
        draw(own_draw(rule, name), 3, 3, 4, 4) for name in ("conv1", "conv1", "conv2")
    )
    np.testing.assert_array_equal(first, again)
    assert not np.any(first[first != 0] == other[first != 0])
    assert type(own_draw(rule, "conv1")) is type(keras.initializers.get(rule))


def test_a_rule_without_a_seed_draws_anew_and_as_the_seed_of_everything_says():
    rule = keras.initializers.GlorotUniform()
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        drawn.append([draw(own_draw(rule, name), 5, 5) for name in "ab"])
    np.testing.assert_array_equal(*drawn)
    assert not np.any(drawn[0][0] == drawn[0][1])


def test_what_has_no_seed_or_draws_by_itself_is_handed_back():
    generator = keras.initializers.HeNormal(seed=keras.random.SeedGenerator(3))
    for rule in (keras.initializers.Constant(2.0), len, generator):
        assert own_draw(rule, "kernel") is rule


def plain(shape, dtype=None):
    return keras.random.normal(shape, dtype=dtype)


RULES = [keras.initializers.RandomNormal(), keras.initializers.RandomNormal(seed=1), plain]
LAYERS = {
    "highway": (lambda rule: kc.layers.Highway(kernel_initializer=rule), (2, 30)),
    "conv_highway": (lambda rule: kc.layers.ConvHighway(kernel_initializer=rule), (2, 5, 5, 9)),
    "grid": (
        lambda rule: kc.layers.MultiDimensionalLSTM(
            20, 2, kernel_initializer=rule, recurrent_initializer=rule, bias_initializer=rule
        ),
        (2, 3, 3, 30),
    ),
    "stacked": (
        lambda rule: kc.layers.StackedConv2D(20, kernel_initializer=rule, bias_initializer=rule),
        (2, 5, 5, 20),
    ),
    "local": (
        lambda rule: kc.layers.LocallyConnected2D(
            30, 3, kernel_initializer=rule, bias_initializer=rule
        ),
        (2, 5, 5, 3),
    ),
} | {
    f"cell_{cell}": (
        lambda rule, cell=cell: kc.layers.recurrent_layer(
            cell, 30, kernel_initializer=rule, recurrent_initializer=rule, bias_initializer=rule
        ),
        (2, 3, 30),
    )
    for cell in ("gru_course", "jordan", "highway", "lstm_peephole", "multiplicative_lstm")
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=["object", "seeded", "function"])
@pytest.mark.parametrize("name", LAYERS)
def test_no_two_weights_of_a_layer_start_alike_by_one_rule(name, rule):
    make, shape = LAYERS[name]
    layer = make(rule)
    layer.build(shape)
    drawn = []
    for weight in layer.trainable_weights:
        value = ops.convert_to_numpy(weight)
        # A grid's directions lie one behind the other.
        parts = value if name == "grid" else [value]
        drawn += [part.ravel()[:400] for part in parts if part.size >= 30 and part.std()]
    assert len(drawn) > 1
    for number, x in enumerate(drawn):
        for y in drawn[:number]:
            count = min(len(x), len(y))
            assert abs(np.corrcoef(x[:count], y[:count])[0, 1]) < 5.5 / np.sqrt(count)
