"""`keras.distribution` behind the one flag.

XLA divides one program for the whole batch among the devices: means, clipping and batch norm are
over the whole batch, and draws are those of one device.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import jax
import keras
from keras import tree
from keras.distribution import DeviceMesh, LayoutMap, TensorLayout

from keras_classics.core.errors import InputError, explain
from keras_classics.distribution.cluster import lost_worker, this_worker
from keras_classics.distribution.pinned import check_keras, replace

# What XLA's errors begin with where another process is gone.
_LOST = ("UNKNOWN: ", "UNAVAILABLE: ", "ABORTED: ", "DEADLINE_EXCEEDED: ", "CANCELLED: ")


def scope_of(name: str) -> Callable[[], AbstractContextManager]:
    """What makes the contexts of a strategy.

    Raises:
        InputError: It is not to be had here.
    """
    if name == "multi_worker":
        _join_cluster()
    devices = keras.distribution.list_devices()
    kind = devices[0].partition(":")[0]
    if name == "auto":
        if kind == "cpu" or len(devices) == 1:
            return contextlib.nullcontext
        name = "mirrored"
    if name == "tpu" and kind != "tpu":
        raise InputError(
            explain(
                f"strategy='tpu' was given but JAX has {', '.join(devices[:8])}",
                "a machine with a TPU",
                "Use strategy='auto'.",
            )
        )
    if name == "cpu":
        if kind == "cpu":
            return contextlib.nullcontext
        devices = keras.distribution.list_devices("cpu")[:1]
    _mend()
    distribution = _ModelParallel(devices) if name == "model_parallel" else _DataParallel(devices)
    return functools.partial(_scope, distribution)


def _join_cluster() -> None:
    worker = this_worker()
    if jax.distributed.is_initialized():
        return
    try:
        keras.distribution.initialize(
            ",".join(worker.addresses), len(worker.addresses), worker.number
        )
    except RuntimeError as error:
        if "before" not in str(error):
            raise
        raise InputError(
            explain(
                "strategy='multi_worker' was asked for after JAX had begun to compute",
                "a call at the start of the program",
                "Call kc.distribution.strategy before data are read.",
            )
        ) from error


class _WholeBatches:
    """Batches that cannot be divided are computed whole, on every device."""

    def get_data_layout(self, data_shape):
        if data_shape[0] % self.num_model_replicas:
            return TensorLayout([None] * len(data_shape), self.device_mesh)
        return super().get_data_layout(data_shape)


class _DataParallel(_WholeBatches, keras.distribution.DataParallel):
    def __init__(self, devices: list[str]) -> None:
        super().__init__(devices=devices, auto_shard_dataset=False)


class _ModelParallel(_WholeBatches, keras.distribution.ModelParallel):
    """Divides every matrix, kernel or table by its last axis, where that can be divided."""

    def __init__(self, devices: list[str]) -> None:
        mesh = DeviceMesh((1, len(devices)), ("batch", "model"), devices)
        super().__init__(layout_map=LayoutMap(mesh), auto_shard_dataset=False)

    def get_variable_layout(self, variable):
        axes = [None] * len(variable.shape)
        if len(axes) > 1 and variable.shape[-1] % self.device_mesh.shape[1] == 0:
            axes[-1] = "model"
        return TensorLayout(axes, self.device_mesh)


@functools.cache
def _mend() -> None:
    """Let every batch have a layout of its own, and be the global batch on every process.

    Keras 3.15 takes the layout of the first batch for all, which fails at a smaller last one, and
    leaves it to the user to give each process its own rows.
    """
    check_keras()
    from keras.src.backend.jax.trainer import JAXEpochIterator

    def mended(original):
        def iterate(iterator, distribution):
            for batch in iterator.data_adapter.get_jax_iterator():
                yield tree.map_structure(functools.partial(_divided, distribution), batch)

        return iterate

    replace(JAXEpochIterator, "_get_distributed_iterator", mended)


def _divided(distribution: keras.distribution.Distribution, value):
    if value is None:
        return None
    layout = distribution.get_data_layout(value.shape).backend_layout
    return jax.make_array_from_callback(value.shape, layout, lambda rows: value[rows])


@contextlib.contextmanager
def _scope(
    distribution: keras.distribution.Distribution,
) -> Iterator[keras.distribution.Distribution]:
    try:
        with distribution.scope():
            yield distribution
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if distribution.num_processes == 1 or not str(error).startswith(_LOST):
            raise
        raise lost_worker(str(error)) from error
