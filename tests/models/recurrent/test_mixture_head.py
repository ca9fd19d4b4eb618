"""Mixtures by hand, what is drawn from them, and a network that learns to reach and to write."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_round_trip

RNG = np.random.default_rng(0)


def test_the_loss_is_minus_the_log_density_of_the_mixture():
    raw = RNG.normal(size=(2, 3, kc.models.mixture_width(4, 3))).astype("float32")
    points = RNG.normal(size=(2, 3, 3)).astype("float32")
    points[..., 2] = [[0, 1, 1], [1, 0, 0]]
    expected = np.empty((2, 3))
    for place in np.ndindex(2, 3):
        shares, first, second, wide, high, tilt = raw[place][:24].reshape(6, 4)
        shares = np.exp(shares) / np.exp(shares).sum()
        density = 0
        for n in range(4):
            correlation = 0.99 * np.tanh(tilt[n])
            deviations = np.exp([wide[n], high[n]])
            cross = correlation * deviations.prod()
            covariance = np.diag(deviations**2) + cross * np.array([[0, 1], [1, 0]])
            off = points[place][:2] - [first[n], second[n]]
            exponent = -off @ np.linalg.inv(covariance) @ off / 2
            density += (
                shares[n] * np.exp(exponent) / (2 * np.pi * np.sqrt(np.linalg.det(covariance)))
            )
        chance = 1 / (1 + np.exp(-raw[place][24]))
        expected[place] = -np.log(density * (chance if points[place][2] else 1 - chance))
    loss = kc.training.MixtureDensityLoss(reduction=None)
    np.testing.assert_allclose(loss(points, raw), expected, rtol=1e-4)
    # Without the bit it is the same but for the bit.
    flat = kc.training.MixtureDensityLoss(reduction=None)(points[..., :2], raw[..., :24])
    assert (np.asarray(flat) < expected).all()


def network(**given):
    settings = {"outputs": 2, "input_size": 2, "cell": "lstm", "units": 40, "mixture": 4} | given
    return kc.models.rnn("one_to_many", **settings)


def test_draws_have_the_means_deviations_and_bits_of_the_mixture():
    model = network(outputs=3, input_size=1, units=2, mixture=2)
    head = model.get_layer("predictions")
    bias = np.zeros(13)
    # Three of four at (1, -1), deviation e^-2 and e^-3, correlation 0.99 tanh(1); else at (9, 9).
    bias[0] = np.log(3)
    bias[[2, 4]], bias[[3, 5]] = (1, -1), 9
    bias[[6, 7]], bias[[8, 9]], bias[[10, 11]], bias[12] = -2, -3, 1, np.log(4)
    head.set_weights([np.zeros_like(head.get_weights()[0]), bias])
    drawn = kc.models.sample_trajectories(model, np.zeros((4000, 1)), 1)[:, 0]
    near = drawn[:, 0] < 5
    assert near.mean() == pytest.approx(0.75, abs=0.03)
    assert drawn[:, 2].mean() == pytest.approx(0.8, abs=0.03)
    np.testing.assert_allclose(drawn[near, :2].mean(0), [1, -1], atol=0.02)
    np.testing.assert_allclose(drawn[near, :2].std(0), np.exp([-2, -3]), rtol=0.05)
    found = np.corrcoef(drawn[near, :2].T)[0, 1]
    assert found == pytest.approx(0.99 * np.tanh(1), abs=0.03)
    surer = kc.models.sample_trajectories(model, np.zeros((500, 1)), 1, bias=3.0)[:, 0]
    assert np.mean(surer[:, 0] < 5) > 0.95
    assert surer[surer[:, 0] < 5, 0].std() < 0.1 * np.exp(-2)


@pytest.mark.slow
def test_an_arm_reaches_its_goals_with_the_elbow_to_either_side(tmp_path):
    keras.utils.set_random_seed(0)
    reaches = kc.data.arm_reaches(800, steps=12)
    model = network()
    before = np.pad(reaches.steps[:, :-1], ((0, 0), (1, 0), (0, 0)))
    model.compile(keras.optimizers.Adam(0.01, clipnorm=1.0), kc.training.MixtureDensityLoss())
    given = {"vector": reaches.vectors, "target_in": before}
    model.fit(given, reaches.steps, batch_size=50, epochs=40, verbose=0)
    goals = kc.data.arm_reaches(60, steps=12, seed=1).vectors
    drawn = kc.models.sample_trajectories(model, goals, 12, bias=1.0)
    hands = kc.data.hand_positions(drawn)
    off = np.linalg.norm(hands[:, -1] - goals, axis=1)
    assert np.median(off) < 0.25, np.median(off)
    elbows = drawn[:, :, 1].sum(axis=1) > 0
    assert 0.2 < elbows.mean() < 0.8
    loaded = check_round_trip(model, {key: each[:3] for key, each in given.items()}, tmp_path)
    np.testing.assert_array_equal(
        kc.models.sample_trajectories(loaded, goals[:2], 3, seed=5),
        kc.models.sample_trajectories(model, goals[:2], 3, seed=5),
    )
    kc.analysis.draw_trajectories(tmp_path / "arm.png", hands[:6], goals=goals[:6])
    assert (tmp_path / "arm.png").stat().st_size > 1000


def test_deviations_and_correlations_stay_where_densities_are_finite():
    for far, deviation in ((-500, -7), (500, 7)):
        mixture = kc.models.mixture_parameters(np.full((1, 12), far, "float32"))
        np.testing.assert_allclose(np.asarray(mixture.log_deviations), deviation)
        np.testing.assert_allclose(np.asarray(mixture.correlations), np.sign(far) * 0.99)
        # Both Gaussians are equally probable, and sums of their shares one.
        np.testing.assert_allclose(np.asarray(mixture.log_shares), np.log(0.5), rtol=1e-6)


def test_the_seed_chooses_the_draws():
    model = kc.models.rnn("one_to_many", outputs=2, input_size=2, units=4, mixture=2)
    goals = np.ones((2, 2))
    one, again, other = (
        kc.models.sample_trajectories(model, goals, 3, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()


def test_points_of_another_width_than_the_mixture_are_refused():
    loss = kc.training.MixtureDensityLoss()
    for outputs in (2, 3):
        raw = np.zeros((1, 2, kc.models.mixture_width(2, outputs)), "float32")
        assert np.isfinite(float(loss(np.zeros((1, 2, outputs)), raw)))
        for wrong in (1, 5 - outputs, 4):
            with pytest.raises(kc.InputError, match=f"build it with outputs={wrong}"):
                loss(np.zeros((1, 2, wrong)), raw)
    for outputs in (1, 8):
        with pytest.raises(kc.InputError, match=f"outputs={outputs}"):
            kc.models.mixture_width(3, outputs)


def test_what_has_no_mixture_is_refused():
    with pytest.raises(kc.InputError, match="Leave mixture out"):
        network(outputs=5)
    with pytest.raises(kc.InputError, match="Leave mixture out"):
        kc.models.rnn("many_to_many", outputs=2, input_size=2, mixture=3)
    kc.models.rnn("many_to_many", outputs=2, input_size=2)
    with pytest.raises(kc.InputError, match="which gives no mixture"):
        kc.models.sample_trajectories(network(mixture=None), np.zeros((1, 2)), 2)
    with pytest.raises(kc.InputError, match=r"\(batch, 2\), a row for each trajectory"):
        kc.models.sample_trajectories(network(), np.zeros((1, 5)), 2)
    with pytest.raises(kc.InputError, match="Leave bias out"):
        kc.models.sample_trajectories(network(), np.zeros((1, 2)), 2, bias=-1)
