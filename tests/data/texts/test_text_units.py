"""The units of texts, and their numbers."""

import pytest

import keras_classics as kc


def test_units_number_the_frequent_first_and_leave_the_rare_unknown():
    units = kc.data.Units.from_sequences([["b", "a", "b"], ["c", "a"]], "word", min_count=2)
    assert units.items == ("a", "b") and len(units) == 4
    assert units.encode(units.split("a  c b")).tolist() == [2, 1, 3]
    assert kc.data.Units("ab", "character").split("a b") == ["a", " ", "b"]
    with pytest.raises(kc.InputError, match="none of which occurs 2 times"):
        kc.data.Units.from_sequences([["a"]], "word", min_count=2)
    with pytest.raises(ValueError, match="unit='line'"):
        kc.data.Units("ab", "line")
