"""How far two answers to one question are apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.export.reopening import Arrays, plain

# Outputs `(batch, n)` by whose size the others' second axis is in order.
RANKING = ("scores", "log_probabilities", "probabilities")


@checked
def differences(
    expected: Mapping[str, Any], found: Mapping[str, Any], tolerance: float
) -> dict[str, float]:
    """The largest difference of each output.

    Numbers up to 1 count as they are and larger ones by their share. Texts and whole numbers are
    equal (0) or not (infinite), but for what stands in an order that the tolerance leaves open: of
    two hypotheses that score alike, either may come first.

    Args:
        expected: Arrays by name, of numbers or of texts.
        found: Arrays by name.
        tolerance: How near scores have to be to count as alike.
    """
    if expected.keys() != found.keys():
        return {"outputs " + ", ".join(sorted(expected.keys() ^ found.keys())): np.inf}
    alike = _alike(expected, tolerance)
    distances = {}
    for name, array in expected.items():
        one, other = plain(array), plain(found[name])
        if one.shape != other.shape:
            distances[name] = np.inf
            continue
        if name == "masks" and (sure := _sure(expected, tolerance)) is not None:
            one, other = one[sure], other[sure]
        elif name not in RANKING and alike is not None and one.shape[:2] == alike.shape:
            one, other = one[~alike], other[~alike]
        distances[name] = _distance(one, other)
    return distances


def worst(distances: Mapping[str, float]) -> tuple[str, float]:
    """The output that is furthest off, and by how much."""
    return max(distances.items(), key=lambda each: each[1])


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    if one.dtype.kind != "f":
        return 0.0 if np.array_equal(one, other) else np.inf
    # Infinities are equal where their signs are, and what is no number only to the like.
    finite = np.isfinite(one) & np.isfinite(other)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return np.inf
    one, other = one[finite].astype("float64"), other[finite].astype("float64")
    shares = np.abs(one - other) / np.maximum(1.0, np.abs(one))
    return float(shares.max(initial=0.0))


def _sure(expected: Arrays, tolerance: float) -> np.ndarray | None:
    """Which pixels of masks have a class that is not as probable as another."""
    probabilities = expected.get("probabilities")
    if probabilities is None or np.ndim(probabilities) != 4:
        return None
    second, first = np.moveaxis(np.sort(plain(probabilities), axis=-1)[..., -2:], -1, 0)
    return first - second > 10 * tolerance


def _alike(expected: Arrays, tolerance: float) -> np.ndarray | None:
    """Which entries of a ranking have a neighbour of the same score, `(batch, n)`."""
    given = (expected[name] for name in RANKING if name in expected)
    scores = next((plain(array) for array in given if np.ndim(array) == 2), None)
    if scores is None:
        return None
    upper, lower = scores[:, :-1], scores[:, 1:]
    with np.errstate(invalid="ignore"):
        near = (upper == lower) | (np.abs(upper - lower) <= 10 * tolerance)
    alike = np.zeros(scores.shape, bool)
    alike[:, :-1] |= near
    alike[:, 1:] |= near
    return alike
