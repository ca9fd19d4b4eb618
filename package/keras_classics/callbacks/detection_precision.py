"""How well a detector of regions finds boxes while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.average_precision import Precision, average_precision
from keras_classics.boxes.detections import Detections, Truth
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_whole
from keras_classics.core.keras_internals import bring_up_to_date
from keras_classics.core.types import Whole
from keras_classics.models.regions.detect import detect


class DetectionPrecision(keras.callbacks.Callback):
    """Measures the average precision after each epoch, as `val_AP`, ... of the history.

    What a detector of regions says in training are logits and offsets; the boxes it finds come of
    `kc.models.detect`. So steps stay compiled, on every backend.

        watch = kc.callbacks.DetectionPrecision(held_back, proposals, classes=5)
        model.fit(batches, steps_per_epoch=100, epochs=10, callbacks=[watch])

    Args:
        examples: Pictures with boxes, held out of the training.
        proposals: `(n, 4)` for each.
        classes: Number of classes.
        rules: As `kc.boxes.average_precision` takes.
        figures: Names of its figures, such as `"AP50"` or `"AP small"`.
        **options: Further arguments of `kc.models.detect`.

    Attributes:
        precision: All figures after the last epoch, of each class too; None before the first.

    Raises:
        InputError: There are not as many proposals as pictures, or none, or a figure is unknown; or
            an option is none that `detect` takes, when training begins.
    """

    @checked
    def __init__(
        self,
        examples: Sequence[Any],
        proposals: Sequence[ArrayLike],
        *,
        classes: Whole,
        rules: str = "coco",
        figures: Sequence[str] = ("AP",),
        **options: Any,
    ) -> None:
        super().__init__()
        self.images = [example.image for example in examples]
        self.truths = [Truth.of(example) for example in examples]
        self.proposals, self.options = proposals, options
        self.classes, self.rules = check_whole("classes", classes), rules
        self.figures = tuple(figures)
        self.precision: Precision | None = None
        # Rules and names are looked at before there are hours to lose.
        nothing = [Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0))] * len(proposals)
        known = average_precision(nothing, self.truths, self.classes, rules=rules).figures
        for name in self.figures:
            check_choice("figures", name, tuple(known))

    def on_train_begin(self, logs: Any = None) -> None:
        """Ask about one picture: what `detect` refuses it refuses now."""
        detect(self.model, self.images[:1], self.proposals[:1], **self.options)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Ask the model as it stands."""
        bring_up_to_date(self.model)
        found = detect(self.model, self.images, self.proposals, **self.options)
        self.precision = average_precision(found, self.truths, self.classes, rules=self.rules)
        if logs is not None:
            logs |= {f"val_{name}": self.precision.figures[name] for name in self.figures}
