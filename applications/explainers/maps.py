"""Maps of what a classifier looks at, over the pictures it was asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

import keras_classics as kc
from explainers.classifiers import Classifier
from explainers.scenes import Question


class Found(NamedTuple):
    """What a classifier says to questions.

    Attributes:
        told: A sentence for each picture and class.
        titles: The same, as titles of pictures.
        shown: The pictures, one for each sentence.
        prepared: The same as the classifier takes them.
        targets: The class of each, int `(sentences,)`.
    """

    told: list[str]
    titles: list[str]
    shown: np.ndarray
    prepared: np.ndarray
    targets: np.ndarray


class Maps:
    """Maps of one classifier; what a method compiles is kept for the next questions.

    Args:
        classifier: The classifier.
        layer: Where maps are read; the last with an extent by default.
    """

    def __init__(self, classifier: Classifier, layer: str | None = None) -> None:
        self.classifier, self._layer = classifier, layer
        self._explainers: dict[str, Any] = {}

    def found(self, questions: Sequence[Question], top: int = 1) -> Found:
        """What the classifier says.

        Args:
            questions: Pictures, perhaps with a class each.
            top: How many of the most probable classes are asked for where none is given.
        """
        classes = self.classifier.classes
        shown, prepared = self.classifier.view([each.picture for each in questions])
        probabilities = kc.analysis.class_probabilities(self.classifier.model, prepared)
        best = np.argsort(-probabilities, axis=1)[:, :top]
        asked = [
            (row, int(target))
            for row, question in enumerate(questions)
            for target in (best[row] if question.target is None else [question.target])
        ]
        told, titles = [], []
        for row, target in asked:
            name, sure = classes[target], probabilities[row, target]
            told.append(f"{questions[row].name}: {name} {sure:.1%}")
            titles.append(f"{questions[row].name}\n{name.split(',')[0]} {sure:.0%}")
        rows, targets = (np.array(each) for each in zip(*asked, strict=True))
        return Found(told, titles, shown[rows], prepared[rows], targets)

    def laid(self, found: Found, methods: Iterable[str]) -> dict[str, np.ndarray]:
        """The map of each method over what is shown, by its name."""
        laid = {}
        for method in methods:
            if method not in self._explainers:
                self._explainers[method] = kc.analysis.map_explainer(
                    self.classifier.model, method, layer=self._layer
                )
            maps = self._explainers[method](found.prepared, found.targets)
            laid[method] = kc.analysis.overlay(found.shown, kc.analysis.normalized(visible(maps)))
        return laid


def visible(maps: np.ndarray) -> np.ndarray:
    """Maps without the few points that would leave all others in the dark."""
    high = np.quantile(maps, 0.99, axis=(1, 2), keepdims=True)
    return np.where(high > 0, np.minimum(maps, high), maps)
