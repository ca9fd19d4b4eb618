"""Losses that begin after a while."""

from __future__ import annotations

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError


@checked
def burn_in_weights(batch: int, time: int, tau: int) -> np.ndarray:
    """Sample weights under which the loss counts from step `tau` on: `L = sum_(t >= tau) l_t`.

    The first steps, in which a recurrent network has seen too little to answer, are read but not
    judged; gradients of later losses still flow through them.

    Which mean Keras makes is told by the loss's `reduction`:

    - `"mean_with_sample_weight"` divides by the sum of the weights: `L / (batch (T - tau + 1))`,
      the mean over the steps that count. This is the one to use:
      `keras.losses.CategoricalCrossentropy(reduction="mean_with_sample_weight")`.
    - `"sum_over_batch_size"`, the default, divides by the number of all steps, so that the loss and
      its gradient are smaller by the factor `(T - tau + 1) / T`.
    - `"sum"` divides by nothing.

    Args:
        batch: Number of sequences.
        time: Number of steps, `T`.
        tau: The first step that counts; the first of all is 1.

    Returns:
        Zeros and ones `(batch, time)`, for `fit(x, y, sample_weight=...)`.

    Raises:
        InputError: No step would count, or `tau` is below 1.
    """
    if not 1 <= tau <= time:
        raise InputError(
            f"tau={tau} was given for {time} steps",
            f"1 to {time}",
            "Pass the first step whose loss counts, from 1.",
        )
    weights = np.ones((batch, time), "float32")
    weights[:, : tau - 1] = 0.0
    return weights
