"""Average precision as a metric of Keras, right after any number of batches."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from keras_classics.boxes.average_precision import SIZES, Precision, average_precision
from keras_classics.boxes.detections import NO_CLASS, Detections, Truth, check_labels
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Tensor, Whole

_DETECTED = ("boxes", "labels", "scores")
# What else is known of true boxes, as `Truth` calls it.
_KNOWN = ("areas", "crowd", "difficult", "occlusion", "truncation")


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
        threshold: An overlap in place of those of the rules, or one by class.
        sizes: Ranges of areas in square pixels.
        neighbours: KITTI's: by class, another whose finding is no mistake.
        bounding_box_format: Of what it is given, one of `keras.utils.bounding_boxes` that needs no
            size of the picture.
        name: Name in the history.

    Raises:
        InputError: An argument is none of those.

    Example:
        ```python
        metric = kc.training.AveragePrecision(2, figure="AP50")
        true = {"boxes": np.array([[[0.0, 0, 10, 10]]]), "labels": np.array([[1]])}
        found = {
            "boxes": np.array([[[0.0, 0, 10, 9], [20, 20, 30, 30]]]),
            "labels": np.array([[1, 1]]),
            "scores": np.array([[0.9, 0.4]]),
        }
        metric.update_state(true, found)
        metric.result()  # 1.0: what was wrong was less sure
        ```
    """

    @checked
    def __init__(
        self,
        classes: Whole,
        rules: str = "coco",
        figure: str = "AP",
        threshold: float | Mapping[int, float] | None = None,
        sizes: Mapping[str, tuple[float, float]] = SIZES,
        neighbours: Mapping[int, int] = MappingProxyType({}),
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
        self.neighbours = dict(neighbours)
        self.bounding_box_format = bounding_box_format
        try:
            self._convert(np.zeros((1, 0, 4), "float32"))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"bounding_box_format={bounding_box_format!r} was given",
                "yxyx, xyxy, xywh or center_xywh, which need no size of the picture",
                "Convert shares of the sides to pixels before.",
            ) from error
        self._truths: list[Truth] = []
        self._detections: list[Detections] = []
        # Rules and figure are those of an answer about one picture without boxes.
        nothing = Truth(np.zeros((0, 4)), []), Detections(np.zeros((0, 4)), [], [])  # type: ignore[arg-type]
        known = self._precision([nothing[0]], [nothing[1]]).figures
        if figure not in known:
            raise InputError(
                f"figure={figure!r} was given for {rules!r}",
                ", ".join(known),
                f"Give figure={next(iter(known))!r}.",
            )

    def update_state(
        self,
        y_true: Mapping[str, Tensor],
        y_pred: Mapping[str, Tensor],
        sample_weight: None = None,
    ) -> None:
        """Take a batch.

        Args:
            y_true: `"boxes"` `(batch, n, 4)` and `"labels"` `(batch, n)`; perhaps more of what
                `kc.boxes.Truth` has, `(batch, n)` each: `"areas"`, `"crowd"`, `"difficult"`,
                `"occlusion"`, `"truncation"`. Where boxes are filled up the label is -1 and the box
                has no area; with an area it is a region of no class, as KITTI's DontCare.
            y_pred: `"boxes"` `(batch, m, 4)`, `"labels"` and `"scores"` `(batch, m)`; where boxes
                are filled up the label is -1. Further outputs of a model do not count.
            sample_weight: Without meaning here, and refused.

        Raises:
            InputError: A part is lacking or unknown, shapes do not fit, a label is none, or the
                step is compiled.
        """
        if sample_weight is not None:
            raise InputError(
                "Weights of pictures were given",
                "pictures that count alike",
                "Leave sample_weight out.",
            )
        truths = [
            Truth(each.pop("boxes"), each.pop("labels"), **each)
            for each in self._rows("truth", y_true, ("boxes", "labels"), _KNOWN)
        ]
        known = {name: y_pred[name] for name in _DETECTED if name in y_pred}
        detections = [
            Detections(each["boxes"], each["labels"], each["scores"])
            for each in self._rows("detections", known, _DETECTED)
        ]
        if len(truths) != len(detections):
            raise InputError(
                f"Detections of {len(detections)} pictures and the truth about {len(truths)} "
                "were given",
                "equally many in a batch",
                "Give rows that are filled up for a picture without boxes.",
            )
        self._truths += truths
        self._detections += detections

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
            "threshold": _written(self.threshold),
            "sizes": {key: list(limits) for key, limits in self.sizes.items()},
            "neighbours": _written(self.neighbours),
            "bounding_box_format": self.bounding_box_format,
        }

    @classmethod
    def from_config(cls, config: Config) -> AveragePrecision:
        """A metric with the arguments; what is by class has texts for keys in JSON."""
        by_class = {
            name: {int(label): each for label, each in config[name].items()}
            for name in ("threshold", "neighbours")
            if isinstance(config.get(name), Mapping)
        }
        return cls(**{**config, **by_class})

    def _precision(self, truths: list[Truth], detections: list[Detections]) -> Precision:
        return average_precision(
            detections,
            truths,
            self.classes,
            rules=self.rules,
            threshold=self.threshold,
            sizes=MappingProxyType(self.sizes),
            neighbours=self.neighbours,
        )

    def _convert(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes `(batch, n, 4)` of the format in the package's own."""
        found = keras.utils.bounding_boxes.convert_format(
            boxes, source=self.bounding_box_format, target="yxyx"
        )
        return keras.ops.convert_to_numpy(found)

    def _rows(
        self,
        what: str,
        given: Mapping[str, Tensor],
        wanted: tuple[str, ...],
        more: tuple[str, ...] = (),
    ) -> list[dict[str, np.ndarray]]:
        """What each picture of a batch has, without what fills up."""
        names = sorted(given) if isinstance(given, Mapping) else []
        if not set(wanted) <= set(names) or not set(names) <= {*wanted, *more}:
            others = f", and perhaps of {', '.join(more)}" if more else ""
            raise InputError(
                f"The {what} of a batch have the parts {', '.join(names) or 'none'}",
                f"a dictionary of {', '.join(wanted)}{others}",
                "Name the parts so, and leave out others.",
            )
        arrays = {name: _array(each) for name, each in given.items()}
        shapes = {name: each.shape for name, each in arrays.items()}
        rows = shapes["labels"]
        if len(rows) != 2 or shapes.pop("boxes") != (*rows, 4) or set(shapes.values()) != {rows}:
            told = ", ".join(f"{name} {each.shape}" for name, each in sorted(arrays.items()))
            raise InputError(
                f"The {what} of a batch have the shapes {told}",
                "boxes (batch, n, 4), and (batch, n) of all others",
                "Fill up pictures with fewer boxes: labels of -1 and boxes of 0.",
            )
        labels = arrays["labels"]
        if not (np.isfinite(labels).all() and (labels == np.floor(labels)).all()):
            raise InputError(
                f"The {what} of a batch have labels that are no whole numbers",
                f"0 to {self.classes - 1}, and -1 where there is none",
                "Correct them; of a network that says NaN, lower the learning rate.",
            )
        check_labels("true box" if what == "truth" else "detection", labels, self.classes, NO_CLASS)
        arrays["boxes"] = self._convert(arrays["boxes"].astype("float32"))
        stay = labels >= 0
        if what == "truth":
            sides = arrays["boxes"][..., 2:] - arrays["boxes"][..., :2]
            stay |= (labels == NO_CLASS) & (sides > 0).all(axis=2)
        return [
            {name: each[number][stay[number]] for name, each in arrays.items()}
            for number in range(len(stay))
        ]


def _written(by_class: Any) -> Any:
    """What is by class as JSON has it, else the value."""
    if not isinstance(by_class, Mapping):
        return by_class
    return {str(label): each for label, each in by_class.items()}


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
