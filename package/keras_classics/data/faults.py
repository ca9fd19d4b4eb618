"""What a reader leaves out because it is faulty, each with one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from keras_classics.core.errors import InputError
from keras_classics.core.progress import tracked

Item = TypeVar("Item")
Found = TypeVar("Found")

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

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is refused within, and go on behind it.

        Raises:
            InputError: It is, under `strict`.
        """
        try:
            yield
        except InputError as error:
            self.take(error)

    def told(self) -> str:
        """The first of them behind another sentence; empty where there are none."""
        if not self.messages:
            return ""
        count = len(self.messages)
        which = "The only fault" if count == 1 else f"The first of {count} faults"
        return f" {which}: {self.messages[0]}"


def looked_at(
    items: Sequence[Item], look: Callable[[Item], Found], faults: Faults, description: str
) -> Iterator[tuple[Item, Found]]:
    """Look at many things, several at once, with a progress bar when that takes long.

    Args:
        items: The things.
        look: What finds something in one, or refuses it.
        faults: Where to note what was refused.
        description: Text beside the progress bar.

    Yields:
        Each of the others, and what was found in it.
    """

    def attempt(item: Item) -> Found | InputError:
        try:
            return look(item)
        except InputError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = tracked(pool.map(attempt, items), description, len(items))
        for item, each in zip(items, found, strict=True):
            if isinstance(each, InputError):
                faults.take(each)
            else:
                yield item, each


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
