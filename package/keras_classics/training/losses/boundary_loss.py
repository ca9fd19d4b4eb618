"""What networks of outlines learn by: few pixels are outlines, and nobody draws them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_probability, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Tensor, Whole
from keras_classics.data.pictures.formats.mask_files import IGNORED
from keras_classics.training.metrics.mask_pairs import check_batch, read_labels


@registered
class BoundaryLoss(keras.losses.Loss):
    """Class-balanced cross-entropy of outlines, of every side output and of all together.

    Xie, Tu (2015): with `b` the share of a picture's pixels that are no outline, `-b sum log p`
    over outlines and `-(1 - b) sum log (1 - p)` over the others, here divided by the number of
    pixels that count. Kokkinos (2016): an outline is where one of the pixels of a small bag says so
    (multiple instances), as it was drawn a little aside, and what lies in a bag is no negative.

    Args:
        bag: How far aside an outline may have been drawn, in pixels; 0 for exactly there.
        side_weight: Of the side outputs, beside 1 of all together: one for each side, from the
            finest, or one number for all. Kokkinos lets it fall to 0 while the network trains:
            `model.compile(model.optimizer, BoundaryLoss(side_weight=0.5))` between two calls of
            `fit` keeps what the optimizer has gathered.
        name: Name of the loss.

    Raises:
        InputError: A weight is not within 0 to 1, or they are not as many as the sides.

    Example:
        ```python
        trunk = kc.models.VGG11(width=0.1, include_top=False, weights=None)
        model = kc.models.boundary_network(trunk, strides=(1, 2, 4))
        model.compile("adam", kc.training.BoundaryLoss(side_weight=0.5))
        ```
    """

    @checked
    def __init__(
        self,
        bag: Whole = 0,
        side_weight: float | Sequence[float] = 1.0,
        name: str = "boundary_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.bag = check_whole("bag", bag, 0)
        self.side_weight = (
            [check_probability("side_weight", weight) for weight in side_weight]
            if isinstance(side_weight, Sequence)
            else check_probability("side_weight", side_weight)
        )

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each picture.

        Args:
            y_true: `(batch, height, width)`, 1 of outlines, 0 of others, 255 of what does not
                count.
            y_pred: Logits `(batch, height, width, sides + 1)`, all together last.

        Returns:
            `(batch,)`, NaN of a picture that has another value, as masks of classes have.

        Raises:
            InputError: Maps are not of the answers' height and width, or there are not as many
                weights as sides.
        """
        check_batch(y_true, y_pred, y_pred.shape[-1])
        said = ops.cast(y_pred, "float32")
        labels, judged, other = read_labels(
            ops.reshape(y_true, (*ops.shape(said)[:3], 1)), 2, IGNORED
        )
        outlines, counted = (ops.cast(each, "float32") for each in (labels == 1, judged))
        near, best = outlines, said
        if self.bag:
            side = 2 * self.bag + 1
            near = ops.max_pool(outlines, side, 1, "same")
            best = ops.max_pool(said, side, 1, "same")
        others = counted * (1.0 - near)
        axes = (1, 2, 3)
        drawn, free = (ops.sum(each, axes, keepdims=True) for each in (outlines, others))
        whole = ops.maximum(drawn + free, 1.0)
        balance = free / whole
        found = balance * outlines * ops.softplus(-best)
        missed = (1.0 - balance) * others * ops.softplus(said)
        losses = ops.sum((found + missed) / whole, axis=(1, 2))
        sides = losses.shape[-1] - 1
        weights = self.side_weight
        if not isinstance(weights, list):
            weights = [weights] * sides
        elif len(weights) != sides:
            raise InputError(
                f"side_weight={weights} was given for {sides} side outputs",
                "as many weights as sides, or one number for all",
                "Give one for each of the network's strides.",
            )
        total = ops.sum(losses * ops.convert_to_tensor([*weights, 1.0], "float32"), axis=-1)
        return ops.where(ops.any(other, axis=axes), float("nan"), total)

    def get_config(self) -> Config:
        """The arguments."""
        return {**super().get_config(), "bag": self.bag, "side_weight": self.side_weight}
