"""Lengths of perturbations, and the steps and balls that belong to them.

Everything is of float64 arrays with a row for each image. L-infinity is the largest change of a
value, L2 the Euclidean length over all values of an image, L1 the sum of the changes.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Norm = Literal["linf", "l2", "l1"]


def flat(x: np.ndarray) -> np.ndarray:
    """A row of float64 for each image."""
    return x.reshape(len(x), -1).astype("float64")


def like(numbers: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One number for each image, to be multiplied with images."""
    return numbers.reshape(-1, *[1] * (x.ndim - 1))


def lengths(perturbations: np.ndarray, norm: Norm) -> np.ndarray:
    """The length of each perturbation, `(batch,)`."""
    rows = np.abs(flat(perturbations))
    if norm == "linf":
        return rows.max(axis=1, initial=0.0)
    return rows.sum(axis=1) if norm == "l1" else np.sqrt((rows**2).sum(axis=1))


def dual(norm: Norm) -> Norm:
    """The norm of gradients that belongs to a norm of perturbations."""
    pairs: dict[Norm, Norm] = {"linf": "l1", "l2": "l2", "l1": "linf"}
    return pairs[norm]


def steepest(gradients: np.ndarray, norm: Norm) -> np.ndarray:
    """The perturbations of length 1 that raise a loss most; none where there is no gradient.

    For L1 that is a change of the value with the largest gradient, shared where several have it.
    """
    rows = flat(gradients)
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    # Of size 1 first: squares of small gradients would be lost.
    rows = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)
    signs = np.sign(rows)
    if norm == "linf":
        rows = signs
    elif norm == "l1":
        chosen = np.abs(rows) == 1
        rows = signs * chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1)
    else:
        length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
        rows = np.divide(rows, length, out=rows, where=length > 0)
    return rows.reshape(gradients.shape)


def within(perturbations: np.ndarray, norm: Norm, size: float) -> np.ndarray:
    """The nearest perturbations that are no longer than `size`; for L1 those of equal direction."""
    if norm == "linf":
        return np.clip(perturbations, -size, size)
    length = lengths(perturbations, norm)
    factor = np.minimum(1.0, np.divide(size, length, out=np.ones_like(length), where=length > 0))
    return perturbations * like(factor, perturbations)


def uniform(
    generator: np.random.Generator, shape: tuple[int, ...], norm: Norm, size: float
) -> np.ndarray:
    """Perturbations drawn uniformly from the ball of L-infinity or L2."""
    if norm == "linf":
        return generator.uniform(-size, size, shape)
    direction = steepest(generator.standard_normal(shape), "l2")
    radius = generator.uniform(size=shape[0]) ** (1 / np.prod(shape[1:]))
    return size * direction * like(radius, direction)


def to_plane(
    images: np.ndarray,
    normals: np.ndarray,
    rises: np.ndarray,
    norm: Norm,
    bounds: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """The shortest perturbations within bounds that raise linear functions by given amounts.

    Args:
        images: Within the bounds.
        normals: Gradients of the functions, of the images' shape.
        rises: How much each function has to rise; negative ones to fall. `(batch,)`.
        norm: `"linf"` or `"l2"`.
        bounds: Lowest and highest value of each value of images, `(1, values)`.

    Returns:
        Perturbations; where the bounds do not let a function rise so far, those that raise it most.
    """
    direction = flat(normals) * np.where(rises < 0, -1.0, 1.0)[:, None]
    point = flat(images)
    room = np.where(direction > 0, bounds[1] - point, point - bounds[0])
    weight = np.abs(direction)
    # A value moves by the height of the water times its slope, until there is no room left.
    slope = np.ones_like(weight) if norm == "linf" else weight
    full = np.divide(room, slope, out=np.zeros_like(room), where=weight > 0)
    order = np.argsort(full, axis=1)
    heights, rates, caps = (
        np.take_along_axis(each, order, axis=1) for each in (full, slope * weight, weight * room)
    )
    # Of those that are full what they gave, of the others their rates, at each of the heights.
    given = np.cumsum(caps, axis=1)
    left = rates.sum(axis=1, keepdims=True) - np.cumsum(rates, axis=1)
    wanted = np.abs(rises)[:, None]
    first = (given + left * heights < wanted).sum(axis=1)
    reached = first < heights.shape[1]
    row, before = np.arange(len(point)), np.maximum(first - 1, 0)
    none = first == 0
    lacking = wanted[:, 0] - np.where(none, 0.0, given[row, before])
    rate = np.where(none, rates.sum(axis=1), left[row, before])
    height = np.divide(lacking, rate, out=np.zeros_like(rate), where=rate > 0)
    height = np.where(reached, height, np.inf)[:, None]
    with np.errstate(invalid="ignore"):
        moved = np.where(weight > 0, np.minimum(height * slope, room), 0.0)
    return (np.sign(direction) * moved).reshape(images.shape)
