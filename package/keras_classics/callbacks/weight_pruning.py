"""Weights that are pruned while a model learns, and weights that are held as they were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras
from keras import ops

from keras_classics.compression.pruning import BY, Masks, cubic_sparsity, prunable, prune
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_rate,
    check_whole,
)
from keras_classics.core.keras_internals import bring_up_to_date
from keras_classics.core.types import Whole


class Held(Protocol):
    """What keeps weights as they are to be."""

    def hold(self) -> None:
        """Bring them back to it."""


class HoldWeights(keras.callbacks.Callback):
    """Keeps what was made of a model's weights after every step: zeros, or shared values.

        masks = kc.compression.prune(model, 0.8)
        model.fit(images, labels, callbacks=[kc.callbacks.HoldWeights(masks)])

    Args:
        held: What `kc.compression.prune`, `prune_filters` or `share_weights` returned.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        masks = kc.compression.prune(model, 0.8)
        model.compile("adam", "sparse_categorical_crossentropy")
        images, labels = np.zeros((8, 32, 32, 1), "float32"), np.arange(8)
        model.fit(images, labels, verbose=0, callbacks=[kc.callbacks.HoldWeights(masks)])
        ```
    """

    @checked
    def __init__(self, held: Held) -> None:
        super().__init__()
        self.held = held

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Bring the weights back."""
        bring_up_to_date(self.model)
        self.held.hold()

    def on_train_end(self, logs: Any = None) -> None:
        """Once more: an optimizer that averages weights has changed them."""
        self.on_train_batch_end(0)


class Pruning(keras.callbacks.Callback):
    """Prunes more and more weights by magnitude while a model learns.

    The sparsity follows `kc.compression.cubic_sparsity` over the optimizer's steps. Which weights
    are left is seen from the weights themselves, which are zero where they are not: so a training
    that is resumed, by `kc.training.fit` or from a saved model, goes on where it was, and the
    optimizer's precision does not matter.

        pruning = kc.callbacks.Pruning(0.8, begin=500, end=4000)
        model.fit(images, labels, epochs=10, callbacks=[pruning])

    Args:
        sparsity: Share of the weights that are zero in the end.
        begin: Step of the first pruning.
        end: Step of the last.
        every: Steps between two.
        initial: Sparsity of the first.
        by: `"global"` or `"layer"`, as for `kc.compression.prune`.
        keep: Names of layers that are left alone.

    Raises:
        InputError: An argument is not admitted; or, when training begins, the optimizer has made
            steps of the schedule and the model was not pruned in them.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        model.compile("adam", "sparse_categorical_crossentropy")
        images, labels = np.zeros((8, 32, 32, 1), "float32"), np.arange(8)
        pruning = kc.callbacks.Pruning(0.8, begin=2, end=6, every=2)  # in steps
        model.fit(images, labels, batch_size=1, verbose=0, callbacks=[pruning])
        ```
    """

    @checked
    def __init__(
        self,
        sparsity: float,
        *,
        begin: Whole,
        end: Whole,
        every: Whole = 100,
        initial: float = 0.0,
        by: str = "global",
        keep: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.sparsity = check_rate("sparsity", sparsity)
        self.initial = check_rate("initial", initial)
        self.begin = check_whole("begin", begin, 0)
        self.end = check_whole("end", end, self.begin + 1)
        self.every = check_whole("every", every)
        check_choice("by", by, BY)
        self.by = by
        self.keep = tuple(keep)
        self._masks: Masks | None = None
        self._due = self.begin

    def on_train_begin(self, logs: Any = None) -> None:
        """See how far the training is."""
        prunable(self.model, self.keep)
        bring_up_to_date(self.model)
        done = self._steps()
        self._masks, self._due = None, self.begin
        if done > self.begin:
            self._masks = Masks.of(self.model, keep=self.keep)
            last = (min(done, self.end) - self.begin) // self.every
            self._check_begun(done, self._masks.sparsity, self.begin + last * self.every)
            following = self.begin + (last + 1) * self.every
            self._due = min(following, self.end) if done < self.end else self.end + 1

    def _check_begun(self, done: int, found: float, last: int) -> None:
        """Refuse a schedule that was over, or under way, before the callback was there."""
        step = self.end if done >= self.end else last
        share = cubic_sparsity(
            step, self.sparsity, begin=self.begin, end=self.end, initial=self.initial
        )
        # Of small layers taken each for itself a little less goes than the share.
        if found < share / 2:
            raise InputError(
                f"Pruning from step {self.begin} to {self.end} was given to an optimizer that "
                f"has made {done} steps, of a model with {found:.0%} zeros",
                f"steps from {done} on, or a model that has been pruned so far",
                f"Pass begin={done}, end={done + self.end - self.begin}; or compile the model "
                "again, and its steps begin at 0.",
            )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Prune where it is time, and keep to zero what was pruned."""
        bring_up_to_date(self.model)
        step = self._steps()
        if step >= self._due and self._due <= self.end:
            share = cubic_sparsity(
                step, self.sparsity, begin=self.begin, end=self.end, initial=self.initial
            )
            self._masks = prune(self.model, share, by=self.by, keep=self.keep)
            # The last is at the end, whatever lies between.
            following = self.begin + ((step - self.begin) // self.every + 1) * self.every
            self._due = min(following, self.end) if step < self.end else self.end + 1
        elif self._masks is not None:
            self._masks.hold()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the sparsity, so that it stands in the history beside the loss."""
        if logs is not None:
            logs["sparsity"] = 0.0 if self._masks is None else self._masks.sparsity

    def on_train_end(self, logs: Any = None) -> None:
        """Once more: an optimizer that averages weights has changed them."""
        if self._masks is not None:
            bring_up_to_date(self.model)
            self._masks.hold()

    def _steps(self) -> int:
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))
