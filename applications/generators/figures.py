"""What is counted of pictures that are made of pictures, and a style without a painter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

import keras_classics as kc

# Pictures that are seen at once.
TOGETHER = 32


def losses(
    trainer: kc.training.PerceptualTrainer, pictures: np.ndarray, wanted: np.ndarray
) -> dict[str, float]:
    """The parts of a trainer's loss, weighed, and their sum, of pictures that were made."""
    trainer.reset_metrics()
    made = pictures.clip(0, 255).astype("float32")
    for start in range(0, len(made), TOGETHER):
        rows = slice(start, start + TOGETHER)
        trainer.compute_loss(x=wanted[rows], y_pred=keras.ops.convert_to_tensor(made[rows]))
    parts = {each.name: float(each.result()) for each in trainer.trackers}
    weighed = {name: trainer.weights_of[name] * part for name, part in parts.items()}
    told = {name: part for name, part in weighed.items() if trainer.weights_of[name]}
    return {**told, "loss": sum(told.values())}


def write_examples(folder: Path, pictures: np.ndarray, made: np.ndarray) -> None:
    """Keep the pictures by which a network is judged wherever it lies, with what it makes of them.

    Args:
        folder: Of the run.
        pictures: Of the test split.
        made: Of each.
    """
    colours = [[told(each)] for each in made]
    answers = [colour for (colour,) in colours]
    kc.export.write_examples(folder, pictures.astype("uint8"), colours, answers, colours_off)
    kc.data.write_picture(folder / "example.png", pictures[0].astype("uint8"))


def told(picture: np.ndarray) -> str:
    """Its mean colour."""
    return " ".join(f"{value:.2f}" for value in picture.clip(0, 255).mean(axis=(0, 1)))


def colours_off(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """How far mean colours are off at most, in grey levels."""
    found, true = (
        np.array([line.split() for line in lines], "float64")
        for lines in (answers, [colour for (colour,) in references])
    )
    return {"mean colours off by at most": float(np.abs(found - true).max())}


def distance(seen: kc.training.PerceptualLoss, pictures: np.ndarray, others: np.ndarray) -> float:
    """How far they are apart in content, on average."""
    found = [
        seen.content_distance(seen.maps(one[None]), seen.maps(other[None]))
        for one, other in zip(pictures, others, strict=True)
    ]
    return float(np.mean(found))


def waves(side: int) -> np.ndarray:
    """A style without a painter: waves of three colours, uint8 `(side, side, 3)`."""
    rows, columns = np.mgrid[:side, :side] * (2 * np.pi / side)
    bent = 5 * rows + 2 * np.sin(3 * columns)
    colours = [np.sin(bent), np.sin(bent + columns), np.cos(2 * bent)]
    return np.rint(np.stack(colours, axis=-1) * 110 + 128).clip(0, 255).astype("uint8")
