"""What code must know where several replicas share every batch under `tf.distribute`.

JAX needs none of this: there a program is written for the whole batch, and the engine divides it.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.types import Tensor


def replica_context() -> Any:
    """The context of one replica among several, or None where one alone has the whole batch."""
    if keras.config.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    several = context is not None and context.num_replicas_in_sync > 1
    return context if several else None


def rows_of_replica(value: Tensor) -> Tensor:
    """The rows `(batch / replicas, ...)` that are this replica's, of `(batch, ...)`."""
    context = replica_context()
    if context is None:
        return value
    count, *rest = value.shape
    count //= context.num_replicas_in_sync
    start = ops.cast(context.replica_id_in_sync_group, "int32") * count
    return ops.slice(value, [start] + [0] * len(rest), [count, *rest])


def rows_of_all_replicas(value: Tensor) -> Tensor:
    """All rows `(batch, ...)` from each replica's own; the opposite of `rows_of_replica`."""
    context = replica_context()
    return value if context is None else context.all_gather(value, axis=0)
