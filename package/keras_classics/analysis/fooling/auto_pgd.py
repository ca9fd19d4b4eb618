"""APGD: projected gradient ascent that sets its own step, image by image.

Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks", arXiv:2003.01690.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    within,
)
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole

APGD_LOSSES = ("ce", "dlr")

# The first window, by how much each is shorter than the last, and the shortest: parts of all steps.
_WINDOWS = (0.22, 0.03, 0.06)
# The step is halved where fewer steps of a window than this part raised the loss.
_RISING = 0.75
# How much of a step is the new direction and not the last one.
_NEW = 0.75


@checked
def apgd(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "linf",
    loss: str = "ce",
    steps: int = 100,
    restarts: int = 1,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by gradient ascent with momentum and a step that halves itself.

    The first step is as long as the ball is wide. At the end of each window of steps it is halved,
    and the ascent goes on from the best image so far, where too few steps raised the loss or
    nothing better was found.

        fooled = kc.analysis.fooling.apgd(model, images, labels, epsilon=8, bounds=(0, 255),
                                          loss="dlr")

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`.
        labels: See `fgsm`.
        epsilon: See `fgsm`.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        norm: What `epsilon` is the length in, `"linf"` or `"l2"`.
        loss: `"ce"`, the cross-entropy; or `"dlr"`, the difference of logits by the spread of the
            largest, which does not care how large logits are, for three classes or more, with
            targets for four.
        steps: Number of steps; an image that fools the model makes no more.
        restarts: Number of starts, drawn on the surface of the ball.
        seed: Chooses them.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`: the first image on the way that fools the model, or else that of the greatest
        loss.

    Raises:
        InputError: See `fgsm`; or there are too few classes for the loss.
    """
    norm = checked_norm(norm)
    check_choice("loss", loss, APGD_LOSSES)
    steps, restarts = check_whole("steps", steps), check_whole("restarts", restarts)
    seed = check_whole("seed", seed, 0)
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    targeted = request.targets is not None
    least = 4 if targeted else 3
    if loss == "dlr" and request.count < least:
        raise InputError(
            f"loss='dlr' was given for {request.count} classes",
            f"{least} classes or more{' for one with targets' if targeted else ''}",
            "Leave loss out for 'ce'.",
        )
    request.check_differentiable()
    own = {"ce": "log_odds", "dlr": "targeted_logits_ratio" if targeted else "logits_ratio"}[loss]
    others = request.targets if loss == "dlr" else None

    def attack(size: float) -> np.ndarray:
        found, left = request.images.copy(), np.arange(len(request.images))
        generator = np.random.default_rng(seed)
        for _ in range(restarts):
            chosen = None if others is None else others[left]
            ascent = Ascent(request, left, size, norm, own, steps, chosen)
            found[left] = ascent.run(generator)
            left = left[~ascent.fooled]
            if not len(left):
                break
        return found

    return request.at_each(epsilon, attack)


@dataclass
class Ascent:
    """One start of the ascent of some images.

    Attributes:
        request: What is attacked.
        rows: The rows of the images.
        size: Radius of the ball.
        norm: Its norm.
        loss: One of `LOSSES`.
        steps: How many.
        others: For losses of two classes, the other class of each.
        fooled: Which fooled the model in the end.
    """

    request: AttackRequest
    rows: np.ndarray
    size: float
    norm: Norm
    loss: str
    steps: int
    others: np.ndarray | None = None
    fooled: np.ndarray = field(init=False)

    def run(self, generator: np.random.Generator) -> np.ndarray:
        """The first image of each row that fools the model, or else that of the greatest loss."""
        own = self.request.images[self.rows].astype("float64")
        # Drawn for all images: those of one do not depend on which others are left.
        shape = self.request.images.shape
        box = self.norm == "linf"
        drawn = generator.uniform(-1, 1, shape) if box else generator.standard_normal(shape)
        drawn = drawn[self.rows]
        drawn /= like(np.maximum(lengths(drawn, self.norm), 1e-12), drawn)
        now = self.request.bounded(own + self.size * drawn)
        before = now.copy()
        everything = np.arange(len(self.rows))
        logits, values, gradients = self._look(now, everything)
        self.fooled = self.request.misread(logits, self.rows)
        best, best_values, best_gradients = now.copy(), values.copy(), gradients.copy()
        step = np.full(len(self.rows), 2.0 * self.size)
        rises = np.zeros(len(self.rows), int)
        checked_values, halved = best_values.copy(), np.ones(len(self.rows), bool)
        first, shorter, shortest = (max(1, int(part * self.steps)) for part in _WINDOWS)
        window, within_window = first, 0
        left = everything[~self.fooled]
        for number in range(self.steps):
            if not len(left):
                break
            moved = self._moved(number, left, own, now, before, gradients, step)
            before[left], now[left] = now[left], moved
            logits, found, gradients[left] = self._look(moved, left)
            rises[left] += found > values[left]
            values[left] = found
            won = self.request.misread(logits, self.rows[left])
            better = left[won | (found > best_values[left])]
            best[better], best_values[better] = now[better], values[better]
            best_gradients[better] = gradients[better]
            self.fooled[left[won]] = True
            left = left[~won]
            within_window += 1
            if within_window == window:
                halve = rises <= _RISING * window
                halve |= ~halved & (best_values <= checked_values)
                step[halve] /= 2
                now[halve], gradients[halve] = best[halve], best_gradients[halve]
                halved, checked_values = halve, best_values.copy()
                rises[:] = within_window = 0
                window = max(window - shorter, shortest)
        return best

    def _look(
        self, images: np.ndarray, left: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        others = None if self.others is None else self.others[left]
        return self.request.gradients(images, self.rows[left], self.loss, others)

    def _moved(
        self,
        number: int,
        left: np.ndarray,
        own: np.ndarray,
        now: np.ndarray,
        before: np.ndarray,
        gradients: np.ndarray,
        step: np.ndarray,
    ) -> np.ndarray:
        here = now[left].astype("float64")
        along = steepest(gradients[left], self.norm) * like(step[left], here)
        there = self._inside(here + along, own[left])
        share = _NEW if number else 1.0
        return self._inside(
            here + share * (there - here) + (1 - share) * (here - before[left]), own[left]
        )

    def _inside(self, images: np.ndarray, own: np.ndarray) -> np.ndarray:
        return self.request.bounded(own + within(images - own, self.norm, self.size))
