"""Scores of given sentences against sums of logarithms and against what decoders report."""

import numpy as np
from keras import ops

from decoding.toys import END, START, hand_worked, random_trees, rows_of
from keras_classics.decoding import beam_search, exhaustive, greedy, perplexity, score


def test_hand_worked():
    ids = np.array([[3, 4, 2, 0], [2, 0, 0, 0], [3, 3, 4, 2], [3, 0, 0, 0]])
    scores = score(hand_worked(), rows_of(4), ids, start=START, end=END)
    expected = [[0.6, 0.37, 1, 1], [0.4, 1, 1, 1], [0.6, 0.33, 0.37, 1], [0.6, 1, 1, 1]]
    np.testing.assert_allclose(scores, np.log(expected), atol=1e-6)


def test_nothing_counts_after_the_end():
    ids = np.array([[3, 2, 3, 2]])
    scores = score(hand_worked(), rows_of(1), ids, start=START, end=END)
    np.testing.assert_allclose(scores, [[np.log(0.6), np.log(0.3), 0, 0]], rtol=1e-6)


def test_an_impossible_id_scores_minus_infinity():
    scores = score(hand_worked(), rows_of(1), np.array([[4, 2]]), start=START, end=END)
    np.testing.assert_array_equal(scores, [[-np.inf, 0.0]])


def test_reproduces_what_every_decoder_reports():
    step, state = random_trees(100)
    settings = {"start": START, "end": END, "max_length": 5, "min_length": 2, "banned": (0, 4)}
    for hypotheses in (
        beam_search(step, state, width=6, n_best=6, alpha=1.0, **settings),
        exhaustive(step, state, n_best=6, **settings),
    ):
        again = score(step, state, hypotheses.ids, start=START, end=END)
        np.testing.assert_allclose(ops.sum(again, axis=-1), hypotheses.log_probabilities, rtol=1e-5)
    decoded = greedy(step, state, **settings)
    again = score(step, state, decoded.ids, start=START, end=END)
    np.testing.assert_allclose(ops.sum(again, axis=-1), decoded.log_probabilities, rtol=1e-5)


def test_a_prefix_conditions_without_being_counted():
    step, state = random_trees(4)
    prefix = np.array([[3, 4], [5, 5], [4, 0], [0, 0]])
    settings = {"start": START, "end": END}
    hypotheses = beam_search(
        step, state, max_length=3, width=3, n_best=3, prefix=prefix, **settings
    )
    scores = score(step, state, hypotheses.ids, prefix=prefix, **settings)
    np.testing.assert_allclose(ops.sum(scores, axis=-1), hypotheses.log_probabilities, rtol=1e-5)
    whole = np.concatenate([np.repeat(prefix[:2, None], 3, axis=1), hypotheses.ids[:2]], axis=-1)
    state = {"path": {"node": [state["path"]["node"][0][:2]]}, "toy": state["toy"][:2]}
    np.testing.assert_allclose(
        score(step, state, whole, **settings)[..., 2:], scores[:2], rtol=1e-6
    )


def test_padding_need_not_be_an_id():
    ids = np.array([[3, 4, 2, -999], [2, -999, -999, -999]])
    scores = score(hand_worked(), rows_of(2), ids, start=START, end=END, pad=-999)
    np.testing.assert_allclose(np.sum(scores, axis=1), np.log([0.222, 0.4]), rtol=1e-5)
    decoded = greedy(
        hand_worked(), rows_of(2), start=np.array([4, 1]), end=END, max_length=4, pad=-999
    )
    np.testing.assert_array_equal(decoded.ids, [[2, -999, -999, -999], [3, 4, 2, -999]])


def test_perplexity_counts_the_end():
    found = exhaustive(
        hand_worked(), rows_of(1), start=START, end=END, max_length=6, n_best=2, banned=(0, 1)
    )
    expected = [[0.4**-1, 0.222 ** (-1 / 3)]]
    np.testing.assert_allclose(perplexity(found.log_probabilities, found.lengths), expected, 1e-5)
    # Of nothing at all in place of a third sentence.
    assert perplexity(-np.inf, 0) == np.inf
