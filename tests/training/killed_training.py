"""A training that is killed after three of six steps and called again ends as one that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_classics as kc


class Killed(Exception):
    pass


class Kill(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise Killed


def check_goes_on(make: Callable[[], keras.Model], batches: list[tuple], folder: Path) -> None:
    """All variables, those of every optimizer and random generator included, are equal bit for bit.

    Args:
        make: Makes the same compiled model or trainer at every call.
        batches: Six.
        folder: For checkpoints.
    """

    def fit(name, callbacks=()):
        model = make()
        kc.training.fit(
            model, lambda first: iter(batches[first:]), steps_per_epoch=6, epochs=1,
            folder=folder / name, save_seconds=0, callbacks=callbacks, verbose=0,
        )  # fmt: skip
        found = [*model.variables, *model.optimizer.variables]
        return [keras.ops.convert_to_numpy(each) for each in found]

    whole = fit("whole")
    with pytest.raises(Killed):
        fit("killed", [Kill()])
    for found, expected in zip(fit("killed"), whole, strict=True):
        np.testing.assert_array_equal(found, expected)
