"""Every kernel of a fresh model is a draw of its own, and the seed decides which."""

import inspect
from itertools import combinations

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.cards.catalogue import builder
from models.image.test_families import SMALL

TAKING = [name for name in SMALL if "kernel_initializer" in inspect.signature(builder(name)).parameters]  # fmt: skip


def plain(shape, dtype=None):
    return keras.random.normal(shape, stddev=0.1, dtype=dtype)


RULES = {
    "object": keras.initializers.HeNormal(),
    "seeded object": keras.initializers.HeNormal(seed=7),
    "config": keras.initializers.serialize(keras.initializers.RandomUniform(-1, 1, seed=7)),
    "generator": keras.initializers.HeNormal(seed=keras.random.SeedGenerator(7)),
    "function": plain,
}


def kernels(model):
    weights = [weight for weight in model.trainable_weights if len(weight.shape) > 1]
    return {weight.path: keras.ops.convert_to_numpy(weight).ravel()[:500] for weight in weights}


def alike(drawn):
    """Pairs whose first numbers correlate beyond chance."""
    found = []
    for (first, x), (second, y) in combinations(drawn.items(), 2):
        count = min(len(x), len(y))
        x, y = x[:count], y[:count]
        # Of delta-orthogonal kernels most entries are zero.
        both = (x != 0) & (y != 0)
        if both.sum() >= 50 and x[both].std() and y[both].std():
            # Six deviations of the correlation of independent numbers.
            if abs(np.corrcoef(x[both], y[both])[0, 1]) > 6 / np.sqrt(both.sum()):
                found.append((first, second))
    return found


@pytest.mark.parametrize("name", SMALL)
def test_no_two_kernels_start_alike(name):
    assert alike(kernels(kc.create_model(name, **SMALL[name]))) == []


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", TAKING)
def test_no_two_kernels_start_alike_by_one_rule(name, rule):
    arguments = {**SMALL[name], "kernel_initializer": RULES[rule]}
    if "auxiliary" in inspect.signature(builder(name)).parameters:
        arguments |= {"auxiliary": True, "input_shape": (96, 96, 3)}
    drawn = kernels(kc.create_model(name, **arguments))
    assert len(drawn) > 1
    assert alike(drawn) == []


@pytest.mark.parametrize("name", TAKING)
def test_a_seeded_rule_starts_a_model_the_same_again(name):
    arguments = {**SMALL[name], "kernel_initializer": keras.initializers.HeNormal(seed=3)}
    both = [kernels(kc.create_model(name, **arguments)) for _ in range(2)]
    # SqueezeNet's last convolution has a rule of its own.
    same = [np.array_equal(x, y) for x, y in zip(*(drawn.values() for drawn in both), strict=True)]
    assert sum(same) >= len(same) - 1


def test_the_seed_of_everything_starts_a_model_the_same_again():
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        drawn.append(kernels(kc.create_model("xnor_alexnet", **SMALL["xnor_alexnet"])))
    for x, y in zip(*(each.values() for each in drawn), strict=True):
        np.testing.assert_array_equal(x, y)
