"""One flag for where a model trains: `strategy(name)`.

| name             | TensorFlow                         | JAX                                     |
|------------------|------------------------------------|-----------------------------------------|
| `auto`           | all GPUs, the TPU, or the CPU      | the same                                |
| `cpu`            | the CPU alone                      | the same                                |
| `mirrored`       | `MirroredStrategy`                 | `DataParallel` over the local devices   |
| `multi_worker`   | `MultiWorkerMirroredStrategy`      | `DataParallel` over all processes       |
| `tpu`            | `TPUStrategy`                      | `DataParallel` over the TPU's cores     |
| `model_parallel` | -                                  | `ModelParallel`: every matrix divided   |

The engines are `tf.distribute` and `keras.distribution`; what Keras 3.15 leaves wrong under the
former is mended in `mending`, and under the latter in `on_jax`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.distribution.cluster import check_verb, own_folder

__all__ = ["STRATEGIES", "check_verb", "own_folder", "strategy"]

STRATEGIES = ("auto", "cpu", "mirrored", "multi_worker", "tpu", "model_parallel")


@checked
def strategy(name: str = "auto") -> AbstractContextManager:
    """A context to build, compile and fit a model in; it can be entered again and again.

    Batches are global and are divided among the devices, so that neither the batch size nor the
    learning rate changes with their number, and the loss curve is that of one device: batch norm,
    masked and weighted means and the clipping of gradients go over the whole batch. Random draws
    differ between replicas. A `tf.data` dataset or arrays are the whole data on every worker.

    Call it before anything else of TensorFlow or JAX where the name is `"multi_worker"`: both
    engines must know their cluster when they start.

    Args:
        name: `"auto"` uses all GPUs or the TPU there is, and otherwise the CPU; `"cpu"` the CPU
            alone; `"mirrored"` copies the model to every local device; `"multi_worker"` to those
            of all machines in `TF_CONFIG`; `"tpu"` to the attached TPU; `"model_parallel"` divides
            the model's matrices among the local devices (JAX).

    Returns:
        The context. It raises `ConnectionError` if another worker is lost in it, and `InputError`
        for what the engine cannot do.

    Raises:
        InputError: The name is unknown, or the engine does not offer it here.

    Example:
        ```python
        with kc.distribution.strategy("auto"):  # all devices there are
            model = kc.create_model("lenet_5")
        ```
    """
    import keras

    check_choice("strategy", name, STRATEGIES, "Use 'auto'.")
    backend = keras.config.backend()
    if backend == "tensorflow":
        from keras_classics.distribution import on_tensorflow

        return _Place(on_tensorflow.scope_of(name))
    if backend == "jax":
        from keras_classics.distribution import on_jax

        return _Place(on_jax.scope_of(name))
    if name in ("auto", "cpu"):
        return _Place(contextlib.nullcontext)
    raise InputError(
        f"strategy={name!r} was given with the {backend} backend",
        "'auto' or 'cpu' on this backend",
        "Set KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax for several devices.",
    )


class _Place(AbstractContextManager):
    """Enters a new context of an engine every time."""

    def __init__(self, scope: Callable[[], AbstractContextManager]) -> None:
        self._scope = scope
        self._entered: list[AbstractContextManager] = []

    def __enter__(self) -> Any:
        scope = self._scope()
        value = scope.__enter__()
        self._entered.append(scope)
        return value

    def __exit__(self, *error: Any) -> bool | None:
        return self._entered.pop().__exit__(*error)
