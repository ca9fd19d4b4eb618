"""DeepFool: to the nearest boundary of a model taken for linear, again and again.

Moosavi-Dezfooli, Fawzi, Frossard, "DeepFool: a simple and accurate method to fool deep neural
networks", arXiv:1511.04599.
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
from keras_classics.analysis.fooling.perturbation_norms import (
    Norm,
    dual,
    lengths,
    to_plane,
)
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_positive, check_whole


@checked
def deepfool(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes | None = None,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "l2",
    steps: int = 50,
    candidates: int = 10,
    overshoot: float = 0.02,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by perturbations that are about as short as can be.

    Steps stay within the bounds, of which the paper knows nothing.

        fooled = kc.analysis.fooling.deepfool(model, images, bounds=(0, 255))

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`.
        labels: See `fgsm`. Images that are misread as they are stay so.
        epsilon: Greatest length of the perturbation, in the units of the images, one or several:
            longer ones are cut, and fool no more. None leaves them as long as they had to be.
        bounds: See `fgsm`.
        targets: See `fgsm`. Then the steps go to the boundary between the target and the class that
            is the likeliest at the time.
        norm: What is made short, and what `epsilon` is the length in: `"l2"` or `"linf"`.
        steps: Greatest number of steps; one ends as soon as the model is fooled.
        candidates: The boundaries to so many of the likeliest classes, the image's own among them,
            are looked at.
        overshoot: Share of its length by which the perturbation is made longer, to cross the
            boundary and not just to reach it.
        batch_size: See `fgsm`. Gradients are taken of so many images times the candidates, as
            many at once.
        image: See `fgsm`.

    Returns:
        See `fgsm`.

    Raises:
        InputError: See `fgsm`.
    """
    norm = checked_norm(norm)
    steps, candidates = check_whole("steps", steps), check_whole("candidates", candidates, 2)
    overshoot = check_positive("overshoot", overshoot) if overshoot else 0.0
    check_sizes(epsilon)
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    request.check_differentiable()
    found = request.images.copy()
    for rows in request.chunks():
        found[rows] = to_boundary(request, found[rows], rows, norm, steps, candidates, overshoot)
    return request.cut_to(epsilon, found, norm)


def to_boundary(
    request: AttackRequest,
    start: np.ndarray,
    rows: np.ndarray,
    norm: Norm,
    steps: int = 50,
    candidates: int = 10,
    overshoot: float = 0.02,
) -> np.ndarray:
    """Images a little beyond the boundary nearest to where they start.

    Args:
        request: What is attacked.
        start: Images of some rows.
        rows: Which.
        norm: The norm of steps.
        steps: See `deepfool`.
        candidates: See `deepfool`.
        overshoot: See `deepfool`.
    """
    found, total = start.copy(), np.zeros(start.shape)
    logits = request.logits(start, rows)
    left = np.flatnonzero(~request.misread(logits, rows))
    rivals = _rivals(request, logits, rows, candidates)
    for _ in range(steps):
        if not len(left):
            break
        step = _step(request, found[left], rows[left], rivals[left], logits[left], norm)
        total[left] += step
        found[left] = request.bounded(start[left] + (1 + overshoot) * total[left])
        logits[left] = request.logits(found[left], rows[left])
        left = left[~request.misread(logits[left], rows[left])]
    return found


def _rivals(
    request: AttackRequest, logits: np.ndarray, rows: np.ndarray, candidates: int
) -> np.ndarray:
    """The classes `(batch, rivals)` whose boundaries are looked at."""
    if request.targets is not None:
        return request.targets[rows][:, None]
    order = np.argsort(-logits, axis=1, kind="stable").astype("int32")
    others = order != request.classes[rows][:, None]
    return order[others].reshape(len(rows), -1)[:, : candidates - 1]


def _step(
    request: AttackRequest,
    images: np.ndarray,
    rows: np.ndarray,
    rivals: np.ndarray,
    logits: np.ndarray,
    norm: Norm,
) -> np.ndarray:
    """The step to the nearest boundary of the linear model that has these gradients."""
    count = rivals.shape[1]
    classes = request.classes[rows]
    if request.targets is not None:
        classes = logits.argmax(axis=1).astype("int32")
    _, values, gradients = request.gradients(
        np.repeat(images, count, axis=0),
        np.repeat(rows, count),
        "difference",
        rivals.reshape(-1),
        np.repeat(classes, count),
    )
    slopes = lengths(gradients, dual(norm))
    distances = np.full(len(slopes), np.inf)
    np.divide(np.abs(values), slopes, out=distances, where=slopes > 0)
    nearest = distances.reshape(-1, count).argmin(axis=1) + np.arange(len(rows)) * count
    # Within bounds: what they cut off would be lacking at every step, and the boundary not reached.
    bounds = request.bounds.flat(images.shape)
    return to_plane(images, gradients[nearest], -values[nearest], norm, bounds)
