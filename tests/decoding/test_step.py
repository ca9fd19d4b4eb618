"""The state follows its row, and forced ids leave a decoder where its own ids would."""

import keras
import numpy as np
import pytest
from keras import ops

from decoding.toys import END, START, attentive, encodings, random_trees, sentences, tiny_decoder
from keras_classics.core.errors import InputError
from keras_classics.decoding import beam_search, force, greedy
from keras_classics.decoding.step import Admission, log_probability, reorder, tile


def deep_state():
    return {
        "cells": [(ops.arange(6.0), {"history": ops.reshape(ops.arange(24), (6, 2, 2))})],
        "alignment": ops.reshape(ops.arange(12, dtype="float32"), (6, 2)),
        "seen": ops.arange(6) > 2,
    }


def test_a_permutation_of_beams_permutes_every_leaf():
    permutation = [4, 0, 0, 5, 1, 2]
    before, after = deep_state(), reorder(deep_state(), ops.convert_to_tensor(permutation))
    keras.tree.assert_same_structure(before, after)
    for old, new in zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True):
        np.testing.assert_array_equal(new, ops.convert_to_numpy(old)[permutation])


def test_tiling_keeps_the_rows_of_an_example_together():
    for old, new in zip(
        keras.tree.flatten(deep_state()), keras.tree.flatten(tile(deep_state(), 3)), strict=True
    ):
        np.testing.assert_array_equal(new, np.repeat(ops.convert_to_numpy(old), 3, axis=0))


def test_admission_by_position():
    admission = Admission(end=2, max_length=4, min_length=3, banned=(0, 1))
    admitted = [
        np.flatnonzero(ops.convert_to_numpy(admission.mask(t, 5)) == 0).tolist() for t in range(4)
    ]
    # Three ids with the end means that the end may be the third.
    assert admitted == [[3, 4], [3, 4], [2, 3, 4], [2]]


@pytest.mark.parametrize(
    "settings", [{"max_length": 0}, {"max_length": 3, "min_length": 4}, {"banned": (0, 2)}]
)
def test_admission_of_nothing(settings):
    with pytest.raises(InputError):
        Admission(**{"end": 2, "max_length": 5, **settings})


def test_forcing_what_greedy_chose_leads_to_where_greedy_went():
    layer, encoded = tiny_decoder(), encodings()
    start, length = layer.initial_state(encoded), 4
    settings = {"start": START, "end": None, "banned": (0,)}
    whole = greedy(layer.step, start, max_length=2 * length, **settings)
    forced = force(layer.step, start, whole.ids[:, :length], start=START)
    settings["start"] = forced.token
    rest = greedy(layer.step, forced.state, max_length=length, **settings)
    np.testing.assert_array_equal(rest.ids, whole.ids[:, length:])
    np.testing.assert_allclose(
        ops.sum(forced.log_probabilities, axis=1) + rest.log_probabilities,
        whole.log_probabilities,
        rtol=1e-5,
    )


def test_rows_of_a_prefix_may_differ_in_length():
    step, state = random_trees(3, seed=5)
    prefix = np.array([[3, 4, 5], [4, 0, 0], [0, 0, 0]])
    settings = {"start": START, "end": END, "max_length": 2, "width": 4, "n_best": 4}
    together = beam_search(step, state, prefix=prefix, **settings)
    for row, given in enumerate(sentences(prefix)):
        alone = keras.tree.map_structure(lambda leaf, row=row: leaf[row : row + 1], state)
        for token in [START, *given][:-1]:
            _, alone = step(ops.convert_to_tensor([token]), alone)
        settings["start"] = [START, *given][-1]
        expected = beam_search(step, alone, **settings)
        np.testing.assert_array_equal(together.ids[row], expected.ids[0])
        np.testing.assert_allclose(together.scores[row], expected.scores[0], rtol=1e-6)


def test_attention_to_a_prefix_is_summed():
    step, state = attentive(2)
    prefix = np.array([[3, 4], [5, 0]])
    forced = force(step, state, prefix, start=START)
    _, first = step(ops.convert_to_tensor([START, START]), state)
    _, second = step(ops.convert_to_tensor([3, 5]), first)
    np.testing.assert_allclose(
        forced.covered[0], first["alignment"][0] + second["alignment"][0], rtol=1e-6
    )
    np.testing.assert_allclose(forced.covered[1], first["alignment"][1], rtol=1e-6)


def test_a_row_without_any_possible_id_is_impossible_and_not_undefined():
    logits = ops.convert_to_tensor([[-np.inf, -np.inf], [0.0, -np.inf]])
    ids = ops.convert_to_tensor([1, 0])
    np.testing.assert_array_equal(log_probability(logits, ids), [-np.inf, 0.0])


def test_a_state_without_tensors():
    with pytest.raises(InputError, match="without tensors"):
        greedy(lambda token, state: (token, state), {}, start=1, end=2, max_length=3)
