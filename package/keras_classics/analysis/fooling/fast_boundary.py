"""FAB: short perturbations by projections on boundaries, drawn back towards the image.

Croce, Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
arXiv:1907.02044; the targeted form, which looks at one other class at a time.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import (
    AttackRequest,
    Sizes,
    check_sizes,
    checked_norm,
)
from keras_classics.analysis.fooling.perturbation_norms import Norm, lengths, like, to_plane
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole

# How far a step goes beyond the boundary, how much of it may lead from the image itself, and how
# much of the way is kept once the model is fooled; the paper's eta, alpha_max and beta.
_BEYOND, _FROM_IMAGE, _KEPT = 1.05, 0.1, 0.9


@checked
def fab(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes | None = None,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "linf",
    rivals: int = 9,
    steps: int = 100,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by short perturbations, one by one of the likeliest other classes.

        fooled = kc.analysis.fooling.fab(model, images, labels, bounds=(0, 255), norm="l2")

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`.
        labels: See `fgsm`. Images that are misread as they are stay so.
        epsilon: Greatest length of the perturbation, in the units of the images, see `deepfool`.
        bounds: See `fgsm`.
        targets: See `fgsm`; then that class alone is looked at.
        norm: What is made short, and what `epsilon` is the length in: `"linf"` or `"l2"`.
        rivals: The boundaries to so many of the likeliest other classes are looked at.
        steps: Number of steps for each of them.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`. Where nothing fools the model, the image as it is.

    Raises:
        InputError: See `fgsm`.
    """
    norm = checked_norm(norm)
    steps, rivals = check_whole("steps", steps), check_whole("rivals", rivals)
    check_sizes(epsilon)
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    request.check_differentiable()
    found = request.images.copy()
    for chunk in request.chunks():
        rows = chunk[~request.fooled(request.images[chunk], chunk)]
        if len(rows):
            found[rows] = nearest_misread(request, rows, norm, rivals, steps)
    return request.cut_to(epsilon, found, norm)


def nearest_misread(
    request: AttackRequest,
    rows: np.ndarray,
    norm: Norm,
    rivals: int = 9,
    steps: int = 100,
    size: float = 0.0,
) -> np.ndarray:
    """The nearest images found that fool the model; images themselves where there are none.

    Args:
        request: What is attacked.
        rows: Which of its images, none of them misread.
        norm: The norm of distances.
        rivals: See `fab`.
        steps: See `fab`.
        size: Who is fooled by no more than that is not looked at any further.
    """
    best, least = request.images[rows].copy(), np.full(len(rows), np.inf)
    if request.targets is not None:
        classes = request.targets[rows][:, None]
    else:
        logits = request.logits(request.images[rows], rows)
        np.put_along_axis(logits, request.classes[rows][:, None], -np.inf, axis=1)
        classes = np.argsort(-logits, axis=1)[:, : min(rivals, request.count - 1)].astype("int32")
    for others in classes.T:
        left = np.flatnonzero(least > size)
        if len(left):
            _approach(request, rows, others, norm, steps, best, least, left)
    return best


def _approach(
    request: AttackRequest,
    rows: np.ndarray,
    others: np.ndarray,
    norm: Norm,
    steps: int,
    best: np.ndarray,
    least: np.ndarray,
    left: np.ndarray,
) -> None:
    """Go back and forth over the boundary to one class; keeps what is nearest in `best`."""
    own = request.images[rows[left]].astype("float64")
    now = request.images[rows[left]]
    bounds = request.bounds.flat(own.shape)
    logits = request.logits(now, rows[left])
    for _ in range(steps):
        classes = request.classes[rows[left]]
        if request.targets is not None:
            # A target has to win over all others, whichever is ahead of them.
            np.put_along_axis(logits, others[left, None], -np.inf, axis=1)
            classes = logits.argmax(axis=1).astype("int32")
        _, values, gradients = request.gradients(
            now, rows[left], "difference", others[left], classes
        )
        here = now.astype("float64")
        # From here, and from the image, to where the model would be torn if it were linear.
        slope = (gradients * (here - own)).reshape(len(own), -1).sum(axis=1)
        from_here = to_plane(here, gradients, -values, norm, bounds)
        from_image = to_plane(own, gradients, slope - values, norm, bounds)
        near, far = (np.maximum(lengths(each, norm), 1e-8) for each in (from_here, from_image))
        share = like(np.minimum(near / (near + far), _FROM_IMAGE), own)
        now = request.bounded(
            (here + _BEYOND * from_here) * (1 - share) + (own + _BEYOND * from_image) * share
        )
        logits = request.logits(now, rows[left])
        won = request.misread(logits, rows[left])
        distance = lengths(now - own, norm)
        better = won & (distance < least[left])
        best[left[better]], least[left[better]] = now[better], distance[better]
        now[won] = request.bounded(own[won] + _KEPT * (now[won] - own[won]))
