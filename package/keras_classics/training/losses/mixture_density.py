"""Minus the log-density of points under a mixture that a network gives for each."""

from __future__ import annotations

import math

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.registration import registered
from keras_classics.core.types import DType, Name, Reduction, Tensor
from keras_classics.models.recurrent.mixture_head import mixture_parameters


@registered
class MixtureDensityLoss(keras.losses.Loss):
    """Of mixtures of Gaussians in the plane, and of a bit where there is one.

    Graves 2013 (arXiv:1308.0850), equation 26. Targets `(batch, steps, 2)`, or `(batch, steps, 3)`
    whose last number is 0 or 1; predictions of `kc.models.rnn("one_to_many", mixture=...)`.

    Args:
        reduction: Over batch and steps.
        name: Of the loss.
        dtype: Type in which it is computed; that of `keras.config.floatx()` by default.

    Example:
        ```python
        model = kc.models.rnn("one_to_many", outputs=2, input_size=2, units=8, mixture=3)
        model.compile("adam", kc.training.MixtureDensityLoss())
        reaches = kc.data.arm_reaches(8, steps=5)
        before = np.pad(reaches.steps[:, :-1], ((0, 0), (1, 0), (0, 0)))
        ...  # model.fit({"vector": reaches.vectors, "target_in": before}, reaches.steps)
        predicted = model({"vector": reaches.vectors, "target_in": before})
        kc.training.MixtureDensityLoss()(reaches.steps, predicted)  # nats of a step
        ```
    """

    @checked
    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: Name = "mixture_density",
        dtype: DType = None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """`(batch, steps)`, in nats."""
        mixture = mixture_parameters(y_pred)
        numbers = 2 + mixture.bit.shape[-1]
        if y_true.shape[-1] != numbers or len(y_true.shape) != len(y_pred.shape):
            raise InputError(
                f"Targets of shape {tuple(y_true.shape)} were given to a network that answers "
                f"{tuple(y_pred.shape)}",
                f"{numbers} numbers for each step, as its mixture has",
                f"Give those, or build it with outputs={y_true.shape[-1]}.",
            )
        off = y_true[..., None, :2] - mixture.means
        first, second = ops.unstack(off / ops.exp(mixture.log_deviations), 2, axis=-1)
        free = 1 - ops.square(mixture.correlations)
        squares = ops.square(first) + ops.square(second)
        distance = (squares - 2 * mixture.correlations * first * second) / free
        log_densities = (
            -distance / 2
            - ops.sum(mixture.log_deviations, axis=-1)
            - ops.log(free) / 2
            - math.log(2 * math.pi)
        )
        cost = -ops.logsumexp(mixture.log_shares + log_densities, axis=-1)
        if mixture.bit.shape[-1] == 0:
            return cost
        bit, logit = y_true[..., 2], mixture.bit[..., 0]
        return cost + ops.softplus(logit) - bit * logit
