"""Sums over the replicas of `tf.distribute`, of which training with batch norm has many."""

from __future__ import annotations

import functools
from typing import Any

from keras_classics.core.replicas import replica_context
from keras_classics.core.types import Tensor

# Of more numbers each worker would send more than a reduction does.
_FEW = 2**14
# TensorFlow counts its own groups and exchanges from 1 on.
_KEY = 2**30


def sum_over_replicas(value: Tensor) -> Tensor:
    """The sum of all replicas' values; the value itself where there is one.

    Few numbers of workers with a CPU each are gathered, and summed by each of them: half the
    messages of a reduction, and a key that stays, where `tf.distribute` makes workers agree on a
    new one for every exchange. In a ResNet-20 the statistics of batch norm are 38 a step.
    """
    context = replica_context()
    if context is None:
        return value
    return _gathered(value) if _gathers(context, value) else context.all_reduce("SUM", value)


def _gathers(context: Any, value: Tensor) -> bool:
    """Whether a sum is one of few numbers, of workers whose only replica is on their CPU."""
    import tensorflow as tf

    strategy = context.strategy
    devices = strategy.extended.worker_devices
    return (
        isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        and len(devices) == 1
        and tf.DeviceSpec.from_string(devices[0]).device_type == "CPU"
        and not tf.executing_eagerly()
        and value.dtype == tf.float32
        and value.shape.is_fully_defined()
        and value.shape.num_elements() <= _FEW
    )


def _gathered(value: Tensor) -> Tensor:
    import tensorflow as tf

    @tf.custom_gradient
    def summed(value: Tensor) -> tuple[Tensor, Any]:
        rows = tf.raw_ops.CollectiveGatherV2(
            input=tf.reshape(value, (1, -1)),
            group_size=replica_context().num_replicas_in_sync,
            group_key=_KEY,
            # One after the other, by the token, they may share a key.
            instance_key=_KEY + value.shape.num_elements(),
            ordering_token=[_token()],
        )
        # What is summed over all replicas changes the loss of each of them.
        return tf.reshape(tf.reduce_sum(rows, 0), value.shape), sum_over_replicas

    return summed(value)


@functools.cache
def _token() -> Tensor:
    """A resource that all exchanges are given, so that a program keeps their order."""
    import tensorflow as tf

    with tf.init_scope(), tf.device("CPU:0"):
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=(), shared_name="keras_classics_sums")
