"""The accuracy under attack while a classifier trains, and a word where it collapses.

Training on images that one step has moved can end in catastrophic overfitting: within an epoch the
model learns to be right on those and on nothing that two steps would find. Wong, Rice, Kolter,
"Fast is better than free: revisiting adversarial training", arXiv:2001.03994, look for it so.
"""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import AttackRequest
from keras_classics.analysis.fooling.iterated_gradient import pgd
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_probability, check_whole
from keras_classics.core.keras_internals import bring_up_to_date
from keras_classics.core.types import Whole


class RobustAccuracy(keras.callbacks.Callback):
    """Measures the accuracy under PGD after each epoch, as `robust_accuracy` of the history.

    Where it falls by more than `drop` below the best so far, that is warned of.

        watch = kc.callbacks.RobustAccuracy(images[:200], labels[:200])
        trained = kc.training.AdversarialModel(model, method="fast", epsilon=8, bounds=(0, 255))
        trained.fit(images, labels, callbacks=[watch])

    Args:
        images: Held out of the training; some hundred will do.
        labels: Their classes, whole numbers `(batch,)`.
        epsilon: Length of the perturbation, see `kc.analysis.fooling.pgd`; by default that of the
            `kc.training.AdversarialModel` in training.
        bounds: Likewise.
        steps: Of PGD.
        drop: A fall that is too much, from 0 to 1.
        stop: Whether the training then ends with the epoch.
        batch_size: Greatest number of images that pass through the model together.

    Raises:
        InputError: An argument is out of its range; when the training begins, no size or bounds
            are known, or the images do not fit.
    """

    @checked
    def __init__(
        self,
        images: Any,
        labels: ArrayLike,
        *,
        epsilon: float | None = None,
        bounds: Pair | None = None,
        steps: Whole = 5,
        drop: float = 0.2,
        stop: bool = True,
        batch_size: int = 32,
    ) -> None:
        super().__init__()
        self.images, self.labels = images, np.asarray(labels)
        self.epsilon, self.bounds = epsilon, bounds
        self.steps = check_whole("steps", steps)
        self.drop = check_probability("drop", drop)
        self.stop = stop
        self.batch_size = check_whole("batch_size", batch_size)
        self.best = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        """Look at what is attacked, before there are hours to lose."""
        self._request()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Attack the model as it stands."""
        bring_up_to_date(self.model)
        request, size = self._request()
        found = pgd(
            self.model,
            self.images,
            self.labels,
            epsilon=size,
            bounds=request.bounds,
            steps=self.steps,
            batch_size=self.batch_size,
        )
        accuracy = float((~request.fooled(found)).mean())
        if logs is not None:
            logs["robust_accuracy"] = accuracy
        if accuracy < self.best - self.drop:
            self.model.stop_training = self.model.stop_training or self.stop
            warnings.warn(
                f"The accuracy under PGD of {self.steps} steps has fallen from {self.best:.1%} to "
                f"{accuracy:.1%} by epoch {epoch + 1}: the model is right on what it is trained on "
                "and no more on what is near (catastrophic overfitting)"
                + (", and the training ends" if self.stop else "")
                + ". Go back to weights of before, and take method='pgd' or a smaller step.",
                stacklevel=2,
            )
        self.best = max(self.best, accuracy)

    def _request(self) -> tuple[AttackRequest, float]:
        """What is attacked, and the size of perturbations."""
        size, bounds = self.epsilon, self.bounds
        size = getattr(self.model, "epsilon", None) if size is None else size
        bounds = getattr(self.model, "bounds", None) if bounds is None else bounds
        if size is None or bounds is None:
            raise InputError(
                f"{self.model.name!r} does not say how far images are moved, nor their bounds",
                "a kc.training.AdversarialModel, or epsilon and bounds",
                "Pass them: RobustAccuracy(images, labels, epsilon=8, bounds=(0, 255)).",
            )
        request = AttackRequest(
            self.model, self.images, self.labels, bounds=bounds, batch_size=self.batch_size
        )
        return request, float(size)
