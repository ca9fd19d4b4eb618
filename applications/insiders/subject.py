"""The network that is looked into, in one unit: pictures of 0 to 255 go in."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import keras_classics as kc
from explainers.classifiers import Classifier

if TYPE_CHECKING:
    import keras

BOUNDS = (0, 255)
# Pictures the network is called on at once.
TOGETHER = 128


class Finding(NamedTuple):
    """What a verb has found.

    Attributes:
        sentences: What is seen, each with its figures.
        pictures: Names of files in the folder of the subject, by what stands below them.
        figures: The numbers, as programs read them.
    """

    sentences: Sequence[str]
    pictures: dict[str, str]
    figures: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """The same as JSON has it."""
        import keras

        figures = keras.tree.map_structure(lambda x: np.asarray(x).tolist(), self.figures)
        return {**self._asdict(), "figures": figures}


@dataclass(frozen=True, eq=False)
class Subject:
    """A classifier and the pictures it is shown.

    Attributes:
        model: From pictures of 0 to 255; what prepares them is a part of it.
        network: The classifier itself, within the model.
        classes: Names of the classes.
        pixels: What prepares them.
        images: float32 `(pictures, height, width, channels)` of 0 to 255.
        labels: int32 `(pictures,)`.
        known: Whether labels are the truth, and not what the network says.
        folder: Where pictures are drawn.
        settings: Of the job.
    """

    model: keras.Model
    network: keras.Model
    classes: Sequence[str]
    pixels: Callable[[Any], Any]
    images: np.ndarray
    labels: np.ndarray
    known: bool
    folder: Path
    settings: Any

    @cached_property
    def layers(self) -> list[str]:
        """The layers that are looked at: those asked for, or five from the first to the last."""
        if self.settings.layers:
            return self.settings.layers
        import keras

        # Of an activation, or of what ends in one: what only pads or pools says no more.
        named = [layer for layer in self.network.layers if _is_map(layer) and (
            isinstance(layer, keras.layers.ReLU | keras.layers.Activation)
            or getattr(layer, "activation", None) not in (None, keras.activations.linear)
        )] or [layer for layer in self.network.layers if _is_map(layer)]  # fmt: skip
        places = np.unique(np.linspace(0, len(named) - 1, 5).round().astype(int))
        return [named[n].name for n in places]

    @cached_property
    def prepared(self) -> np.ndarray:
        """The pictures as the network itself takes them."""
        import keras

        return keras.ops.convert_to_numpy(self.pixels(self.images))

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Of the pictures as they are."""
        return self.probabilities_of(self.images)

    @property
    def right(self) -> np.ndarray:
        """Whether the first guess at each picture is its label."""
        return self.probabilities.argmax(axis=1) == self.labels

    @property
    def truth(self) -> str:
        """What labels are, in a sentence."""
        return "read right" if self.known else "called what the network says at first"

    def probabilities_of(self, images: np.ndarray) -> np.ndarray:
        """What the network, as it is called now, says of pictures of 0 to 255."""
        import keras

        to_numpy = keras.ops.convert_to_numpy
        # Called and not compiled, which a lesion would want anew each time.
        answers = [
            to_numpy(keras.tree.flatten(self.network(self.pixels(part), training=False))[0])
            for part in np.array_split(images, -(-len(images) // TOGETHER))
        ]
        return kc.analysis.model_ends(self.network)[0].probabilities(np.concatenate(answers), np)

    def accuracy(self) -> float:
        """Share of first guesses that are the label, of the network as it is called now."""
        found = self.probabilities_of(self.images).argmax(axis=1)
        return float((found == self.labels).mean())

    def name(self, number: int) -> str:
        """A class as titles have it."""
        return self.classes[number].split(",")[0]

    def file(self, name: str) -> Path:
        """Where a picture is drawn."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / name


def subject_of(
    classifier: Classifier, images: np.ndarray, labels: np.ndarray | None, folder: Path,
    settings: Any,
) -> Subject:  # fmt: skip
    """A classifier with its preparation of pictures as the first part of it.

    Args:
        classifier: As `explain.py` has it.
        images: What its `seen` gives.
        labels: The true classes, or None.
        folder: Where pictures are drawn.
        settings: Of the job.
    """
    import keras

    network = classifier.model
    picture = keras.Input(images.shape[1:], name="picture")
    model = keras.Model(picture, network(classifier.pixels(picture)), name="from_pixels")
    known = labels is not None
    subject = Subject(
        model=model,
        network=network,
        classes=classifier.classes,
        pixels=classifier.pixels,
        images=images,
        labels=np.zeros(len(images), "int32") if labels is None else labels.astype("int32"),
        known=known,
        folder=folder,
        settings=settings,
    )
    if known:
        return subject
    return replace(subject, labels=subject.probabilities.argmax(axis=1).astype("int32"))


def check_twin(path: Path, other: Classifier, images: np.ndarray, subject: Subject) -> None:
    """Refuse a run that learned other pictures than those both networks are shown.

    Args:
        path: Its folder.
        other: Its classifier.
        images: What its `seen` gives of the pictures.
        subject: The network it is compared with.

    Raises:
        InputError: Its classes are others, or what it sees of a picture has another shape.
    """
    learned, shown = images.shape[1:], subject.images.shape[1:]
    if learned == shown and list(other.classes) == list(subject.classes):
        return
    data = subject.settings.data
    raise kc.InputError(
        f"--beside {path} was given, whose classifier sees pictures as {learned} and calls them "
        f"{_first(other.classes)}, where {data} is seen as {shown} and has "
        f"{_first(subject.classes)}",
        "classifiers of the same classes and shape of pictures",
        f"Train one: python applications/classification.py train --data {shlex.quote(data)} "
        f"--model plain_20_cifar --image-size {shown[0]} --out runs/twin, and pass "
        "--beside runs/twin.",
    )


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} others" if len(names) > 3 else "")


def shown_as(images: np.ndarray) -> np.ndarray:
    """As uint8, for pages."""
    return np.clip(np.round(images), *BOUNDS).astype("uint8")


def _is_map(layer: keras.layers.Layer) -> bool:
    shape = getattr(getattr(layer, "output", None), "shape", ())
    return len(shape) == 4 and 1 not in shape[1:3]
