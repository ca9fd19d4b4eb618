"""One flag for where a model trains: `strategy("auto" | "cpu" | "mirrored" | "tpu")`."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

import keras

from keras_classics.core.errors import InputError, check_choice, explain

STRATEGIES = ("auto", "cpu", "mirrored", "tpu")


def strategy(name: str = "auto") -> AbstractContextManager:
    """A context to build and compile a model in; `fit` goes outside.

    Args:
        name: `"auto"` uses all GPUs or the TPU there is and otherwise the CPU; `"cpu"` the CPU
            alone; `"mirrored"` copies the model to every local device; `"tpu"` the attached TPU.
            Batches are global: every device gets its share.

    Returns:
        On TensorFlow the scope of a `tf.distribute` strategy; on JAX a context in which
        `keras.distribution.DataParallel` is set.

    Raises:
        InputError: The name is unknown, or the engine does not offer it.
    """
    check_choice("strategy", name, STRATEGIES, "Use 'auto'.")
    backend = keras.config.backend()
    if backend == "tensorflow":
        return _tensorflow(name)
    if name in ("auto", "cpu"):
        return contextlib.nullcontext()
    if backend == "jax":
        return _jax()
    raise InputError(
        explain(
            f"strategy={name!r} was given with the {backend} backend",
            "'auto' or 'cpu' on this backend",
            "Set KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax for several devices.",
        )
    )


def _tensorflow(name: str) -> AbstractContextManager:
    import tensorflow as tf

    if name == "auto":
        if tf.config.list_logical_devices("TPU"):
            name = "tpu"
        elif len(tf.config.list_logical_devices("GPU")) > 1:
            name = "mirrored"
        else:
            return contextlib.nullcontext()
    if name == "cpu":
        return tf.device("/CPU:0")
    if name == "mirrored":
        # Without GPUs TensorFlow would take one CPU only, even where several are configured.
        devices = (
            None if tf.config.list_logical_devices("GPU") else tf.config.list_logical_devices()
        )
        names = None if devices is None else [device.name for device in devices]
        return tf.distribute.MirroredStrategy(names).scope()
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise InputError(
            explain(
                f"strategy='tpu' was given but no TPU answers ({str(error).splitlines()[0]})",
                "a machine with a TPU",
                "Use strategy='auto'.",
            )
        ) from error
    return tf.distribute.TPUStrategy(resolver).scope()


@contextlib.contextmanager
def _jax():
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)
