"""Hopfield networks: what they hold, how much, and what they make of half of it."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_round_trip

RNG = np.random.default_rng(0)


def random_patterns(count, units, wrong):
    patterns = RNG.choice([-1.0, 1.0], (count, units))
    places = RNG.random(patterns.shape).argsort(1) < wrong
    return patterns, np.where(places, -patterns, patterns).astype("float32")


@pytest.mark.slow
def test_recall_by_load_lies_in_the_bands_of_other_runs():
    # An independent implementation, three seeds of twenty: overlap .999, .936 and .443; .910.
    bands = {0.08: (0.985, 1), 0.138: (0.85, 0.99), 0.25: (0.3, 0.55)}
    hebb = kc.analysis.recall_by_load(list(bands), repetitions=2)
    assert [row.patterns for row in hebb] == [24, 41, 75]
    for row, (least, most) in zip(hebb, bands.values(), strict=True):
        assert least <= row.overlap <= most, row
    assert hebb[0].exact >= 0.75 and hebb[2].exact == 0
    (projected,) = kc.analysis.recall_by_load([0.25], repetitions=1, rule="projection")
    assert projected.overlap == projected.exact == 1


def test_the_first_errors_are_those_of_gaussian_noise():
    # Hertz, Krogh, Palmer: .105, .138, .185 and .37 of the units give .001, .0036, .01 and .05.
    rates = [kc.analysis.first_error_rate(load) for load in (0.105, 0.138, 0.185, 0.37)]
    np.testing.assert_allclose(rates, [0.00101, 0.00355, 0.0100, 0.0501], rtol=0.01)
    patterns = RNG.choice([-1.0, 1.0], (148, 400))
    once = kc.models.hopfield(patterns, update="synchronous", steps=1)
    flipped = np.mean(once.predict(patterns, verbose=0) != patterns)
    assert flipped == pytest.approx(0.0501, abs=0.01)


def test_the_energy_never_rises_one_by_one():
    patterns, _ = random_patterns(20, 60, 0)
    model = kc.models.hopfield(patterns, steps=1)
    states = RNG.choice([-1.0, 1.0], (50, 60)).astype("float32")
    before = kc.models.hopfield_energy(model, states)
    weights = model.get_layer("memory").get_weights()[0].astype("float64")
    np.testing.assert_allclose(
        before, -0.5 * np.einsum("bi,ij,bj->b", states, weights, states), rtol=1e-4, atol=1e-4
    )
    for _ in range(10):
        states = model.predict(states, verbose=0)
        after = kc.models.hopfield_energy(model, states)
        assert (after <= before + 1e-5).all()
        before = after


@pytest.mark.parametrize(
    ("kind", "memory"),
    [
        ("binary", {}),
        ("binary", {"update": "synchronous"}),
        ("continuous", {"softness": 0.05}),
        ("dense", {}),
        ("softmax", {}),
    ],
)
def test_defaults_give_back_what_is_stored_and_reload(kind, memory, tmp_path):
    patterns, asked = random_patterns(5, 80, 8)
    model = kc.models.hopfield(patterns, kind, **memory)
    found = model.predict(asked, verbose=0)
    np.testing.assert_allclose(found, patterns, atol=1e-3)
    if kind == "continuous":
        # Soft outputs do not reach 1.
        assert np.abs(found).max() < 1 or memory["softness"] < 0.1
    loaded = check_round_trip(model, asked, tmp_path)
    np.testing.assert_array_equal(
        kc.models.hopfield_energy(loaded, asked), kc.models.hopfield_energy(model, asked)
    )


@pytest.mark.parametrize("kind", ["binary", "continuous", "softmax"])
def test_nobody_waits_for_the_slowest_of_the_batch(kind):
    patterns, asked = random_patterns(6, 60, 20)
    model = kc.models.hopfield(patterns, kind, **({"beta": 0.05} if kind == "softmax" else {}))
    # States at rest beside others that are not.
    asked[::2] = model.predict(asked[::2], verbose=0)
    together = model.predict(asked, verbose=0)
    for n in range(6):
        alone = model.predict(asked[n : n + 1], verbose=0)
        np.testing.assert_allclose(together[n], alone[0], rtol=0, atol=1e-6)


def test_more_is_stored_the_steeper_the_energy():
    patterns, asked = random_patterns(150, 40, 4)
    shares = [
        np.mean(
            (kc.models.hopfield(patterns, "dense", power=power).predict(asked, verbose=0)
             == patterns).all(1)
        )
        for power in (2, 4)
    ]  # fmt: skip
    assert shares[0] < 0.1 and shares[1] > 0.8


def test_any_power_recalls():
    patterns, asked = random_patterns(5, 40, 12)
    for power in (3, 200, 10**9):
        model = kc.models.hopfield(patterns, "dense", power=power)
        np.testing.assert_array_equal(model.predict(asked, verbose=0), patterns)
    half = np.where(np.arange(40) < 20, 0, patterns)
    np.testing.assert_array_equal(model.predict(half, verbose=0), patterns)


def test_one_pattern_is_recalled_without_a_warning(recwarn):
    patterns, asked = random_patterns(1, 20, 6)
    for kind in ("softmax", "dense", "binary"):
        model = kc.models.hopfield(patterns, kind)
        np.testing.assert_allclose(model.predict(asked, verbose=0), patterns, atol=1e-5)
    assert not [each for each in recwarn if "softmax" in str(each.message)]


def test_attention_recalls_thousands():
    patterns, asked = random_patterns(5000, 64, 13)
    model = kc.models.hopfield(patterns, "softmax", steps=3)
    assert (np.sign(model.predict(asked[:50], verbose=0)) == patterns[:50]).all(1).mean() >= 0.96


def test_half_of_a_digit_is_completed():
    pytest.importorskip("sklearn")
    split = kc.data.load("digits").train
    images = np.stack([split[n].image[..., 0] for n in range(200)])
    labels = np.array([split[n].label for n in range(200)])
    first = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    patterns = np.where(images[first] > 110, 1.0, -1.0).reshape(10, -1)
    hidden = patterns.copy()
    hidden[:, 32:] = 0
    model = kc.models.hopfield(patterns, "dense", power=10)
    assert (model.predict(hidden, verbose=0) == patterns).all(1).sum() >= 9
    # Digits are alike, which Hebb's rule cannot bear.
    hebb = kc.models.hopfield(patterns)
    assert (hebb.predict(hidden, verbose=0) == patterns).all(1).sum() <= 2


def test_what_is_refused_and_that_the_remedy_works():
    pictures = RNG.random((3, 4, 4))
    with pytest.raises(kc.InputError, match=r"patterns.reshape\(len\(patterns\), -1\)"):
        kc.models.hopfield(pictures)
    flat = pictures.reshape(3, -1)
    with pytest.raises(kc.InputError, match="-1 and \\+1 alone"):
        kc.models.hopfield(flat)
    kc.models.hopfield(np.where(flat > 0.5, 1, -1))
    with pytest.raises(kc.InputError, match="'beta' was given to"):
        kc.models.hopfield(np.where(flat > 0.5, 1, -1), beta=2.0)
    with pytest.raises(kc.InputError, match="Make another memory"):
        model = kc.models.hopfield(flat, "softmax")
        model.get_layer("memory").remember(flat[:2])
    with pytest.raises(kc.InputError, match=r"\(batch, 16\), a row for each state"):
        kc.models.hopfield_energy(model, flat[0])
    with pytest.raises(kc.InputError, match="hopfield or kc.models.annealed_network"):
        kc.models.hopfield_energy(keras.Sequential([keras.Input((2,))]), np.zeros((1, 2)))


def test_what_single_precision_cannot_hold_is_refused():
    patterns, _ = random_patterns(4, 24, 0)
    for softness, step in ((1e-300, 0.05), (0.1, 1e30)):
        with pytest.raises(kc.InputError, match="Leave them out for softness=0.1"):
            kc.layers.ContinuousMemory(softness=softness, time_step=step)
    for size in (1e25, 1e300):
        with pytest.raises(kc.InputError, match="Pass patterns / np.abs"):
            kc.models.hopfield(size * patterns, "softmax")
    large = 1e25 * patterns
    kc.models.hopfield(large / np.abs(large).max(), "softmax")
    memory = kc.models.hopfield(patterns).get_layer("memory")
    with pytest.raises(kc.InputError, match="24, the units of this memory"):
        memory.remember(patterns[:, :5])
    with pytest.raises(kc.InputError, match="patterns with rows of different lengths"):
        kc.models.hopfield([[1, -1], [1]])


def test_drawings_are_written(tmp_path):
    rows = [kc.analysis.RecallAtLoad(load, 3, 1 - load, 0.5) for load in (0.1, 0.2)]
    kc.analysis.draw_recall(tmp_path / "recall.png", {"Hebb": rows})
    states = RNG.choice([-1.0, 1.0], (3, 16))
    kc.analysis.draw_completions(
        tmp_path / "completed.png", {"given": states, "recalled": states}, (4, 4)
    )
    assert (tmp_path / "recall.png").stat().st_size > 1000
    assert (tmp_path / "completed.png").stat().st_size > 1000
    with pytest.raises(kc.InputError, match="one or more, by name"):
        kc.analysis.draw_recall(tmp_path / "none.png", {})
    with pytest.raises(kc.InputError, match="each of 12 units"):
        kc.analysis.draw_completions(tmp_path / "none.png", {"given": states}, (3, 4))
