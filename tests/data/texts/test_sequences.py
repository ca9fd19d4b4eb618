"""Batches of sequences of different lengths, and the units of texts."""

import numpy as np
import pytest

import keras_classics as kc


def part(told=False, count=10):
    inputs = [np.full((2, n + 1), n + 1, "int32") for n in range(count)]
    targets = [np.full(n % 3 + 1, n + 1, "int32") for n in range(count)]
    return kc.data.LabelledSequences(inputs, targets, axis=1, told=told)


def seen(batches, count):
    return [batch for batch, _ in zip(batches.as_numpy_iterator(), range(count), strict=False)]


def test_an_epoch_visits_each_sequence_once_padded_with_its_targets():
    found = seen(kc.data.sequence_batches(part(told=True), batch_size=5, seed=0), 2)
    numbers = np.concatenate([inputs["length"] for inputs, _ in found])
    assert sorted(numbers) == list(range(1, 11))
    for inputs, targets in found:
        for row, length, labels in zip(inputs["sequence"], inputs["length"], targets, strict=True):
            assert np.all(row[:, :length] == length) and not row[:, length:].any()
            assert labels[labels > 0].tolist() == [length] * ((length - 1) % 3 + 1)


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_batch_is_the_same_whatever_came_first(first):
    whole = seen(kc.data.sequence_batches(part(), batch_size=4, seed=3), 4)
    rest = seen(kc.data.sequence_batches(part(), batch_size=4, seed=3, first=first), 4 - first)
    for (inputs, targets), (others, wanted) in zip(rest, whole[first:], strict=True):
        np.testing.assert_array_equal(inputs, others)
        np.testing.assert_array_equal(targets, wanted)


def test_validation_has_all_in_order():
    batches = part(told=True).all_batches(batch_size=4)
    assert len(batches) == 3
    lengths = np.concatenate([inputs["length"] for inputs, _ in batches.as_numpy_iterator()])
    assert lengths.tolist() == list(range(1, 11))


def test_places_that_are_none_are_refused():
    sequences = part()
    assert sequences.some(range(2)).lengths().tolist() == [1, 2]
    for numbers, message in (
        ([0.0], "each a whole number"),
        (np.array([0.5]), "each a whole number"),
        ([10], "numbers from 0 to 9. Leave 10 out"),
        ([-1], "numbers from 0 to 9"),
    ):
        for method in (sequences.some, sequences.network_input, sequences.batch):
            with pytest.raises(kc.InputError, match=message):
                method(numbers)
    with pytest.raises(kc.InputError, match="1 targets and 2 inputs were given"):
        kc.data.LabelledSequences([np.zeros((2, 1))] * 2, [np.int32(1)])
