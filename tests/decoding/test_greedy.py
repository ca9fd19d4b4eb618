"""Greedy decoding on toys worked by hand."""

import numpy as np
from keras import ops

from decoding.toys import END, START, hand_worked, markov, random_trees, rows_of, sentences
from keras_classics.decoding import beam_search, greedy, score

SETTINGS = {"start": START, "end": END, "banned": (0, 1)}


def test_hand_worked():
    decoded = greedy(hand_worked(), rows_of(2), max_length=6, **SETTINGS)
    assert sentences(decoded.ids) == [[3, 4, 2]] * 2
    np.testing.assert_array_equal(decoded.lengths, [3, 3])
    np.testing.assert_allclose(decoded.log_probabilities, [-1.505078] * 2, rtol=1e-6)


def test_the_end_is_forced_at_max_length_and_counted():
    decoded = greedy(hand_worked(), rows_of(1), max_length=2, **SETTINGS)
    assert sentences(decoded.ids) == [[3, 2]]
    np.testing.assert_allclose(decoded.log_probabilities, np.log([0.6 * 0.3]), rtol=1e-6)


def test_min_length_delays_the_end():
    transitions = np.full((4, 4), 0.0)
    transitions[:, 2:] = [0.9, 0.1]
    decoded = greedy(markov(transitions), rows_of(1), max_length=6, min_length=3, **SETTINGS)
    assert sentences(decoded.ids) == [[3, 3, 2]]
    np.testing.assert_allclose(decoded.log_probabilities, np.log([0.1 * 0.1 * 0.9]), rtol=1e-6)


def test_ties_go_to_the_lowest_id():
    decoded = greedy(markov(np.ones((6, 6))), rows_of(1), max_length=3, min_length=3, **SETTINGS)
    assert sentences(decoded.ids) == [[3, 3, 2]]


def test_text_without_an_end():
    circle = np.roll(np.eye(4), 1, axis=1)
    decoded = greedy(markov(circle), rows_of(1), start=0, end=None, max_length=6, pad=-1)
    np.testing.assert_array_equal(decoded.ids, [[1, 2, 3, 0, 1, 2]])
    np.testing.assert_array_equal(decoded.lengths, [6])


def test_an_end_the_model_excludes_is_still_forced():
    never = np.zeros((4, 4))
    never[:, 3] = 1.0
    decoded = greedy(markov(never), rows_of(1), max_length=3, **SETTINGS)
    assert sentences(decoded.ids) == [[3, 3, 2]]
    np.testing.assert_array_equal(decoded.log_probabilities, [-np.inf])


def test_equals_one_beam_under_raw_scores():
    step, state = random_trees(200)
    settings = {**SETTINGS, "max_length": 5}
    one = greedy(step, state, **settings)
    beam = beam_search(step, state, width=1, length_penalty=None, **settings)
    np.testing.assert_array_equal(beam.ids[:, 0], one.ids)
    np.testing.assert_array_equal(beam.lengths[:, 0], one.lengths)
    np.testing.assert_allclose(beam.scores[:, 0], one.log_probabilities, rtol=1e-5)


def test_a_start_for_every_row():
    decoded = greedy(
        hand_worked(), rows_of(3), start=np.array([1, 3, 4]), end=END, max_length=6, banned=(0, 1)
    )
    assert sentences(decoded.ids) == [[3, 4, 2], [4, 2], [2]]


def test_half_precision_logits_are_scored_in_single():
    logits = np.zeros((1, 5000), "float16")
    logits[0, 3] = 8.0

    def step(token, state):
        return ops.repeat(ops.convert_to_tensor(logits), ops.shape(token)[0], axis=0), state

    decoded = greedy(step, rows_of(1), start=1, end=None, max_length=1)
    expected = 8.0 - np.log(np.exp(8.0) + 4999)
    np.testing.assert_allclose(decoded.log_probabilities, [expected], rtol=1e-6)
    again = score(step, rows_of(1), decoded.ids, start=1, end=None)
    np.testing.assert_allclose(again, [[expected]], rtol=1e-6)
