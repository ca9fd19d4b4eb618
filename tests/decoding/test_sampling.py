"""Draws follow the distribution they claim to."""

import keras
import numpy as np
import pytest
from keras import ops

from decoding.toys import END, START, hand_worked, markov, random_trees, rows_of, sentences
from keras_classics.core.errors import InputError
from keras_classics.decoding import filter_logits, greedy, sample, score
from keras_classics.decoding.sampling import invert

P = np.array([[0.42, 0.25, 0.15, 0.10, 0.05, 0.03]], "float32")
LOGITS = np.log(P)
SETTINGS = {"start": START, "end": END, "banned": (0, 1)}

# The chi-square distribution leaves 0.1 % above these values, by degrees of freedom.
CRITICAL = {2: 13.816, 3: 16.266, 5: 20.515}


def check_counts(counts, probabilities):
    """Counts that Pearson's test would reject once in a thousand tries are refused."""
    counts, expected = np.asarray(counts), np.asarray(probabilities) * np.sum(counts)
    assert not counts[expected == 0].any()
    counts, expected = counts[expected > 0], expected[expected > 0]
    assert np.sum((counts - expected) ** 2 / expected) < CRITICAL[len(counts) - 1]


def kept(logits):
    return np.flatnonzero(ops.convert_to_numpy(logits)[0] > -np.inf).tolist()


@pytest.mark.parametrize(
    "temperature, expected",
    [
        (0.5, [0.641921, 0.227438, 0.081878, 0.036390, 0.009098, 0.003275]),
        (2.0, [0.288236, 0.222379, 0.172254, 0.140645, 0.099451, 0.077034]),
    ],
)
def test_temperature(temperature, expected):
    logits = filter_logits(LOGITS, temperature)
    np.testing.assert_allclose(ops.softmax(logits)[0], expected, atol=1e-6)


@pytest.mark.parametrize("top_p, count", [(0.1, 1), (0.5, 2), (0.7, 3), (0.9, 4), (1.0, 6)])
def test_top_p(top_p, count):
    assert kept(filter_logits(LOGITS, top_p=top_p)) == list(range(count))
    shuffled = filter_logits(LOGITS[:, [3, 5, 0, 4, 2, 1]], top_p=top_p)
    assert len(kept(shuffled)) == count


@pytest.mark.parametrize("top_k, count", [(1, 1), (4, 4), (6, 6), (60, 6)])
def test_top_k(top_k, count):
    assert kept(filter_logits(LOGITS, top_k=top_k)) == list(range(count))


def test_order_of_filters():
    # Alone, 0.6 keeps two of six; of the best two (.627, .373) it keeps one.
    assert kept(filter_logits(LOGITS, top_p=0.6)) == [0, 1]
    assert kept(filter_logits(LOGITS, top_k=2, top_p=0.6)) == [0]
    # At temperature 2 the first two hold .511, so 0.6 reaches for a third.
    assert kept(filter_logits(LOGITS, temperature=2.0, top_p=0.6)) == [0, 1, 2]


def test_ties_keep_the_lowest_ids():
    equal = np.zeros((1, 5), "float32")
    assert kept(filter_logits(equal, top_k=2)) == [0, 1]
    assert kept(filter_logits(equal, top_p=0.5)) == [0, 1, 2]
    assert kept(filter_logits(np.array([[0.0, 1, 0, 1, 0]]), top_k=3)) == [0, 1, 3]


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.0},
        {"temperature": 1e-40},
        {"temperature": float("inf")},
        {"temperature": float("nan")},
        {"temperature": -1.0},
        {"top_k": 0},
        {"top_p": 0.0},
    ],
)
def test_filters_that_leave_nothing(settings):
    with pytest.raises(InputError):
        filter_logits(LOGITS, **settings)


def test_uniforms_at_the_edges_of_an_interval():
    probabilities = ops.convert_to_tensor([[0.0, 0.25, 0.0, 0.75, 0.0]] * 4)
    drawn = invert(probabilities, ops.convert_to_tensor([0.0, 0.2499, 0.25, 1.0]))
    np.testing.assert_array_equal(drawn, [1, 1, 3, 3])


def test_rounding_never_draws_an_impossible_id():
    # XLA adds up in parallel, so its running sums creep even where a probability is 0.
    import tensorflow as tf

    generator = np.random.default_rng(0)
    chances = generator.random((64, 1000)) * (generator.random((64, 1000)) < 0.3)
    chances = (chances / chances.sum(axis=1, keepdims=True)).astype("float32")
    sums = tf.function(lambda p: ops.cumsum(p, axis=1), autograph=False, jit_compile=True)(chances)
    sums = sums.numpy()
    row, last = np.nonzero((chances[:, 1:] == 0) & (sums[:, 1:] > sums[:, :-1]))
    assert len(row)
    aimed = sums[row, last] / sums[row].max(axis=1)
    drawn = tf.function(invert, autograph=False, jit_compile=True)(chances[row], aimed)
    assert np.all(chances[row, drawn] > 0)


@pytest.mark.parametrize("settings", [{}, {"temperature": 2.0}, {"top_k": 3}, {"top_p": 0.9}])
def test_draws_follow_the_distribution(settings):
    step = markov(np.repeat(P, 6, axis=0))
    drawn = sample(step, rows_of(20_000), start=0, end=None, max_length=1, seed=3, **settings)
    counts = np.bincount(ops.convert_to_numpy(drawn.ids)[:, 0], minlength=6)
    check_counts(counts, ops.softmax(filter_logits(LOGITS, **settings))[0])


def test_sentences_follow_the_product_of_their_steps():
    drawn = sample(hand_worked(), rows_of(20_000), max_length=3, seed=11, **SETTINGS)
    # The third id is an end, whatever the model would say.
    chances = {(2,): 0.4, (3, 2): 0.6 * 0.3, (3, 3, 2): 0.6 * 0.33, (3, 4, 2): 0.6 * 0.37}
    found = [tuple(sentence) for sentence in sentences(drawn.ids)]
    assert set(found) == set(chances)
    check_counts([found.count(sentence) for sentence in chances], list(chances.values()))


def test_one_id_to_draw_from_is_greedy():
    step, state = random_trees(200)
    settings = {**SETTINGS, "max_length": 5}
    one = sample(step, state, top_k=1, seed=0, **settings)
    best = greedy(step, state, **settings)
    np.testing.assert_array_equal(one.ids, best.ids)


def test_log_probabilities_are_the_unfiltered_models():
    step, state = random_trees(200)
    settings = {**SETTINGS, "max_length": 5}
    drawn = sample(step, state, seed=1, temperature=0.7, top_k=2, min_length=3, **settings)
    again = score(step, state, drawn.ids, start=START, end=END)
    np.testing.assert_allclose(ops.sum(again, axis=1), drawn.log_probabilities, rtol=1e-5)


def test_seeds():
    step, state = random_trees(200)

    def draw(seed):
        return ops.convert_to_numpy(
            sample(step, state, seed=seed, max_length=5, **SETTINGS).ids
        ).tolist()

    generator = keras.random.SeedGenerator(0)
    assert draw(0) == draw(0)
    assert draw(0) != draw(1)
    assert draw(generator) != draw(generator)
