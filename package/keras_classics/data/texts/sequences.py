"""From labelled sequences of different lengths to the batches that a network trains on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count, Wholes
from keras_classics.core.errors import check_lengths, check_places
from keras_classics.data.batches import Axes, Visits, even_parts, pad_arrays, stream

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches


@checked
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
        multiple: What time is padded to a multiple of: different lengths would each have a graph of
            their own. 1 where all are of one length.
    """

    inputs: Sequence[np.ndarray]
    targets: Sequence[Any]
    axis: int = 0
    told: bool = False
    names: Sequence[str] = ()
    multiple: Count = 8

    def __post_init__(self) -> None:
        for name in ("targets", "names"):
            if len(column := getattr(self, name)):
                check_lengths(name, column, "inputs", self.inputs)

    def __len__(self) -> int:
        return len(self.inputs)

    def lengths(self) -> np.ndarray:
        """Steps of each sequence."""
        return np.array([each.shape[self.axis] for each in self.inputs])

    @checked
    def some(self, numbers: Wholes) -> LabelledSequences:
        """Some of the sequences, by their numbers from 0 on.

        Raises:
            InputError: There is no sequence of such a number.
        """
        check_places("numbers", numbers, len(self))

        def of(column: Sequence[Any]) -> list[Any]:
            return [column[n] for n in numbers] if len(column) else []

        return replace(self, inputs=of(self.inputs), targets=of(self.targets), names=of(self.names))

    @checked
    def network_input(self, numbers: Wholes) -> dict[str, np.ndarray] | np.ndarray:
        """What a network takes of some of the sequences, padded.

        Args:
            numbers: Which sequences, from 0 on.

        Returns:
            `(sequences, ...)` with zeros behind, time to the `multiple`; with `told`, that as
            `"sequence"` and int32 `(sequences,)` as `"length"`.

        Raises:
            InputError: There is no sequence of such a number.
        """
        check_places("numbers", numbers, len(self))
        chosen = [self.inputs[n] for n in numbers]
        padded = pad_arrays(chosen, self.multiple, axis=self.axis)
        if not self.told:
            return padded
        lengths = [each.shape[self.axis] for each in chosen]
        return {"sequence": padded, "length": np.array(lengths, "int32")}

    @checked
    def batch(self, numbers: Wholes) -> tuple:
        """Input and targets of some of the sequences, padded.

        Args:
            numbers: Which sequences, from 0 on.

        Returns:
            What `network_input` gives, and int32 `(sequences,)` classes or `(sequences, labels)`,
            with zeros behind.

        Raises:
            InputError: There is no sequence of such a number, or none has a target.
        """
        check_places("numbers", numbers, len(self.targets))
        targets = [self.targets[n] for n in numbers]
        return self.network_input(numbers), (
            pad_arrays(targets, self.multiple) if targets[0].ndim else np.stack(targets)
        )

    @checked
    def all_batches(self, *, batch_size: Count = 64) -> Batches:
        """All sequences once, in their order, as for validation.

        Batches are of about one size, so that several devices all have a share of the last one.

        Args:
            batch_size: Sequences in a batch, at most.

        Returns:
            Elements as `batch` makes them.
        """
        parts = even_parts(len(self), batch_size)
        return stream(lambda number: self.batch(parts[number]), self.axes(), count=len(parts))

    def axes(self) -> tuple:
        """What is like in all that `batch` gives."""
        shape: list[int | None] = [None, *self.inputs[0].shape]
        shape[1 + self.axis] = None
        inputs: Any = Axes(tuple(shape), str(self.inputs[0].dtype))
        if self.told:
            inputs = {"sequence": inputs, "length": Axes((None,), "int32")}
        return inputs, Axes((None,) * (1 + self.targets[0].ndim), "int32")


@checked
def sequence_batches(
    part: LabelledSequences,
    *,
    batch_size: Count,
    seed: int,
    first: int = 0,
    distort: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
) -> Batches:
    """Endless training batches, from any batch on.

    Every epoch visits each sequence once, in a new order, except the rest that fills no batch.
    Batches are of sequences of about one length.

    Args:
        part: The sequences.
        batch_size: Sequences in a batch.
        seed: Chooses the orders.
        first: Number of the first batch; batch `b` is the same whatever `first` is.
        distort: From a sequence and what draws to what is learnt from in its place, each time
            another, such as `kc.data.Distortion`; by default the sequence itself.

    Raises:
        InputError: There are fewer sequences than a batch holds.
    """
    visits = Visits(len(part), batch_size, seed, part.lengths()[None])

    def batch(number: int) -> tuple:
        chosen = part.some(visits(number)[2])
        if distort is not None:
            rng = np.random.default_rng([seed, number, 1])
            chosen = replace(chosen, inputs=[distort(each, rng) for each in chosen.inputs])
        return chosen.batch(np.arange(len(chosen)))

    return stream(batch, part.axes(), first=first)
