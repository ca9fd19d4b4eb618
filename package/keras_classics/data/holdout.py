"""The hold-out of every reader: a share of each class, and equal examples on one side only."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Sized

import numpy as np

from keras_classics.core.errors import InputError, explain


def hold_out(
    labels: Sequence | np.ndarray,
    share: float,
    seed: int,
    name: str,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Indices that stay and indices that are held out, about the same share of every class.

    Args:
        labels: Class of each example, `(n,)`; the same for all where there are no classes.
        share: What is held out, between 0 and 1; of every class of two groups and more at least
            one group.
        seed: Chooses them.
        name: Of the split, for the error.
        groups: Number of the group of each example, int `(n,)`, as from `equal_groups`: a group is
            held out as a whole, and its class is that of its first example. By default each
            example is by itself.

    Raises:
        InputError: The share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(
            explain(f"{name}={share} was given", "a share between 0 and 1", "Give for example 0.1.")
        )
    labels = np.asarray(labels)
    groups = np.arange(len(labels)) if groups is None else groups
    _, first, group, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    rng = np.random.default_rng(seed)
    held = np.zeros(len(first), bool)
    for each in np.unique(labels[first]):
        members = rng.permutation(np.flatnonzero(labels[first] == each))
        held[_chosen(members, sizes[members], share)] = True
    return np.flatnonzero(~held[group]), np.flatnonzero(held[group])


def _chosen(members: np.ndarray, sizes: np.ndarray, share: float) -> list[int]:
    """Groups in the order given, as far as they do not exceed a share of their examples.

    Of two groups and more at least one is chosen, the smallest if all are too large, and one stays.
    """
    room, chosen = int(round(share * sizes.sum())), list[int]()
    for member, size in zip(members.tolist(), sizes.tolist(), strict=True):
        if size <= room and len(chosen) < len(members) - 1:
            chosen.append(member)
            room -= size
    if not chosen and len(members) > 1:
        chosen.append(int(members[np.argmin(sizes)]))
    return chosen


def check_filled(splits: Mapping[str, Sized], source: object, what: str) -> None:
    """Refuse splits of which one is empty, as where most examples are equal.

    Args:
        splits: By name.
        source: Where they come from.
        what: One of them, such as `"sentence"`.

    Raises:
        InputError: One is empty.
    """
    for split, examples in splits.items():
        if len(examples) == 0:
            raise InputError(
                explain(
                    f"The {split} split of {source} has no {what}",
                    f"some {what} in each split; equal ones are all in one",
                    "Give more that differ.",
                )
            )


def equal_groups(*columns: Sequence[Hashable]) -> np.ndarray:
    """Groups of examples that are equal in some column, or joined by others that are.

    Of parallel text, sentences are of one group where either side occurs in both: learning the one
    is to know the other.

    Args:
        *columns: What examples are compared by, one value for each example.

    Returns:
        int64 `(examples,)`: the number of the first example of each one's group.
    """
    parents = list(range(len(columns[0])))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for column in columns:
        first: dict[Hashable, int] = {}
        for number, value in enumerate(column):
            one, other = root(number), root(first.setdefault(value, number))
            parents[max(one, other)] = min(one, other)
    return np.array([root(number) for number in range(len(parents))], dtype="int64")
