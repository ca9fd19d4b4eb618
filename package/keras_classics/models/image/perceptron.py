"""Perceptron: threshold units that learn from their mistakes.

Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the
brain", Psychological Review, 1958; convergence: Novikoff, "On convergence proofs on perceptrons",
1962.

One unit a class, each telling its class from all others. A unit's sum is its logit, so the model
answers with probabilities as every builder here does; `classifier_activation=kc.layers.threshold`
gives the 0 and 1 of 1958. `fit_perceptron` is the original rule of learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import keras
import numpy as np
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head
from keras_classics.core.cards.recipe import Recipe, step
from keras_classics.core.errors import InputError
from keras_classics.core.types import Tensor

RECIPE = Recipe(
    learning_rate=1.0,
    batch_size=1,
    epochs=20,
    options={},
    normalization=step("range", low=0.0, high=1.0),
    note="one example at a time, but by cross-entropy; the rule of 1958 is fit_perceptron",
)

VARIANTS = {
    card.name: card
    for card in (
        ModelCard(
            name="perceptron",
            builder="Perceptron",
            summary="Ten units, each telling one digit from all others.",
            family="perceptron",
            paper='Rosenblatt, "The perceptron: a probabilistic model for information storage and '
            'organization in the brain", Psychological Review 65(6), 1958',
            year=1958,
            idea="learn from mistakes: correct the weights only where the answer is wrong",
            input_shape=(784,),
            classes=10,
            parameters=7_850,
            multiply_adds=7_840,
            recipes={"paper": RECIPE},
            deviations="answers with probabilities unless classifier_activation is the threshold",
        ),
    )
}


def perceptron(card: ModelCard, **arguments: Unpack[ImageArguments]) -> keras.Model:
    """One threshold unit a class, on vectors; the weights start at zero.

    Args:
        card: Row of `VARIANTS`.
        **arguments: The arguments all image builders share.

    Raises:
        InputError: An argument is not admitted.
    """
    head = image_head(card, arguments)

    def units(x: Tensor) -> Tensor:
        return layers.Dense(head.units, kernel_initializer="zeros", name="logits")(x)

    return head.finish(head.image, lambda x: x, units)


@dataclass(frozen=True)
class PerceptronHistory:
    """What `fit_perceptron` did.

    Attributes:
        corrections: How often each unit was corrected, int `(units,)`.
        epochs: Passes over the data, the last without a correction if `converged`.
        converged: Whether every unit answers every example right.
    """

    corrections: np.ndarray
    epochs: int
    converged: bool


@checked
def fit_perceptron(
    model: keras.Model,
    x: np.ndarray,
    labels: np.ndarray,
    *,
    rate: float = 1.0,
    max_epochs: int = 100,
    pocket: bool = False,
) -> PerceptronHistory:
    """Train a perceptron by Rosenblatt's rule.

    Examples come one by one, in order. A unit whose sum is not strictly on its side is corrected
    by `rate * x` towards it; the bias counts as an input of 1. If a unit vector separates the
    examples with margin `d` and no example is longer than `R` (with that 1), then a unit that
    starts from zero is corrected at most `(R / d) ** 2` times (Novikoff). What no plane separates
    goes on for ever, hence `max_epochs` and `pocket`.

    Args:
        model: A model of `kc.models.Perceptron`; its weights are changed.
        x: `(examples, features)`.
        labels: Class of each example, int `(examples,)`; 0 and 1 for a model of one unit.
        rate: Size of a correction. From zero it only scales the weights.
        max_epochs: Greatest number of passes.
        pocket: Leave each unit the weights with which it made the fewest mistakes at the end of a
            pass, not the last ones.

    Raises:
        InputError: The labels are none of the model's classes, or not one for each example.
    """
    layer = model.get_layer("logits")
    kernel, bias = layer.get_weights()
    units = kernel.shape[1]
    sides = check_labels(labels, len(x), units)
    inputs = np.column_stack([x, np.ones(len(x))]).astype("float64")
    weights = np.vstack([kernel, bias]).astype("float64")
    corrections = np.zeros(units, int)
    best, fewest = weights.copy(), _mistakes(weights, inputs, sides)
    epochs = 0
    while epochs < max_epochs:
        epochs += 1
        before = corrections.copy()
        for example, side in zip(inputs, sides, strict=True):
            # At zero a unit has no answer: that is a mistake, or nothing would ever start.
            wrong = side * (example @ weights) <= 0
            weights += rate * np.outer(example, side * wrong)
            corrections += wrong
        mistakes = _mistakes(weights, inputs, sides)
        better = mistakes < fewest
        best[:, better], fewest[better] = weights[:, better], mistakes[better]
        if np.array_equal(corrections, before):
            break
    kept = best if pocket else weights
    layer.set_weights([kept[:-1], kept[-1]])
    return PerceptronHistory(corrections, epochs, not _mistakes(kept, inputs, sides).any())


def check_labels(labels: np.ndarray, examples: int, units: int) -> np.ndarray:
    """The side each unit should be on, +1 or -1, float64 `(examples, units)`.

    Raises:
        InputError: The labels are none of the units' classes, or not one for each example.
    """
    labels = np.asarray(labels)
    classes = max(2, units)
    allowed = f"one whole number from 0 to {classes - 1} for each"
    if labels.shape != (examples,):
        raise InputError(
            f"Labels of shape {labels.shape} were given for {examples} examples",
            allowed,
            "Pass class numbers, not one-hot rows.",
        )
    strange = [*dict.fromkeys(labels[~np.isin(labels, np.arange(classes))].tolist())]
    if strange:
        raise InputError(
            f"Labels with {strange[0]!r} were given",
            allowed,
            "Pass np.unique(labels, return_inverse=True)[1], which numbers them.",
        )
    targets = labels[:, None] == (np.arange(units) if units > 1 else 1)
    return np.where(targets, 1.0, -1.0)


def _mistakes(weights: np.ndarray, inputs: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Number of examples each unit answers wrongly."""
    return np.sum(sides * (inputs @ weights) <= 0, axis=0)


Perceptron = register(VARIANTS["perceptron"], perceptron)
