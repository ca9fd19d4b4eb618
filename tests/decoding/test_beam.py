"""Beam search against enumeration, and against the mistakes other beam searches have made."""

import numpy as np
import pytest
from keras import ops

from decoding.toys import (
    END,
    INSIDE,
    LENGTH,
    START,
    attentive,
    encodings,
    hand_worked,
    markov,
    random_trees,
    rows_of,
    sentences,
    tiny_decoder,
)
from keras_classics.core.errors import InputError
from keras_classics.decoding import beam_search, exhaustive, greedy, score

SETTINGS = {"start": START, "end": END, "banned": (0, 1)}
PENALTIES = [(None, 1.0), ("gnmt", 1.0), ("power", 1.0)]


def check_same(found, expected, rtol=1e-5):
    """Equal sentences in equal order; where rounding may swap two, their scores are compared."""
    np.testing.assert_allclose(found.scores, expected.scores, rtol=rtol)
    gaps = -np.diff(ops.convert_to_numpy(expected.scores), prepend=np.inf, append=-np.inf)
    apart = np.minimum(gaps[:, 1:], gaps[:, :-1]) > 1e-4
    assert apart.mean() > 0.9
    for name in ("ids", "lengths", "log_probabilities"):
        left = ops.convert_to_numpy(getattr(found, name))[apart]
        right = ops.convert_to_numpy(getattr(expected, name))[apart]
        np.testing.assert_allclose(left, right, rtol=rtol)


@pytest.mark.parametrize("n_best", [1, sum(INSIDE**depth for depth in range(LENGTH))])
@pytest.mark.parametrize("length_penalty, alpha", [*PENALTIES, ("power", -0.5), ("gnmt", -2.0)])
def test_wide_enough_it_equals_enumeration(length_penalty, alpha, n_best):
    step, state = random_trees(200)
    settings = {
        **SETTINGS, "max_length": LENGTH, "length_penalty": length_penalty, "alpha": alpha,
        "n_best": n_best,
    }  # fmt: skip
    found = beam_search(step, state, width=(INSIDE + 1) ** (LENGTH - 1), **settings)
    check_same(found, exhaustive(step, state, **settings))


@pytest.mark.parametrize("length_penalty, alpha", [("gnmt", 1.0), ("power", 1.0), ("power", -0.5)])
def test_stopping_by_a_rule_of_thumb_costs_score_and_stopping_exactly_does_not(
    length_penalty, alpha
):
    step, state = random_trees(200)
    settings = {
        **SETTINGS, "max_length": LENGTH, "length_penalty": length_penalty, "alpha": alpha,
        "width": 4,
    }  # fmt: skip
    exact, first, n = (
        ops.convert_to_numpy(beam_search(step, state, stop=stop, **settings).scores)[:, 0]
        for stop in ("exact", "first", "n")
    )
    assert np.all(exact >= first) and np.all(exact >= n)
    # Under a penalty that favours short sentences the first to lead cannot be overtaken.
    assert np.any(exact > first) == (alpha > 0)


@pytest.mark.parametrize("length_penalty, better", [("power", True), (None, False)])
def test_width_one_is_greedy_unless_scores_are_normalised(length_penalty, better):
    # With the exact stop it goes on while a longer sentence may still score better.
    step, state = random_trees(200)
    settings = {**SETTINGS, "max_length": LENGTH}
    one = beam_search(step, state, width=1, length_penalty=length_penalty, alpha=1.0, **settings)
    taken = greedy(step, state, **settings)
    lengths = ops.cast(taken.lengths, "float32") if better else 1.0
    scores = ops.convert_to_numpy(taken.log_probabilities / lengths)
    found = ops.convert_to_numpy(one.scores)[:, 0]
    assert np.all(found >= scores - 1e-5)
    assert np.any(found > scores + 1e-3) == better


@pytest.mark.parametrize("stop, n_best", [("first", 1), ("first", 3), ("n", 1), ("n", 4)])
def test_a_rule_of_thumb_waits_for_as_many_sentences_as_it_says(stop, n_best):
    step, state = random_trees(200)
    settings = {**SETTINGS, "max_length": LENGTH, "width": 4, "n_best": n_best}
    found = beam_search(step, state, stop=stop, **settings)
    assert np.all(found.scores > -np.inf)
    exact = beam_search(step, state, **settings)
    assert np.any(found.scores < exact.scores)


def test_hand_worked():
    settings = {**SETTINGS, "max_length": 6}
    for width in (2, 3, 5):
        # Without freezing what has ended, the sentence of probability .4 is lost at all of these.
        best = beam_search(hand_worked(), rows_of(1), width=width, length_penalty=None, **settings)
        assert sentences(best.ids[0]) == [[2]]
        np.testing.assert_allclose(best.scores, [[-0.916291]], rtol=1e-6)
        best = beam_search(hand_worked(), rows_of(1), width=width, alpha=1.0, **settings)
        assert sentences(best.ids[0]) == [[2]]
        best = beam_search(
            hand_worked(), rows_of(1), width=width, length_penalty="power", alpha=1.0, **settings
        )
        assert sentences(best.ids[0]) == [[3, 4, 2]]
        np.testing.assert_allclose(best.scores, [[-0.501693]], rtol=1e-5)


def test_n_best_of_the_hand_worked_toy():
    best = beam_search(hand_worked(), rows_of(1), max_length=6, n_best=5, **SETTINGS)
    assert sentences(best.ids[0]) == [[2], [3, 4, 2], [3, 2], [3, 3, 4, 2], [3, 3, 2]]
    np.testing.assert_array_equal(best.lengths, [[1, 3, 2, 4, 3]])
    np.testing.assert_allclose(
        best.scores[0], [-0.916291, -1.266472, -1.563310, -2.049310, -2.375847], atol=1e-6
    )
    np.testing.assert_allclose(np.exp(best.log_probabilities[0])[:3], [0.4, 0.222, 0.18], rtol=1e-5)


def test_asking_for_more_sentences_does_not_change_the_first():
    step, state = random_trees(200)
    settings = {**SETTINGS, "max_length": LENGTH, "width": 5, "alpha": 1.0}
    one = beam_search(step, state, **settings)
    five = beam_search(step, state, n_best=5, **settings)
    np.testing.assert_array_equal(one.ids, five.ids[:, :1])


def test_no_sentence_twice_and_nothing_after_an_end():
    step, state = random_trees(100)
    best = beam_search(step, state, max_length=LENGTH, width=8, n_best=8, pad=-7, **SETTINGS)
    for ids, lengths in zip(best.ids.numpy().tolist(), best.lengths.numpy(), strict=True):
        assert len(set(map(tuple, ids))) == 8
        for row, length in zip(ids, lengths, strict=True):
            assert row.index(END) == length - 1
            assert row[length:] == [-7] * (LENGTH - length)


def test_an_end_among_the_second_best_is_not_taken():
    # With one beam the end is the second candidate at every step but the last.
    transitions = np.zeros((5, 5))
    transitions[:, [2, 3]] = [0.4, 0.6]
    best = beam_search(
        markov(transitions), rows_of(1), width=1, max_length=3, length_penalty=None, **SETTINGS
    )
    assert sentences(best.ids[0]) == [[3, 3, 2]]


@pytest.mark.parametrize("length_penalty, alpha", PENALTIES)
def test_one_beam_stopped_at_its_first_sentence_is_greedy(length_penalty, alpha):
    step, state = random_trees(200)
    settings = {**SETTINGS, "max_length": LENGTH}
    one = greedy(step, state, **settings)
    for stop in ("n", "first"):
        beam = beam_search(
            step, state, width=1, stop=stop, length_penalty=length_penalty, alpha=alpha, **settings
        )
        np.testing.assert_array_equal(beam.ids[:, 0], one.ids)


@pytest.mark.parametrize("stop", ["exact", "first", "n"])
def test_an_example_does_not_depend_on_its_batch(stop):
    layer, encoded = tiny_decoder(seed=2), encodings(6)
    settings = {**SETTINGS, "max_length": 9, "width": 3, "n_best": 3, "stop": stop}
    together = beam_search(layer.step, layer.initial_state(encoded), **settings)
    assert len(np.unique(together.lengths[:, 0])) > 1
    for row in range(6):
        state = layer.initial_state(encoded[row : row + 1])
        alone = beam_search(layer.step, state, **settings)
        np.testing.assert_array_equal(together.ids[row], alone.ids[0])
        np.testing.assert_allclose(together.scores[row], alone.scores[0], rtol=1e-5)
        np.testing.assert_allclose(together.alignments[row], alone.alignments[0], atol=1e-6)


@pytest.mark.parametrize(
    "coverage, method", [(0.0, "gnmt"), (0.2, "gnmt"), (3.0, "gnmt"), (0.2, "summary")]
)
def test_coverage_equals_enumeration(coverage, method):
    step, state = attentive(20)
    prefix = np.array([[3, 4], [5, 0]] * 10)
    settings = {
        **SETTINGS, "max_length": 3, "coverage": coverage, "coverage_method": method, "n_best": 9,
        "prefix": prefix,
    }  # fmt: skip
    found = beam_search(step, state, width=64, **settings)
    expected = exhaustive(step, state, **settings)
    check_same(found, expected)
    np.testing.assert_allclose(found.alignments[:, 0], expected.alignments[:, 0], atol=1e-6)
    penalised = beam_search(step, state, width=64, **{**settings, "coverage": 5.0})
    assert np.any(penalised.ids != found.ids)


def test_alignments_are_those_of_the_returned_sentences():
    layer, encoded = tiny_decoder(seed=3), encodings(5)
    best = beam_search(
        layer.step, layer.initial_state(encoded), max_length=7, width=4, n_best=2, pad=-999,
        **SETTINGS,
    )  # fmt: skip
    for rank in range(2):
        state, token = layer.initial_state(encoded), ops.full((5,), START, "int32")
        for position in range(7):
            _, state = layer.step(token, state)
            token = ops.maximum(best.ids[:, rank, position], 0)
            written = position < ops.convert_to_numpy(best.lengths)[:, rank]
            expected = ops.convert_to_numpy(state["alignment"]) * written[:, None]
            np.testing.assert_allclose(
                best.alignments[:, rank, position], expected, rtol=1e-4, atol=1e-6
            )


def test_every_leaf_follows_its_beam():
    """Leaves of several shapes and types record what their beam has read: they must agree."""
    tree, start = random_trees(50)

    def recorded(read):
        maps = ops.cast(read, "float16")[:, :, None, None] * np.ones((1, 1, 2, 2), "float16")
        return {"read": read, "deep": [(maps, {"even": read % 2 == 0})]}

    def step(token, state):
        read, ((maps, flags),) = state["record"]["read"], state["record"]["deep"]
        agree = ops.all(ops.cast(maps[:, :, 1, 0], "int32") == read, axis=1)
        agree = agree & ops.all(flags["even"] == (read % 2 == 0), axis=1)
        logits, inner = tree(token, state["tree"])
        read = ops.concatenate([read[:, 1:], token[:, None]], axis=1)
        logits = ops.where(agree[:, None], logits, np.nan)
        return logits, {"tree": inner, "record": recorded(read)}

    state = {"tree": start, "record": recorded(ops.zeros((50, LENGTH), "int32"))}
    settings = {**SETTINGS, "max_length": LENGTH, "n_best": 5}
    found = beam_search(step, state, width=5, **settings)
    expected = beam_search(tree, start, width=5, **settings)
    np.testing.assert_array_equal(found.ids, expected.ids)
    again = score(tree, start, found.ids, start=START, end=END)
    np.testing.assert_allclose(ops.sum(again, axis=-1), found.log_probabilities, rtol=1e-5)
    check_same(beam_search(step, state, width=256, **settings), exhaustive(tree, start, **settings))


def test_a_prefix_leaves_the_beams_different():
    step, state = random_trees(100)
    prefix = np.repeat([[4, 3]], 100, axis=0)
    settings = {**SETTINGS, "max_length": 3, "n_best": 5, "prefix": prefix}
    found = beam_search(step, state, width=27, **settings)
    assert all(len({tuple(s) for s in sentences(row)}) == 5 for row in found.ids)
    check_same(found, exhaustive(step, state, **settings))


def test_lengths_are_bounded():
    step, state = random_trees(100)
    best = beam_search(step, state, max_length=4, min_length=3, width=9, n_best=9, **SETTINGS)
    np.testing.assert_array_equal(np.unique(best.lengths), [3, 4])


def test_banned_ids_do_not_appear_and_are_not_renormalised():
    step, state = random_trees(100)
    settings = {"start": START, "end": END, "max_length": LENGTH, "width": 16, "n_best": 4}
    best = beam_search(step, state, banned=(0, 1, 4), **settings)
    assert not np.any(best.ids == 4)
    again = score(step, state, best.ids, start=START, end=END)
    np.testing.assert_allclose(ops.sum(again, axis=-1), best.log_probabilities, rtol=1e-5)


def test_fewer_sentences_than_asked_for():
    only = np.zeros((4, 4))
    only[:, 2:] = [1.0, 0.0]
    best = beam_search(markov(only), rows_of(2), max_length=4, width=3, n_best=3, **SETTINGS)
    np.testing.assert_array_equal(best.lengths, [[1, 0, 0]] * 2)
    np.testing.assert_array_equal(best.scores, [[0.0, -np.inf, -np.inf]] * 2)
    np.testing.assert_array_equal(best.ids[:, 1:], 0)


def test_rows_without_any_possible_id_spoil_nothing():
    transitions = np.full((5, 5), 0.0)
    transitions[1] = [0, 0, 0.4, 0.5, 0.1]
    transitions[3] = [0, 0, 1.0, 0, 0]
    best = beam_search(markov(transitions), rows_of(1), max_length=4, width=4, n_best=4, **SETTINGS)
    assert sentences(best.ids[0]) == [[3, 2], [2], [], []]
    assert not np.any(np.isnan(best.scores))


def test_equal_candidates_rank_by_parent_then_id():
    best = beam_search(
        markov(np.full((5, 5), 0.2)), rows_of(1), max_length=3, min_length=3, width=4, n_best=4,
        **SETTINGS,
    )  # fmt: skip
    assert sentences(best.ids[0]) == [[3, 3, 2], [3, 4, 2], [4, 3, 2], [4, 4, 2]]


def test_batch_of_unknown_size():
    import tensorflow as tf

    layer, encoded = tiny_decoder(), encodings(4)
    settings = {**SETTINGS, "max_length": 6, "width": 3, "coverage": 0.2}

    @tf.function(
        input_signature=[tf.TensorSpec((None, None, 8)), tf.TensorSpec((None, None), "int32")]
    )
    def search(encoded, prefix):
        state = layer.initial_state(encoded)
        return beam_search(layer.step, state, prefix=prefix, **settings)

    prefix = np.array([[3], [4], [5], [0]], "int32")
    expected = beam_search(layer.step, layer.initial_state(encoded), prefix=prefix, **settings)
    found = search(encoded, prefix)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)
    np.testing.assert_allclose(found.alignments, expected.alignments, atol=1e-6)


def test_memory_stays_with_its_example_and_is_not_carried():
    layer, encoded = tiny_decoder(), encodings(4)
    settings = {**SETTINGS, "max_length": 6, "width": 3}

    def forgetful(token, state):
        logits, state = layer.step(token, state)
        return logits, {**state, "memory": "not looked at"}

    expected = beam_search(layer.step, layer.initial_state(encoded), **settings)
    found = beam_search(forgetful, layer.initial_state(encoded), **settings)
    np.testing.assert_array_equal(found.ids, expected.ids)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"stop": "never"}, "stop='never'"),
        ({"length_penalty": "avg"}, "length_penalty='avg'"),
        ({"width": 0}, "n_best=1 of 0"),
        ({"n_best": 6}, "n_best=6 of 5"),
        ({"coverage": 0.2}, "coverage=0.2"),
        ({"coverage": -1.0}, "coverage=-1.0"),
        ({"coverage_method": "wu"}, "coverage_method='wu'"),
        ({"end": None}, "end=None"),
        ({"banned": (2,)}, "banned"),
    ],
)
def test_settings_that_cannot_be_met(settings, message):
    settings = {**SETTINGS, "max_length": 4, **settings}
    with pytest.raises((InputError, ValueError), match=message):
        beam_search(hand_worked(), rows_of(1), **settings)
