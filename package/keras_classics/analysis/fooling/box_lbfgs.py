"""Szegedy's attack: L-BFGS in a box, and a search for how much the length may weigh.

Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow, Fergus, "Intriguing properties of neural
networks", arXiv:1312.6199. Byrd, Lu, Nocedal, Zhu, "A limited memory algorithm for bound
constrained optimization", SIAM Journal on Scientific Computing 16, 1995.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import AttackRequest, Sizes, check_sizes
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_whole,
    import_extra,
    is_number,
)


@checked
def lbfgs(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes | None = None,
    bounds: Pair,
    targets: ArrayLike | None = None,
    c: str = "largest",
    limits: tuple[float, float] = (1e-3, 1e4),
    bisections: int = 10,
    iterations: int = 50,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by minimising `c * |d|^2 + loss` within the bounds, image by image.

    `d` is the change in parts of the range of bounds. The loss is `-log p(target)`, or without a
    target `-log(1 - p(class))`, of the logits.

    With `c` before the length the perturbation is the shorter the larger `c` is. The paper looks
    for the least `c` that succeeds, though, which only makes sense where `c` stands before the
    loss; so both readings are here.

        fooled = kc.analysis.fooling.lbfgs(model, images, bounds=(0, 1), targets=3)

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`; each is a problem of its own and takes hundreds of passes.
        labels: See `fgsm`. Images that are misread as they are stay so.
        epsilon: Greatest L2 length of the perturbation, in the units of the images, see `deepfool`.
        bounds: See `fgsm`.
        targets: See `fgsm`; the paper has one always.
        c: Which of those whose minimum fools the model: `"largest"`, of the least distortion, or
            `"smallest"` as the paper words it. With the first the nearest of all images counts that
            SciPy's L-BFGS-B tried on the way; with the second the minimum.
        limits: The least and the greatest `c` that are tried.
        bisections: Halvings, in the logarithm, between one that fails and one that succeeds a
            tenth or ten times as large.
        iterations: Greatest number of L-BFGS's iterations for each `c`.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`. Where nothing fools the model, the image as it is. The paper's distortion of an
        image is `sqrt(mean((fooled - image) ** 2))`.

    Raises:
        InputError: See `fgsm`.
        MissingExtraError: SciPy is not installed.
    """
    check_choice("c", c, ("largest", "smallest"))
    bisections, iterations = (
        check_whole("bisections", bisections, 0),
        check_whole("iterations", iterations),
    )
    pair = list(limits)
    if not (len(pair) == 2 and all(map(is_number, pair)) and 0 < pair[0] < pair[1]):
        raise InputError(
            f"limits={limits!r} was given",
            "two positive numbers, the lower first",
            "Leave limits out for (0.001, 10000).",
        )
    minimize = import_extra("scipy.optimize", "fooling").minimize
    check_sizes(epsilon)
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    request.check_differentiable()
    found = request.images.copy()
    for row in np.flatnonzero(~request.fooled(request.images)):
        problem = _Problem(request, int(row), minimize, iterations)
        first, last = (pair[1], pair[0]) if c == "largest" else (pair[0], pair[1])
        minimum = _searched(problem.minimum, float(first), float(last), bisections)
        best = problem.nearest if c == "largest" else minimum
        if best is not None:
            found[row] = best
    return request.cut_to(epsilon, found, "l2")


def _searched(
    minimum: Callable[[float], np.ndarray | None], first: float, last: float, bisections: int
) -> np.ndarray | None:
    """The minimum of the weight that is nearest to the first of all that succeed."""
    factor = 10.0 if last > first else 0.1
    weight, failed = first, 0.0
    while (best := minimum(weight)) is None:
        if weight == last:
            return None
        failed = weight
        weight = min(weight * factor, last) if factor > 1 else max(weight * factor, last)
    for _ in range(bisections if failed else 0):
        half = float(np.sqrt(failed * weight))
        if (found := minimum(half)) is None:
            failed = half
        else:
            weight, best = half, found
    return best


@dataclass
class _Problem:
    """One image, in parts of the range of bounds.

    Attributes:
        request: What is attacked.
        row: Which of its images.
        minimize: SciPy's.
        iterations: Of it.
        nearest: Of all images tried so far the nearest that fools the model.
        least: Its squared distance.
    """

    request: AttackRequest
    row: int
    minimize: Callable[..., Any]
    iterations: int
    nearest: np.ndarray | None = None
    least: float = np.inf

    def minimum(self, weight: float) -> np.ndarray | None:
        """The minimum for a weight of the length; None where it does not fool the model."""
        request, rows = self.request, np.array([self.row])
        shape = request.images[rows].shape
        (low,), (high,) = request.bounds.flat(shape)
        span = high - low
        origin = (request.images[self.row].astype("float64").reshape(-1) - low) / span

        def at(parts: np.ndarray) -> np.ndarray:
            return request.bounded((low + span * parts).reshape(shape))

        def objective(parts: np.ndarray) -> tuple[float, np.ndarray]:
            logits, (odds,), gradients = request.gradients(at(parts), rows)
            change = parts - origin
            length = float(change @ change)
            if length < self.least and request.misread(logits, rows)[0]:
                self.nearest, self.least = at(parts)[0], length
            # What is wanted are odds for the target, or against the class.
            loss = float(np.logaddexp(0.0, -odds))
            slope = -np.exp(-np.logaddexp(0.0, odds)) * gradients.reshape(-1)
            return weight * length + loss, 2 * weight * change + slope * span

        ended = self.minimize(
            objective,
            origin,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * origin.size,
            # Near a minimum float32 has no slope left for its line search to find.
            options={"maxiter": self.iterations, "maxfun": 2 * self.iterations},
        )
        found = at(ended.x)
        return found[0] if request.fooled(found, rows)[0] else None
