"""Training that survives a kill: the same command goes on at the step it had reached."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from keras_classics.core.errors import InputError, explain

CHECKPOINT = "checkpoint.npz"
HISTORY = "history.csv"


def fit(
    model: keras.Model,
    stream: Callable[[int], Iterable],
    *,
    steps_per_epoch: int,
    epochs: int,
    folder: str | os.PathLike,
    save_seconds: float = 10.0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = "auto",
    **arguments,
) -> pd.DataFrame:
    """Train like `model.fit`, keeping enough in `folder` to go on after Ctrl-C or `kill -9`.

    Ctrl-C keeps the step it interrupted; a kill loses the steps since the last checkpoint, which
    the next call makes again, the same.

    The checkpoint holds every variable, those of the optimizer and of the random generators
    included; the number of steps made is the optimizer's own. A finished epoch is a row of
    `history.csv`; the row of an epoch that was interrupted covers its last part only.

    Args:
        model: A compiled, built model.
        stream: From the number of a step, counted over all epochs, to the batches from it on.
        steps_per_epoch: Batches in an epoch.
        epochs: Epochs in all, those before an interruption included.
        folder: Where checkpoint and history are kept.
        save_seconds: Least time between two checkpoints within an epoch.
        callbacks: Further Keras callbacks.
        verbose: As in `model.fit`.
        **arguments: Further arguments of `model.fit`.

    Returns:
        The history of all epochs, one row each.

    Raises:
        InputError: The checkpoint does not fit the model, or the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            explain(f"{folder} cannot be written ({error})", "a writable folder", "Choose another.")
        ) from error
    steps = restore(model, folder)
    checkpoint = _KeepCheckpoint(folder, save_seconds)
    checkpoint.set_model(model)
    keep = [*callbacks, _KeepHistory(folder), checkpoint]
    while steps < epochs * steps_per_epoch:
        epoch, within = divmod(steps, steps_per_epoch)
        if within and verbose:
            print(f"going on at epoch {epoch + 1}, step {within + 1} of {steps_per_epoch}")
        # An interrupted epoch is finished on its own: the others have all their steps.
        last = epoch + 1 if within else epochs
        try:
            model.fit(
                stream(steps),
                initial_epoch=epoch,
                epochs=last,
                steps_per_epoch=steps_per_epoch - within,
                callbacks=keep,
                verbose=verbose,
                # The stream has its own order; Keras would only warn that it cannot shuffle it.
                shuffle=False,
                **arguments,
            )
        except KeyboardInterrupt:
            checkpoint.save()
            raise
        if model.stop_training:
            break
        steps = last * steps_per_epoch
    return read_history(folder)


def restore(model: keras.Model, folder: str | os.PathLike) -> int:
    """Load the checkpoint of `folder`, if there is one.

    Returns:
        The number of steps it had made, 0 without a checkpoint.

    Raises:
        InputError: The checkpoint is of another model.
    """
    path = Path(folder) / CHECKPOINT
    if not path.exists():
        return 0
    model.optimizer.build(model.trainable_variables)
    variables = _variables(model)
    try:
        with np.load(path, allow_pickle=False) as file:
            values = [file[name] for name in file.files]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            explain(
                f"The checkpoint {path} cannot be read ({error})",
                "a file this package wrote",
                "Delete it to begin anew.",
            )
        ) from error
    kept, wanted = ([tuple(each.shape) for each in side] for side in (values, variables))
    if kept != wanted:
        raise InputError(
            explain(
                f"The checkpoint {path} does not fit the model: {_difference(kept, wanted)}",
                "a checkpoint of the same model and optimizer",
                "Train with the same settings, or into another folder.",
            )
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return int(model.optimizer.iterations)


def _variables(model: keras.Model) -> list[keras.Variable]:
    # Keras's own weight files leave out the states of random generators, and with them the draws
    # of dropout and of scheduled sampling.
    return [*model.variables, *model.optimizer.variables]


def _difference(kept: list[tuple], wanted: list[tuple]) -> str:
    if len(kept) != len(wanted):
        return f"it has {len(kept)} variables and the model {len(wanted)}"
    number = next(n for n, pair in enumerate(zip(kept, wanted, strict=True)) if len(set(pair)) > 1)
    return f"variable {number} has shape {kept[number]} there and {wanted[number]} here"


def read_history(folder: str | os.PathLike) -> pd.DataFrame:
    """The finished epochs of a folder, one row each; empty if there are none."""
    path = Path(folder) / HISTORY
    return pd.read_csv(path) if path.exists() else pd.DataFrame()


class _KeepHistory(keras.callbacks.Callback):
    """Writes a row for every finished epoch."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        row = {"epoch": epoch + 1, **logs, "seconds": round(seconds, 1)}
        history = read_history(self.folder)
        if len(history):
            history = history[history["epoch"] <= epoch]
        rows = pd.concat([history, pd.DataFrame([row])], ignore_index=True)
        _replace(self.folder / HISTORY, lambda path: rows.to_csv(path, index=False))


class _KeepCheckpoint(keras.callbacks.Callback):
    """Saves all weights now and then, and at the end of every epoch."""

    def __init__(self, folder: Path, seconds: float):
        super().__init__()
        self.folder = folder
        self.seconds = seconds

    def on_train_begin(self, logs=None):
        self.saved = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self.saved >= self.seconds:
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.save()

    def save(self):
        """Write the checkpoint."""
        if keras.config.backend() == "jax":
            # While JAX trains, the variables lag behind the values in its hands.
            self.model.jax_state_sync()
        values = {
            f"{number:05d}": keras.ops.convert_to_numpy(variable)
            for number, variable in enumerate(_variables(self.model))
        }
        _replace(self.folder / CHECKPOINT, lambda path: np.savez(path, **values))
        self.saved = time.monotonic()


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    # Written beside and renamed: a kill in the middle leaves the former file whole. The ending is
    # kept because Keras reads the format from it.
    fresh = path.with_name(f"unfinished-{path.name}")
    write(fresh)
    os.replace(fresh, path)
