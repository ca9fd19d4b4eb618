"""How far two samples, or Gaussians fitted to them, are from one another, in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_axes


@checked
def frechet_distance(
    mean: ArrayLike, covariance: ArrayLike, other_mean: ArrayLike, other_covariance: ArrayLike
) -> float:
    """The squared Frechet distance of two Gaussians, in float64.

    `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`, the last trace as that of the root of
    `S1^(1/2) S2 S1^(1/2)`, which is symmetric and so has no complex part.

    Args:
        mean: `(features,)`.
        covariance: `(features, features)`, symmetric.
        other_mean: As `mean`.
        other_covariance: As `covariance`.

    Raises:
        InputError: The sizes differ, a number is not finite, or a covariance is not symmetric.
    """
    means = [np.asarray(each, "float64") for each in (mean, other_mean)]
    spreads = [np.asarray(each, "float64") for each in (covariance, other_covariance)]
    size = means[0].size
    if {x.shape for x in means} != {(size,)} or {x.shape for x in spreads} != {(size, size)}:
        raise InputError(
            f"Means {[x.shape for x in means]} and covariances {[x.shape for x in spreads]} "
            "were given",
            "means (features,) and covariances (features, features) of one size",
            "Compute them of the features of one network: x.mean(axis=0) and "
            "numpy.cov(x, rowvar=False).",
        )
    if not all(np.isfinite(each).all() for each in (*means, *spreads)):
        raise InputError(
            "Means or covariances were given of which some numbers are not finite",
            "finite numbers",
            "Compute them of features of which numpy.isfinite(features).all() is True.",
        )
    for spread in spreads:
        if not np.allclose(spread, spread.T, rtol=1e-5):
            raise InputError(
                f"A covariance was given that differs from its transpose by up to "
                f"{np.abs(spread - spread.T).max():g}",
                "symmetric ones",
                "Compute it with numpy.cov(x, rowvar=False).",
            )
    values, vectors = np.linalg.eigh(spreads[0])
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    product = root @ spreads[1] @ root
    common = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(0)).sum()
    apart = np.square(means[0] - means[1]).sum()
    return float(apart + np.trace(spreads[0]) + np.trace(spreads[1]) - 2 * common)


@checked
def kernel_distance(features: ArrayLike, others: ArrayLike) -> float:
    """The unbiased squared maximum mean discrepancy of two samples, in float64.

    Of the kernel `(x.y / features + 1)^3`; it may be below 0.

    Args:
        features: `(count, features)`, two or more.
        others: Likewise, their number may be another.

    Raises:
        InputError: There are fewer, or the sizes differ.
    """
    x, y = np.asarray(features, "float64"), np.asarray(others, "float64")
    check_axes("features", x, "(count, features)")
    check_axes("others", y, "(count, features)")
    given = f"Features {x.shape} and {y.shape} were given"
    if x.shape[1] != y.shape[1] or not x.shape[1]:
        raise InputError(given, "as many features on both sides", "Take both of one network.")
    if min(len(x), len(y)) < 2:
        raise InputError(given, "two pictures or more on both sides", "Give more pictures.")

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: np.ndarray) -> float:
        table = kernel(a, a)
        return (table.sum() - np.trace(table)) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())
