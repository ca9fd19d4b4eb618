"""What the three tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import pandas as pd

import keras_classics as kc

Remark = Callable[[str], None]


class Task(ABC):
    """A kind of labels, bound to what the network reads and writes.

    Attributes:
        DATA: Data by default.
        DATA_OPTIONS: Their options by default.
        DEFAULTS: Of settings that depend on the task.
        FACTS: Names and types of the facts.
        facts: What must be known to read inputs and outputs.
    """

    DATA: str
    DATA_OPTIONS: dict = {}
    DEFAULTS: dict
    FACTS: dict[str, type]

    def __init__(self, facts: dict) -> None:
        self.facts = facts

    @staticmethod
    def adapt(data: kc.data.Data) -> kc.data.Data:
        """The data as this task wants them."""
        return data

    @staticmethod
    @abstractmethod
    def examples(data: kc.data.Data, split: str) -> list[tuple]:
        """What is read, what is to be said of it, and a name, for every sequence of a split."""

    @staticmethod
    @abstractmethod
    def codec(examples: Sequence[tuple], data: kc.data.Data, settings: Any) -> dict:
        """The facts, from the training examples."""

    @abstractmethod
    def part(self, examples: Sequence[tuple], remark: Remark) -> kc.data.LabelledSequences:
        """Numbers of examples."""

    @abstractmethod
    def build(self, settings: Any) -> keras.Model:
        """The network."""

    @abstractmethod
    def loss(self) -> keras.losses.Loss:
        """What is to become small."""

    def metrics(self) -> list:
        """What is shown in training."""
        return ["accuracy"]

    @abstractmethod
    def evaluate(
        self, model: keras.Model, part: kc.data.LabelledSequences, folder: Path, settings: Any
    ) -> tuple[dict[str, dict[str, float]], pd.DataFrame]:
        """Figures of a split, and a table; leaves pictures in the folder."""

    @abstractmethod
    def export(self, model: keras.Model, path: Path, format: str) -> None:
        """Write a SavedModel, or another format."""

    @abstractmethod
    def example(self, example: tuple, folder: Path) -> str:
        """A query out of a test example: a text, or a file that this writes."""

    @abstractmethod
    def ask(self, query: str, exported: Any) -> kc.jobs.Answer:
        """What an exported model says to a query."""

    @abstractmethod
    def ask_model(self, query: str, model: keras.Model) -> kc.jobs.Answer:
        """What the model says to a query."""

    @abstractmethod
    def sizes(self, model: keras.Model) -> dict[str, tuple[int, int]]:
        """How many the facts number, and how many the model, by what is numbered."""

    def check_model(self, model: keras.Model) -> None:
        """Refuse a model that numbers what it reads or writes otherwise than the facts."""
        for what, sizes in self.sizes(model).items():
            kc.jobs.check_count(what, *sizes, "codec.json")


def in_batches(part: kc.data.LabelledSequences, size: int = 64) -> Iterator[range]:
    """Numbers of the sequences, some at a time."""
    for start in range(0, len(part), size):
        yield range(start, min(start + size, len(part)))
