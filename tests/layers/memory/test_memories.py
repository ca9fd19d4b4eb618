"""Memories against their formulas by hand, on every backend: the names with "contract"."""

import keras
import numpy as np
import pytest

from keras_classics.layers import (
    AnnealedUnits,
    ContinuousMemory,
    DenseMemory,
    HopfieldMemory,
    SoftmaxMemory,
)
from keras_classics.layers.memory.settling import AssociativeMemory

RNG = np.random.default_rng(3)
PATTERNS = RNG.choice([-1.0, 1.0], (4, 24))
STATES = RNG.choice([-1.0, 1.0], (5, 24)).astype("float32")


def made(layer):
    layer(STATES)
    layer.remember(PATTERNS)
    return layer


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def hebb():
    weights = PATTERNS.T @ PATTERNS / PATTERNS.shape[1]
    np.fill_diagonal(weights, 0)
    return weights


def sweep(weights, states, order):
    states = states.astype("float64")
    for unit in order:
        field = states @ weights[unit]
        states[:, unit] = np.where(np.abs(field) < 1e-9, states[:, unit], np.sign(field))
    return states


def test_contract_of_1982_one_unit_after_the_other():
    np.testing.assert_array_equal(
        value(made(HopfieldMemory(steps=1))(STATES)), sweep(hebb(), STATES, range(24))
    )
    order = np.random.default_rng(7).permutation(24)
    np.testing.assert_array_equal(
        value(made(HopfieldMemory(steps=1, seed=7))(STATES)), sweep(hebb(), STATES, order)
    )


def test_contract_of_1982_all_at_once_may_cycle():
    # Two units that each take the other's value: (1, -1), (-1, 1), (1, -1), ...
    layer = HopfieldMemory(update="synchronous", steps=3)
    layer(np.ones((1, 2)))
    layer.remember([[1, 1]])
    np.testing.assert_array_equal(value(layer(np.array([[1.0, -1.0]]))), [[-1, 1]])
    field = STATES @ hebb()
    expected = np.where(np.abs(field) < 1e-9, STATES, np.sign(field))
    once = made(HopfieldMemory(update="synchronous", steps=1))
    np.testing.assert_array_equal(value(once(STATES)), expected)


def test_contract_of_1984_is_eulers_steps_and_its_energy_falls():
    layer = made(ContinuousMemory(softness=0.3, time_step=0.05, steps=2))
    inner = 0.3 * np.arctanh(np.clip(0.6 * STATES, -0.9999, 0.9999))
    energies = []
    for _ in range(2):
        outputs = np.tanh(inner / 0.3)
        integral = sum(np.arctanh(np.linspace(0, outputs, 20_001))) * outputs / 20_000
        energies.append(
            -0.5 * np.einsum("bi,ij,bj->b", outputs, hebb(), outputs)
            + 0.3 * (integral - np.arctanh(outputs) * outputs / 40_000).sum(1)
        )
        np.testing.assert_allclose(value(layer.energy(outputs)), energies[-1], rtol=1e-3, atol=1e-3)
        inner += 0.05 * (outputs @ hebb() - inner)
    np.testing.assert_allclose(value(layer(0.6 * STATES)), np.tanh(inner / 0.3), atol=1e-5)
    assert (energies[1] < energies[0]).all()


@pytest.mark.parametrize("update", ["asynchronous", "synchronous", "continuous"])
def test_contract_biases_pull_towards_their_sign_and_lower_the_energy(update):
    own = update == "continuous"
    layer = ContinuousMemory(steps=1) if own else HopfieldMemory(update=update, steps=1)
    layer(np.zeros((1, 4)))
    bias = np.array([1.0, -1, 2, -2])
    layer.bias.assign(bias)
    # Without weights it alone decides.
    np.testing.assert_array_equal(np.sign(value(layer(np.zeros((1, 4))))), [np.sign(bias)])
    lower, higher = value(layer.energy(0.5 * np.sign([bias, -bias])))
    np.testing.assert_allclose(higher - lower, np.abs(bias).sum(), rtol=1e-5)


def test_contract_of_equal_energies_none_is_taken():
    # Two patterns that differ in one unit alone, and states as near to one as to the other.
    layer = DenseMemory(2, steps=1)
    layer(np.ones((1, 3)))
    layer.remember([[1, 1, 1], [1, 1, -1]])
    for last in (1.0, -1.0):
        state = np.array([[1, 1, last]])
        np.testing.assert_array_equal(value(layer(state)), state)


@pytest.mark.parametrize("power", [2, 5])
def test_contract_of_2016_takes_the_value_of_less_energy(power):
    layer = made(DenseMemory(4, power=power, steps=1))

    def energy(states):
        return -np.sum(np.maximum(states @ PATTERNS.T / 24, 0) ** power, axis=-1)

    np.testing.assert_allclose(value(layer.energy(STATES)), energy(STATES), rtol=1e-5)
    states = STATES.astype("float64")
    for unit in range(24):
        up, down = states.copy(), states.copy()
        up[:, unit], down[:, unit] = 1, -1
        states[:, unit] = np.sign(energy(down) - energy(up))
    np.testing.assert_array_equal(value(layer(STATES)), states)


def test_contract_of_2020_is_attention_over_the_patterns():
    layer = made(SoftmaxMemory(4, beta=0.2, steps=2))
    states = STATES
    for _ in range(2):
        shares = np.exp(0.2 * states @ PATTERNS.T)
        states = (shares / shares.sum(1, keepdims=True)) @ PATTERNS
    np.testing.assert_allclose(value(layer(STATES)), states, atol=1e-5)
    near = np.log(np.exp(0.2 * STATES @ PATTERNS.T).sum(1)) / 0.2
    energy = -near + (STATES**2).sum(1) / 2 + np.log(4) / 0.2 + 24 / 2
    np.testing.assert_allclose(value(layer.energy(STATES)), energy, rtol=1e-5)


class Halving(AssociativeMemory):
    """Rests once a change is at most 0.1."""

    tolerance = 0.1

    def update(self, inner):
        return inner / 2


def test_contract_no_example_depends_on_the_slowest_of_the_batch():
    # 0.1 -> 0.05 is a small change and the last; 8 needs seven until 0.125 -> 0.0625.
    found = value(Halving()(np.array([[0.1], [8.0]])))
    np.testing.assert_allclose(found, [[0.05], [0.0625]])
    np.testing.assert_allclose(value(Halving(steps=3)(np.array([[8.0]]))), [[1.0]])
    np.testing.assert_allclose(value(Halving(max_steps=2)(np.array([[8.0]]))), [[2.0]])


def test_contract_of_annealing_at_zero_temperature():
    # Cold from the start a unit is on where its field is positive: energy falls to a minimum.
    layer = AnnealedUnits(sweeps=1, hottest=1e-6, coldest=1e-6, seed=0)
    start = np.zeros((1, 3))
    layer(start)
    weights = np.array([[0, -2, 1], [-2, 0, 0], [1, 0, 0.0]])
    for variable, given in ((layer.kernel, weights), (layer.bias, [1, 0.5, -0.5])):
        variable.assign(given)
    # Unit 0 goes on (1 > 0), unit 1 stays off (0.5 - 2 < 0), unit 2 goes on (-0.5 + 1 > 0).
    np.testing.assert_array_equal(value(layer(start)), [[1, 0, 1]])
    np.testing.assert_allclose(value(layer.energy([[1.0, 0, 1]])), [-1.5])


def test_contract_tables_learn_through_the_steps():
    layer = SoftmaxMemory(4, steps=2, trainable=True)
    model = keras.Sequential([keras.Input((24,)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = value(layer.table)
    model.train_on_batch(STATES, np.ones_like(STATES))
    assert np.isfinite(value(layer.table)).all() and not np.array_equal(value(layer.table), before)
