"""What is left out is noted once, in order, and refused under `strict`."""

import time

import pytest

from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults, looked_at


def look(number):
    # Later ones are ready first.
    time.sleep(0.002 * (5 - number))
    if number % 2:
        raise InputError(f"{number} was given", "even numbers", "Leave it out.")
    return number // 2


def test_what_is_refused_in_many_looks_is_noted_in_the_order_of_the_things():
    faults = Faults()
    assert list(looked_at(range(6), look, faults, "Looking")) == [(0, 0), (2, 1), (4, 2)]
    assert [message[0] for message in faults.messages] == ["1", "3", "5"]
    with pytest.raises(InputError, match="^1 was given"):
        list(looked_at(range(6), look, Faults(strict=True), "Looking"))


def test_what_is_refused_within_is_noted_and_all_else_goes_on():
    faults = Faults()
    for number in range(3):
        with faults.noting():
            look(number)
    assert [message[0] for message in faults.messages] == ["1"]
    with pytest.raises(InputError, match="^1 was given"), Faults(strict=True).noting():
        look(1)
    # What is no refusal is nobody's to swallow.
    with pytest.raises(ZeroDivisionError), faults.noting():
        raise ZeroDivisionError
