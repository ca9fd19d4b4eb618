"""From examples to what `fit` takes: batches that are a pure function of seed and number.

A run that was killed goes on with the very batch it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError, check_whole

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    # What `fit` takes: under TensorFlow the first, elsewhere the second.
    Batches: TypeAlias = tf.data.Dataset | keras.utils.PyDataset

# Batches whose examples are sorted by length together; of more, the order would say too much.
_POOL = 32


@checked
def steps_per_epoch(examples: int, batch_size: Count) -> int:
    """Number of whole batches in an epoch.

    Raises:
        InputError: There is not even one.
    """
    if examples < batch_size:
        raise InputError(
            f"{examples} training examples were given for batches of {batch_size}",
            "at least one whole batch",
            "Use a smaller --batch-size or more examples.",
        )
    return examples // batch_size


class Visits:
    """Which examples every batch of an endless training holds.

    Every epoch visits each example once, in a new order, except the rest that fills no batch.

    Args:
        examples: Their number.
        batch_size: Of a batch.
        seed: Chooses the orders.
        lengths: int `(sides, examples)`, where examples of about one length are to be together: 32
            batches drawn at random are sorted by the first side, then the next, cut and shuffled.

    Attributes:
        steps: Batches in an epoch.

    Raises:
        InputError: There are fewer examples than a batch holds, or `seed` is negative.
    """

    def __init__(
        self, examples: int, batch_size: Count, seed: int, lengths: np.ndarray | None = None
    ) -> None:
        self.steps = steps_per_epoch(examples, batch_size)
        seed = check_whole("seed", seed, 0)

        # Two, so that nothing is drawn anew at the turn of an epoch.
        @lru_cache(2)
        def epoch(number: int) -> np.ndarray:
            rng = np.random.default_rng([seed, number])
            order = rng.permutation(examples)[: self.steps * batch_size]
            if lengths is None:
                return order.reshape(self.steps, batch_size)
            pools = [
                pool[np.lexsort(lengths[::-1, pool])]
                for pool in np.split(order, range(_POOL * batch_size, len(order),
                                                  _POOL * batch_size))
            ]  # fmt: skip
            return rng.permutation(np.concatenate(pools).reshape(self.steps, batch_size))

        self._epoch = epoch

    def __call__(self, number: int) -> tuple[int, int, np.ndarray]:
        """Epoch and place within it of a batch, and the numbers of its examples."""
        epoch, place = divmod(number, self.steps)
        return epoch, place, self._epoch(epoch)[place]


def even_parts(examples: int, batch_size: Count) -> list[np.ndarray]:
    """Numbers of all examples in order, in batches of about one size.

    So several devices all have a share of the last one.
    """
    return np.array_split(np.arange(examples), math.ceil(examples / batch_size))


@checked
def pad_arrays(
    arrays: Sequence[np.ndarray], multiple: int = 1, *, axis: int = 0, beyond: int = 0
) -> np.ndarray:
    """Put arrays that differ in length into one, with zeros behind.

    Args:
        arrays: Of one type, equal in all axes but one; at least one.
        multiple: The common length is the least multiple of this that holds the longest, so that a
            compiler meets few lengths,
        axis: The axis in which they differ.
        beyond: but for so many places, which come on top.
    """
    longest = max(1, *(each.shape[axis] for each in arrays)) - beyond
    shape = list(arrays[0].shape)
    shape[axis] = beyond + multiple * math.ceil(longest / multiple)
    padded = np.zeros((len(arrays), *shape), arrays[0].dtype)
    for row, each in zip(padded, arrays, strict=True):
        row[tuple(map(slice, each.shape))] = each
    return padded


@dataclass(frozen=True)
class Axes:
    """What arrays of every batch are like: their axes, None where open, and their type."""

    shape: tuple[int | None, ...]
    dtype: str


def stream(
    make: Callable[[int], Any],
    like: Any,
    *,
    first: int = 0,
    count: int | None = None,
    then: Callable[..., Any] | None = None,
) -> Batches:
    """Batches as `fit` takes them: under TensorFlow a dataset, elsewhere a `PyDataset`.

    Args:
        make: Makes the batch of a number: arrays, in a structure.
        like: The same structure of `Axes`.
        first: Number of the first batch.
        count: Number of all batches; None for no end.
        then: What is made of every batch by operations of the backend.

    Raises:
        InputError: `first` is negative.
    """
    import keras

    first = check_whole("first", first, 0)

    if keras.backend.backend() != "tensorflow":

        class Numbered(keras.utils.PyDataset):
            num_batches = None if count is None else count - first

            def __getitem__(self, number: int) -> Any:
                batch = make(first + number)
                return batch if then is None else then(*batch)

        return Numbered()
    import tensorflow as tf

    axes = keras.tree.flatten(like)

    def made(number: np.int64) -> list[np.ndarray]:
        found = keras.tree.flatten(make(int(number)))
        return [np.asarray(each, one.dtype) for each, one in zip(found, axes, strict=True)]

    def batch(number: tf.Tensor) -> Any:
        found = tf.numpy_function(made, [number], [one.dtype for one in axes], stateful=False)
        shaped = [tf.ensure_shape(each, one.shape) for each, one in zip(found, axes, strict=True)]
        return keras.tree.pack_sequence_as(like, shaped)

    data = tf.data.Dataset
    numbers = data.counter(first) if count is None else data.range(first, count)
    batches = numbers.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return (batches if then is None else batches.map(then)).prefetch(2)
