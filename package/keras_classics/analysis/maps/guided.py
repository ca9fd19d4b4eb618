"""Guided back-propagation (Springenberg et al. 2015): only what speaks for the score passes back.

At each ReLU the gradient loses what is negative, besides what the ReLU itself stops. The model is
not changed: the ReLUs are found as the run meets them, and what they give goes through an identity
that rectifies its gradient. The pictures are sharp, but hardly depend on the upper layers (Adebayo
et al. 2018): they show edges rather than reasons.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.analysis.maps.relus import check_relus, ends_in_relu
from keras_classics.core.arguments import checked
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.gradients import compiled_over, rectified_gradient
from keras_classics.core.graphs.graph import Place
from keras_classics.core.types import Tensor


@checked
def guided_gradients(
    model: keras.Model,
    images: Any,
    *,
    target: Any = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Guided back-propagation to the image.

    Times a map of `cam`, `guided_gradients(...) * maps[..., None]`, it is the guided Grad-CAM of
    the paper in colours.

    Args:
        model: A functional or built sequential model with ReLUs, nested models included; never
            changed. ReLUs within a layer that does more after them are not seen.
        images: What the model takes, see `cam`.
        target: What is explained, see `cam`.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `cam`.

    Returns:
        float32 `(batch, height, width, channels)`, as the images.

    Raises:
        InputError: The model has no ReLU, or its image is of whole numbers.
    """
    (gradients,) = GuidedGradients(model, target, batch_size, image).explain(images)
    return gradients


class GuidedGradients(Explainer):
    """`guided_gradients`, compiled once for many calls of `explain(images, target)`."""

    def __init__(
        self,
        model: keras.Model,
        target: Any = None,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, target, batch_size, image)
        check_relus(self.capture)

    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""

        def step(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            return [guided(self.capture, score, inputs, classes)]

        return compiled_over(self.capture.model, step)


def guided(capture: Capture, score: Score, inputs: list[Tensor], classes: Tensor) -> Tensor:
    """Guided gradients of the scores of a batch by its images, inside a compiled step."""

    def after(place: Place, outputs: Any) -> Any:
        return rectified_gradient(outputs) if ends_in_relu(place[-1].operation) else outputs

    return capture.image_gradients(inputs, lambda logits: score(logits, classes), after)
