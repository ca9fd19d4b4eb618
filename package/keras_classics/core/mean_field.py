"""Mean field theory of deep networks: at which variances of weights and biases signals survive.

Poole, Lahiri, Raghu, Sohl-Dickstein, Ganguli, "Exponential expressivity in deep neural networks
through transient chaos", NIPS 2016; Schoenholz, Gilmer, Ganguli, Sohl-Dickstein, "Deep information
propagation", ICLR 2017; for convolutions Xiao et al., ICML 2018. With weights of variance
`sigma_w^2 / fan_in`, biases of variance `sigma_b^2` and `z` standard normal, the variance of a
wide layer's preactivations settles where

    q = sigma_w^2 E[phi(sqrt(q) z)^2] + sigma_b^2,

and the lengths of gradients change by the factor `chi = sigma_w^2 E[phi'(sqrt(q) z)^2]` from layer
to layer; they neither vanish nor explode on the critical line `chi = 1`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, SupportsIndex, TypeAlias

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole

Function: TypeAlias = Callable[[np.ndarray], np.ndarray]
# Each activation with its derivative, on float64 arrays.
_FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "linear": (lambda x: x, np.ones_like),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
}
# Relative differences below this are the quadrature's, not the network's.
_PRECISION = 1e-9


class CriticalPoint(NamedTuple):
    """Standard deviations, of weights times the root of the fan-in, and of biases."""

    sigma_w: float
    sigma_b: float


@checked
def critical_point(activation: str, q_star: float) -> CriticalPoint:
    """The point of the critical line where preactivations have the variance `q_star`.

    Args:
        activation: `"linear"`, `"relu"` or `"tanh"`.
        q_star: Variance of the preactivations, positive. With tanh a small one makes all singular
            values of the network's Jacobian nearly 1; a rectifier's or a linear network's point
            does not depend on it.

    Returns:
        `sigma_w^2 = 1 / E[phi'^2]` and `sigma_b^2 = q* - sigma_w^2 E[phi^2]`, as roots.

    Raises:
        InputError: The activation is unknown or `q_star` not positive.
    """
    function, derivative = _functions(activation)
    if not q_star > 0:
        raise InputError(
            f"q_star={q_star!r} was given",
            "a positive variance",
            "Use 1 / depth, as the paper's authors do.",
        )
    x = _deviates(q_star)
    slope = _mean(derivative(x))
    # sigma_b^2 is q^3 where q and what is taken from it are q. By Stein's lemma, E[x phi(x)] =
    # q E[phi'(x)], the difference does not change when a linear function is taken from phi.
    rest, rest_slope = function(x) - slope * x, derivative(x) - slope
    variance = 1 / _mean(derivative(x) ** 2)
    gained, kept = q_star * _mean(rest_slope**2), _mean(rest**2)
    bias_variance = variance * (gained - kept) if gained > kept * (1 + _PRECISION) else 0.0
    return CriticalPoint(math.sqrt(variance), math.sqrt(bias_variance))


@checked
def depth_scale(activation: str, sigma_w: float, sigma_b: float) -> float:
    """How many layers deep a signal gets: `1 / |ln chi|`, infinite on the critical line.

    Args:
        activation: `"linear"`, `"relu"` or `"tanh"`.
        sigma_w: Standard deviation of weights times the root of the fan-in.
        sigma_b: Standard deviation of biases.

    Returns:
        Layers over which gradients change by the factor e: they vanish where `chi < 1`, and
        explode where it is larger.

    Raises:
        InputError: The activation is unknown, or the variance of the signals has no fixed point.
    """
    _, derivative = _functions(activation)
    q = _fixed_variance(activation, sigma_w, sigma_b)
    chi = sigma_w**2 * _mean(derivative(_deviates(q)) ** 2)
    return math.inf if abs(chi - 1) < _PRECISION else 1 / abs(math.log(chi))


def jacobian_moments(
    activation: str,
    sigma_w: float,
    sigma_b: float,
    depth: SupportsIndex,
    *,
    spread: float,
    mean_square: float = 1.0,
) -> tuple[float, float]:
    """Mean and variance of the squared singular values of a wide network's Jacobian.

    Pennington, Schoenholz, Ganguli, "The emergence of spectral universality in deep networks",
    AISTATS 2018. With `mu_k = E[phi'(sqrt(q) z)^2k]` a layer multiplies the mean by
    `sigma_w^2 mu_1` and adds `mu_2 / mu_1^2 - 1 + spread` to the variance over the squared mean.
    The variance q of the preactivations is followed from layer to layer.

    Args:
        activation: `"linear"`, `"relu"` or `"tanh"`.
        sigma_w: Standard deviation of weights times the root of the fan-in.
        sigma_b: Standard deviation of biases.
        depth: Layers.
        spread: The same variance over squared mean for the weights of one layer alone: 0 for
            orthogonal ones, 1 for Gaussian ones.
        mean_square: Of the values that the network is given.

    Returns:
        Mean and variance.

    Raises:
        InputError: The activation is unknown, or a number not admitted.
    """
    function, derivative = _functions(activation)
    mean, variance = 1.0, 0.0
    for _ in range(check_whole("depth", depth)):
        x = _deviates(sigma_w**2 * mean_square + sigma_b**2)
        slopes = derivative(x) ** 2
        first, second = _mean(slopes), _mean(slopes**2)
        mean *= sigma_w**2 * first
        variance += second / first**2 - 1 + spread
        mean_square = _mean(function(x) ** 2)
    return mean, variance * mean**2


def _fixed_variance(activation: str, sigma_w: float, sigma_b: float) -> float:
    function, _ = _functions(activation)

    def grows(q: float) -> bool:
        return sigma_w**2 * _mean(function(_deviates(q)) ** 2) + sigma_b**2 > q

    low, high = 0.0, 1.0
    while grows(high):
        high *= 2
        if high > 1e12:
            raise InputError(
                f"sigma_w={sigma_w} and sigma_b={sigma_b} were given for {activation!r}",
                "values with which the variance of signals settles",
                "Lower sigma_w.",
            )
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if grows(middle) else (low, middle)
    return high


def _functions(activation: str) -> tuple[Function, Function]:
    check_choice("activation", activation, tuple(_FUNCTIONS), "Use one of them.")
    return _FUNCTIONS[activation]


@functools.cache
def _quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the mean over a standard normal; found late, for it takes a while."""
    # An even number, so that no node sits on the kink of a rectifier.
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    return nodes, weights / weights.sum()


def _deviates(variance: float) -> np.ndarray:
    return math.sqrt(variance) * _quadrature()[0]


def _mean(values: np.ndarray) -> float:
    return float(_quadrature()[1] @ values)
