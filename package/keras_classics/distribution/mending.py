"""Where Keras 3.15 is wrong under several replicas of `tf.distribute`, and right after `mend()`.

Every mended function does what it did before where there is one replica. The names are private:
`pyproject.toml` pins Keras, and `tests/test_distribution_curves.py` compares loss curves.

| what                              | Keras 3.15                  | mended                      |
|-----------------------------------|-----------------------------|-----------------------------|
| `fit` with several workers        | fails                       | works                       |
| gradients are clipped             | by replica, before the sum  | as one, after it            |
| a masked or weighted mean loss    | over each replica's count   | over the count of all       |
| dropout and other random draws    | alike on all replicas       | different                   |
| statistics of batch norm          | of each replica             | of the batch                |
| a gradient overflows in float16   | only some replicas stop     | all leave the step out      |
| `jit_compile`, `steps_per_execution` | fail within TensorFlow   | refused in a sentence       |
"""

from __future__ import annotations

import functools
import weakref

import keras
import tensorflow as tf
from keras import ops, tree

from keras_classics.core.errors import InputError, explain
from keras_classics.core.replicas import replica_context, sum_over_replicas
from keras_classics.distribution.pinned import check_keras, replace

# Of those that were not synchronised when a fit began.
_synchronized: weakref.WeakSet[keras.layers.BatchNormalization] = weakref.WeakSet()


@functools.cache
def mend() -> None:
    """Put the functions below in the place of Keras's, once.

    Raises:
        InputError: Keras is of another version.
    """
    check_keras()
    from keras.src.backend.tensorflow import optimizer, random, trainer
    from keras.src.losses import loss

    for owner, name, mended in (
        (trainer.TensorFlowTrainer, "_maybe_symbolic_build", _building),
        (trainer, "reduce_per_replica", _reducing),
        (optimizer.TFOptimizer, "_clip_gradients", _clipping),
        (loss, "apply_mask", _masking),
        (loss, "reduce_values", _averaging),
        (random, "_cast_seed", _seeding),
        (keras.optimizers.LossScaleOptimizer, "check_finite", _agreeing),
    ):
        replace(owner, name, mended)
    # The gradients come summed from `_clip_gradients`.
    optimizer.TFOptimizer._summed = optimizer.TFOptimizer._all_reduce_sum_gradients
    optimizer.TFOptimizer._all_reduce_sum_gradients = lambda self, pairs: pairs


def unsynchronize() -> None:
    """Make batch norm again what it was before `fit`: only TensorFlow loads the synchronised."""
    for layer in _synchronized:
        layer.synchronized = False
    _synchronized.clear()


def _building(original):
    def build(trainer, iterator=None, data_batch=None):
        strategy = trainer._distribute_strategy
        if strategy is None or strategy.num_replicas_in_sync == 1:
            return original(trainer, iterator, data_batch)
        _check_compiled(trainer, strategy)
        for layer in trainer._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized:
                layer.synchronized = True
                _synchronized.add(layer)

        def whole(value):
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


def _check_compiled(trainer, strategy: tf.distribute.Strategy) -> None:
    kind = type(strategy).__name__
    if trainer.jit_compile and not isinstance(strategy, tf.distribute.TPUStrategy):
        raise InputError(
            explain(
                f"jit_compile=True was given to compile under {kind}",
                "'auto' or False: TensorFlow cannot compile for several replicas",
                "Leave jit_compile out, or set KERAS_BACKEND=jax.",
            )
        )
    if trainer.steps_per_execution > 1:
        raise InputError(
            explain(
                f"steps_per_execution={trainer.steps_per_execution} was given to compile under "
                f"{kind}",
                "1: Keras cannot run several steps at once on several replicas",
                "Leave steps_per_execution out.",
            )
        )


def _reducing(original):
    def reduce_per_replica(values, strategy, reduction):
        several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if several and strategy.num_replicas_in_sync > 1 and reduction in ("auto", "mean"):
            # Keras asks for the mean over axis 0 of scalars.
            return tree.map_structure(
                lambda value: strategy.reduce("MEAN", value, axis=None), values
            )
        return original(values, strategy, reduction)

    return reduce_per_replica


def _clipping(original):
    def clip_gradients(optimizer, gradients):
        pairs = optimizer._summed(list(zip(gradients, gradients, strict=True)))
        return original(optimizer, [gradient for gradient, _ in pairs])

    return clip_gradients


def _masking(original):
    def apply_mask(sample_weight, mask, dtype, reduction):
        weights = original(sample_weight, mask, dtype, reduction)
        if mask is None or replica_context() is None:
            return weights
        if reduction in ("mean", "sum_over_batch_size"):
            # Divided by the share that counts in this replica, where it should be in all.
            weights *= ops.cast(_share(ops.cast(mask, "float32")), dtype)
        return weights

    return apply_mask


def _averaging(original):
    def reduce_values(values, sample_weight=None, reduction="sum_over_batch_size"):
        loss = original(values, sample_weight, reduction)
        weighted = reduction == "mean_with_sample_weight" and sample_weight is not None
        if weighted and replica_context() is not None:
            loss *= ops.cast(_share(ops.cast(sample_weight, "float32")), loss.dtype)
        return loss

    return reduce_values


def _share(weights):
    """The mean weight in this replica, as a part of the mean over all."""
    size = ops.cast(ops.size(weights), "float32")
    total = ops.sum(weights)
    sums = sum_over_replicas(ops.stack([total, size]))
    return ops.divide_no_nan(total * sums[1], size * sums[0])


def _seeding(original):
    def cast_seed(seed):
        context = replica_context()
        if context is not None:
            # Far from the other replicas' and from the seeds of this one's next draws.
            replica = ops.cast(context.replica_id_in_sync_group, seed.dtype)
            seed = seed + ops.stack([replica * 1_000_003, replica])
        return original(seed)

    return cast_seed


def _agreeing(original):
    def check_finite(optimizer, gradients):
        finite = original(optimizer, gradients)
        # Else some replicas would go on alone, and wait for the others' gradients for ever.
        return sum_over_replicas(ops.cast(finite, "float32") - 1.0) == 0

    return check_finite
