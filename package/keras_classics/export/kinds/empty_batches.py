"""An empty batch asked of a shipped model: no rows in, no rows out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Tensor = Any
Serve = Callable[..., dict[str, Tensor]]


def empty_batches_too(serve: Serve) -> Serve:
    """A function of a SavedModel that may also be asked about nothing.

    Searches and recurrences want a row to begin with: an empty batch is given one, whose answer is
    dropped.

    Args:
        serve: From tensors `(rows, ...)` of equally many rows to a dict of tensors `(rows, ...)`.
    """
    import tensorflow as tf

    @functools.wraps(serve)
    def asked(*inputs: Tensor) -> dict[str, Tensor]:
        rows = tf.shape(inputs[0])[0]
        lacking = tf.cast(rows == 0, tf.int32)

        def filled(tensor: Tensor) -> Tensor:
            shape = tf.concat([[lacking], tf.shape(tensor)[1:]], axis=0)
            filling = tf.zeros(shape, tensor.dtype)
            # What was known of the shape is known still.
            return tf.ensure_shape(tf.concat([tensor, filling], axis=0), tensor.shape)

        answer = serve(*map(filled, inputs))
        return {name: tensor[:rows] for name, tensor in answer.items()}

    return asked
