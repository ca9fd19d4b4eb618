"""Training batches of arrays that lie in memory, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.data.batches import Axes, Visits, stream

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches


@checked
def array_batches(*arrays: np.ndarray, batch_size: Count, seed: int, first: int = 0) -> Batches:
    """Endless training batches of the same rows of each array, from any batch on.

    Every epoch visits each row once, in a new order.

    Args:
        *arrays: With as many rows each, at least one array.
        batch_size: Rows in a batch.
        seed: Chooses the orders.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Returns:
        Batches, a tuple of `(batch, ...)` for each array, of its type.

    Raises:
        InputError: There is no array, they differ in length, or have fewer rows than a batch holds.

    Example:
        ```python
        x, y = np.zeros((10, 32, 32, 3), "float32"), np.arange(10)
        batches = lambda first: kc.data.array_batches(x, y, batch_size=4, seed=0, first=first)
        pictures, labels = next(iter(batches(0)))
        pictures.shape, labels.shape  # (4, 32, 32, 3), (4,)
        ...  # kc.training.fit(model, batches, steps_per_epoch=2, epochs=10, folder="run")
        ```
    """
    lengths = sorted({len(each) for each in arrays})
    if len(lengths) != 1:
        raise InputError(
            f"Arrays of {' and '.join(map(str, lengths)) or 'no'} rows were given",
            "one or more arrays of as many rows",
            "Give what belongs together in each row: array_batches(x, y, ...).",
        )
    visits = Visits(lengths[0], batch_size, seed)

    def make(number: int) -> tuple[np.ndarray, ...]:
        _, _, rows = visits(number)
        return tuple(each[rows] for each in arrays)

    like = tuple(Axes((int(batch_size), *each.shape[1:]), str(each.dtype)) for each in arrays)
    return stream(make, like, first=first)
