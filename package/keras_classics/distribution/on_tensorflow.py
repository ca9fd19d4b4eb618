"""`tf.distribute` behind the one flag."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import tensorflow as tf

from keras_classics.core.errors import InputError, explain
from keras_classics.distribution.cluster import lost_worker, this_worker
from keras_classics.distribution.mending import mend_replicas, unsynchronize

# What a collective operation fails with when another worker is gone.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def scope_of(name: str) -> Callable[[], AbstractContextManager]:
    """What makes the contexts of a strategy.

    Raises:
        InputError: It is not to be had here.
    """
    gpus = tf.config.list_physical_devices("GPU") if name != "multi_worker" else []
    if name == "auto":
        if tf.config.list_physical_devices("TPU"):
            name = "tpu"
        elif len(gpus) > 1:
            name = "mirrored"
        else:
            return contextlib.nullcontext
    if name == "cpu":
        if not gpus:
            return contextlib.nullcontext
        return functools.partial(_scope, tf.distribute.OneDeviceStrategy("/cpu:0"))
    makers = {"mirrored": _mirrored, "multi_worker": _multi_worker, "tpu": _tpu}
    if name not in makers:
        raise InputError(
            f"strategy={name!r} was given with the tensorflow backend",
            "on this backend 'mirrored', which divides the batch",
            "Set KERAS_BACKEND=jax to divide the model.",
        )
    strategy = makers[name]()
    mend_replicas()
    return functools.partial(_scope, strategy)


class _DividesBatches(tf.distribute.Strategy):
    """Cuts every global batch into one piece for each replica, in the order of its rows.

    `tf.distribute` does so by itself, but cuts by the batch size it finds in the dataset's graph:
    a last batch that is smaller then leaves replicas without a row, which Keras cannot compute.
    """

    def experimental_distribute_dataset(
        self, dataset: tf.data.Dataset, options: tf.distribute.InputOptions | None = None
    ) -> Iterable:
        replicas = self.num_replicas_in_sync
        if replicas == 1:
            return super().experimental_distribute_dataset(dataset, options)
        size = tf.nest.flatten(dataset.element_spec)[0].shape[0]
        if size is not None and size % replicas:
            raise InputError(
                f"Batches of {size} were given for {replicas} replicas",
                f"multiples of {replicas}, or batches whose size the dataset leaves open",
                f"Use a batch size of {-(-size // replicas) * replicas}.",
            )

        def pieces(context: tf.distribute.InputContext) -> tf.data.Dataset:
            mine = range(context.input_pipeline_id, replicas, context.num_input_pipelines)
            return dataset.flat_map(lambda *batch: _cut(batch, mine, replicas)).prefetch(len(mine))

        return self.distribute_datasets_from_function(pieces, options)


def _cut(batch: tuple, mine: range, replicas: int) -> tf.data.Dataset:
    batch = batch[0] if len(batch) == 1 else batch
    first = tf.nest.flatten(batch)[0]
    rows = first.shape[0]
    if rows is None:
        rows = tf.shape(first)[0]
        enough = tf.debugging.assert_greater_equal(rows, replicas, _too_few(replicas))
        with tf.control_dependencies([enough]):
            rows = tf.identity(rows)
    parts = [
        tf.nest.map_structure(
            lambda value, n=n: value[rows * n // replicas : rows * (n + 1) // replicas], batch
        )
        for n in mine
    ]
    datasets = map(tf.data.Dataset.from_tensors, parts)
    return functools.reduce(tf.data.Dataset.concatenate, datasets)


def _too_few(replicas: int) -> str:
    return explain(
        f"A batch with fewer rows than the {replicas} replicas was given",
        f"{replicas} rows or more, in the last batch too",
        "Leave the last batch out (drop_remainder=True), or choose another batch size.",
    )


class Mirrored(_DividesBatches, tf.distribute.MirroredStrategy):
    """A replica on every local device."""


class MultiWorkerMirrored(_DividesBatches, tf.distribute.MultiWorkerMirroredStrategy):
    """A replica on every device of every worker."""


class Tpu(_DividesBatches, tf.distribute.TPUStrategy):
    """A replica on every core."""


@functools.cache
def _mirrored() -> tf.distribute.Strategy:
    # One for all of the process: a second would number its collective operations as the first did,
    # and TensorFlow would take them for the same.
    # Without GPUs TensorFlow would take one CPU only, even where several are configured.
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return Mirrored([device.name for device in devices])


@functools.cache
def _multi_worker() -> tf.distribute.Strategy:
    this_worker()
    try:
        return MultiWorkerMirrored()
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        raise InputError(
            "strategy='multi_worker' was asked for after TensorFlow had begun to compute",
            "a call at the start of the program",
            "Call kc.distribution.strategy before data are read.",
        ) from error


@functools.cache
def _tpu() -> tf.distribute.Strategy:
    try:
        return Tpu(tf.distribute.cluster_resolver.TPUClusterResolver.connect())
    except (ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"strategy='tpu' was given but no TPU answers ({str(error).splitlines()[0]})",
            "a machine with a TPU",
            "Use strategy='auto'.",
        ) from error


@contextlib.contextmanager
def _scope(strategy: tf.distribute.Strategy) -> Iterator[tf.distribute.Strategy]:
    try:
        with strategy.scope():
            yield strategy
    except tf.errors.InvalidArgumentError as error:
        sentence = _too_few(strategy.num_replicas_in_sync)
        if sentence not in str(error):
            raise
        raise InputError(sentence) from error
    except _LOST as error:
        if not isinstance(strategy, MultiWorkerMirrored):
            raise
        # Without the names of nodes in TensorFlow's graph.
        raise lost_worker(re.sub(r"\{\{.*?\}\} *", "", str(error))) from error
    finally:
        unsynchronize()
