"""`keras.distribution` behind the one flag.

XLA divides one program for the whole batch among the devices: means, clipping and batch norm are
over the whole batch, and draws are those of one device.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

import jax
import keras
from keras.distribution import DeviceMesh, LayoutMap, TensorLayout

from keras_classics.core.errors import InputError
from keras_classics.distribution.cluster import lost_worker, this_worker
from keras_classics.distribution.mending import mend_batches

Distribution: TypeAlias = keras.distribution.DataParallel | keras.distribution.ModelParallel

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
            f"strategy='tpu' was given but JAX has {', '.join(devices[:8])}",
            "a machine with a TPU",
            "Use strategy='auto'.",
        )
    if name == "cpu":
        if kind == "cpu":
            return contextlib.nullcontext
        devices = keras.distribution.list_devices("cpu")[:1]
    mend_batches()
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
            "strategy='multi_worker' was asked for after JAX had begun to compute",
            "a call at the start of the program",
            "Call kc.distribution.strategy before data are read.",
        ) from error


def _whole(distribution: Distribution, data_shape: Sequence[int]) -> TensorLayout | None:
    """The layout of a batch that cannot be divided: whole, on every device."""
    # The batch lies along the first axis of both meshes.
    if data_shape[0] % distribution.device_mesh.shape[0]:
        return TensorLayout([None] * len(data_shape), distribution.device_mesh)
    return None


class _DataParallel(keras.distribution.DataParallel):
    def __init__(self, devices: list[str]) -> None:
        super().__init__(devices=devices, auto_shard_dataset=False)

    def get_data_layout(self, data_shape: Sequence[int]) -> TensorLayout:
        return _whole(self, data_shape) or super().get_data_layout(data_shape)


class _ModelParallel(keras.distribution.ModelParallel):
    """Divides every matrix, kernel or table by its last axis, where that can be divided."""

    def __init__(self, devices: list[str]) -> None:
        mesh = DeviceMesh((1, len(devices)), ("batch", "model"), devices)
        super().__init__(layout_map=LayoutMap(mesh), auto_shard_dataset=False)

    def get_data_layout(self, data_shape: Sequence[int]) -> TensorLayout:
        return _whole(self, data_shape) or super().get_data_layout(data_shape)

    def get_variable_layout(self, variable: keras.Variable) -> TensorLayout:
        axes: list[str | None] = [None] * len(variable.shape)
        if len(axes) > 1 and variable.shape[-1] % self.device_mesh.shape[1] == 0:
            axes[-1] = "model"
        return TensorLayout(axes, self.device_mesh)


@contextlib.contextmanager
def _scope(distribution: Distribution) -> Iterator[Distribution]:
    try:
        with distribution.scope():
            yield distribution
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if jax.process_count() == 1 or not str(error).startswith(_LOST):
            raise
        raise lost_worker(str(error)) from error
