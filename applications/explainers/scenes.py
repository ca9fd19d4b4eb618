"""Scenes on which `explain.py` shows and scores maps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import keras_classics as kc
from explainers.classifiers import Classifier

# Two objects in each scene, so that a map has to choose.
PAIRS = (2, 2)


class Question(NamedTuple):
    """A picture and the class whose evidence is looked for in it."""

    name: str
    picture: np.ndarray
    target: int | None = None


def examples(options: argparse.Namespace, classifier: Classifier) -> list[Question]:
    """Two scenes of one object, and two of two with each asked for; no kind twice."""
    questions, shown = [], set()
    for objects in ((1, 1), PAIRS):
        left = 2
        for scene in scenes(options, classifier, objects=objects, test=100):
            kinds = kinds_in(scene)
            if left and len(kinds) == objects[0] and shown.isdisjoint(kinds):
                shown.update(kinds)
                left -= 1
                name = scene.name
                questions += [Question(name, scene.image, kind) for kind in kinds]
    return questions


def kinds_in(scene: Any) -> list[int]:
    """The classes of a scene's objects."""
    return sorted(set(scene.box_labels.tolist()))


def scenes(options: argparse.Namespace, classifier: Classifier, **changes) -> Sequence:
    """Test scenes like those the classifier was trained on, but for the number of objects."""
    own = {**classifier.data_options, "objects": PAIRS, "test": options.count}
    settings = {**own, **options.data_options, **changes}
    data = kc.data.load("scenes", seed=options.seed, **settings)
    if list(classifier.classes) != list(data.info.classes):
        raise kc.InputError(
            f"The model {classifier.model.name!r} has {len(classifier.classes)} classes that are "
            "not those of scenes",
            f"classifiers of {', '.join(data.info.classes)}",
            "Run: python applications/explain.py",
        )
    return data.test
