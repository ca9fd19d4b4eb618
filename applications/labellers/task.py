"""What the three tasks have in common."""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from pathlib import Path

import keras
import pandas as pd

import keras_classics as kc

CODEC = "codec.json"


class Task(ABC):
    """A kind of labels, bound to what the network reads and writes.

    Attributes:
        DATA: Data by default.
        DATA_OPTIONS: Their options by default.
        DEFAULTS: Of flags that depend on the task.
        FACTS: Names and types of the facts.
        facts: What must be known to read inputs and outputs; kept beside the model as JSON.
    """

    DATA: str
    DATA_OPTIONS: dict
    DEFAULTS: dict
    FACTS: dict[str, type]

    def __init__(self, facts: dict) -> None:
        self.facts = facts

    @classmethod
    @abstractmethod
    def of(cls, data: kc.data.Data, options: argparse.Namespace) -> Task:
        """The task that the training data pose."""

    @staticmethod
    def adapt(data: kc.data.Data) -> kc.data.Data:
        """The data as this task wants them."""
        return data

    @abstractmethod
    def read(self, data: kc.data.Data, split: str) -> tuple[kc.data.LabelledSequences, list[str]]:
        """A split in memory, and what its sequences are called."""

    @abstractmethod
    def build(self, options: argparse.Namespace) -> keras.Model:
        """The network."""

    @abstractmethod
    def loss(self) -> keras.losses.Loss:
        """What is to become small."""

    def metrics(self) -> list:
        """What is shown in training."""
        return ["accuracy"]

    @abstractmethod
    def evaluate(
        self, model: keras.Model, part: kc.data.LabelledSequences, names: list[str], folder: Path,
        options: argparse.Namespace,
    ) -> dict[str, dict[str, float]]:  # fmt: skip
        """Figures of a split; leaves tables and pictures in the folder."""

    @abstractmethod
    def export(self, model: keras.Model, path: Path, format: str) -> None:
        """Write a SavedModel, or another format."""

    @abstractmethod
    def example(self, data: kc.data.Data, folder: Path) -> str:
        """A query out of the test split: a text, or a file that this writes."""

    @abstractmethod
    def answer(self, served, query: str) -> str:
        """What an exported model says to a query."""

    @abstractmethod
    def sizes(self, model: keras.Model) -> dict[str, tuple[int, int]]:
        """How many the facts number, and how many the model, by what is numbered."""

    def check_model(self, model: keras.Model) -> None:
        """Refuse a model that numbers what it reads or writes otherwise than the facts.

        Raises:
            InputError: It does.
        """
        for what, sizes in self.sizes(model).items():
            check_sizes(what, *sizes)

    def save(self, folder: Path) -> None:
        """Keep the facts."""
        kc.training.write_json(folder / CODEC, self.facts)

    @classmethod
    def load(cls, folder: Path) -> Task:
        """With the facts of a folder."""
        return cls(kc.training.read_json(folder / CODEC, cls.FACTS))


def check_sizes(what: str, known: int, trained: int) -> None:
    """Refuse facts that number more or fewer of something than a model does.

    Raises:
        InputError: They do.
    """
    if known != trained:
        raise kc.InputError(
            f"{CODEC} has {known} {what} and the model {trained}. Allowed: the {CODEC} "
            "that was written with the model. Put it back, or train into another --out."
        )


def write_table(folder: Path, columns: dict) -> None:
    """Write `predictions.csv`."""
    pd.DataFrame(columns).to_csv(folder / "predictions.csv", index=False)


def in_batches(part: kc.data.LabelledSequences, size: int = 64):
    """Numbers of the sequences, some at a time."""
    for start in range(0, len(part), size):
        yield range(start, min(start + size, len(part)))
