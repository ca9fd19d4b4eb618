"""From labelled sequences of different lengths to the batches that a network trains on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.errors import InputError, check_choice, explain
from keras_classics.data.batches import Axes, Visits, even_parts, pad_arrays, stream

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches

# Different lengths would each have a graph of their own.
_MULTIPLE = 8


@dataclass(frozen=True, eq=False)
class LabelledSequences:
    """Sequences and what is to be said of them.

    Attributes:
        inputs: One array for each sequence, all of one type and rank; `axis` is time.
        targets: Of each sequence one class, int32 `()`, or labels, int32 `(labels,)`.
        axis: Axis of time.
        told: Whether networks are told the lengths, as `{"sequence", "length"}`; those that are
            not take 0 for padding.
        names: Of each sequence, for messages and tables; or none.
    """

    inputs: Sequence[np.ndarray]
    targets: Sequence[np.ndarray]
    axis: int = 0
    told: bool = False
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def lengths(self) -> np.ndarray:
        """Steps of each sequence."""
        return np.array([each.shape[self.axis] for each in self.inputs])

    def some(self, numbers: Sequence[int] | np.ndarray) -> LabelledSequences:
        """Some of the sequences, by their numbers from 0 on."""
        fields = {"inputs": self.inputs, "targets": self.targets, "names": self.names}
        chosen = {key: [each[n] for n in numbers] for key, each in fields.items() if len(each)}
        return replace(self, **chosen)

    def network_input(
        self, numbers: Sequence[int] | np.ndarray
    ) -> dict[str, np.ndarray] | np.ndarray:
        """What a network takes of some of the sequences, padded.

        Args:
            numbers: Which sequences, from 0 on.

        Returns:
            `(sequences, ...)` with zeros behind, time to a multiple of 8; with `told`, that as
            `"sequence"` and int32 `(sequences,)` as `"length"`.
        """
        chosen = [self.inputs[n] for n in numbers]
        padded = pad_arrays(chosen, _MULTIPLE, axis=self.axis)
        if not self.told:
            return padded
        lengths = [each.shape[self.axis] for each in chosen]
        return {"sequence": padded, "length": np.array(lengths, "int32")}

    def batch(self, numbers: Sequence[int] | np.ndarray) -> tuple:
        """Input and targets of some of the sequences, padded.

        Args:
            numbers: Which sequences, from 0 on.

        Returns:
            What `network_input` gives, and int32 `(sequences,)` classes or `(sequences, labels)`,
            with zeros behind.
        """
        targets = [self.targets[n] for n in numbers]
        return self.network_input(numbers), (
            pad_arrays(targets, _MULTIPLE) if targets[0].ndim else np.stack(targets)
        )

    def axes(self) -> tuple:
        """What is like in all that `batch` gives."""
        shape: list[int | None] = [None, *self.inputs[0].shape]
        shape[1 + self.axis] = None
        inputs: Any = Axes(tuple(shape), str(self.inputs[0].dtype))
        if self.told:
            inputs = {"sequence": inputs, "length": Axes((None,), "int32")}
        return inputs, Axes((None,) * (1 + self.targets[0].ndim), "int32")


def sequence_batches(
    part: LabelledSequences, *, batch_size: int, seed: int, first: int = 0
) -> Batches:
    """Endless training batches, from any batch on.

    Every epoch visits each sequence once, in a new order, except the rest that fills no batch.
    Batches are of sequences of about one length.

    Args:
        part: The sequences.
        batch_size: Sequences in a batch.
        seed: Chooses the orders.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Raises:
        InputError: There are fewer sequences than a batch holds.
    """
    visits = Visits(len(part), batch_size, seed, part.lengths()[None])
    return stream(lambda number: part.batch(visits(number)[2]), part.axes(), first=first)


def all_batches(part: LabelledSequences, *, batch_size: int = 64) -> Batches:
    """All sequences once, in their order, as for validation.

    Batches are of about one size, so that several devices all have a share of the last one.

    Args:
        part: The sequences.
        batch_size: Sequences in a batch, at most.

    Returns:
        Elements as `LabelledSequences.batch` makes them.
    """
    parts = even_parts(len(part), batch_size)
    return stream(lambda number: part.batch(parts[number]), part.axes(), count=len(parts))


class Units:
    """The words or characters a network reads: 0 is padding, 1 the unknown, the others follow.

    Args:
        items: Those that are known, in the order of their numbers.
        unit: `"word"`: texts are divided at white space; or `"character"`.

    Raises:
        InputError: The unit is another.
    """

    UNKNOWN = 1
    KINDS = ("word", "character")

    def __init__(self, items: Iterable[str], unit: str) -> None:
        check_choice("unit", unit, self.KINDS, "Use 'word'.")
        self.items = tuple(items)
        self.unit = unit
        self._numbers = {item: number for number, item in enumerate(self.items, 2)}

    @classmethod
    def from_sequences(
        cls, sequences: Iterable[Sequence[str]], unit: str, *, min_count: int = 1
    ) -> Units:
        """Number what occurs in sequences, the most frequent first.

        Args:
            sequences: Lists of words, or texts, of which each character is a unit; only those for
                training.
            unit: `"word"` or `"character"`.
            min_count: Rarer ones stay unknown, so that the network learns what that is like.

        Raises:
            InputError: Nothing is left.
        """
        counts = Counter(item for sequence in sequences for item in sequence)
        kept = [item for item in counts if counts[item] >= min_count]
        if not kept:
            raise InputError(
                explain(
                    f"Sequences of {len(counts)} different units were given, none of which occurs "
                    f"{min_count} times",
                    "some that do",
                    "Give more text or a smaller min_count.",
                )
            )
        return cls(sorted(kept, key=lambda item: (-counts[item], item)), unit)

    def __len__(self) -> int:
        return len(self.items) + 2

    def split(self, text: str) -> list[str]:
        """Divide a text into units."""
        return text.split() if self.unit == "word" else list(text)

    def encode(self, sequence: Sequence[str]) -> np.ndarray:
        """Numbers of a sequence of units, int32."""
        return np.array([self._numbers.get(item, self.UNKNOWN) for item in sequence], "int32")
