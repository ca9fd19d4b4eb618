"""Pages of a classifier: fixed pictures, what they are, what the model says, and a map of each."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.answers import probabilities_of
from keras_classics.analysis.drawing.pages import displayable, tiles, write_picture
from keras_classics.callbacks.picture_callback import PictureCallback, finite
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.graphs.gradients import compiled_over

RIGHT, WRONG, UNKNOWN = "darkgreen", "firebrick", "black"


class ClassifierPictures(PictureCallback):
    """What `GradCAM` and `Gradients` have in common; see there.

    Args:
        images: What the model takes, `(batch, height, width, channels)`; eight are a good page.
        folder: See `kc.callbacks.PictureCallback`.
        labels: The true class of each, `(batch,)`.
        classes: Names of the classes; their numbers by default.
        of: Whose evidence is shown: that of the model's `"answer"`, or of the true `"label"`.
        pictures: What is shown in place of `images`, of any size.
        columns: Pictures in a row.
        **arguments: Further arguments of `kc.callbacks.PictureCallback`.

    Raises:
        InputError: An argument is not admitted, or images, labels and pictures differ in number.
    """

    @checked
    def __init__(
        self,
        images: ArrayLike,
        folder: str | os.PathLike,
        labels: Sequence[int] | np.ndarray | None = None,
        classes: Sequence[str] | None = None,
        *,
        of: str = "answer",
        pictures: np.ndarray | None = None,
        columns: int = 4,
        **arguments: Any,
    ) -> None:
        super().__init__(folder, **arguments)
        check_choice("of", of, ("answer", "label"))
        self.images = np.asarray(images)
        self.labels = None if labels is None else np.asarray(labels)
        self.classes = classes
        self.of = of
        self.pictures = displayable(self.images if pictures is None else pictures)
        self.columns = columns
        self._check()

    def _check(self) -> None:
        count = len(self.images)
        fits = count > 0 and len(self.pictures) == count
        if self.labels is None:
            shape, fits = None, fits and self.of == "answer"
        else:
            shape = self.labels.shape
            fits = fits and shape == (count,) and self.labels.dtype.kind in "iu"
        if not fits:
            raise InputError(
                f"{count} images, labels of shape {shape}, {len(self.pictures)} pictures and "
                f"of={self.of!r} were given",
                "one image or more, and for each one picture and one label, or no labels with "
                "of='answer'",
                "Give labels as whole numbers, not one-hot.",
            )

    @abstractmethod
    def explainer(self) -> Callable:
        """Make a function `(images, target=None)` to maps `(batch, height, width)`."""

    @abstractmethod
    def pairs(self, maps: np.ndarray) -> list[np.ndarray]:
        """Make one picture of each image and its map."""

    @abstractmethod
    def heading(self) -> str:
        """Say what the maps are."""

    def prepare(self) -> None:
        """Compile once what every page needs."""
        self._maps = self.explainer()
        model = self.explained
        self._outputs = compiled_over(model, lambda images: model(images, training=False))

    def draw(self, path: Path, when: str) -> None:
        """Pictures and maps in pairs, under the true class and the answer."""
        symbol = self.explained.inputs[0]
        outputs = self._outputs(keras.ops.convert_to_tensor(self.images, dtype=symbol.dtype))
        first = keras.ops.convert_to_numpy(keras.tree.flatten(outputs)[0])
        found = probabilities_of(self.explained, first.astype("float64"))
        maps = self._maps(self.images, target=self.labels if self.of == "label" else None)
        page = tiles(
            self.pairs(finite(maps)),
            titles(found, self.labels, self.classes),
            inks=inks(found, self.labels),
            columns=self.columns,
            heading=f"{self.heading()}, {when}",
        )
        write_picture(path, page)


def titles(
    found: np.ndarray,
    labels: Sequence[int] | np.ndarray | None = None,
    classes: Sequence[str] | None = None,
) -> list[str]:
    """The true class, if known, and below it the answer with its probability.

    Args:
        found: Probabilities `(batch, classes)`.
        labels: The true classes.
        classes: Their names; their numbers by default.
    """

    def name(number: int) -> str:
        return str(number if classes is None else classes[number])

    answers = found.argmax(axis=1)
    said = [f"{name(answer)} {row[answer]:.0%}" for answer, row in zip(answers, found, strict=True)]
    if labels is None:
        return said
    return [f"true: {name(label)}\nsaid: {text}" for label, text in zip(labels, said, strict=True)]


def inks(found: np.ndarray, labels: Sequence[int] | np.ndarray | None = None) -> list[str]:
    """Green over right answers, red over wrong ones, black where the truth is not known."""
    if labels is None:
        return [UNKNOWN] * len(found)
    return [RIGHT if right else WRONG for right in found.argmax(axis=1) == np.asarray(labels)]
