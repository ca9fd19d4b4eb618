"""The reference itself, against hand-worked probabilities."""

import numpy as np
import pytest
from keras import ops

from decoding.toys import END, START, hand_worked, random_trees, rows_of, sentences
from keras_classics.core.errors import InputError
from keras_classics.decoding import exhaustive

SETTINGS = {"start": START, "end": END, "banned": (0, 1)}
TABLE = {
    # sentence: raw, GNMT .6, GNMT 1, raw / length
    (2,): (-0.916291, -0.916291, -0.916291, -0.916291),
    (3, 4, 2): (-1.505078, -1.266472, -1.128808, -0.501693),
    (3, 2): (-1.714798, -1.563310, -1.469827, -0.857399),
    (3, 3, 4, 2): (-2.613741, -2.049310, -1.742494, -0.653435),
    (3, 3, 2): (-2.823461, -2.375847, -2.117596, -0.941154),
}


@pytest.mark.parametrize(
    "column, length_penalty, alpha",
    [(0, None, 1.0), (1, "gnmt", 0.6), (2, "gnmt", 1.0), (3, "power", 1.0)],
)
def test_hand_worked(column, length_penalty, alpha):
    every = exhaustive(
        hand_worked(), rows_of(1), max_length=6, n_best=10, length_penalty=length_penalty,
        alpha=alpha, **SETTINGS,
    )  # fmt: skip
    scores = dict(zip(map(tuple, sentences(every.ids[0])), every.scores[0].numpy(), strict=True))
    for sentence, values in TABLE.items():
        np.testing.assert_allclose(scores[sentence], values[column], atol=1e-6)
    assert np.all(np.diff(every.scores[0]) <= 0)


def test_mass_of_all_sentences():
    every = exhaustive(hand_worked(), rows_of(1), max_length=6, n_best=60, **SETTINGS)
    np.testing.assert_allclose(np.exp(every.log_probabilities[0]).sum(), 0.995019, atol=1e-6)


def test_counts_of_sentences():
    step, state = random_trees(2)
    every = exhaustive(step, state, max_length=5, n_best=200, **SETTINGS)
    assert every.ids.shape == (2, 1 + 3 + 9 + 27 + 81, 5)
    np.testing.assert_array_equal(np.bincount(ops.convert_to_numpy(every.lengths)[0])[1:],
                                  [1, 3, 9, 27, 81])  # fmt: skip
    bounded = exhaustive(step, state, max_length=4, min_length=3, n_best=200, **SETTINGS)
    np.testing.assert_array_equal(np.unique(bounded.lengths), [3, 4])


def test_refuses_what_would_not_fit():
    step, state = random_trees(2)
    with pytest.raises(InputError, match="beginnings"):
        exhaustive(step, state, max_length=40, **SETTINGS)
