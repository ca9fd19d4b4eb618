"""Weights kept epoch by epoch, for the landscape along a training."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras

from keras_classics.analysis.inside.trajectories import write_state
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import check_writable
from keras_classics.core.errors import check_whole
from keras_classics.core.keras_internals import bring_up_to_date
from keras_classics.core.types import Whole


class WeightTrajectory(keras.callbacks.Callback):
    """Keeps the weights before the first epoch and after each, one file a time.

    `kc.analysis.principal_trajectory(model, folder)` reads them. A training that goes on keeps what
    is there; an epoch that is made again writes the same file.

    Args:
        folder: Of this training alone.
        every: Epochs from one file to the next.

    Raises:
        InputError: `every` is no positive whole number, or nothing can be written in the folder.

    Example:
        ```python
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        kept = kc.callbacks.WeightTrajectory("states")  # after every epoch
        model.fit(np.eye(2), np.ones((2, 1)), epochs=3, verbose=0, callbacks=[kept])
        ```
    """

    @checked
    def __init__(self, folder: str | os.PathLike, every: Whole = 1) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.every = check_whole("every", every)
        check_writable(self.folder)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Keep where the training began."""
        if epoch == 0:
            self._keep(0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep where the epoch has led."""
        if (epoch + 1) % self.every == 0:
            self._keep(epoch + 1)

    def _keep(self, number: int) -> None:
        bring_up_to_date(self.model)
        write_state(self.folder, number, self.model)
