"""What a reader leaves out because it is faulty, each with one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from keras_classics.core.errors import InputError


@dataclass
class Faults:
    """What was left out; under `strict` the first of them is refused."""

    strict: bool = False
    messages: list[str] = field(default_factory=list)

    def add(self, given: str, allowed: str, remedy: str) -> None:
        """Note a fault in three parts, as `InputError` has them.

        Raises:
            InputError: Always under `strict`.
        """
        self.take(InputError(given, allowed, remedy))

    def take(self, error: InputError) -> None:
        """Note what something was refused with.

        Raises:
            InputError: Always under `strict`.
        """
        if self.strict:
            raise error
        self.messages.append(str(error))

    def told(self) -> str:
        """The first of them behind another sentence; empty where there are none."""
        if not self.messages:
            return ""
        return f" The first of {len(self.messages)} faults: {self.messages[0]}"
