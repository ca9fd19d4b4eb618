"""From a proposal to the true box: four numbers, whitened, and the ridge regression of R-CNN."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.boxes.detections import as_boxes, clip_boxes
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_pair, check_positive

# What is added to the variances before they are divided by, as in the released code of R-CNN.
_LEAST_VARIANCE = 1e-3


@checked
def regression_targets(proposals: ArrayLike, truths: ArrayLike) -> np.ndarray:
    """How proposals would have to be shifted and stretched to be true boxes.

    Girshick et al. (2014): shifts of the centre in heights and widths of the proposal, and
    logarithms of the quotients of heights and widths, as `keras.utils.bounding_boxes` computes
    them; here with a check, as a proposal without area has none.

    Args:
        proposals: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        truths: `(n, 4)`, the true box of each.

    Returns:
        float32 `(n, 4)`: down, right, taller, wider.

    Raises:
        InputError: A box has no area, or they are not equally many.

    Example:
        ```python
        kc.boxes.regression_targets([[0, 0, 10, 10]], [[0, 0, 20, 10]])  # [[0.5, 0, 0.693, 0]]
        ```
    """
    proposals, truths = as_boxes(proposals), as_boxes(truths)
    sides = np.concatenate([boxes[:, 2:] - boxes[:, :2] for boxes in (proposals, truths)])
    if len(proposals) != len(truths) or (sides <= 0).any():
        raise InputError(
            f"{len(proposals)} proposals and {len(truths)} true boxes were given, the least "
            f"side is {sides.min(initial=np.inf):g}",
            "as many of both, all with an area",
            "Leave out boxes without height or width before.",
        )
    found = keras.utils.bounding_boxes.encode_box_to_deltas(
        proposals.astype("float32"), truths.astype("float32"), "yxyx", "yxyx"
    )
    return keras.ops.convert_to_numpy(found)


@checked
def apply_regression(
    proposals: ArrayLike, targets: ArrayLike, size: tuple[int, int] | None = None
) -> np.ndarray:
    """The boxes that `regression_targets` lead to.

    Args:
        proposals: `(n, 4)`, `(ymin, xmin, ymax, xmax)`.
        targets: `(n, 4)`, what a regression says of them.
        size: Height and width of the picture, to which boxes are clipped; None leaves them.

    Returns:
        float32 `(n, 4)`.

    Raises:
        InputError: There is not one target of four numbers for each proposal, one is not finite or,
            without a size, so large that the box has no end, or the size is none.
    """
    proposals, targets = as_boxes(proposals), as_numbers("Targets", targets)
    if targets.shape != proposals.shape:
        raise InputError(
            f"{len(proposals)} proposals and targets of shape {targets.shape} were given",
            f"targets ({len(proposals)}, 4)",
            "Give four numbers for each proposal.",
        )
    size = None if size is None else check_pair("size", size)
    # Tensors: on PyTorch Keras mixes arrays with those of its own.
    given = keras.ops.convert_to_tensor(proposals.astype("float32"))
    wanted = keras.ops.convert_to_tensor(targets.astype("float32"))
    found = keras.utils.bounding_boxes.decode_deltas_to_boxes(given, wanted, "yxyx", "yxyx")
    boxes = keras.ops.convert_to_numpy(found)
    if size is not None:
        return clip_boxes(boxes, size)
    if not np.isfinite(boxes).all():
        raise InputError(
            f"Targets up to {targets.max():g} were given, which stretch a box beyond all numbers",
            "logarithms of factors, such as below 10",
            "Give the size of the picture, to which boxes are cut then.",
        )
    return boxes


@dataclass(frozen=True, eq=False)
class Whitening:
    """Targets shifted and turned until they have mean 0 and, to a thousandth, covariance 1.

    Of the released code of R-CNN: subtract the mean, multiply by `V (D + 0.001)^(-1/2) V^T` with
    the covariance `V D V^T`, and undo both after the prediction.

    Attributes:
        mean: `(4,)`.
        matrix: `(4, 4)`, symmetric.
    """

    mean: np.ndarray
    matrix: np.ndarray

    @classmethod
    @checked
    def fit(cls, targets: ArrayLike) -> Whitening:
        """Learn mean and matrix from targets `(n, 4)` with n of 1 and above.

        Raises:
            InputError: There is none, or one is not finite.
        """
        found = as_numbers("Targets", targets)
        if not len(found):
            raise InputError("No target was given", "one or more", "Leave out empty classes.")
        mean = found.mean(axis=0)
        centred = found - mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(found))
        return cls(mean, (vectors / np.sqrt(values + _LEAST_VARIANCE)) @ vectors.T)

    @checked
    def whiten(self, targets: ArrayLike) -> np.ndarray:
        """What is learned in place of targets `(n, 4)`."""
        return (np.asarray(targets, "float64") - self.mean) @ self.matrix

    @checked
    def unwhiten(self, whitened: ArrayLike) -> np.ndarray:
        """The targets `(n, 4)` that were whitened."""
        return np.asarray(whitened, "float64") @ np.linalg.inv(self.matrix) + self.mean


@dataclass(frozen=True, eq=False)
class RidgeBoxes:
    """R-CNN's regression of boxes for one class: linear in features, targets whitened.

    Attributes:
        weights: `(features + 1, 4)`, the bias last.
        whitening: What the targets were whitened by.
    """

    weights: np.ndarray
    whitening: Whitening

    @classmethod
    @checked
    def fit(cls, features: ArrayLike, targets: ArrayLike, penalty: float = 1000.0) -> RidgeBoxes:
        """Solve `(X'X + penalty I) W = X'Y`, the bias being a feature like the others.

        Args:
            features: `(n, features)` of proposals.
            targets: `(n, 4)`, their `regression_targets`.
            penalty: Weight of the squares; 1000 in the paper.

        Raises:
            InputError: There is nothing to learn from or not finite, or the penalty is not
                positive.
        """
        penalty = check_positive("penalty", penalty)
        given, wanted = as_numbers("Features", features), as_numbers("Targets", targets)
        if len(given) != len(wanted) or not len(given):
            raise InputError(
                f"Features of {len(given)} and targets of {len(wanted)} proposals were given",
                "equally many, at least one",
                "Leave out classes without a proposal near a true box.",
            )
        whitening = Whitening.fit(wanted)
        rows = with_bias(given)
        square = rows.T @ rows + penalty * np.eye(rows.shape[1])
        return cls(np.linalg.solve(square, rows.T @ whitening.whiten(wanted)), whitening)

    @checked
    def predict(self, features: ArrayLike) -> np.ndarray:
        """Targets `(n, 4)` of proposals with features `(n, features)`."""
        rows = with_bias(np.asarray(features, "float64"))
        return self.whitening.unwhiten(rows @ self.weights)


def as_numbers(what: str, values: ArrayLike) -> np.ndarray:
    """Finite numbers as float64 `(n, m)`; of none `(0, 4)`."""
    found = np.asarray(values, "float64")
    found = found.reshape(0, 4) if found.size == 0 else found
    if found.ndim != 2 or not np.isfinite(found).all():
        raise InputError(
            f"{what} of shape {found.shape} were given, {np.isnan(found).sum()} of them NaN",
            "finite numbers (n, m), a row for each proposal",
            "Leave out rows that are not finite, or train what makes them anew.",
        )
    return found


def with_bias(features: np.ndarray) -> np.ndarray:
    """Features `(n, features)` and a last one that is 1 throughout."""
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)
