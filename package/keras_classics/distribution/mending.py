"""Where Keras 3.15 is wrong with several devices, and right after it was mended.

Every mended function does what it did before where there is one device, but that it refuses what
several would fail at.

| what, under `tf.distribute`       | Keras 3.15                  | mended                      |
|-----------------------------------|-----------------------------|-----------------------------|
| `fit` with several workers        | fails                       | works                       |
| gradients are clipped             | by replica, before the sum  | as one, after it            |
| a masked or weighted mean loss    | over each replica's count   | over the count of all       |
| dropout and other random draws    | alike on all replicas       | different                   |
| statistics of batch norm          | of each replica             | of the batch                |
| the exchanges of that, each layer | 6, one after the other      | 2                           |
| a gradient overflows in float16   | only some replicas stop     | all leave the step out      |
| `jit_compile`, `steps_per_execution` | fail within TensorFlow   | refused in a sentence       |

| what, under `keras.distribution`  | Keras 3.15                  | mended                      |
|-----------------------------------|-----------------------------|-----------------------------|
| a smaller last batch              | fails                       | works                       |
| batches on several processes      | each gives its own rows     | each gives the whole batch  |

What is replaced is not documented. A release that lacks any of it, or calls it otherwise, is
refused before anything is changed; one that has all of it but was not tried is said to be so, once.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import operator
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops, tree

from keras_classics.core.errors import InputError
from keras_classics.core.keras_internals import TESTED, layers_within, strategy_of, untested
from keras_classics.core.replicas import replica_context
from keras_classics.distribution.sums import sum_over_replicas

# Layers of batch norm that were not synchronised when a fit began.
_synchronized: weakref.WeakSet[keras.layers.BatchNormalization] = weakref.WeakSet()


class Patch(NamedTuple):
    """One function that is replaced.

    Attributes:
        module: Where it is.
        owner: The class it belongs to; "" where it belongs to the module itself.
        name: Its name.
        parameters: The names of what it takes.
        mended: From the function to what takes its place.
    """

    module: str
    owner: str
    name: str
    parameters: str
    mended: Callable[[Callable], Callable]


@functools.cache
def mend_replicas() -> None:
    """Mend Keras for `tf.distribute`, once.

    Raises:
        InputError: The release of Keras cannot be mended.
    """
    _apply(REPLICAS, ())


@functools.cache
def mend_batches() -> None:
    """Let every batch have a layout of its own under JAX, and be the global batch, once.

    Raises:
        InputError: The release of Keras cannot be mended.
    """
    _apply(BATCHES, CALLED)


def _apply(patches: Iterable[Patch], called: Iterable[tuple[str, str]]) -> None:
    """Replace all, or none where one of them, or what they call besides, is not there."""
    for module, name in called:
        _look_up(module, name)
    found = [(patch, *_found(patch)) for patch in patches]
    if not keras.__version__.startswith(f"{TESTED}."):
        warnings.warn(
            f"Training on several devices was tested with Keras {TESTED}, and this is "
            f"{keras.__version__}: compare the losses of a first epoch with those of one device",
            stacklevel=2,
        )
    for patch, owner, original in found:
        setattr(owner, patch.name, functools.wraps(original)(patch.mended(original)))


def _found(patch: Patch) -> tuple[Any, Callable]:
    """The owner of a function and the function, if it is the one that was tested."""
    owner = _look_up(patch.module, patch.owner)
    original = _look_up(patch.module, f"{patch.owner}.{patch.name}".lstrip("."))
    if list(inspect.signature(original).parameters) != patch.parameters.split():
        raise untested("trains on one device only here")
    return owner, original


def _look_up(module: str, name: str) -> Any:
    """What a module has under a name, with dots; the module itself under none."""
    try:
        found = importlib.import_module(module)
        return operator.attrgetter(name)(found) if name else found
    except (ImportError, AttributeError) as error:
        raise untested("trains on one device only here") from error


# ---- tf.distribute ----


def unsynchronize() -> None:
    """Make batch norm again what it was before `fit`: only TensorFlow loads the synchronised."""
    for layer in _synchronized:
        layer.synchronized = False
    _synchronized.clear()


def _building(original: Callable) -> Callable:
    def build(trainer: keras.Model, iterator: Any = None, data_batch: Any = None) -> Any:
        strategy = strategy_of(trainer)
        if strategy is None:
            return original(trainer, iterator, data_batch)
        import tensorflow as tf

        # Where there is one replica too: what runs on a laptop is to run on two GPUs.
        copied = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)
        if strategy.num_replicas_in_sync > 1 or isinstance(strategy, copied):
            _check_compiled(trainer, strategy)
        if strategy.num_replicas_in_sync == 1:
            return original(trainer, iterator, data_batch)
        for layer in layers_within(trainer):
            if isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized:
                layer.synchronized = True
                _synchronized.add(layer)

        def whole(value: Any) -> keras.KerasTensor:
            # Keras builds by shape and type: here those of the global batch.
            piece = strategy.experimental_local_results(value)[0]
            rows, *rest = piece.shape
            return keras.KerasTensor(
                (rows * strategy.num_replicas_in_sync, *rest), piece.dtype.name
            )

        if iterator is not None:
            for _, _, batches in iterator:
                data_batch = tree.map_structure(whole, next(batches))
                break
        return original(trainer, None, data_batch)

    return build


def _check_compiled(trainer: keras.Model, strategy: Any) -> None:
    import tensorflow as tf

    kind = type(strategy).__name__
    if trainer.jit_compile and not isinstance(strategy, tf.distribute.TPUStrategy):
        raise InputError(
            f"jit_compile=True was given to compile under {kind}",
            "'auto' or False: TensorFlow cannot compile for several replicas",
            "Leave jit_compile out, or set KERAS_BACKEND=jax.",
        )
    if trainer.steps_per_execution > 1:
        raise InputError(
            f"steps_per_execution={trainer.steps_per_execution} was given to compile under {kind}",
            "1: Keras cannot run several steps at once on several replicas",
            "Leave steps_per_execution out.",
        )


def _reducing(original: Callable) -> Callable:
    import tensorflow as tf

    def reduce_per_replica(values: Any, strategy: Any, reduction: str) -> Any:
        several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if several and strategy.num_replicas_in_sync > 1 and reduction in ("auto", "mean"):
            # Keras asks for the mean over axis 0 of scalars.
            return tree.map_structure(
                lambda value: strategy.reduce("MEAN", value, axis=None), values
            )
        return original(values, strategy, reduction)

    return reduce_per_replica


# How Keras sums the gradients of all replicas, which it does too late.
_summed: list[Callable] = []


def _summing(original: Callable) -> Callable:
    _summed.append(original)
    # They come summed from `_clip_gradients`.
    return lambda optimizer, pairs: pairs


def _clipping(original: Callable) -> Callable:
    def clip_gradients(optimizer: keras.optimizers.Optimizer, gradients: Sequence) -> Any:
        pairs = _summed[0](optimizer, list(zip(gradients, gradients, strict=True)))
        return original(optimizer, [gradient for gradient, _ in pairs])

    return clip_gradients


def _masking(original: Callable) -> Callable:
    def apply_mask(sample_weight: Any, mask: Any, dtype: str, reduction: str) -> Any:
        weights = original(sample_weight, mask, dtype, reduction)
        if mask is None or replica_context() is None:
            return weights
        if reduction in ("mean", "sum_over_batch_size"):
            # Divided by the share that counts in this replica, where it should be in all.
            weights *= ops.cast(_share(ops.cast(mask, "float32")), dtype)
        return weights

    return apply_mask


def _averaging(original: Callable) -> Callable:
    def reduce_values(
        values: Any, sample_weight: Any = None, reduction: str = "sum_over_batch_size"
    ) -> Any:
        loss = original(values, sample_weight, reduction)
        weighted = reduction == "mean_with_sample_weight" and sample_weight is not None
        if weighted and replica_context() is not None:
            loss *= ops.cast(_share(ops.cast(sample_weight, "float32")), loss.dtype)
        return loss

    return reduce_values


def _share(weights: Any) -> Any:
    """The mean weight in this replica, as a part of the mean over all."""
    size = ops.cast(ops.size(weights), "float32")
    total = ops.sum(weights)
    sums = sum_over_replicas(ops.stack([total, size]))
    return ops.divide_no_nan(total * sums[1], size * sums[0])


def _pooling(original: Callable) -> Callable:
    import tensorflow as tf

    def compute_moments_sync(x: Any, axes: Sequence[int], keepdims: bool) -> Any:
        if replica_context() is None:
            return original(x, axes, keepdims)
        sums = tf.reduce_sum(x, axes, keepdims=True)
        squares = tf.reduce_sum(tf.square(x), axes, keepdims=True)
        rows = tf.cast(tf.size(x) / tf.size(sums), x.dtype)
        # One exchange for the three, where each layer waits for the one before: between machines
        # an exchange takes as long for a few numbers as for one.
        parts = [tf.reshape(part, [-1]) for part in (sums, squares, rows)]
        pooled = sum_over_replicas(tf.concat(parts, 0))
        of_sums, of_squares = tf.split(pooled[:-1] / pooled[-1], 2)
        mean, square = tf.reshape(of_sums, tf.shape(sums)), tf.reshape(of_squares, tf.shape(sums))
        variance = tf.maximum(square - tf.square(mean), 0.0)
        if not keepdims:
            mean, variance = tf.squeeze(mean, axes), tf.squeeze(variance, axes)
        return mean, variance

    return compute_moments_sync


def _seeding(original: Callable) -> Callable:
    def cast_seed(seed: Any) -> Any:
        context = replica_context()
        if context is not None:
            # Far from the other replicas' and from the seeds of this one's next draws.
            replica = ops.cast(context.replica_id_in_sync_group, seed.dtype)
            seed = seed + ops.stack([replica * 1_000_003, replica])
        return original(seed)

    return cast_seed


def _agreeing(original: Callable) -> Callable:
    def check_finite(optimizer: keras.optimizers.Optimizer, gradients: Sequence) -> Any:
        finite = original(optimizer, gradients)
        # Else some replicas would go on alone, and wait for the others' gradients for ever.
        return sum_over_replicas(ops.cast(finite, "float32") - 1.0) == 0

    return check_finite


_ENGINE = "keras.src.backend.tensorflow"
REPLICAS = (
    Patch(f"{_ENGINE}.trainer", "TensorFlowTrainer", "_maybe_symbolic_build",
          "self iterator data_batch", _building),
    Patch(f"{_ENGINE}.trainer", "", "reduce_per_replica", "values strategy reduction", _reducing),
    Patch(f"{_ENGINE}.optimizer", "TFOptimizer", "_all_reduce_sum_gradients",
          "self grads_and_vars", _summing),
    Patch(f"{_ENGINE}.optimizer", "TFOptimizer", "_clip_gradients", "self grads", _clipping),
    Patch("keras.src.losses.loss", "", "apply_mask", "sample_weight mask dtype reduction",
          _masking),
    Patch("keras.src.losses.loss", "", "reduce_values", "values sample_weight reduction",
          _averaging),
    Patch(f"{_ENGINE}.nn", "", "_compute_moments_sync", "x axes keepdims", _pooling),
    Patch(f"{_ENGINE}.random", "", "_cast_seed", "seed", _seeding),
    Patch("keras.optimizers", "LossScaleOptimizer", "check_finite", "self grads", _agreeing),
)  # fmt: skip


# ---- keras.distribution on JAX ----


def _iterating(original: Callable) -> Callable:
    def iterate(iterator: Any, distribution: Any) -> Iterator[Any]:
        for batch in iterator.data_adapter.get_jax_iterator():
            yield tree.map_structure(functools.partial(_divided, distribution), batch)

    return iterate


def _divided(distribution: Any, value: Any) -> Any:
    import jax

    if value is None:
        return None
    layout = distribution.get_data_layout(value.shape).backend_layout
    return jax.make_array_from_callback(value.shape, layout, lambda rows: value[rows])


BATCHES = (
    Patch("keras.src.backend.jax.trainer", "JAXEpochIterator", "_get_distributed_iterator",
          "self distribution", _iterating),
)  # fmt: skip
# What they call of Keras and it does not document.
CALLED = (
    ("keras.distribution", "TensorLayout.backend_layout"),
    ("keras.src.trainers.data_adapters.data_adapter", "DataAdapter.get_jax_iterator"),
)
