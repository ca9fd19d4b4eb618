"""What all callbacks that draw have in common: when, where to, at what price, without a trace."""

from __future__ import annotations

import contextlib
import os
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import opened
from keras_classics.core.boundary.picture_files import opened_picture
from keras_classics.core.errors import InputError
from keras_classics.core.keras_internals import bring_up_to_date, strategy_of

if TYPE_CHECKING:
    import tensorflow as tf


class PictureCallback(keras.callbacks.Callback, ABC):
    """Draws a page now and then, and leaves training as it would have been without.

    Weights, states of the optimizer and of random generators, statistics of normalisation: what
    training reads or writes is only read here, bit for bit. Where several processes train one
    model, the first draws alone. At the end of training one line says what the pictures cost.

    A subclass has a `kind`, which begins the names of its files, makes once what it needs in
    `prepare()` and draws with `draw(path, when)`. Both look at `explained`.

    Args:
        folder: Where the pictures are written, made if absent: `KIND-epoch-0003.png` or
            `KIND-step-0000700.png`. A resumed run goes on with the numbers.
        every_epochs: Draw at the end of every so many epochs.
        every_steps: Draw after every so many steps of the optimizer instead.
        tensorboard: A log folder, to see the pictures in TensorBoard too.
        model: The model to look into, where it is not the trained one but shares its weights;
            such as the whole captioner while its decoder trains.

    Raises:
        InputError: A number is not admitted; or, at the start of training, the folder cannot be
            written.
    """

    kind: str

    @checked
    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        every_epochs: int = 1,
        every_steps: int | None = None,
        tensorboard: str | os.PathLike | None = None,
        model: Any = None,
    ):
        super().__init__()
        for name, number in (("every_epochs", every_epochs), ("every_steps", every_steps)):
            if number is not None and number < 1:
                raise InputError(
                    f"{name}={number} was given",
                    "1 and above",
                    "Leave the callback out for no pictures.",
                )
        self.folder = Path(folder)
        self.every_epochs = every_epochs
        self.every_steps = every_steps
        self.tensorboard = tensorboard
        self._given = model
        self._prepared: keras.Model | None = None
        self._writer: tf.summary.SummaryWriter | None = None

    @property
    def explained(self) -> keras.Model:
        """The model the pictures are of."""
        return self.model if self._given is None else self._given

    def prepare(self) -> None:
        """Make what is needed more than once, such as compiled functions."""

    @abstractmethod
    def draw(self, path: Path, when: str) -> None:
        """Write one page.

        Args:
            path: The file.
            when: `"epoch 3"` or `"step 700"`, for a heading.
        """

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Prepare, once."""
        self.began, self.spent, self.pages = time.perf_counter(), 0.0, 0
        # Asked once, because asking at every step would cost.
        self.made = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        self.draws = _is_chief(self.model)
        if self.draws:
            with self._aside():
                _make(self.folder)
                if self._prepared is not self.explained:
                    self.prepare()
                    self._prepared = self.explained

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Know where the epoch's steps begin."""
        self.before = self.made

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw where a multiple of `every_steps` was reached since the last call."""
        last, self.made = self.made, self.before + batch + 1
        if self.every_steps and last // self.every_steps < self.made // self.every_steps:
            self._page("step", self.made, 7)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw after every `every_epochs` epochs."""
        if not self.every_steps and (epoch + 1) % self.every_epochs == 0:
            self._page("epoch", epoch + 1, 4)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Say what it cost."""
        if self._writer:
            self._writer.close()
            self._writer = None
        if self.draws and self.pages and (self.params or {}).get("verbose", 1):
            share = self.spent / (time.perf_counter() - self.began)
            print(
                f"{type(self).__name__}: {self.pages} picture{'s' * (self.pages > 1)} in "
                f"{self.folder}, "
                f"{self.spent:.1f} s, {share:.1%} of the training time"
            )

    def _page(self, unit: str, number: int, digits: int) -> None:
        if not self.draws:
            return
        with self._aside():
            path = self.folder / f"{self.kind}-{unit}-{number:0{digits}d}.png"
            self.draw(path, f"{unit} {number:,}")
            self.pages += 1
            if self.tensorboard:
                self._log(path)

    @contextlib.contextmanager
    def _aside(self) -> Iterator[None]:
        """Beside training: up to date, timed, and with no random number taken from anyone."""
        start = time.perf_counter()
        bring_up_to_date(self.model)
        # New layers and models, of which a map may need one, draw default seeds from these.
        states = random.getstate(), np.random.get_state()
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            self.spent += time.perf_counter() - start

    def _log(self, path: Path) -> None:
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.tensorboard))
        with opened_picture(path) as picture:
            size = [str(length) for length in picture.size]
        with opened(path) as file:
            content = file.read()
        # As tf.summary.image has it, which would decode the picture, encode it again, and want
        # TensorBoard to be installed where it is written.
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "images"
        with self._writer.as_default(self.made):
            tf.summary.write(self.kind, tf.constant([*size, content]), metadata=metadata)
        self._writer.flush()


def finite(maps: np.ndarray) -> np.ndarray:
    """Maps with 0 for what is no number: a training that fails is not to fail on its picture."""
    return np.nan_to_num(maps, posinf=0.0, neginf=0.0)


def _is_chief(model: keras.Model) -> bool:
    """Whether this process is the only one that trains the model, or the first of them."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        strategy = strategy_of(model)
        return strategy is None or bool(strategy.extended.should_save_summary)
    if backend == "jax":
        import jax

        return jax.process_index() == 0
    import torch.distributed

    joined = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not joined or torch.distributed.get_rank() == 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error.strerror})",
            "a folder you may write to",
            "Choose another for the pictures.",
        ) from error
