"""What a reader leaves out because it is faulty, each with one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_classics.core.errors import InputError

_NAMED = 5


@dataclass
class Faults:
    """What was left out; under `strict` the first of them is refused.

    Attributes:
        strict: Whether it is.
        messages: One sentence for each.
        remarks: What was not left out and may be a mistake, which is never refused.
    """

    strict: bool = False
    messages: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

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
        count = len(self.messages)
        which = "The only fault" if count == 1 else f"The first of {count} faults"
        return f" {which}: {self.messages[0]}"


def listed(names: Sequence[str], one: str, several: str) -> list[str]:
    """One sentence about all of some names, of which the first are told; none of no name.

    Args:
        names: Of whom it is said.
        one: What is said of a single one, such as `"picture has no box"`.
        several: What is said of more.
    """
    if not names:
        return []
    more = ", ..." if len(names) > _NAMED else ""
    said = one if len(names) == 1 else several
    return [f"{len(names)} {said}: {', '.join(names[:_NAMED])}{more}."]
