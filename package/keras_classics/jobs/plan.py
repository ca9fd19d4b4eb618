"""How long a job trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The length of a training.

    Attributes:
        steps_per_epoch: Batches in an epoch.
        epochs: Epochs in all.
        batch_size: Examples in a batch.
        trained_by: How, for the record, where settings do not tell.
    """

    steps_per_epoch: int
    epochs: int
    batch_size: int
    trained_by: str = ""

    @classmethod
    def of(cls, examples: int, batch_size: int, epochs: int | Callable[[int], int]) -> Plan:
        """The plan that visits each of some examples once in an epoch, but for an incomplete batch.

        Args:
            examples: Their number.
            batch_size: Of a batch.
            epochs: How many, or from the batches of an epoch to how many.

        Raises:
            InputError: There is not even one batch.
        """
        from keras_classics.data.batches import steps_per_epoch

        steps = steps_per_epoch(examples, batch_size)
        return cls(steps, epochs(steps) if callable(epochs) else epochs, batch_size)

    @property
    def steps(self) -> int:
        """Batches in all."""
        return self.steps_per_epoch * self.epochs
