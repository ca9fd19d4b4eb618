"""Losses on distances between the embeddings of a batch, and how good the distances are."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_axes,
    check_choice,
    check_positive,
    check_wholes,
)
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, DType, Name, Reduction, Tensor

# Below it a distance is none, and has no gradient.
SMALLEST_SQUARE = 1e-12
FAR = 1e9
# Examples whose distances from all others are in memory at once.
_ROWS = 1000


class _DistanceLoss(keras.losses.Loss):
    """What losses on pairs of a batch share.

    Args:
        margin: How much farther other classes should be.
        mining: Which pairs count.
        reduction: Over the batch.
        name: Of the loss.
        dtype: Type in which it is computed; that of `keras.config.floatx()` by default.
    """

    minings: tuple[str, ...]

    def __init__(
        self,
        margin: float = 0.2,
        mining: str = "hard",
        reduction: Reduction = "sum_over_batch_size",
        name: Name = "distance_loss",
        dtype: DType = None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        check_choice("mining", mining, self.minings)
        self.margin = check_positive("margin", margin)
        self.mining = mining

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """The loss of a batch, by its classes or one-hot rows, and embeddings."""
        # Keras makes targets numbers of the loss's type, in which different large ones are equal.
        return super().__call__(_alike(y_true, y_pred), y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Cost of each; who has no partner counts nothing, and the others all the more.

        Args:
            y_true: `(batch, batch)`, 1 where two are of one class, else 0.
            y_pred: `(batch, size)`.

        Returns:
            `(batch,)`.
        """
        same = ops.cast(y_true, "bool")
        oneself = ops.cast(ops.eye(ops.shape(same)[0]), "bool")
        positive = ops.logical_and(same, ops.logical_not(oneself))
        cost, counts = self.costs(distances(y_pred), positive, ops.logical_not(same))
        counts = ops.cast(counts, cost.dtype)
        total = ops.maximum(ops.sum(counts), 1.0)
        return cost * counts * (ops.cast(ops.shape(cost)[0], cost.dtype) / total)

    def costs(self, apart: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
        """Cost of each anchor, and whether it counts, both `(batch,)`.

        Args:
            apart: Distances `(batch, batch)`.
            positive: Where another example has the anchor's class.
            negative: Where it has another.
        """
        raise NotImplementedError

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "margin": self.margin, "mining": self.mining}


@registered
class TripletLoss(_DistanceLoss):
    """An anchor's own class should be nearer than others, by a margin.

    Targets are classes, int `(batch,)` or one-hot `(batch, classes)`; predictions embeddings
    `(batch, size)`. Batches need several examples of a class. `keras.losses.Circle` is fitted the
    same way.

    Args:
        margin: `max(0, margin + d(anchor, positive) - d(anchor, negative))`.
        mining: `"hard"`: of each anchor the farthest of its class and the nearest of another
            (Hermans, Beyer, Leibe, arXiv:1703.07737); `"semi_hard"`: for each of its class the
            nearest other that is farther, or else the farthest (Schroff, Kalenichenko, Philbin,
            "FaceNet", CVPR 2015); `"all"`: the mean over all triplets that cost something.
        reduction: Over the batch.
        name: Of the loss.
        dtype: Type in which it is computed; that of `keras.config.floatx()` by default.

    Example:
        ```python
        embeddings = np.array([[0.0, 1], [0.1, 1], [1, 0], [1, 0.1]], "float32")
        labels = np.array([0, 0, 1, 1])
        kc.training.TripletLoss()(labels, embeddings)  # 0.0: others are farther, by the margin
        trunk = kc.models.VGG11(include_top=False, input_shape=(32, 32, 3), width=0.125)
        network = kc.transfer.embedder(trunk, 16)
        network.compile("adam", kc.training.TripletLoss())
        ```
    """

    minings = ("hard", "semi_hard", "all")

    @checked
    def __init__(
        self,
        margin: float = 0.2,
        mining: str = "hard",
        reduction: Reduction = "sum_over_batch_size",
        name: Name = "triplet",
        dtype: DType = None,
    ):
        super().__init__(margin, mining, reduction, name, dtype)

    def costs(self, apart: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
        """Of the triplets that are mined."""
        counts = ops.logical_and(ops.any(positive, 1), ops.any(negative, 1))
        if self.mining == "hard":
            own = ops.max(ops.where(positive, apart, 0.0), axis=1)
            other = ops.min(ops.where(negative, apart, FAR), axis=1)
            return ops.relu(self.margin + own - other), counts
        own, others = apart[:, :, None], apart[:, None, :]
        if self.mining == "semi_hard":
            behind = ops.logical_and(negative[:, None, :], others > own)
            nearest = ops.min(ops.where(behind, others, FAR), axis=2)
            farthest = ops.max(ops.where(negative, apart, 0.0), axis=1, keepdims=True)
            other = ops.where(ops.any(behind, 2), nearest, farthest)
            return _mean(ops.relu(self.margin + apart - other), positive, (1,)), counts
        triplets = ops.logical_and(positive[:, :, None], negative[:, None, :])
        cost = ops.relu(self.margin + own - others)
        return _mean(cost, ops.logical_and(triplets, cost > 0), (1, 2)), counts


@registered
class ContrastiveLoss(_DistanceLoss):
    """The own class should be at one point, and others at least a margin away.

    Hadsell, Chopra, LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006:
    `d^2` for a pair of one class, `max(0, margin - d)^2` for others. Targets and predictions as for
    `TripletLoss`.

    Args:
        margin: How far others should be.
        mining: `"hard"`: of each anchor the farthest of its class and the nearest of another;
            `"all"`: the means over both kinds of pairs, added.
        reduction: Over the batch.
        name: Of the loss.
        dtype: Type in which it is computed; that of `keras.config.floatx()` by default.
    """

    minings = ("hard", "all")

    @checked
    def __init__(
        self,
        margin: float = 1.0,
        mining: str = "hard",
        reduction: Reduction = "sum_over_batch_size",
        name: Name = "contrastive",
        dtype: DType = None,
    ):
        super().__init__(margin, mining, reduction, name, dtype)

    def costs(self, apart: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
        """Of the pairs that are mined."""
        counts = ops.logical_or(ops.any(positive, 1), ops.any(negative, 1))
        near, far = ops.square(apart), ops.square(ops.relu(self.margin - apart))
        if self.mining == "hard":
            own, other = ops.where(positive, near, 0.0), ops.where(negative, far, 0.0)
            return ops.max(own, axis=1) + ops.max(other, axis=1), counts
        return _mean(near, positive, (1,)) + _mean(far, negative, (1,)), counts


def distances(embeddings: Tensor) -> Tensor:
    """Euclidean distances of all pairs `(batch, batch)`; equal ones have no gradient."""
    # In half precision the smallest square would be none, and far from the origin squares would
    # leave nothing of their differences.
    embeddings = ops.cast(embeddings, "float32")
    embeddings = embeddings - ops.mean(embeddings, axis=0)
    squares = ops.sum(ops.square(embeddings), axis=-1)
    products = ops.matmul(embeddings, ops.transpose(embeddings))
    apart = squares[:, None] + squares - 2 * products
    return ops.sqrt(ops.maximum(apart, SMALLEST_SQUARE))


@checked
def recall_at_k(
    embeddings: np.ndarray, labels: np.ndarray, ks: Sequence[int] = (1, 2, 4, 8)
) -> dict[int, float]:
    """Share of the examples that have one of their class among their nearest others.

    Args:
        embeddings: `(examples, size)`; Euclidean distances count.
        labels: Class of each, int `(examples,)`. Examples alone in their class are left out.
        ks: How many nearest are looked at.

    Returns:
        The share by k.

    Raises:
        InputError: There are fewer examples than neighbours, no two of a class, or embeddings are
            none or not finite.

    Example:
        ```python
        embeddings = np.array([[0.0], [0.1], [1.0], [1.1], [0.2]])
        classes = np.array([0, 0, 1, 1, 1])  # the last lies among others
        kc.training.recall_at_k(embeddings, classes, ks=(1, 2))  # {1: 0.8, 2: 0.8}
        ```
    """
    check_axes("embeddings", embeddings, "(examples, size)")
    check_axes("labels", labels, "(examples)")
    table, classes = np.asarray(embeddings, "float64"), np.asarray(labels)
    if not np.isfinite(table).all():
        raise InputError(
            "Embeddings were given that are not finite",
            "finite numbers",
            "Train with a smaller learning rate, or with --skip-non-finite.",
        )
    ks = check_wholes("ks", ks)
    _, numbers, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    if len(table) != len(classes) or max(ks) >= len(table) or sizes.max(initial=0) < 2:
        raise InputError(
            f"{len(table)} embeddings and {len(classes)} labels were given for k={max(ks)}",
            "a label for each, more examples than neighbours, and two of some class",
            "Give more examples of the classes, or smaller ks.",
        )
    # Neighbours stay the same, and their squares finite and apart from each other.
    table = table - table.mean(axis=0)
    table /= np.abs(table).max(initial=1e-300)
    squares, asked = np.sum(table**2, axis=1), np.flatnonzero(sizes[numbers] > 1)
    found = []
    for rows in np.split(asked, range(_ROWS, len(asked), _ROWS)):
        apart = squares[rows, None] + squares - 2 * table[rows] @ table.T
        apart[np.arange(len(rows)), rows] = np.inf
        order = np.argsort(apart, axis=1, kind="stable")[:, : max(ks)]
        found.append(numbers[order] == numbers[rows, None])
    right = np.concatenate(found)
    return {k: float(right[:, :k].any(axis=1).mean()) for k in ks}


def _alike(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Where two examples are of one class, bool `(batch, batch)`."""
    check_axes("y_pred", y_pred, "(batch, size)")
    labels, shape = ops.convert_to_tensor(y_true), y_pred.shape
    rows = labels.shape[0] if len(labels.shape) in (1, 2) else -1
    if None not in (rows, shape[0]) and (rows != shape[0] or rows == 0):
        raise InputError(
            f"y_true of shape {tuple(labels.shape)} and y_pred of shape {tuple(shape)} were given",
            "a class or one-hot row for each embedding, and one embedding or more",
            "Give the classes of the same examples.",
        )
    if len(labels.shape) == 2:
        labels = labels[:, 0] if labels.shape[-1] == 1 else ops.argmax(labels, axis=-1)
    return ops.equal(labels[:, None], labels)


def _mean(values: Tensor, chosen: Tensor, axes: tuple[int, ...]) -> Tensor:
    weights = ops.cast(chosen, values.dtype)
    return ops.sum(values * weights, axis=axes) / ops.maximum(ops.sum(weights, axis=axes), 1.0)
