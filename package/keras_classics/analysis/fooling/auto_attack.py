"""An evaluation in the manner of AutoAttack: four attacks, each on what the last left standing.

Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks", arXiv:2003.01690.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import (
    AttackRequest,
    Sizes,
    checked_norm,
    checked_sizes,
)
from keras_classics.analysis.fooling.auto_pgd import Ascent
from keras_classics.analysis.fooling.fast_boundary import nearest_misread
from keras_classics.analysis.fooling.perturbation_norms import Norm, flat, lengths
from keras_classics.analysis.fooling.square import searched
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_whole

AUTO_ATTACKS = ("apgd_ce", "apgd_t", "fab_t", "square")


@dataclass(frozen=True, eq=False)
class AutoAttack:
    """What an evaluation found for one size of perturbations.

    Attributes:
        epsilon: The size, in the units of the images.
        accuracy: Share of the images that are still read right, `"clean"` and after each attack, in
            their order. Only survivors of one are attacked by the next, so none is larger than the
            one before.
        images: float32, those that fooled the model; where nothing did, the images as they are.
        standing: Which images nothing fooled, bool `(batch,)`; misread ones are not among them.
        warnings: Sentences on why the figures may flatter the model.
    """

    epsilon: float
    accuracy: dict[str, float]
    images: np.ndarray
    standing: np.ndarray
    warnings: tuple[str, ...]


@checked
def auto_attack(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    norm: str = "linf",
    attacks: str | Sequence[str] = AUTO_ATTACKS,
    steps: int = 100,
    queries: int = 5000,
    rivals: int = 9,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> AutoAttack | list[AutoAttack]:
    """Find how many images a classifier still reads right after the strongest standard attacks.

    APGD on the cross-entropy, APGD towards each of the likeliest other classes on the difference of
    logits ratio, FAB towards each of them, and Square, with no parameter to tune but the size.

        found = kc.analysis.fooling.auto_attack(model, images, labels, epsilon=8, bounds=(0, 255))
        found.accuracy   # {"clean": 0.94, "apgd_ce": 0.12, "apgd_t": 0.08, ...}

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`.
        labels: See `fgsm`.
        epsilon: See `fgsm`; several give several evaluations.
        bounds: See `fgsm`.
        norm: What `epsilon` is the length in, `"linf"` or `"l2"`.
        attacks: One of `AUTO_ATTACKS`, or some, which run in the order that it has.
        steps: Of APGD and FAB, for each other class.
        queries: Of Square.
        rivals: How many other classes are aimed at.
        seed: Chooses the starts and squares.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        The evaluation, or a list of them for several sizes. Its warnings say where outputs look
        like probabilities, answers change from call to call, gradients are zero, or Square fools
        where gradients do not: then gradients are masked, and the true accuracy is lower.

    Raises:
        InputError: See `fgsm`; or an attack is unknown.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        found = kc.analysis.fooling.auto_attack(
            model, images, epsilon=0.1, bounds=(0, 1), attacks="apgd_ce", steps=3
        )
        found.accuracy  # what is still right, 0 to 1
        ```
    """
    norm = checked_norm(norm)
    chosen = [attacks] if isinstance(attacks, str) else list(attacks)
    for each in chosen:
        check_choice("attacks", each, AUTO_ATTACKS)
    steps, queries = check_whole("steps", steps), check_whole("queries", queries)
    rivals, seed = check_whole("rivals", rivals), check_whole("seed", seed, 0)
    request = AttackRequest(
        model, images, labels, bounds=bounds, batch_size=batch_size, image=image
    )
    flaws = _flaws(request)
    sizes, single = checked_sizes(epsilon)
    found = []
    for size in sizes:
        run = _Run(request, size, norm, steps, queries, rivals, seed)
        found.append(run.evaluation([each for each in AUTO_ATTACKS if each in chosen], flaws))
    return found[0] if single else found


class _Run:
    """The evaluation for one size."""

    def __init__(
        self,
        request: AttackRequest,
        size: float,
        norm: Norm,
        steps: int,
        queries: int,
        rivals: int,
        seed: int,
    ) -> None:
        self.request, self.size, self.norm = request, size, norm
        self.steps, self.queries = steps, queries
        self.rivals, self.seed = min(rivals, request.count - 1), seed

    def evaluation(self, attacks: list[str], flaws: list[str]) -> AutoAttack:
        """Run the attacks."""
        request = self.request
        standing = ~request.fooled(request.images)
        accuracy = {"clean": float(standing.mean())}
        images = request.images.copy()
        warnings = list(flaws)
        if "apgd_t" in attacks and request.count < 4:
            warnings.append(
                f"{request.count} classes are too few for the difference of logits ratio: apgd_t "
                "takes the difference itself."
            )
        own: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "apgd_ce": self._cross_entropy,
            "apgd_t": self._targeted,
            "fab_t": self._boundary,
            "square": self._square,
        }
        for attack in attacks:
            rows = np.flatnonzero(standing) if self.size else np.array([], int)
            if len(rows):
                found = own[attack](rows)
                far = lengths(found.astype("float64") - request.images[rows], self.norm)
                # Float32 rounds what lies on the surface of the ball.
                near = far <= self.size * (1 + 1e-6) + 1e-6 * float(request.bounds.range.max())
                won = request.fooled(found, rows) & near
                images[rows[won]], standing[rows[won]] = found[won], False
            before, accuracy[attack] = [*accuracy.values()][-1], float(standing.mean())
            if attack == "square" and len(attacks) > 1 and accuracy[attack] < before:
                warnings.append(
                    f"Square, which sees no gradients, fooled the model on {before:.1%} - "
                    f"{accuracy[attack]:.1%} of the images that no attack by gradients did: they "
                    "are masked, and the model is weaker than this says."
                )
        return AutoAttack(self.size, accuracy, images, standing, tuple(warnings))

    def _cross_entropy(self, rows: np.ndarray) -> np.ndarray:
        ascent = Ascent(self.request, rows, self.size, self.norm, "log_odds", self.steps)
        return ascent.run(np.random.default_rng(self.seed))

    def _targeted(self, rows: np.ndarray) -> np.ndarray:
        logits = self.request.logits(self.request.images[rows], rows)
        np.put_along_axis(logits, self.request.classes[rows, None], -np.inf, axis=1)
        order = np.argsort(-logits, axis=1)[:, : self.rivals].astype("int32")
        loss = "targeted_logits_ratio" if self.request.count >= 4 else "difference"
        found = self.request.images[rows]
        left = np.arange(len(rows))
        for number, others in enumerate(order.T):
            if not len(left):
                break
            ascent = Ascent(
                self.request, rows[left], self.size, self.norm, loss, self.steps, others[left]
            )
            found[left] = ascent.run(np.random.default_rng([self.seed, number]))
            left = left[~ascent.fooled]
        return found

    def _boundary(self, rows: np.ndarray) -> np.ndarray:
        parts = np.split(rows, range(self.request.batch_size, len(rows), self.request.batch_size))
        own = (self.norm, self.rivals, self.steps, self.size)
        return np.concatenate([nearest_misread(self.request, part, *own) for part in parts])

    def _square(self, rows: np.ndarray) -> np.ndarray:
        return searched(self.request, rows, self.size, self.norm, self.queries, 0.8, self.seed)


def _flaws(request: AttackRequest) -> list[str]:
    """What makes an evaluation doubtful before it has begun."""
    found = []
    logits = request.logits(request.images)
    sums = np.abs(logits.sum(axis=1) - 1) < 1e-4
    if sums.all() and logits.min() >= 0 and request.victim.end.kind == "unknown":
        found.append(
            "The outputs look like probabilities whose logits are not known: their gradients may "
            "vanish. Put a keras.layers.Softmax() at the end."
        )
    if request.victim.is_random(request.first_inputs()):
        found.append(
            "The model answers the same image differently from call to call: attacks that average "
            "over its answers would fool it more often."
        )
    dead = ~flat(request.gradients(request.images)[2]).any(axis=1)
    if dead.any():
        found.append(
            f"{dead.mean():.1%} of the images have a gradient of zero, and attacks by gradients "
            "leave them as they are."
        )
    return found
