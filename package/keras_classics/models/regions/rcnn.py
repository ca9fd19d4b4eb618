"""R-CNN: every proposal warped to one size and read by a network of its own pass.

Girshick, Donahue, Darrell, Malik, "Rich feature hierarchies for accurate object detection and
semantic segmentation", CVPR 2014. A pipeline rather than a model: a network that describes a
picture, a linear classifier of each class on its features, and a ridge regression of boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.box_regression import (
    RidgeBoxes,
    apply_regression,
    regression_targets,
    with_bias,
)
from keras_classics.boxes.detections import Detections, as_boxes, box_areas, clip_boxes
from keras_classics.boxes.overlap import overlap
from keras_classics.boxes.region_warping import CONTEXT, warp_regions
from keras_classics.boxes.suppression import suppress
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_probability,
    check_whole,
    import_extra,
)
from keras_classics.core.pictures import check_picture
from keras_classics.core.types import Whole
from keras_classics.data.pictures.region_batches import MatchedRegions, matched_regions

# Of the paper and its program.
_NEGATIVE, _REGRESSED = 0.3, 0.6
_COST, _POSITIVE_WEIGHT, _MEAN_NORM = 1e-3, 2.0, 20.0
_HARD, _EASY = -1.0001, -1.2
_RETRAIN_AFTER = 2000
# Regions that the network reads at once.
_BATCH = 64


@checked
def region_classifier(
    features: keras.Model, classes: Whole, *, name: str = "region_classifier"
) -> keras.Model:
    """The network that R-CNN tunes on warped regions: features and one layer upon them.

    Trained by `fit` on `kc.data.warped_batches` with a sparse crossentropy of logits, for which the
    paper takes a gradient descent of learning rate 0.001 and momentum 0.9. The features learn with
    it, as they are shared; `RCNN(features, classes)` then reads them.

    Args:
        features: As for `RCNN`.
        classes: Number of classes, the background not among them.
        name: Name of the model.

    Returns:
        A model from pictures to logits `(batch, classes + 1)`, the background's last.

    Raises:
        InputError: The features are no vectors.
    """
    classes = check_whole("classes", classes)
    _check_features(features)
    # As wide as the paper draws it.
    start = keras.initializers.RandomNormal(stddev=0.01)
    layer = keras.layers.Dense(
        classes + 1, kernel_initializer=start, dtype="float32", name="classes"
    )
    return keras.Model(features.inputs, layer(features.outputs[0]), name=name)


def _check_features(features: keras.Model) -> None:
    shape = features.inputs[0].shape
    vectors = all(len(each.shape) == 2 for each in features.outputs)
    if not vectors or len(features.outputs) > 2 or shape[1] is None or shape[1] != shape[2]:
        raise InputError(
            f"The features {features.name!r} take {shape} and give "
            f"{', '.join(str(each.shape) for each in features.outputs)}",
            "a model from square pictures of a known size to vectors, of one kind or two",
            "Cut it: kc.models.picture_encoder(name, size).",
        )


class _Seen(NamedTuple):
    """A picture of training.

    Attributes:
        regions: Proposals, and behind them the true boxes.
        features: `(n, features)`, what the classifiers read of each.
        near: Numbers of those that regressions learn from.
        box_features: What these read of them.
    """

    regions: MatchedRegions
    features: np.ndarray
    near: np.ndarray
    box_features: np.ndarray

    def true_features(self, label: int) -> np.ndarray:
        """What the classifiers read of the true boxes of a class."""
        behind = self.features[len(self.features) - len(self.regions.true) :]
        return behind[self.regions.true_labels == label]


@checked
@dataclass(eq=False)
class RCNN:
    """A detector of two stages: features of warped proposals, then a linear classifier a class.

    Attributes:
        features: A model from pictures `(batch, size, size, 3)`, -1 to 1, to vectors; or to two,
            for the classifiers and for the regressions, as the paper's `fc7` and `pool5`, such as
            `kc.models.rcnn_features`.
        classes: Number of classes.
        context: Pixels around a box, as for `warp_regions`.
        square: Whether regions keep their shape.
        softmax: A `region_classifier` that was tuned on the same features, whose probabilities take
            the place of the support vector machines' scores (54.2 to 50.9 in the paper).
        weights: `(features + 1, classes)`, the bias last, with `softmax` a column for the
            background too; None before `fit`.
        regressors: Of each class a ridge regression of boxes, or None where there was nothing.
        scale: What the classifiers' features are multiplied by, so that their mean norm is 20.
        box_scale: What the regressions' are multiplied by, likewise.
    """

    features: keras.Model
    classes: int
    context: int = CONTEXT
    square: bool = False
    softmax: keras.Model | None = None
    weights: np.ndarray | None = None
    regressors: tuple[RidgeBoxes | None, ...] = ()
    scale: float = 1.0
    box_scale: float = 1.0

    def __post_init__(self) -> None:
        self.classes = check_whole("classes", self.classes)
        _check_features(self.features)
        if self.softmax is None:
            return
        wanted = (self.features.outputs[0].shape[1], self.classes + 1)
        layer = self.softmax.layers[-1]
        kernel = getattr(layer, "kernel", None)
        if kernel is None or tuple(kernel.shape) != wanted:
            raise InputError(
                f"The last layer of {self.softmax.name!r} is {layer.name!r}, with a kernel of "
                f"{None if kernel is None else tuple(kernel.shape)}",
                f"one of {wanted} upon the features, the background last",
                "Make it by kc.models.region_classifier(features, classes).",
            )

    @checked
    def describe(self, image: np.ndarray, boxes: ArrayLike) -> np.ndarray:
        """Features `(n, features)` of the regions of a picture, each by a pass of its own."""
        return self._described(image, as_boxes(boxes))[0]

    def _described(self, image: np.ndarray, regions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the classifiers read of regions, and what the regressions do."""
        size, channels = self.features.inputs[0].shape[2:]
        check_picture(image, (int(channels),))
        if not len(regions):
            nothing = [np.zeros((0, each.shape[1]), "float32") for each in self.features.outputs]
            return nothing[0], nothing[-1]
        warped = warp_regions(image, regions, size, context=self.context, square=self.square)
        pictures = warped / np.float32(127.5) - np.float32(1.0)
        found = [
            keras.tree.flatten(self.features.predict_on_batch(pictures[begin : begin + _BATCH]))
            for begin in range(0, len(pictures), _BATCH)
        ]
        kinds = [np.concatenate(kind) for kind in zip(*found, strict=True)]
        return kinds[0], kinds[-1]

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

        With `softmax` there are no classifiers to learn. Else positive are the true boxes alone,
        negative the proposals that overlap those of the class by less than 0.3; of these a
        classifier keeps the hard ones, picture by picture, once through.

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
        svm = None if self.softmax else import_extra("sklearn.svm", "digits")
        images, known = matched_regions(examples, proposals, self.classes)
        if not any(len(each.true) for each in known):
            raise InputError(
                "No picture has a true box", "one or more", "Give pictures with boxes."
            )
        seen, norms = [], _Norms()
        for image, regions in zip(images, known, strict=True):
            features, box_features = self._described(image, regions.boxes)
            norms.add(features, box_features)
            # Those of all regions are more than memory holds.
            near = np.flatnonzero(regions.overlaps > _REGRESSED)
            seen.append(_Seen(regions, features, near, box_features[near]))
        self.scale, self.box_scale = norms.scales()
        self.regressors = tuple(
            self._regressor(seen, label, penalty) for label in range(self.classes)
        )
        if self.softmax is not None:
            kernel, bias = self.softmax.layers[-1].get_weights()
            self.weights = np.concatenate([kernel, bias[None]]).astype("float64")
            return self
        columns = [self._classifier(svm, seen, label, cost, seed) for label in range(self.classes)]
        self.weights = np.stack(columns, axis=1)
        return self

    @checked
    def detect(
        self,
        image: np.ndarray,
        proposals: ArrayLike,
        *,
        least_score: float | None = None,
        threshold: float = 0.3,
        most: Whole = 100,
    ) -> Detections:
        """What is found in a picture.

        Args:
            image: uint8 `(height, width, 3)`.
            proposals: `(n, 4)`; those without area are passed over.
            least_score: Lower scores are left out; by default of the support vector machines those
                below -1, where 0 is their border, and of a softmax those below 0.05.
            threshold: The overlap that suppression admits.
            most: Boxes at most, over all classes.

        Raises:
            InputError: Nothing was learned yet.
        """
        if self.weights is None:
            raise InputError("detect was called before fit", "a fitted detector", "Call fit first.")
        most, threshold = check_whole("most", most), check_probability("threshold", threshold)
        boxes = as_boxes(proposals)
        boxes = boxes[box_areas(boxes) > 0]
        features, box_features = self._described(image, boxes)
        scores = self._scores(features)
        if least_score is None:
            least_score = 0.05 if self.softmax else -1.0
        found, labels, sure = [np.zeros((0, 4))], [np.zeros(0, "int64")], [np.zeros(0)]
        for label, regressor in enumerate(self.regressors):
            chosen = np.flatnonzero(scores[:, label] >= least_score)
            chosen = chosen[suppress(boxes[chosen], scores[chosen, label], threshold=threshold)]
            moved = clip_boxes(boxes[chosen], image.shape[:2])
            if regressor is not None and len(chosen):
                offsets = regressor.predict(box_features[chosen] * self.box_scale)
                moved = apply_regression(boxes[chosen], offsets, image.shape[:2])
            # What has been clipped away is nothing.
            seen = box_areas(moved) > 0
            found.append(moved[seen])
            labels.append(np.full(seen.sum(), label))
            sure.append(scores[chosen, label][seen])
        values = np.concatenate(sure)
        order = np.argsort(-values, kind="stable")[:most]
        return Detections(
            np.concatenate(found)[order], np.concatenate(labels)[order], values[order]
        )

    def _scores(self, features: np.ndarray) -> np.ndarray:
        """Of each region and class `(n, classes)`."""
        if self.softmax is None:
            return with_bias(features * self.scale) @ self.weights
        logits = with_bias(features) @ self.weights
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (shares / shares.sum(axis=1, keepdims=True))[:, :-1]

    def _classifier(
        self, svm: Any, seen: Sequence[_Seen], label: int, cost: float, seed: int
    ) -> np.ndarray:
        """Weights of one class, by hard negatives; those of a class without a true box are 0."""
        positive = np.concatenate([each.true_features(label) for each in seen]) * self.scale
        width = positive.shape[1]
        if not len(positive):
            # Never found.
            return np.append(np.zeros(width), -np.inf)
        kept, weights, fresh = np.zeros((0, width)), None, 0
        for number, each in enumerate(seen):
            regions = each.regions
            own = regions.true[regions.true_labels == label]
            shared = overlap(regions.boxes, own).max(axis=1, initial=0.0)
            negative = each.features[(shared < _NEGATIVE) & (regions.overlaps >= 0)] * self.scale
            if weights is not None:
                negative = negative[with_bias(negative) @ weights > _HARD]
            kept, fresh = np.concatenate([kept, negative]), fresh + len(negative)
            if len(kept) and (weights is None or fresh > _RETRAIN_AFTER or number == len(seen) - 1):
                weights = _learned(svm, positive, kept, cost, seed)
                kept, fresh = kept[with_bias(kept) @ weights > _EASY], 0
        return np.append(np.zeros(width), 1.0) if weights is None else weights

    def _regressor(self, seen: Sequence[_Seen], label: int, penalty: float) -> RidgeBoxes | None:
        features, targets = [], []
        for each in seen:
            regions, own = each.regions, each.regions.labels[each.near] == label
            if own.any():
                near = each.near[own]
                features.append(each.box_features[own] * self.box_scale)
                true = regions.true[regions.truth[near]]
                targets.append(regression_targets(regions.boxes[near], true))
        if not features:
            return None
        return RidgeBoxes.fit(np.concatenate(features), np.concatenate(targets), penalty)


class _Norms:
    """Mean norms of features of both kinds, picture by picture."""

    def __init__(self) -> None:
        self.sums, self.count = np.zeros(2), 0

    def add(self, *kinds: np.ndarray) -> None:
        """Take the features of a picture's regions."""
        self.sums += [np.linalg.norm(each, axis=1).sum(dtype="float64") for each in kinds]
        self.count += len(kinds[0])

    def scales(self) -> tuple[float, float]:
        """What brings each kind to the mean norm of the paper."""
        first, second = _MEAN_NORM / np.maximum(1e-12, self.sums / self.count)
        return float(first), float(second)


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
