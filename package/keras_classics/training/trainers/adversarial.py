"""Adversarial training: a classifier learns from images that fool it as it stands.

Goodfellow, Shlens, Szegedy, "Explaining and harnessing adversarial examples", arXiv:1412.6572.
Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards deep learning models resistant to adversarial
attacks", arXiv:1706.06083. Wong, Rice, Kolter, "Fast is better than free: revisiting adversarial
training", arXiv:2001.03994.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_classics.analysis.fooling.victim import Victim
from keras_classics.analysis.input_bounds import Pair, check_bounds
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_probability,
    check_whole,
)
from keras_classics.core.graphs.graph import functional
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Tensor, Whole
from keras_classics.training.trainers.nested_networks import as_config, with_networks


@dataclass(frozen=True)
class _Method:
    """How images are made, and what is learned from.

    Attributes:
        steps: Number of steps.
        reach: Length of all steps together, in parts of epsilon.
        random: Whether they start at a random place of the ball.
        clean_share: What the loss of the images as they are counts.
        statistics: The pass that moves the statistics of batch normalisation.
    """

    steps: int
    reach: float
    random: bool
    clean_share: float
    statistics: str


_METHODS = {
    "fgsm": _Method(1, 1.0, False, 0.5, "clean"),
    "pgd": _Method(7, 2.5, True, 0.0, "adversarial"),
    "fast": _Method(1, 1.25, True, 0.0, "adversarial"),
}
ADVERSARIAL_METHODS = tuple(_METHODS)
STATISTICS = ("clean", "adversarial", "both")
# Pixels at which a gradient is looked for before the first step, and images at most.
TRIED, MOST_TRIED = 50_000, 16


@registered
class AdversarialModel(keras.Model):
    """A classifier that `fit` trains on images that fool it.

    It is the classifier itself, of the same layers and weights, and is compiled, trained with all
    arguments of `fit` or by `kc.training.fit`, resumed, saved, loaded and exported like any other;
    only its loss in training is another. The model that it was made of has learned what it has.

    In each step the images are moved against the model as it stands, in inference mode and by the
    gradient of the cross-entropy of its logits, whatever its own loss; no gradient goes through
    that. Then `clean_share * loss(images) + (1 - clean_share) * loss(moved images)` is minimised.
    Figures beside the loss, such as the accuracy, are those of the images as they are; validation
    has nothing of this.

    Args:
        model: A functional or built sequential classifier, with whatever models are nested in it;
            of several outputs the first is fooled.
        method: `"fgsm"`: one step of the whole length, and half of the loss is that of the images
            as they are (Goodfellow et al.). `"pgd"`: 7 steps of `2.5 * epsilon / 7` from a random
            place, and no clean loss (Madry et al.). `"fast"`: one step of `1.25 * epsilon` from a
            random place, and no clean loss (Wong et al.), which may overfit to that one step:
            `kc.callbacks.RobustAccuracy` notices.
        epsilon: Largest change of a value, in the units of the images.
        bounds: Lowest and highest value of an image, in the units that the model takes: numbers, or
            one for each channel. Moved images are cut to them.
        steps: Number of steps; None for the method's.
        step: Length of one, in the units of the images; None for the method's.
        clean_share: Part of the loss that is that of the images as they are, the first paper's
            alpha, from 0 to 1; None for the method's.
        statistics: The pass that moves the moving statistics of batch normalisation: of the images
            as they are (`"clean"`), of the moved ones (`"adversarial"`), or `"both"`, one after the
            other; None for `"clean"` with `"fgsm"` and `"adversarial"` with the others.
        seed: Of the random places. Where they have got to is in the checkpoints of
            `kc.training.fit`; a saved file begins with them anew, as Keras does with dropout.
        image: Which input is moved, by name or number; the first image by default.

    Raises:
        InputError: The model is no classifier, its images are of whole numbers, or an argument is
            out of its range; when the training begins, its images have no gradient.

    Example:
        ```python
        layers = [keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
        model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
        trained = kc.training.AdversarialModel(model, epsilon=0.1, bounds=(0, 1))
        trained.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        images = np.random.default_rng(0).uniform(0, 1, (10, 8, 8, 1))
        trained.fit(images, np.arange(10), verbose=0)  # `model` has learned it
        ```
    """

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        method: str = "fgsm",
        epsilon: float,
        bounds: Pair,
        steps: Whole | None = None,
        step: float | None = None,
        clean_share: float | None = None,
        statistics: str | None = None,
        seed: int = 0,
        image: int | str | None = None,
    ) -> None:
        check_choice("method", method, ADVERSARIAL_METHODS)
        own = _METHODS[method]
        form = functional(model)
        super().__init__(form.input, form.output, name=model.name)
        # Of the same layers, but not this model, which would be in it again.
        self.victim = Victim(form)
        self.image = self.victim.image_number(image)
        self.method = method
        self.epsilon = check_positive("epsilon", epsilon)
        self.bounds = check_bounds(bounds, self.inputs[self.image].shape[1:])
        self.steps = own.steps if steps is None else check_whole("steps", steps)
        length = own.reach * self.epsilon / self.steps
        self.step = length if step is None else check_positive("step", step)
        share = own.clean_share if clean_share is None else clean_share
        self.clean_share = check_probability("clean_share", share)
        self.statistics = own.statistics if statistics is None else statistics
        check_choice("statistics", self.statistics, STATISTICS)
        self.seed = check_whole("seed", seed, 0)
        if own.random:
            self.places = keras.random.SeedGenerator(self.seed)
        self._moving = False

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The classifier's answer; the clean pass of training leaves what it should not move."""
        if training and not self._moving and self.statistics == "adversarial":
            with self._held():
                return super().call(inputs, training=training, mask=mask)
        return super().call(inputs, training=training, mask=mask)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The loss of the images as they are, mixed in training with that of the moved ones."""
        clean = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return clean
        moved = self.moved(x, y)
        self._moving = True
        try:
            if self.statistics == "clean":
                with self._held():
                    answers = self(moved, training=True)
            else:
                answers = self(moved, training=True)
        finally:
            self._moving = False
        fooled = super().compute_loss(moved, y, answers, sample_weight, training)
        return self.clean_share * clean + (1 - self.clean_share) * fooled

    def make_train_function(self, force: bool = False) -> Any:
        """See Keras; a model whose images have no gradient is refused before the first step.

        Raises:
            InputError: It has none, whatever its weights.
        """
        if self.train_function is None:
            self._check_moves()
        return super().make_train_function(force)

    def moved(self, x: Any, y: Any) -> Any:
        """A batch of images moved against the model as it stands.

        Args:
            x: What the model takes, tensors.
            y: Classes: whole numbers `(batch,)` or `(batch, 1)`, or one-hot `(batch, classes)`.

        Returns:
            As `x`, the images moved by at most epsilon, within the bounds.
        """
        inputs = [ops.convert_to_tensor(each) for each in tree.flatten(x)]
        images = ops.cast(inputs[self.image], self.inputs[self.image].dtype)
        found = images
        if hasattr(self, "places"):
            reach = self.epsilon
            shift = keras.random.uniform(ops.shape(images), -reach, reach, seed=self.places)
            found = self._cut(images + ops.cast(shift, images.dtype))
        classes = self._classes(y)
        gradient_of = self.victim.gradient_of("log_odds", self.image)
        with keras.StatelessScope(self._values()):
            for _ in range(self.steps):
                inputs[self.image] = found
                _, _, gradient = gradient_of(inputs, classes, classes)
                step = self.step * ops.cast(ops.sign(gradient), images.dtype)
                change = ops.clip(found + step - images, -self.epsilon, self.epsilon)
                found = ops.stop_gradient(self._cut(images + change))
        inputs[self.image] = found
        return tree.pack_sequence_as(x, inputs)

    def get_config(self) -> Config:
        """See Keras."""
        plain = keras.Model(self.input, self.output, name=self.name)
        return {
            "model": as_config(plain),
            "method": self.method,
            "epsilon": self.epsilon,
            "bounds": [each.squeeze().tolist() for each in self.bounds],
            "steps": self.steps,
            "step": self.step,
            "clean_share": self.clean_share,
            "statistics": self.statistics,
            "seed": self.seed,
            "image": self.image,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> AdversarialModel:
        """See Keras."""
        return cls(**with_networks(config, ["model"], custom_objects))

    def _check_moves(self) -> None:
        shapes = [tuple(each.shape[1:]) for each in self.inputs]
        if any(None in shape for shape in shapes):
            return
        draw = np.random.default_rng(0)
        size = math.prod(shapes[self.image])
        count = min(max(TRIED // size, 1), MOST_TRIED)
        inputs = [ops.zeros((count, *x.shape[1:]), x.dtype) for x in self.inputs]
        images = draw.uniform(*self.bounds, (count, *shapes[self.image]))
        inputs[self.image] = ops.cast(images, self.inputs[self.image].dtype)
        classes = ops.zeros(count, "int32")
        gradient_of = self.victim.gradient_of("log_odds", self.image)

        def moves(values: list[tuple[keras.Variable, Tensor]]) -> bool:
            with keras.StatelessScope(values):
                return bool(ops.any(gradient_of(inputs, classes, classes)[2] != 0))

        # Weights may begin as zeros, through which nothing passes yet.
        others = [
            (each, ops.cast(draw.normal(0, 1 / math.sqrt(math.prod(each.shape[:-1])), each.shape),
                            each.dtype))
            for each in self.trainable_variables
        ]  # fmt: skip
        if not moves(self._values()) and not moves(others):
            raise InputError(
                f"The images of {self.name!r} have no gradient",
                "models that are differentiable at images, which those of signs or steps are not",
                "Let signs be keras.layers.Activation(kc.layers.binary_sign), which hands "
                "gradients on, or train the model itself.",
            )

    def _cut(self, images: Tensor) -> Tensor:
        """The nearest images within the bounds."""
        low, high = (ops.cast(each, images.dtype) for each in self.bounds)
        return ops.clip(images, low, high)

    def _classes(self, y: Any) -> Tensor:
        labels = ops.convert_to_tensor(tree.flatten(y)[0])
        one_hot = len(labels.shape) == 2 and labels.shape[1] not in (1, None)
        whole = ops.argmax(labels, axis=-1) if one_hot else ops.reshape(labels, (-1,))
        return ops.cast(whole, "int32")

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Statistics that layers move within stay as they are; random generators go on."""
        with keras.StatelessScope(self._values()) as scope:
            yield
        for variable in self.non_trainable_variables:
            if not keras.backend.is_float_dtype(variable.dtype):
                variable.assign(scope.get_current_value(variable))

    def _values(self) -> list[tuple[keras.Variable, Tensor]]:
        """Variables as a step of training has them, which on JAX are not in the variables."""
        return [(variable, variable.value) for variable in self.variables]
