"""What all explanations of images have in common: a score, batches, and one compiled step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.input_bounds import check_finite
from keras_classics.analysis.maps.cam_targets import check_classes, check_scores, scores_of_classes
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.types import Tensor

# From the model's outputs and a class for each image to a score for each image.
Score = Callable[[list[Tensor], Tensor], Tensor]
# From the model's inputs and a class for each image to explanations, each with a row per image.
Step = Callable[[list[Tensor], Tensor], list[Tensor]]


class Explainer(ABC):
    """Explains a score of a model, batch by batch.

    Args:
        model: The model; see `Capture`.
        target: What is explained where a call does not say it; see `cam`.
        batch_size: Greatest number of images that pass through the model together.
        image: Which of the model's inputs is the image, see `cam`.
    """

    @checked
    def __init__(
        self, model: keras.Model, target: Any, batch_size: int, image: int | str | None = None
    ) -> None:
        smaller = "Take a smaller one only where memory is short."
        self.batch_size = check_whole("batch_size", batch_size, remedy=smaller)
        self.capture = Capture(model, image)
        self.target = target
        # By the function of the target, if there is one, and the shapes of an example.
        self._steps: dict[tuple, Step] = {}

    @abstractmethod
    @checked
    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """Make what explains a batch of images of one size."""

    @checked
    def explain(self, images: Any, target: Any = None) -> list[np.ndarray]:
        """Explain images: the results of the step, float32, for all of them."""
        inputs = self.capture.arrays(images)
        self.check_images(inputs)
        target = self.target if target is None else target
        function = target if callable(target) else None
        count = len(inputs[0])
        if function is None:
            self.check_explains()
        else:
            self.capture.check_gradient()
        classes = check_classes(None if function else target, self.capture.ends[0].classes, count)
        step = self._step_for(function, [x.shape[1:] for x in inputs])
        # Batches of equal size, the last filled up, so that there is one shape to compile for.
        number = -(-count // self.batch_size)
        rows = np.minimum(np.arange(number * -(-count // number)), count - 1)
        parts = [
            step(self._tensors(inputs, own), ops.convert_to_tensor(classes[own]))
            for own in np.split(rows, number)
        ]
        return [
            np.concatenate([ops.convert_to_numpy(part) for part in own])[:count]
            for own in zip(*parts, strict=True)
        ]

    def check_images(self, inputs: list[np.ndarray]) -> None:
        """Refuse what is not finite: a ReLU or a maximum may make a number of it."""
        for own, symbol in zip(inputs, self.capture.model.inputs, strict=True):
            if keras.backend.is_float_dtype(symbol.dtype):
                check_finite(own.astype("float32", copy=False))

    def check_explains(self) -> None:
        """Refuse what a class of the first output does not depend on."""
        self.capture.check_explains()

    def _step_for(self, function: Callable | None, shapes: list[tuple[int, ...]]) -> Step:
        key = (function, *shapes)
        if key not in self._steps:
            height, width, _ = shapes[self.capture.image]
            self._steps[key] = self.step(partial(self._score, function), (height, width))
        return self._steps[key]

    def _score(self, function: Callable | None, outputs: list[Tensor], classes: Tensor) -> Tensor:
        if function:
            return check_scores(function(self.capture.as_returned(outputs)))
        return scores_of_classes(self.capture.class_logits(outputs), classes)

    def _tensors(self, inputs: list[np.ndarray], rows: np.ndarray) -> list[Tensor]:
        return [
            ops.convert_to_tensor(x[rows], dtype=symbol.dtype)
            for x, symbol in zip(inputs, self.capture.model.inputs, strict=True)
        ]
