"""`fit` that survives a kill and goes on at the step it had reached (kept by `checkpoints`)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.boundary.text_files import read_table
from keras_classics.core.errors import InputError
from keras_classics.core.keras_internals import strategy_of
from keras_classics.training.checkpoints import (
    CHECKPOINT,
    build_optimizers,
    finite_arrays,
    is_finished,
    optimizers_of,
    restore,
    save,
)
from keras_classics.training.divergence import NonFiniteError, StopAtNonFinite, first_non_finite
from keras_classics.training.optimizers import nested, skipping

HISTORY = "history.csv"

# Writing checkpoints may take this share of the time.
SHARE = 0.1


@checked
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
    **arguments: Any,
) -> pd.DataFrame:
    """Train like `model.fit`, keeping enough in `folder` to go on after Ctrl-C or `kill -9`.

    Ctrl-C waits for the end of the step, and keeps it; pressed twice, or in validation, or on JAX
    with an optimizer that averages the weights, it is as a kill, which loses the steps since the
    last checkpoint. The next call makes them again, the same.

    The checkpoint holds the number of steps and every variable, those of the optimizer and of the
    random generators included. A finished epoch is a row of `history.csv`; the row of an epoch that
    was interrupted covers its last part only. A training that a callback ended, as
    `keras.callbacks.EarlyStopping` does, has ended: only for more epochs does it go on.

    A trainer of several optimizers tells them by an attribute or property `optimizers`: pairs of
    each and the variables it changes, such as `[(self.one, self.generator.trainable_variables),
    ...]`. All of them are kept.

    A loss or a variable that is infinite or not a number ends the training, and no checkpoint is
    made of it. The steps since the last one are then made again, one by one, to say at which step
    and in which layer it began; the model is left as that checkpoint has it. Only the loss is
    looked at in every step, which costs nothing; the variables are before they are kept. Under
    `kc.training.SkipNonFinite` such a loss does not end the training: its steps are left out.

    Args:
        model: A compiled, built model.
        stream: From the number of a step, counted over all epochs, to the batches from it on.
        steps_per_epoch: Batches in an epoch.
        epochs: Epochs in all, those before an interruption included.
        folder: Where checkpoint and history are kept.
        save_seconds: Least time between two checkpoints within an epoch; it is longer where writing
            them would take more than a tenth of the time. 0 for one after every step, whatever it
            costs.
        callbacks: Further Keras callbacks; what they keep outside of variables is their own affair.
            One with a method `on_train_abort()` is told of an end by Ctrl-C or an error.
        verbose: As in `model.fit`.
        **arguments: Further arguments of `model.fit`.

    Returns:
        The history of all epochs, one row each.

    Raises:
        InputError: The checkpoint does not fit the model, the folder cannot be written, or the
            training has diverged.

    Example:
        ```python
        def batches(first):  # from any step on
            while True:
                draw = np.random.default_rng(first)
                yield draw.normal(size=(8, 4)), draw.normal(size=(8, 1))
                first += 1

        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        options = {"steps_per_epoch": 5, "folder": "run", "verbose": 0}
        kc.training.fit(model, batches, epochs=1, **options)
        history = kc.training.fit(model, batches, epochs=2, **options)  # goes on
        len(history)  # 2
        ```
    """
    folder, total = Path(folder), epochs * steps_per_epoch
    # A damaged one is noticed before an epoch is made, not behind it.
    read_history(folder)
    skips = any(skipping(optimizer) is not None for optimizer, _ in optimizers_of(model))
    progress = _Progress(restore(model, folder), steps_per_epoch)
    stop = StopAtNonFinite(progress.made_with, skips)
    checkpoint = _KeepCheckpoint(folder, save_seconds, progress, epochs)
    checkpoint.set_model(model)
    ended = is_finished(folder, steps_per_epoch=steps_per_epoch, epochs=epochs)
    if ended:
        _end(model, callbacks)
    with _undone_on_error(callbacks):
        while progress.steps < total and not ended:
            epoch, within = divmod(progress.steps, steps_per_epoch)
            if within and verbose:
                print(f"going on at epoch {epoch + 1}, step {within + 1} of {steps_per_epoch}")
            try:
                with progress.interrupts_after_steps():
                    model.fit(
                        _batches(stream, progress.steps),
                        initial_epoch=epoch,
                        # An interrupted epoch is finished on its own: the others are whole.
                        epochs=epoch + 1 if within else epochs,
                        steps_per_epoch=steps_per_epoch - within,
                        callbacks=[stop, progress, *callbacks, _KeepHistory(folder), checkpoint],
                        verbose=verbose,
                        # The stream has its own order, and Keras would warn.
                        shuffle=False,
                        **arguments,
                    )
            except KeyboardInterrupt:
                if progress.resumable and not _leaves_averages(model):
                    # What is not finite is no state to go on from; the former checkpoint is.
                    with suppress(NonFiniteError):
                        checkpoint.save()
                raise
            except NonFiniteError as found:
                raise _diverged(model, stream, callbacks, folder, progress, stop, found) from None
            if model.stop_training:
                break
            if progress.steps < total:
                # Keras ends every fit as if it were the last, for example with averaged weights.
                restore(model, folder)
    return read_history(folder)


def _end(model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """What `model.fit` does in the end, for a training whose last step was made before."""
    ending = keras.callbacks.CallbackList(list(callbacks), model=model)
    ending.on_train_begin()
    for optimizer, variables in optimizers_of(model):
        optimizer.finalize_variable_values(variables)
    ending.on_train_end()


def _batches(stream: Callable[[int], Iterable], first: int) -> Iterable:
    """What Keras takes: of iterators only generators, and no list of batches."""
    batches = stream(first)
    plain = isinstance(batches, (Iterator, list, tuple))
    return (batch for batch in batches) if plain else batches


@contextmanager
def _undone_on_error(callbacks: Sequence[keras.callbacks.Callback]) -> Iterator[None]:
    """Let callbacks take back what they did to the model: Keras does not tell them of an error."""
    try:
        yield
    except BaseException:
        for callback in callbacks:
            getattr(callback, "on_train_abort", lambda: None)()
        raise


def _leaves_averages(model: keras.Model) -> bool:
    """Whether a fit that was interrupted has put averages in place of the weights."""
    averages = any(
        getattr(each, "use_ema", False)
        for optimizer, _ in optimizers_of(model)
        for each in nested(optimizer)
    )
    return keras.config.backend() == "jax" and averages


def _diverged(
    model: keras.Model,
    stream: Callable[[int], Iterable],
    callbacks: Sequence[keras.callbacks.Callback],
    folder: Path,
    progress: _Progress,
    stop: StopAtNonFinite,
    found: NonFiniteError,
) -> InputError:
    """Make the steps since the checkpoint again to say where the trouble began."""
    if not found.step:
        return InputError(
            f"Training cannot begin because {found.what}", "finite numbers", "Mend the model."
        )
    epoch = (found.step - 1) // progress.steps_per_epoch
    kept = restore(model, folder)

    def again(last: int, *, thorough: bool) -> None:
        restore(model, folder)
        if last > kept:
            made = _Progress(kept, progress.steps_per_epoch)
            look = finite_arrays if thorough else None
            watch = [StopAtNonFinite(made.made_with, stop.skips, look), made]
            # Not of the epoch that failed: short ones do without checkpoints of their own.
            again_from = kept // progress.steps_per_epoch
            model.fit(
                _batches(stream, kept),
                initial_epoch=again_from,
                epochs=again_from + 1,
                steps_per_epoch=last - kept,
                callbacks=[*watch, *callbacks],
                verbose=0,
                shuffle=False,
            )

    began = "It did not happen when the steps since the last checkpoint were made again"
    try:
        again(found.step, thorough=True)
    except NonFiniteError as first:
        began = f"It began at step {first.step}"
        # Several replicas share a batch, and one alone cannot say what it did to all of them.
        if getattr(strategy_of(model), "num_replicas_in_sync", 1) == 1:
            again(first.step - 1, thorough=False)
            where = first_non_finite(model, next(iter(stream(first.step - 1))))
            began += f" with {where}"
    restore(model, folder)
    place = f"epoch {epoch + 1}, step {found.step - epoch * progress.steps_per_epoch}"
    return InputError(
        f"Training stopped at step {found.step} ({place}) because {found.what}. {began}",
        "finite numbers",
        "Lower the learning rate, limit the gradients with global_clipnorm, or mend the data. "
        f"{folder / CHECKPOINT} holds step {kept}, the last good one.",
    )


@checked
def read_history(folder: str | os.PathLike) -> pd.DataFrame:
    """The finished epochs of a folder.

    Args:
        folder: Where `fit` keeps its history.

    Returns:
        One row for each epoch: `epoch`, from 1 on, what `fit` logged, and `seconds`; empty if no
        epoch was finished.

    Raises:
        InputError: The file is damaged.
    """
    path = Path(folder) / HISTORY
    if not path.exists():
        return pd.DataFrame()
    allowed, remedy = "the history.csv that a training wrote", "Delete the folder to begin anew."
    rows = read_table(path, allowed, remedy)
    if "epoch" not in rows or any(kind.kind not in "iufb" for kind in rows.dtypes):
        raise InputError(f"{path} is no table of numbers by epoch", allowed, remedy)
    return rows


class _Progress(keras.callbacks.Callback):
    """Counts the steps, and lets Ctrl-C wait for their ends.

    Args:
        steps: Steps made before.
        steps_per_epoch: Batches in an epoch.

    Attributes:
        steps: Steps made, over all epochs.
        resumable: Whether the variables are those of a training that goes on with a next step.
    """

    def __init__(self, steps: int, steps_per_epoch: int) -> None:
        super().__init__()
        self.steps = self.begun = steps
        self.steps_per_epoch = steps_per_epoch
        self.resumable = self.in_step = self.interrupted = False

    def made_with(self, batch: int) -> int:
        """Steps made with a batch of this epoch."""
        return self.begun + batch + 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # An epoch whose data ended early counts as whole.
        self.steps = self.begun = max(self.steps, epoch * self.steps_per_epoch)
        self.resumable = True

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.in_step, self.resumable = True, False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.in_step = False
        self.steps = self.made_with(batch)
        # After the last step comes the validation, which resuming there would leave out.
        self.resumable = batch + 1 < self.params["steps"]
        if self.interrupted:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.steps = (epoch + 1) * self.steps_per_epoch

    @contextmanager
    def interrupts_after_steps(self) -> Iterator[None]:
        """Let Ctrl-C wait for the end of a step: in the middle, variables belong to two steps."""
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if not usual or threading.current_thread() is not threading.main_thread():
            yield
            return
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _interrupt(self, *_: Any) -> None:
        if self.interrupted or not self.in_step:
            raise KeyboardInterrupt
        self.interrupted = True


class _KeepHistory(keras.callbacks.Callback):
    """Writes a row for every finished epoch."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = time.perf_counter() - self.started
        row = {"epoch": epoch + 1, **logs, "seconds": round(seconds, 1)}
        history = read_history(self.folder)
        if len(history):
            history = history[history["epoch"] <= epoch]
        rows = pd.concat([history, pd.DataFrame([row])], ignore_index=True)
        write_whole(self.folder / HISTORY, lambda path: rows.to_csv(path, index=False))


class _KeepCheckpoint(keras.callbacks.Callback):
    """Saves all variables before the first step, now and then, and at the end of every epoch."""

    def __init__(self, folder: Path, seconds: float, progress: _Progress, epochs: int) -> None:
        super().__init__()
        self.folder = folder
        self.seconds = seconds
        self.progress = progress
        self.epochs = epochs
        self.cost = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        self.saved = time.monotonic()
        if not (self.folder / CHECKPOINT).exists():
            build_optimizers(self.model)
            self.save()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.progress.resumable and self._due(self.seconds):
            self.save()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        last = self.model.stop_training or epoch + 1 == self.params["epochs"]
        # An epoch may be shorter than writing its checkpoint takes.
        if last or self._due(0.0):
            self.save()

    def _due(self, seconds: float) -> bool:
        """Whether it is time."""
        least = max(seconds, self.cost / SHARE) if self.seconds else 0.0
        return time.monotonic() - self.saved >= least

    def save(self) -> None:
        """Write the checkpoint, unless something in it is not finite."""
        began = time.monotonic()
        ended = self.epochs if self.model.stop_training else None
        save(self.model, self.folder, self.progress.steps, ended)
        self.saved = time.monotonic()
        self.cost = self.saved - began
