"""Boolean networks are their truth tables, with no more hidden units than they need."""

import itertools

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_round_trip


def inputs(count):
    return np.array(list(itertools.product([-1, 1], repeat=count)), "float32")


def answers(table, count):
    model = kc.models.boolean_network(table)
    return np.asarray(model(inputs(count)))[:, 0]


@pytest.mark.parametrize("count", [1, 2])
def test_every_function_of_few_inputs(count):
    for table in itertools.product([False, True], repeat=2**count):
        np.testing.assert_array_equal(answers(table, count), np.where(table, 1, -1))


def test_functions_of_three_inputs_and_of_ten():
    for number in range(0, 256, 5):
        table = [bool(number >> row & 1) for row in range(8)]
        np.testing.assert_array_equal(answers(table, 3), np.where(table, 1, -1))
    table = np.random.default_rng(0).random(1024) < 0.7
    model = kc.models.boolean_network(table)
    np.testing.assert_array_equal(np.asarray(model(inputs(10)))[:, 0], np.where(table, 1, -1))
    # Mostly true: the units stand for the false rows.
    assert model.get_layer("rows").units == np.sum(~table) <= 512


def test_sixteen_inputs_are_the_most():
    table = np.zeros(2**16, bool)
    table[[5, 40000]] = True
    np.testing.assert_array_equal(answers(table, 16), np.where(table, 1, -1))
    with pytest.raises(kc.InputError, match="16"):
        kc.models.boolean_network(np.zeros(2**17, bool))


def test_half_precision_does_not_miscount():
    table = np.random.default_rng(1).random(1024) < 0.5
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(answers(table, 10), np.where(table, 1, -1))
    finally:
        keras.config.set_dtype_policy(policy)


def test_it_reloads(tmp_path):
    check_round_trip(kc.models.boolean_network([-1, 1, 1, -1]), inputs(2), tmp_path)


@pytest.mark.parametrize("table", [[0, 1, 1], [[0, 1]], [0, 2], [-1, 0], []])
def test_what_is_no_truth_table_is_refused(table):
    with pytest.raises(kc.InputError, match="itertools.product"):
        kc.models.boolean_network(table)
