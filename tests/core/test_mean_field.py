"""Critical points against the reference's table, depth scales against closed forms."""

import math

import pytest

from keras_classics.initializers import critical_point, depth_scale


@pytest.mark.parametrize(
    ("q_star", "weights", "biases"),
    [
        (1 / 16, 1.11538062, 2.368768e-4),
        (1 / 50, 1.03888203, 9.526875e-6),
        (0.0259209, 1.05, 2.010521e-5),
        (1 / 1250, 1.00159809, 6.794e-10),
        (1 / 2500, 1.00079952, 8.513e-11),
        (1 / 5000, 1.00039988, 1.0654e-11),
        (1 / 10000, 1.00019997, 1.3325e-12),
        (1 / 2, 1.68797512, 3.804120e-2),
        (1, 2.15330265, 1.509646e-1),
    ],
)
def test_critical_points_of_tanh(q_star, weights, biases):
    sigma_w, sigma_b = critical_point("tanh", q_star)
    assert sigma_w**2 == pytest.approx(weights, rel=1e-7)
    assert sigma_b**2 == pytest.approx(biases, rel=5e-5)
    assert depth_scale("tanh", sigma_w, sigma_b) == math.inf


@pytest.mark.parametrize("q_star", [1e-6, 1e-8, 1e-10])
def test_small_variances_follow_the_law_without_cancellation(q_star):
    sigma_w, sigma_b = critical_point("tanh", q_star)
    assert sigma_w**2 - 1 == pytest.approx(2 * q_star, rel=1e-4)
    assert sigma_b**2 == pytest.approx(4 / 3 * q_star**3, rel=1e-4)


@pytest.mark.parametrize("q_star", [1e-9, 0.3, 1e4])
def test_critical_points_of_rectifiers_and_lines_do_not_depend_on_the_variance(q_star):
    assert critical_point("relu", q_star) == pytest.approx((math.sqrt(2), 0))
    assert critical_point("linear", q_star) == pytest.approx((1, 0))


@pytest.mark.parametrize(
    ("activation", "sigma_w", "sigma_b", "chi"),
    [
        ("linear", 0.9, 0.1, 0.81),
        ("relu", 1.3, 0.0, 1.69 / 2),
        ("tanh", 0.8, 0.0, 0.64),
        ("relu", math.sqrt(2), 0.0, 1),
        ("linear", 1, 0.0, 1),
    ],
)
def test_depth_scales_have_their_closed_forms(activation, sigma_w, sigma_b, chi):
    expected = math.inf if chi == 1 else -1 / math.log(chi)
    assert depth_scale(activation, sigma_w, sigma_b) == pytest.approx(expected, rel=1e-6)


def test_signals_reach_further_near_the_critical_line():
    _, sigma_b = critical_point("tanh", 0.5)
    scales = [depth_scale("tanh", sigma_w, sigma_b) for sigma_w in (1.0, 1.2, 1.29)]
    assert scales == sorted(scales) and scales[-1] < math.inf


def test_what_has_no_critical_point_is_refused():
    with pytest.raises(ValueError, match="activation='gelu'.*'tanh'"):
        critical_point("gelu", 0.1)
    with pytest.raises(ValueError, match="q_star=0 .*positive"):
        critical_point("tanh", 0)
    with pytest.raises(ValueError, match="sigma_w=1.5.*settles"):
        depth_scale("relu", 1.5, 0.1)
