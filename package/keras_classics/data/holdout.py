"""The hold-out of every reader: a share of each class, and equal examples on one side only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Hashable, Mapping, Sequence, Sized
from pathlib import Path
from typing import TypeVar

import numpy as np

from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults

Row = TypeVar("Row")

# How files and libraries call our splits.
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test",),
}
SPLIT_OF = {name: split for split, names in SPLIT_NAMES.items() for name in names}


def complete_splits(
    parts: Mapping[str, Sequence[Row]],
    shares: tuple[float, float] | Callable[[int], int],
    seed: int,
    *,
    source: object,
    what: str,
    faults: Faults,
    same: Callable[[Row], Sequence[Hashable]],
    label: Callable[[Row], Hashable] = lambda row: 0,
    key: Callable[[str, Row], str] | None = None,
) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """Hold out of training the validation and test splits that are absent.

    Args:
        parts: Examples by split, of `"train"` at least.
        shares: Those of validation and test; or from the number of different training examples to
            that of those in each.
        seed: Chooses them.
        source: Where they come from, for errors.
        what: One of them, such as `"sentence"`.
        faults: What was left out, for the error.
        same: What makes examples equal, those that agree in any of several things, or are joined by
            others that do: they are held out together.
        label: The class of an example: a share is held out of each.
        key: By whose hash, of the split and an example, it is chosen, instead of by its place: more
            examples then move no other.

    Returns:
        Examples of all three splits, and how the absent ones were chosen.

    Raises:
        InputError: A share is not between 0 and 1, or a split is empty.
    """
    found = {split: list(rows) for split, rows in parts.items()}
    check_filled(found, source, what, faults)
    rules: dict[str, str] = {}
    share, count = 0.5, None
    for split in ("test", "validation"):
        if split in found:
            continue
        rows = found["train"]
        groups = equal_groups(*zip(*map(same, rows), strict=True))
        if callable(shares):
            count = count or shares(len(np.unique(groups)))
            rules[split] = f"{count} different {what}s of train"
        else:
            share = shares[split == "test"]
            rules[split] = f"{share:g} of train"
        rules[split] += f" by a hash of seed {seed}" if key else f" by seed {seed}"
        labels, keys = [*map(label, rows)], [key(split, row) for row in rows] if key else None
        kept, held = hold_out(labels, share, seed, split, groups, keys, count)
        found["train"], found[split] = [rows[n] for n in kept], [rows[n] for n in held]
    check_filled(found, source, what, faults)
    return {split: found[split] for split in SPLIT_NAMES}, rules


def hold_out(
    labels: Sequence | np.ndarray,
    share: float,
    seed: int,
    name: str,
    groups: np.ndarray | None = None,
    keys: Sequence[str] | None = None,
    count: int | None = None,
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
        keys: A text for each example: groups are chosen by the hash of the seed and that of their
            first. By default they are drawn.
        count: So many groups of every class instead of a share.

    Raises:
        InputError: The share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"{name}={share} was given", "a share between 0 and 1", "Give 0.1, say.")
    labels = np.asarray(labels)
    groups = np.arange(len(labels)) if groups is None else groups
    _, first, group, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    rng = np.random.default_rng(seed)
    held = np.zeros(len(first), bool)
    for each in np.unique(labels[first]):
        members = np.flatnonzero(labels[first] == each)
        if keys is None:
            members = rng.permutation(members)
        else:
            hashes = [_hash(f"{seed}:{keys[n]}") for n in first[members]]
            members = members[sorted(range(len(members)), key=hashes.__getitem__)]
        if count is None:
            chosen = _chosen(members, sizes[members], share)
        else:
            chosen = members[: min(count, len(members) - 1)].tolist()
        held[chosen] = True
    return np.flatnonzero(~held[group]), np.flatnonzero(held[group])


def digest(array: np.ndarray) -> bytes:
    """What equal arrays, and no others, have in common."""
    return hashlib.blake2b(array.tobytes(), digest_size=16).digest()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


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


def check_filled(splits: Mapping[str, Sized], source: object, what: str, faults: Faults) -> None:
    """Refuse splits of which one is empty; arguments as of `complete_splits`."""
    for split, examples in splits.items():
        if len(examples) == 0:
            raise InputError(
                f"The {split} split of {source} has no {what}",
                f"some sound {what} in each split; equal ones are all in one",
                f"Give more that differ.{faults.told()}",
            )


def check_one_split(owners: dict[str, str], name: str, split: str, where: str = "") -> None:
    """Note that a picture is in a split, and refuse that it is in another one.

    Args:
        owners: Splits by name, of the pictures that were noted.
        name: What the picture is called.
        split: Its split.
        where: The place in a file, for the error.
    """
    if owners.setdefault(name, split) != split:
        raise InputError(
            f"{f'{where}: the' if where else 'The'} picture {name!r} is in the {owners[name]} and "
            f"in the {split} split",
            "each picture in one split, or results are too good",
            "Leave it in one of them.",
        )


def listed_splits(
    folder: Path, found: Mapping[str, Row], what: str, faults: Faults, passed: Container[str] = ()
) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """Divide examples by the lists of a folder, `train.txt` and the like, a name a line.

    Args:
        folder: Where the lists lie.
        found: Examples by name.
        what: What pictures that are listed must have, for the error, such as `"mask"`.
        faults: Where to note names of no example.
        passed: Names that are noted already.

    Returns:
        Examples of each split that has a list, of training always, and where it comes from.
    """
    parts: dict[str, list[Row]] = {}
    rules: dict[str, str] = {}
    owners: dict[str, str] = {}
    for split, names in SPLIT_NAMES.items():
        lists = [folder / f"{name}.txt" for name in names]
        file = next((each for each in lists if each.is_file()), None)
        lines = [line.strip() for line in read_lines(file)] if file else []
        # "000012  1", where the list is of a class.
        listed = [line if line in found else line.split()[0] for line in lines if line]
        # Of pictures for a contest's test nothing is told.
        if file is None or (split == "test" and not found.keys() & listed):
            continue
        for name in listed:
            check_one_split(owners, name, split)
            if name not in found and name not in passed:
                faults.add(
                    f"{file} lists {name!r}, which has no {what}",
                    f"pictures with {what}",
                    f"Correct the list, or add the {what}.",
                )
        parts[split], rules[split] = [found[name] for name in listed if name in found], file.name
    lost = len(found.keys() - owners.keys())
    if "train" in parts and lost:
        rules["train"] += f" ({lost} with {what} in no list are left out)"
    if "train" not in parts:
        parts["train"] = [example for name, example in found.items() if name not in owners]
        rules["train"] = "every picture in no list"
    return parts, rules


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
