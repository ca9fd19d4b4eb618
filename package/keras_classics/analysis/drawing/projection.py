"""Encoder states in the plane: what a translator finds alike.

Sutskever, Vinyals and Le, NeurIPS 2014 (arXiv:1409.3215), figure 2.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_classics.analysis.drawing.figures.projection_picture import draw_projection
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_axes, check_lengths, check_whole


@checked
def principal_components(states: np.ndarray, components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Project vectors onto the directions in which they differ most.

    Args:
        states: `(vectors, width)`.
        components: Number of directions.

    Returns:
        Coordinates `(vectors, components)`, and the share of the variance along each direction.
        The sign of a direction is that which makes its largest coordinate positive.

    Raises:
        InputError: There are fewer vectors, or dimensions, than components.
    """
    states, components = np.asarray(states, "float64"), check_whole("components", components)
    sound = states.ndim == 2 and min(states.shape) >= components
    if not sound or not np.isfinite(states).all():
        raise InputError(
            f"States of shape {states.shape} were given for {components} components",
            "a matrix of numbers with as many rows and columns at least",
            "Give more sentences.",
        )
    left, lengths, _ = np.linalg.svd(states - states.mean(axis=0), full_matrices=False)
    coordinates = (left * lengths)[:, :components]
    largest = coordinates[np.argmax(np.abs(coordinates), axis=0), np.arange(components)]
    shares = lengths**2 / max(np.sum(lengths**2), np.finfo(float).tiny)
    return coordinates * np.where(largest < 0, -1, 1), shares[:components]


@checked
def group_cosines(states: np.ndarray, groups: Sequence[Hashable]) -> tuple[float, float]:
    """Compare vectors of the same group with vectors of different groups.

    Args:
        states: `(vectors, width)`; their mean is taken off first.
        groups: The group of each vector.

    Returns:
        Mean cosine of two different vectors of one group, and of two of different groups.

    Raises:
        InputError: There is not a group for each vector, there are no two vectors of one group, or
            no two groups.
    """
    check_axes("states", states, "(vectors, width)")
    check_lengths("states", states, "groups", groups)
    states = np.asarray(states, "float64")
    centred = states - states.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    units = centred / np.maximum(norms, np.finfo(float).tiny)
    cosines = units @ units.T
    # Not an array of texts, which has room for the longest in every place.
    known: dict[Hashable, int] = {}
    numbers = np.array([known.setdefault(group, len(known)) for group in groups])
    same = numbers[:, None] == numbers[None, :]
    within = same & ~np.eye(len(numbers), dtype=bool)
    if not within.any() or same.all():
        raise InputError(
            f"{len(numbers)} sentences in {len(set(numbers.tolist()))} groups were given",
            "two groups or more, one of them with two sentences or more",
            "Give groups of paraphrases.",
        )
    return float(cosines[within].mean()), float(cosines[~same].mean())


@dataclass(frozen=True, eq=False)
class Projection:
    """Where sentences lie in the plane, and how alike those of a group are.

    Attributes:
        columns: `"group"`, `"sentence"`, `"x"` and `"y"`, each `(sentences,)`.
        coordinates: The last two, `(sentences, 2)`.
        shares: Of the variance along both directions.
        within: Mean cosine of two different sentences of one group.
        between: Of two of different groups.
    """

    columns: dict[str, Sequence]
    coordinates: np.ndarray
    shares: np.ndarray
    within: float
    between: float

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def told(self) -> str:
        """A sentence about it."""
        return (
            f"encoder states of {len(self)} sentences: mean cosine {self.within:.3f} within "
            f"groups, {self.between:.3f} between them"
        )

    @property
    def figures(self) -> dict[str, float]:
        """`"sentences"`, their number, `"within"` and `"between"`."""
        return {"sentences": len(self), "within": self.within, "between": self.between}

    @checked
    def draw(self, path: str | os.PathLike) -> None:
        """Draw it, as `draw_projection` does.

        Raises:
            InputError: The file has another ending, or cannot be written.
        """
        sentences, groups = self.columns["sentence"], self.columns["group"]
        draw_projection(path, self.coordinates, sentences, groups, self.shares.tolist())


@checked
def project_groups(
    groups: Sequence[tuple[str | int, Sequence[str]]],
    encode: Callable[[list[str]], np.ndarray],
) -> Projection:
    """Lay groups of sentences into the plane by what an encoder makes of them.

    Args:
        groups: Labels, and sentences that mean the same.
        encode: From sentences to states `(sentences, width)`, as `kc.models.sentence_states`.

    Raises:
        InputError: There are too few sentences or groups.
    """
    labels = [label for label, texts in groups for _ in texts]
    sentences = [text for _, texts in groups for text in texts]
    states = encode(sentences)
    coordinates, shares = principal_components(states)
    within, between = group_cosines(states, labels)
    x, y = coordinates.T
    columns = {"group": labels, "sentence": sentences, "x": x, "y": y}
    return Projection(columns, coordinates, shares, within, between)
