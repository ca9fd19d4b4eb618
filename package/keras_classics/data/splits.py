"""Examples, and splits of them: a split is any `Sequence` of dataclasses of arrays and texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np

Item = TypeVar("Item")
Example = TypeVar("Example", covariant=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture and what is known of it.

    Attributes:
        image: uint8 `(height, width, 3)`.
        name: What it is called.
        label: Its class, or None.
        captions: What it shows, or None.
        text: What is written in it, or None.
    """

    image: np.ndarray
    name: str
    label: int | None = None
    captions: tuple[str, ...] | None = None
    text: str | None = None


@dataclass(frozen=True, eq=False)
class Clip:
    """A few frames and what happens in them.

    Attributes:
        frames: uint8 `(frames, height, width, 3)`.
        name: For example `"direction-000012"`.
        label: Its class, or None.
        captions: What happens, or None.
    """

    frames: np.ndarray
    name: str
    label: int | None = None
    captions: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Sentence:
    """A text of a class: `label` is its number."""

    text: str
    label: int
    name: str


class Split(Sequence[Example]):
    """Examples that are put together when they are asked for; some of them are a split again."""

    @abstractmethod
    def _one(self, n: int) -> Example: ...

    def _some(self, n: slice) -> Sequence[Example]:
        return Made(range(len(self))[n], self._one)

    @overload
    def __getitem__(self, n: int) -> Example: ...
    @overload
    def __getitem__(self, n: slice) -> Sequence[Example]: ...
    def __getitem__(self, n: int | slice) -> Example | Sequence[Example]:
        return self._some(n) if isinstance(n, slice) else self._one(n)


class Made(Split[Example], Generic[Item, Example]):
    """What is made of each of some items.

    Args:
        items: The items.
        make: Makes one, always the same of the same item.
    """

    def __init__(self, items: Sequence[Item], make: Callable[[Item], Example]) -> None:
        self._items = items
        self._make = make

    def __len__(self) -> int:
        return len(self._items)

    def _one(self, n: int) -> Example:
        return self._make(self._items[n])


@dataclass(frozen=True, eq=False)
class Pictures(Split[Picture]):
    """Pictures, column by column.

    Attributes:
        images: uint8 `(n, height, width, 3)`, or `(height, width, 3)` each where they differ in
            size or are read when they are asked for.
        names: What each is called.
        labels: int32 `(n,)`, or None.
        captions: Of each picture, or None.
    """

    images: np.ndarray | Sequence[np.ndarray]
    names: Sequence[str]
    labels: np.ndarray | None = None
    captions: Sequence[tuple[str, ...]] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def _one(self, n: int) -> Picture:
        return Picture(
            image=self.images[n],
            name=self.names[n],
            label=None if self.labels is None else int(self.labels[n]),
            captions=None if self.captions is None else self.captions[n],
        )

    def _some(self, n: slice) -> Pictures:
        return Pictures(**{name: column[n] for name, column in self.columns.items()})

    @property
    def columns(self) -> Mapping[str, Any]:
        """The columns there are, by name."""
        names = ("images", "labels", "captions", "names")
        return {name: column for name in names if (column := getattr(self, name)) is not None}
