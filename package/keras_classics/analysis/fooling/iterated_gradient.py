"""Many small steps along the gradient: BIM, PGD, MI-FGSM and the iterative least-likely method.

Kurakin, Goodfellow, Bengio, "Adversarial examples in the physical world", arXiv:1607.02533. Madry,
Makelov, Schmidt, Tsipras, Vladu, "Towards deep learning models resistant to adversarial attacks",
arXiv:1706.06083. Dong et al., "Boosting adversarial attacks with momentum", arXiv:1710.06081.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import AttackRequest, Sizes, checked_norm
from keras_classics.analysis.fooling.perturbation_norms import (
    Norm,
    lengths,
    like,
    steepest,
    uniform,
    within,
)
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_whole


@checked
def bim(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    step: float | None = None,
    steps: int | None = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by the basic iterative method: steps of `step * sign(gradient)`.

        fooled = kc.analysis.fooling.bim(model, images, labels, epsilon=4, bounds=(0, 255))

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`.
        labels: See `fgsm`.
        epsilon: Largest change of a value, in the units of the images; one or several.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        step: Change of a value in one step, in the units of the images; by default one step of 8
            bits, 1/255 of the range of bounds, as in the paper; of the narrowest channel.
        steps: Number of steps; by default the paper's `min(e + 4, 1.25 e)`, rounded up, where `e`
            is epsilon in steps of 8 bits.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`.

    Raises:
        InputError: See `fgsm`; or a step is not positive.
    """
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    return _basic(request, epsilon, step, steps)


@checked
def least_likely(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    step: float | None = None,
    steps: int | None = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Make a classifier take images for what it finds least likely: `bim` with those as targets.

        fooled = kc.analysis.fooling.least_likely(model, images, epsilon=8, bounds=(0, 255))

    Args:
        model: See `fgsm`.
        images: See `fgsm`.
        labels: See `fgsm`; only checked, since the least likely class is the model's.
        epsilon: See `bim`.
        bounds: See `fgsm`.
        step: See `bim`.
        steps: See `bim`.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`.

    Raises:
        InputError: See `bim`.
    """
    request = AttackRequest(
        model, images, labels, bounds=bounds, batch_size=batch_size, image=image
    )
    request.targets = request.logits(request.images).argmin(axis=1).astype("int32")
    return _basic(request, epsilon, step, steps)


@checked
def pgd(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "linf",
    step: float | None = None,
    steps: int = 40,
    restarts: int = 1,
    random_start: bool = True,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by projected gradient ascent from random places near the images.

        fooled = kc.analysis.fooling.pgd(model, images, labels, epsilon=8, bounds=(0, 255),
                                         restarts=5)

    Args:
        model: See `fgsm`.
        images: See `fgsm`.
        labels: See `fgsm`.
        epsilon: See `fgsm`.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        norm: What `epsilon` and `step` are lengths in, `"linf"` or `"l2"`. An L1 ball has other
            projections and needs another attack.
        step: Length of one step, in the units of the images; by default `2.5 * epsilon / steps`, as
            the authors have it.
        steps: Number of steps.
        restarts: Number of starts. Each image keeps the first result that fools the model, or else
            the one of the greatest loss.
        random_start: Whether to start at a random place of the ball, drawn uniformly, and not at
            the image.
        seed: Chooses the starts.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`.

    Raises:
        InputError: See `fgsm`; or restarts would all be the same.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        fooled = kc.analysis.fooling.pgd(model, images, epsilon=0.1, bounds=(0, 1), steps=3)
        float(abs(fooled - images).max())  # at most 0.1
        ```
    """
    norm = checked_norm(norm)
    steps, restarts = check_whole("steps", steps), check_whole("restarts", restarts)
    seed = check_whole("seed", seed, 0)
    if restarts > 1 and not random_start:
        raise InputError(
            f"restarts={restarts} was given with random_start=False",
            "one start at the image, or several at random",
            "Leave random_start out.",
        )
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )

    def attack(size: float) -> np.ndarray:
        length = 2.5 * size / steps if step is None else check_positive("step", step)
        generator = np.random.default_rng(seed)

        def ascent(rows: np.ndarray) -> np.ndarray:
            own = request.images[rows]
            # Drawn for all images, so that those of one do not depend on how the others fare.
            drawn = uniform(generator, request.images.shape, norm, size)[rows]
            start = request.bounded(own + drawn) if random_start else own
            return ascended(request, start, rows, size, norm, length, steps)

        found = ascent(np.arange(len(request.images)))
        for _ in range(restarts - 1):
            left = np.flatnonzero(~request.fooled(found))
            if not len(left):
                break
            again = ascent(left)
            better = _losses(request, again, left) > _losses(request, found[left], left)
            better |= request.fooled(again, left)
            found[left[better]] = again[better]
        return found

    return request.at_each(epsilon, attack)


@checked
def mi_fgsm(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    steps: int = 10,
    momentum: float = 1.0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by steps along a running sum of gradients, which other models see too.

    Each gradient counts by its direction: it is divided by its own sum of magnitudes, image by
    image. A step changes a value by `epsilon / steps`.

        fooled = kc.analysis.fooling.mi_fgsm(model, images, labels, epsilon=16, bounds=(0, 255))

    Args:
        model: See `fgsm`.
        images: See `fgsm`.
        labels: See `fgsm`.
        epsilon: Largest change of a value, in the units of the images; one or several.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        steps: Number of steps.
        momentum: What is kept of the former sum, the paper's mu; 0 for none.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`.

    Raises:
        InputError: See `fgsm`.
    """
    steps = check_whole("steps", steps)
    kept = check_positive("momentum", momentum) if momentum else 0.0
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    rows = np.arange(len(request.images))
    return request.at_each(
        epsilon,
        lambda size: ascended(
            request, request.images, rows, size, "linf", size / steps, steps, momentum=kept
        ),
    )


def ascended(
    request: AttackRequest,
    start: np.ndarray,
    rows: np.ndarray,
    size: float,
    norm: Norm,
    step: float,
    steps: int,
    momentum: float | None = None,
) -> np.ndarray:
    """Images after steps of projected gradient ascent.

    Args:
        request: What is attacked.
        start: Where to begin.
        rows: The rows that these images stand in.
        size: Radius of the ball around the images themselves.
        norm: Its norm.
        step: Length of a step.
        steps: How many.
        momentum: What is kept of the sum of gradients; None where each counts alone.
    """
    own, found = request.images[rows].astype("float64"), start
    total = np.zeros_like(own)
    for number in range(steps):
        _, _, gradients = request.gradients(found, rows)
        if number == 0:
            every = len(rows) == len(request.images)
            request.check_gradients(gradients, None if every else rows)
        if momentum is not None:
            total = momentum * total + _of_sum_one(gradients)
            gradients = total
        moved = found + step * steepest(gradients, norm)
        found = request.bounded(own + within(moved - own, norm, size))
    return found


def _of_sum_one(gradients: np.ndarray) -> np.ndarray:
    sums = lengths(gradients, "l1")
    return gradients / like(np.where(sums > 0, sums, 1.0), gradients)


def _losses(request: AttackRequest, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return request.gradients(images, rows)[1]


def _basic(
    request: AttackRequest, epsilon: Sizes, step: float | None, steps: int | None
) -> np.ndarray:
    level = float(request.bounds.range.min()) / 255
    length = level if step is None else check_positive("step", step)
    wanted = None if steps is None else check_whole("steps", steps)
    rows = np.arange(len(request.images))

    def attack(size: float) -> np.ndarray:
        units = size / level
        # A rounding above a whole number is no step more.
        number = wanted or max(1, math.ceil(min(units + 4, 1.25 * units) - 1e-6))
        return ascended(request, request.images, rows, size, "linf", length, number)

    return request.at_each(epsilon, attack)
