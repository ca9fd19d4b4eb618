"""R-CNN: every proposal warped to one size and read by a network of its own pass.

Girshick, Donahue, Darrell, Malik, "Rich feature hierarchies for accurate object detection and
semantic segmentation", CVPR 2014. A pipeline rather than a model: a network that describes a
picture, a linear classifier of each class on its features, and a ridge regression of boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from keras_classics.boxes.box_regression import (
    RidgeBoxes,
    apply_regression,
    regression_targets,
)
from keras_classics.boxes.detections import Detections, Truth, as_boxes
from keras_classics.boxes.matching import match
from keras_classics.boxes.overlap import overlap
from keras_classics.boxes.suppression import suppress
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole, explain, import_extra
from keras_classics.core.types import Whole

# Of the paper and its program.
CONTEXT = 16
_NEGATIVE, _REGRESSED = 0.3, 0.6
_COST, _POSITIVE_WEIGHT, _MEAN_NORM = 1e-3, 2.0, 20.0
_HARD, _EASY = -1.0001, -1.2
_RETRAIN_AFTER = 2000


@checked
def warp_regions(
    image: np.ndarray,
    boxes: ArrayLike,
    size: Whole = 227,
    *,
    context: Whole = CONTEXT,
    square: bool = False,
) -> np.ndarray:
    """Cut regions out of a picture and bring each to one size, with some pixels around it.

    The box fills the middle of the result, `size - 2 * context` high and wide; around it is what
    lies around it in the picture, and the picture's mean colour beyond the border.

    Args:
        image: uint8 `(height, width, 3)`.
        boxes: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        size: Side of the results.
        context: Pixels of the results on each side of the box; 16 of 227 in the paper.
        square: Whether to take the tightest square around a box, so that shapes are kept; the paper
            found it worse than stretching the box itself.

    Returns:
        float32 `(n, size, size, 3)`, 0 to 255.

    Raises:
        InputError: The context leaves nothing of the box, or a box has no area.
    """
    size, context = check_whole("size", size), check_whole("context", context, 0)
    regions = as_boxes(boxes)
    sides = regions[:, 2:] - regions[:, :2]
    if 2 * context >= size or (sides <= 0).any():
        raise InputError(
            explain(
                f"size={size}, context={context} and {len(regions)} boxes with a least side of "
                f"{sides.min(initial=np.inf):g} were given",
                "a size above twice the context, and boxes with an area",
                "Give a smaller context, and leave out boxes without area.",
            )
        )
    if square:
        sides = np.repeat(sides.max(axis=1, keepdims=True), 2, axis=1)
    # What the whole result covers in the picture.
    reach = sides * (size / (size - 2 * context)) / 2
    middle = (regions[:, :2] + regions[:, 2:]) / 2
    first, last = middle - reach, middle + reach
    beyond = np.concatenate([-first, last - np.array(image.shape[:2])])
    margin = int(np.ceil(max(0.0, beyond.max(initial=0.0)))) + 1
    mean = image.reshape(-1, image.shape[2]).mean(axis=0)
    height, width, channels = image.shape
    padded = np.empty((height + 2 * margin, width + 2 * margin, channels), "float32")
    padded[:] = mean
    padded[margin : margin + height, margin : margin + width] = image
    planes = [Image.fromarray(padded[..., channel]) for channel in range(channels)]
    found = np.empty((len(regions), size, size, channels), "float32")
    for row, top, bottom in zip(found, first + margin, last + margin, strict=True):
        window = (top[1], top[0], bottom[1], bottom[0])
        for channel, plane in enumerate(planes):
            row[..., channel] = plane.resize((size, size), Image.Resampling.BILINEAR, window)
    return found


@checked
@dataclass(eq=False)
class RCNN:
    """A detector of two stages: features of warped proposals, then a linear classifier a class.

    Attributes:
        features: A model from pictures `(batch, size, size, 3)`, -1 to 1, to vectors.
        classes: Number of classes.
        context: Pixels around a box, as for `warp_regions`.
        square: Whether regions keep their shape.
        weights: `(features + 1, classes)`, the bias last; None before `fit`.
        regressors: Of each class a ridge regression of boxes, or None where there was nothing.
        scale: What features are multiplied by, so that their mean norm is 20.
    """

    features: keras.Model
    classes: int
    context: int = CONTEXT
    square: bool = False
    weights: np.ndarray | None = None
    regressors: tuple[RidgeBoxes | None, ...] = ()
    scale: float = 1.0

    def __post_init__(self) -> None:
        shape = self.features.inputs[0].shape
        if len(self.features.outputs[0].shape) != 2 or shape[1] is None or shape[1] != shape[2]:
            raise InputError(
                explain(
                    f"The features {self.features.name!r} take {shape} and give "
                    f"{self.features.outputs[0].shape}",
                    "a model from square pictures of a known size to vectors",
                    "Cut it: kc.models.picture_encoder(name, size).",
                )
            )

    @checked
    def describe(self, image: np.ndarray, boxes: ArrayLike) -> np.ndarray:
        """Features `(n, features)` of the regions of a picture, each by a pass of its own."""
        regions = as_boxes(boxes)
        size = self.features.inputs[0].shape[1]
        if not len(regions):
            return np.zeros((0, self.features.outputs[0].shape[1]), "float32")
        warped = warp_regions(image, regions, size, context=self.context, square=self.square)
        return self.features.predict(warped / 127.5 - 1.0, batch_size=64, verbose=0)

    @checked
    def fit(
        self,
        examples: Sequence[Any],
        proposals: Sequence[ArrayLike],
        *,
        cost: float = _COST,
        penalty: float = 1000.0,
        seed: int = 0,
    ) -> RCNN:
        """Learn the classifiers and regressions; the features stay as they are.

        Positive are the true boxes alone, negative the proposals that overlap those of the class by
        less than 0.3; of these a classifier keeps the hard ones, picture by picture, once through.

        Args:
            examples: Pictures with boxes.
            proposals: `(n, 4)` for each.
            cost: `C` of the linear support vector machine.
            penalty: Of the ridge regression.
            seed: Of the solver.

        Returns:
            Itself.

        Raises:
            InputError: Not as many proposals as pictures, or no true box.
            ImportError: scikit-learn is not installed.
        """
        svm = import_extra("sklearn.svm", "digits")
        if len(examples) != len(proposals):
            raise InputError(
                explain(
                    f"{len(examples)} pictures and proposals for {len(proposals)} were given",
                    "equally many",
                    "Give an empty array for a picture without proposals.",
                )
            )
        seen = []
        for example, given in zip(examples, proposals, strict=True):
            truth = Truth.of(example)
            sure = ~truth.difficult & ~truth.crowd & (truth.box_labels >= 0)
            boxes = np.concatenate([truth.boxes[sure], as_boxes(given)])
            seen.append((truth.boxes[sure], truth.box_labels[sure], boxes,
                         self.describe(example.image, boxes)))  # fmt: skip
        norms = [np.linalg.norm(each[3], axis=1) for each in seen]
        self.scale = _MEAN_NORM / max(1e-12, float(np.concatenate(norms).mean()))
        if not any(len(each[0]) for each in seen):
            raise InputError(
                explain("No picture has a true box", "one or more", "Give pictures with boxes.")
            )
        columns, regressors = [], []
        for label in range(self.classes):
            columns.append(self._classifier(svm, seen, label, cost, seed))
            regressors.append(self._regressor(seen, label, penalty))
        self.weights, self.regressors = np.stack(columns, axis=1), tuple(regressors)
        return self

    @checked
    def detect(
        self,
        image: np.ndarray,
        proposals: ArrayLike,
        *,
        least_score: float = -1.0,
        threshold: float = 0.3,
        most: Whole = 100,
    ) -> Detections:
        """What is found in a picture.

        Args:
            image: uint8 `(height, width, 3)`.
            proposals: `(n, 4)`.
            least_score: Lower scores of the support vector machines are left out; 0 is their
                border.
            threshold: The overlap that suppression admits.
            most: Boxes at most, over all classes.

        Raises:
            InputError: Nothing was learned yet.
        """
        if self.weights is None:
            raise InputError(
                explain("detect was called before fit", "a fitted detector", "Call fit first.")
            )
        boxes = as_boxes(proposals)
        features = self.describe(image, boxes)
        scores = _with_bias(features * self.scale) @ self.weights
        found, labels, sure = [np.zeros((0, 4))], [np.zeros(0, "int64")], [np.zeros(0)]
        for label, regressor in enumerate(self.regressors):
            chosen = np.flatnonzero(scores[:, label] >= least_score)
            chosen = chosen[suppress(boxes[chosen], scores[chosen, label], threshold=threshold)]
            moved = boxes[chosen]
            if regressor is not None and len(chosen):
                offsets = regressor.predict(features[chosen])
                moved = apply_regression(moved, offsets, image.shape[:2])
            found.append(moved)
            labels.append(np.full(len(chosen), label))
            sure.append(scores[chosen, label])
        values = np.concatenate(sure)
        order = np.argsort(-values, kind="stable")[: check_whole("most", most)]
        return Detections(
            np.concatenate(found)[order], np.concatenate(labels)[order], values[order]
        )

    def _classifier(
        self, svm: Any, seen: Sequence, label: int, cost: float, seed: int
    ) -> np.ndarray:
        """Weights of one class, by hard negatives; those of a class without a true box are 0."""
        parts = [each[3][: len(each[1])][each[1] == label] for each in seen]
        positive = np.concatenate(parts) * self.scale
        width = positive.shape[1]
        if not len(positive):
            # Never found.
            return np.append(np.zeros(width), -np.inf)
        kept, weights, fresh = np.zeros((0, width)), None, 0
        for number, (true, labels, boxes, features) in enumerate(seen):
            own = true[labels == label]
            shared = overlap(boxes, own).max(axis=1, initial=0.0)
            negative = features[shared < _NEGATIVE] * self.scale
            if weights is not None:
                negative = negative[_with_bias(negative) @ weights > _HARD]
            kept, fresh = np.concatenate([kept, negative]), fresh + len(negative)
            if len(kept) and (weights is None or fresh > _RETRAIN_AFTER or number == len(seen) - 1):
                weights = _learned(svm, positive, kept, cost, seed)
                kept, fresh = kept[_with_bias(kept) @ weights > _EASY], 0
        return np.append(np.zeros(width), 1.0) if weights is None else weights

    def _regressor(self, seen: Sequence, label: int, penalty: float) -> RidgeBoxes | None:
        features, targets = [], []
        for true, labels, boxes, described in seen:
            own = true[labels == label]
            found = match(boxes, own)
            near = (found.overlap > _REGRESSED) & (found.truth >= 0)
            if near.any():
                features.append(described[near])
                targets.append(regression_targets(boxes[near], own[found.truth[near]]))
        if not features:
            return None
        return RidgeBoxes.fit(np.concatenate(features), np.concatenate(targets), penalty)


def _learned(
    svm: Any, positive: np.ndarray, negative: np.ndarray, cost: float, seed: int
) -> np.ndarray:
    rows = np.concatenate([positive, negative])
    signs = np.append(np.ones(len(positive), int), np.zeros(len(negative), int))
    # The bias is a feature of 10, which is hardly held back.
    machine = svm.LinearSVC(
        C=cost,
        loss="hinge",
        intercept_scaling=10.0,
        class_weight={1: _POSITIVE_WEIGHT, 0: 1.0},
        random_state=seed,
        max_iter=20_000,
    ).fit(rows, signs)
    return np.append(machine.coef_[0], machine.intercept_[0])


def _with_bias(features: np.ndarray) -> np.ndarray:
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)
