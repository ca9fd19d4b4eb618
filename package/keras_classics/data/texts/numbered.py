"""What a model knows by numbers alone: kept in a file with a seal, and held against the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import reading
from keras_classics.core.boundary.text_files import read_json, write_json
from keras_classics.core.errors import InputError

_REMEDY = "Give the file that was saved with the model."


class Numbered(ABC):
    """Words, characters or the like; number `n` means `items[n]`.

    Attributes:
        items: All of them.
        fingerprint: A SHA-256, equal exactly where numbers mean the same.
    """

    # What all of them are called, and one of them.
    KIND: ClassVar[str]
    ITEM: ClassVar[str]
    items: Sequence[str]
    fingerprint: str

    @abstractmethod
    def _content(self) -> Mapping[str, Any]: ...

    @classmethod
    @abstractmethod
    def _restored(cls, content: Mapping[str, Any]) -> Self: ...

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @checked
    def check_matches(self, other: int | Numbered) -> None:
        """Refuse a model, checkpoint or file that numbers otherwise.

        Args:
            other: The other's size, or what the other knows itself.

        Raises:
            InputError: The sizes differ, or equal sizes hide other items.
        """
        size, own = other if isinstance(other, int) else len(other), len(self)
        if size != own:
            difference = f"{size} {self.ITEM}s and this one {own}"
        elif isinstance(other, Numbered) and other.items != self.items:
            n = next(n for n in range(own) if self.items[n] != other.items[n])
            difference = (
                f"{size} {self.ITEM}s like this one, but number {n} is {other.items[n]!r} and here "
                f"{self.items[n]!r}"
            )
        else:
            return
        raise InputError(
            f"The other {self.KIND} has {difference}",
            f"the {self.KIND} that the model was trained with",
            f"Load the {self.KIND} saved with the model, or train a new model.",
        )

    @checked
    def save(self, path: str | Path) -> None:
        """Write everything as JSON with its fingerprint."""
        seal = {"format": f"keras-classics {self.KIND}", "sha256": self.fingerprint}
        write_json(path, {**seal, **self._content()})

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: The file is missing, of another kind, or was changed since.
        """
        allowed = f"a keras-classics {cls.KIND} file"
        content = read_json(path, allowed, _REMEDY)
        if not isinstance(content, dict) or content.get("format") != f"keras-classics {cls.KIND}":
            raise InputError(f"{path} is no {cls.KIND}", allowed, _REMEDY)
        with reading(path, allowed, _REMEDY):
            found = cls._restored(content)
        if found.fingerprint != content.get("sha256"):
            raise InputError(
                f"{path} was changed after it was written: its {cls.ITEM}s do not give its sha256",
                "an unchanged file",
                _REMEDY,
            )
        return found

    def _known(self, numbers: Iterable[int]) -> list[int]:
        """Numbers, none of which is beyond the last."""
        found = [int(number) for number in numbers]
        for number in found:
            if not 0 <= number < len(self):
                raise InputError(
                    f"The {self.ITEM} number {number} was given",
                    f"0 to {len(self) - 1}",
                    f"Decode with the {self.KIND} that the model was trained with.",
                )
        return found


def most_frequent(items: Iterable[str], min_count: int = 1) -> list[str]:
    """Those that occur so often, the most frequent first, then by the alphabet."""
    counts = Counter(items)
    kept = (item for item in counts if counts[item] >= min_count)
    return sorted(kept, key=lambda item: (-counts[item], item))
