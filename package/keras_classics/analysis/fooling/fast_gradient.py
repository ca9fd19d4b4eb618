"""The fast gradient sign method: one step along the gradient, as long as may be.

Goodfellow, Shlens, Szegedy, "Explaining and harnessing adversarial examples", arXiv:1412.6572.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import AttackRequest, Sizes, checked_norm
from keras_classics.analysis.fooling.perturbation_norms import steepest
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked


@checked
def fgsm(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "linf",
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier with one step: `clip(x + epsilon * sign(gradient))`.

    All attacks take these arguments. The gradient is that of the cross-entropy of the logits before
    a softmax or sigmoid, through whatever preparation of images is part of the model; see
    `attack_losses.log_odds` for why it never vanishes of a model that is certain. The model is only
    read, and compiled at the first attack on it.

        fooled = kc.analysis.fooling.fgsm(model, images, labels, epsilon=8, bounds=(0, 255))

    Args:
        model: A functional or built sequential classifier, with whatever models are nested in it;
            of several outputs the first is fooled. One unit decides between two classes; several
            sigmoids are fooled in the likeliest of them.
        images: What the model takes: an array `(batch, height, width, channels)`, or of any other
            shape; a list or dict of arrays for a model of several inputs. Left as they are.
        labels: The class of each image, whole numbers `(batch,)`. By default the class that is
            predicted, which does not tell the attack what the model cannot know.
        epsilon: Length of the perturbation, in the units of the images: 8 of images from 0 to 255
            is 8/255 of images from 0 to 1. Several give several results.
        bounds: Lowest and highest value of an image, in the units that the model takes: numbers, or
            one for each channel.
        targets: A class that each image is to be taken for, or one for all; by default any other
            than its own.
        norm: What `epsilon` is the length in: `"linf"`, the largest change of a value; `"l2"`, the
            Euclidean length over all values of an image (`epsilon * g / |g|`); `"l1"`, the sum of
            the changes, spent on the value with the largest gradient.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is attacked, by name or number; the first that is an image
            by default.

    Returns:
        float32 images within the bounds, `(batch, ...)`; `(epsilons, batch, ...)` for several.
        Images without a gradient stay as they are, which is warned of.

    Raises:
        InputError: The images are not within the bounds, there is not a label for each, a target is
            the present class, epsilon is negative, no image has a gradient, or something is not a
            number.
    """
    norm = checked_norm(norm, ("linf", "l2", "l1"))
    request = AttackRequest(
        model,
        images,
        labels,
        bounds=bounds,
        targets=targets,
        batch_size=batch_size,
        image=image,
    )
    _, _, gradients = request.gradients(request.images)
    request.check_gradients(gradients)
    step = steepest(gradients, norm)
    return request.at_each(epsilon, lambda size: request.bounded(request.images + size * step))
