"""Average precision as a metric of Keras, right after any number of batches."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from keras_classics.boxes.average_precision import SIZES, Precision, average_precision
from keras_classics.boxes.detections import Detections, Truth
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Tensor, Whole

_PAIRS = {"truth": ("boxes", "labels"), "detections": ("boxes", "labels", "scores")}


@registered
class AveragePrecision(keras.metrics.Metric):
    """Average precision over all pictures seen since the last reset.

    It keeps what it is given and computes when it is asked, as no mean over batches is the
    precision of the whole. So it runs outside compiled steps: in a loop of one's own, or in a
    model that was compiled with `run_eagerly=True`; detectors of regions, whose steps say no boxes,
    are watched by `kc.callbacks.DetectionPrecision`. Pictures may be anywhere: those with true
    boxes only and those with detections only count like the others.

    Args:
        classes: Number of classes.
        rules: `"coco"`, `"voc07"`, `"voc10"`, `"kitti"` or `"kitti11"`, as
            `kc.boxes.average_precision` takes.
        figure: The one of its figures that is the result, such as `"AP50"` or `"AP small"`.
        threshold: An overlap in place of those of the rules.
        sizes: Ranges of areas in square pixels.
        bounding_box_format: Of what it is given, one of `keras.utils.bounding_boxes` that needs no
            size of the picture.
        name: Name in the history.
    """

    @checked
    def __init__(
        self,
        classes: Whole,
        rules: str = "coco",
        figure: str = "AP",
        threshold: float | None = None,
        sizes: Mapping[str, tuple[float, float]] = SIZES,
        bounding_box_format: str = "yxyx",
        name: Name = "average_precision",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.classes = check_whole("classes", classes)
        self.rules = rules
        self.figure = figure
        self.threshold = threshold
        self.sizes = {key: (float(low), float(high)) for key, (low, high) in sizes.items()}
        self.bounding_box_format = bounding_box_format
        self._truths: list[Truth] = []
        self._detections: list[Detections] = []
        # Rules and figure are those of an answer about one picture without boxes.
        nothing = Truth(np.zeros((0, 4)), []), Detections(np.zeros((0, 4)), [], [])  # type: ignore[arg-type]
        known = self._precision([nothing[0]], [nothing[1]]).figures
        if figure not in known:
            raise InputError(
                f"figure={figure!r} was given", ", ".join(known), "Leave it out for 'AP'."
            )

    def update_state(
        self,
        y_true: Mapping[str, Tensor],
        y_pred: Mapping[str, Tensor],
        sample_weight: None = None,
    ) -> None:
        """Take a batch.

        Args:
            y_true: `"boxes"` `(batch, n, 4)` and `"labels"` `(batch, n)`, -1 where boxes are filled
                up; perhaps `"difficult"` and `"crowd"` `(batch, n)`.
            y_pred: `"boxes"` `(batch, m, 4)`, `"labels"` and `"scores"` `(batch, m)`, likewise.
            sample_weight: Without meaning here, and refused.

        Raises:
            InputError: A part is lacking, shapes do not fit, or the step is compiled.
        """
        if sample_weight is not None:
            raise InputError(
                "Weights of pictures were given",
                "pictures that count alike",
                "Leave sample_weight out.",
            )
        truths = self._rows("truth", y_true)
        detections = self._rows("detections", y_pred)
        self._truths += [
            Truth(
                each["boxes"],
                each["labels"],
                difficult=each.get("difficult"),  # type: ignore[arg-type]
                crowd=each.get("crowd"),  # type: ignore[arg-type]
            )
            for each in truths
        ]
        self._detections += [
            Detections(each["boxes"], each["labels"], each["scores"]) for each in detections
        ]

    def result(self) -> float:
        """The figure, NaN before the first picture and where there is no true box."""
        if not self._truths:
            return float("nan")
        return self.precision().figures[self.figure]

    def precision(self) -> Precision:
        """All figures, over the classes and of each.

        Raises:
            InputError: No picture was seen.
        """
        return self._precision(self._truths, self._detections)

    def reset_state(self) -> None:
        """Forget all pictures."""
        self._truths, self._detections = [], []

    def get_config(self) -> Config:
        """The arguments."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "rules": self.rules,
            "figure": self.figure,
            "threshold": self.threshold,
            "sizes": {key: list(limits) for key, limits in self.sizes.items()},
            "bounding_box_format": self.bounding_box_format,
        }

    def _precision(self, truths: list[Truth], detections: list[Detections]) -> Precision:
        return average_precision(
            detections,
            truths,
            self.classes,
            rules=self.rules,
            threshold=self.threshold,
            sizes=MappingProxyType(self.sizes),
        )

    def _rows(self, what: str, given: Mapping[str, Tensor]) -> list[dict[str, np.ndarray]]:
        """What each picture of a batch has, without what fills up."""
        wanted = _PAIRS[what]
        names = sorted(given) if isinstance(given, Mapping) else []
        if not set(wanted) <= set(names):
            raise InputError(
                f"The {what} of a batch have the parts {', '.join(names) or 'none'}",
                f"a dictionary of {', '.join(wanted)}",
                "Name the parts so.",
            )
        arrays = {name: _array(each) for name, each in given.items()}
        boxes = keras.utils.bounding_boxes.convert_format(
            arrays["boxes"].astype("float32"), source=self.bounding_box_format, target="yxyx"
        )
        arrays["boxes"] = keras.ops.convert_to_numpy(boxes)
        return [
            {name: each[number][arrays["labels"][number] >= 0] for name, each in arrays.items()}
            for number in range(len(arrays["labels"]))
        ]


def _array(tensor: Tensor) -> np.ndarray:
    try:
        return np.asarray(keras.ops.convert_to_numpy(tensor))
    except (AttributeError, NotImplementedError, TypeError) as error:
        # What engines say of a tensor that has no numbers yet.
        raise InputError(
            "AveragePrecision was called in a compiled step",
            "steps that run eagerly",
            "Compile with run_eagerly=True, update the metric after predict, or watch a "
            "detector of regions by kc.callbacks.DetectionPrecision, which needs neither.",
        ) from error
