"""Saliency: how much each pixel moves a score (Simonyan, Vedaldi, Zisserman, arXiv:1312.6034)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.core.arguments import checked
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.types import Tensor


@checked
def saliency(
    model: keras.Model,
    images: Any,
    *,
    target: Any = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """The largest magnitude, over the colours, of the gradient of a score by each pixel.

    Args:
        model: A functional or built sequential model, only read. Where it ends in softmax or
            sigmoid, the logits before are differentiated.
        images: What the model takes, see `kc.analysis.cam`.
        target: What is explained, see `kc.analysis.cam`; None for the predicted class.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        float32 `(batch, height, width)`, not negative and not scaled.

    Raises:
        InputError: The model, the images or the target do not fit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        maps = kc.analysis.saliency(model, images)  # (2, 32, 32)
        ```
    """
    return Saliency(model, batch_size=batch_size, image=image)(images, target)


class Saliency(Explainer):
    """`saliency` for many calls: compiled at the first, with the weights as they are at each."""

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        target: Any = None,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, target, batch_size, image)
        self.capture.check_differentiable()

    @checked
    def __call__(self, images: Any, target: Any = None) -> np.ndarray:
        """See `saliency`."""
        (found,) = self.explain(images, target)
        return found

    @checked
    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""

        def step(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            gradients = self.capture.image_gradients(inputs, lambda logits: score(logits, classes))
            return [ops.max(ops.abs(ops.cast(gradients, "float32")), axis=-1)]

        return compiled_over(self.capture.model, step)
