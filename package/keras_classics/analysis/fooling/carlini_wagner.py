"""Carlini and Wagner's L2 attack: the shortest perturbation that wins by a margin.

Carlini, Wagner, "Towards evaluating the robustness of neural networks", arXiv:1608.04644.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import AttackRequest, Sizes, check_sizes
from keras_classics.analysis.fooling.perturbation_norms import flat, lengths, like
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_whole, is_number

# Beside the bounds themselves, where the hyperbolic tangent has no inverse.
_INSIDE = 0.999999


@checked
def carlini_wagner(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes | None = None,
    bounds: Pair,
    targets: ArrayLike | None = None,
    confidence: float = 0.0,
    searches: int = 9,
    steps: int = 1000,
    learning_rate: float = 0.01,
    weight: float = 1e-3,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by the shortest perturbation that Adam finds, in L2.

    Minimised is `|d|^2 + c * max(confidence - margin, 0)` over `w`, where the image is
    `(tanh(w) + 1) / 2` of the range of bounds, `d` its change in parts of that range, and the
    margin is by how much the logit of another class, or of the target, exceeds all others.

        fooled = kc.analysis.fooling.carlini_wagner(model, images, bounds=(0, 255))

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`.
        labels: See `fgsm`. Images that are misread as they are stay so.
        epsilon: Greatest L2 length of the perturbation, in the units of the images, see `deepfool`.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        confidence: The margin to win by, in logits; the paper's kappa.
        searches: Values of `c` that are tried for each image: ten times the last until one
            succeeds, then halfway between the greatest that failed and the least that succeeded.
        steps: Greatest number of Adam's steps for each; ten times as many in the paper. An image
            whose objective has not fallen by 1 in 10,000 over a tenth of them has ended.
        learning_rate: Of Adam.
        weight: The first `c`.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`. Where nothing fools the model, the image as it is.

    Raises:
        InputError: See `fgsm`.
    """
    searches, steps = check_whole("searches", searches), check_whole("steps", steps)
    rate, weight = check_positive("learning_rate", learning_rate), check_positive("weight", weight)
    if not is_number(confidence) or float(confidence) < 0:
        raise InputError(
            f"confidence={confidence!r} was given",
            "a margin of logits from 0 on",
            "Leave confidence out for any margin.",
        )
    check_sizes(epsilon)
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    request.check_differentiable()
    found = request.images.copy()
    for chunk in request.chunks():
        rows = chunk[~request.fooled(request.images[chunk], chunk)]
        if len(rows):
            search = _Search(request, rows, float(confidence), rate, steps)
            found[rows] = search.shortest(searches, weight)
    return request.cut_to(epsilon, found, "l2")


class _Search:
    """The search for some images together; none of them depends on the others."""

    def __init__(
        self, request: AttackRequest, rows: np.ndarray, confidence: float, rate: float, steps: int
    ) -> None:
        self.request, self.rows = request, rows
        self.confidence, self.rate, self.steps = confidence, rate, steps
        self.low = request.bounds.low.astype("float64")
        self.range = request.bounds.high - self.low
        self.images = request.images[rows]
        parts = (self.images.astype("float64") - self.low) / self.range
        self.start = np.arctanh(_INSIDE * (2 * parts - 1))
        self.best = self.images.copy()
        self.length = np.full(len(rows), np.inf)

    def shortest(self, searches: int, weight: float) -> np.ndarray:
        """The nearest of all images on the way that fool the model."""
        weights = np.full(len(self.rows), weight)
        failed, succeeded = np.zeros(len(self.rows)), np.full(len(self.rows), np.inf)
        for _ in range(searches):
            fooled = self._descend(weights)
            succeeded = np.where(fooled, np.minimum(succeeded, weights), succeeded)
            failed = np.where(fooled, failed, np.maximum(failed, weights))
            open_ended = np.isinf(succeeded)
            half = (failed + np.where(open_ended, 0.0, succeeded)) / 2
            weights = np.where(open_ended, weights * 10, half)
        return self.best

    def _descend(self, weights: np.ndarray) -> np.ndarray:
        """Adam from the images on; returns which fooled the model on the way."""
        place, origin = self.start.copy(), np.tanh(self.start) / 2
        mean, square = np.zeros_like(place), np.zeros_like(place)
        fooled = np.zeros(len(place), bool)
        last = np.full(len(place), np.inf)
        left = np.arange(len(place))
        for number in range(1, self.steps + 1):
            tanh = np.tanh(place[left])
            change = tanh / 2 - origin[left]
            objective, gradient = self._objective(left, tanh, change, weights[left], fooled)
            gradient *= (1 - tanh**2) / 2
            mean[left] = 0.9 * mean[left] + 0.1 * gradient
            square[left] = 0.999 * square[left] + 0.001 * gradient**2
            moved = mean[left] / (1 - 0.9**number)
            place[left] -= self.rate * moved / (np.sqrt(square[left] / (1 - 0.999**number)) + 1e-8)
            if number % max(1, self.steps // 10) == 0:
                falling = objective <= 0.9999 * last[left]
                last[left] = objective
                left = left[falling]
                if not len(left):
                    break
        return fooled

    def _objective(
        self,
        left: np.ndarray,
        tanh: np.ndarray,
        change: np.ndarray,
        weights: np.ndarray,
        fooled: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What is minimised and its gradient by the parts of the range; keeps what succeeds."""
        images = self.request.bounded(self.low + self.range * (tanh + 1) / 2)
        logits, margins, gradients = self.request.gradients(images, self.rows[left], "margin")
        wins = self.request.misread(logits, self.rows[left]) & (margins >= self.confidence)
        length = lengths(images.astype("float64") - self.images[left], "l2")
        fooled[left] |= wins
        better = wins & (length < self.length[left])
        self.best[left[better]] = images[better]
        self.length[left[better]] = length[better]
        lacking = np.maximum(self.confidence - margins, 0)
        objective = (flat(change) ** 2).sum(axis=1) + weights * lacking
        pull = like(weights * (lacking > 0), images) * self.range
        return objective, 2 * change - pull * gradients
