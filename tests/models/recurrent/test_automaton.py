"""Automata as recurrent networks answer strings of any length exactly."""

import itertools

import numpy as np
import pytest

import keras_classics as kc
from support import check_round_trip

RNG = np.random.default_rng(0)
LONG = 120


def answered(machine, strings):
    model = kc.models.automaton(machine)
    found = model.predict(strings, batch_size=250, verbose=0)
    # Exactly one output, and exactly 1.
    assert set(np.unique(found)) <= {0, 1} and (found.sum(-1) == 1).all()
    return found.argmax(-1)


def test_parity_of_a_thousand_long_strings():
    bits = RNG.integers(2, size=(1000, LONG))
    np.testing.assert_array_equal(answered(kc.models.parity_automaton(), bits), bits.cumsum(1) % 2)


def test_brackets_to_a_depth_on_a_thousand_long_strings():
    depth = 3
    # Mostly deep, so that many stay within the depth for long.
    strings, level = np.empty((1000, LONG), int), np.zeros(1000, int)
    for step in range(LONG):
        chance = RNG.random(1000)
        closes = np.where(
            level == 0, chance < 0.02, np.where(level == 3, chance < 0.98, chance < 0.5)
        )
        strings[:, step] = closes
        level = np.clip(level + np.where(closes, -1, 1), 0, 3)
    levels = np.cumsum(1 - 2 * strings, axis=1)
    right = np.logical_and.accumulate((levels >= 0) & (levels <= depth), axis=1)
    expected = right & (levels == 0)
    assert 0.05 < expected[:, -1].mean() < 0.95
    np.testing.assert_array_equal(answered(kc.models.bracket_automaton(depth), strings), expected)


def test_addition_of_a_thousand_pairs_of_long_numbers():
    digits = RNG.integers(2, size=(2, 1000, LONG))
    digits[..., -1] = 0
    found = answered(kc.models.adding_automaton(), digits[0] + 2 * digits[1])

    def number(row):
        return sum(int(digit) << place for place, digit in enumerate(row))

    for first, second, total in zip(*digits, found, strict=True):
        assert number(first) + number(second) == number(total)


def test_any_automaton_and_any_start(tmp_path):
    moves, says = RNG.integers(5, size=(5, 3)), RNG.integers(4, size=(5, 3))
    machine = kc.models.Automaton(moves, says, start=3)
    strings = np.array(list(itertools.product(range(3), repeat=4)))
    expected = [machine.run(string) for string in strings]
    np.testing.assert_array_equal(answered(machine, strings), expected)
    model = kc.models.automaton(machine)
    assert model.get_layer("recurrent_1").units == 16
    check_round_trip(model, strings, tmp_path)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (([[0, 2], [1, 0]],), "Add the rows that are missing"),
        (([[0, 1], [1, 0]], [[0], [1]]), "an output for each transition"),
        (([[0, 1], [1, 0]], None, 2), "a whole number from 0 to 1"),
        (([[0.5]],), r"pass \[\[0, 0\]\]"),
        (([[0, -1], [1, 0]],), "whole numbers from 0 on"),
        (([[0, 1], [1]],), "transitions with rows of different lengths"),
        (([[0, 1], [1, 0]], [[0, 1], [1]]), "outputs with rows of different lengths"),
    ],
)
def test_what_is_no_automaton_is_refused(tables, message):
    with pytest.raises(kc.InputError, match=message):
        kc.models.Automaton(*tables)
    kc.models.automaton([[0, 0]])


def test_what_is_too_large_for_a_network_is_refused_and_runs_by_itself():
    deep = kc.models.bracket_automaton(20_000)
    with pytest.raises(kc.InputError, match="Answer by Automaton.run"):
        kc.models.automaton(deep)
    assert deep.run([0, 0, 1, 1]) == [0, 0, 0, 1]


def test_what_was_checked_stays_as_it_was():
    table = np.array([[0, 1], [1, 0]])
    machine = kc.models.Automaton(table)
    table[:] = 9
    assert machine.run([1, 0, 1]) == [1, 1, 0]


def test_symbols_that_there_are_not_are_refused():
    parity = kc.models.Automaton([[0, 1], [1, 0]])
    assert parity.run(np.array([1, 1, 0])) == parity.run(range(1, 2)) + [0, 0]
    with pytest.raises(kc.InputError, match="symbols with -1 was given.* from 0 to 1"):
        parity.run([0, -1])
    with pytest.raises(kc.InputError, match="each a whole number"):
        parity.run([0.5])
