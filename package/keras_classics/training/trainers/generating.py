"""What trainers of networks that make pictures have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.errors import InputError, check_whole, shown
from keras_classics.core.types import Tensor, Whole


class PictureTrainer(keras.Model):
    """A model with losses of its own, whose `fit` looks at the values of pictures first."""

    def fit(self, x: Any = None, *arguments: Any, **options: Any) -> keras.callbacks.History:
        """As Keras has it.

        Raises:
            InputError: `x` is an array of values that the losses are not made for. What comes batch
                by batch is not looked at.
        """
        if isinstance(x, np.ndarray) and x.size:
            self.check_values(float(x.min()), float(x.max()))
        return super().fit(x, *arguments, **options)

    def check_values(self, least: float, most: float) -> None:
        """Refuse pictures whose values are not as they should be.

        Args:
            least: The lowest value of all pictures.
            most: The highest.

        Raises:
            InputError: They are not.
        """
        raise NotImplementedError

    def refuse_loss(self) -> None:
        """Refuse the loss that Keras's `compile` takes.

        Raises:
            InputError: There is one.
        """
        if self.loss is not None:
            raise InputError(
                f"compile(loss={shown(self.loss)}) was given to {self.name!r}, which has a loss "
                "of its own",
                "an optimizer, without a loss",
                "Leave loss out.",
            )


def made_of(model: keras.Model, latents: np.ndarray, batch_size: Whole) -> np.ndarray:
    """What a generator makes in inference mode, float32 `(count, height, width, channels)`.

    Args:
        model: From `(batch, latent)` to pictures.
        latents: `(count, latent)`; there may be none.
        batch_size: How many are made together.

    Raises:
        InputError: The numbers are not as many as the generator takes.
    """
    batch, size = check_whole("batch_size", batch_size), model.inputs[0].shape[1]
    if latents.ndim != 2 or latents.shape[1] != size:
        raise InputError(
            f"latents of shape {latents.shape} was given",
            f"(count, {size}), as {model.name!r} takes them",
            "Draw some with the trainer's latents(count), or give the count itself.",
        )
    parts = [latents[start : start + batch] for start in range(0, len(latents), batch)]
    made = [ops.convert_to_numpy(model(x.astype("float32"), training=False)) for x in parts]
    none = np.zeros((0, *model.outputs[0].shape[1:]), "float32")
    return np.concatenate([none, *made]).astype("float32")


def refuse_weights(sample_weight: Any) -> None:
    """Refuse weights of pictures, which `fit` hands to `compute_loss`.

    Raises:
        InputError: There are some.
    """
    if sample_weight is not None:
        raise InputError(
            "Weights of pictures were given",
            "pictures that count alike",
            "Leave sample_weight out.",
        )


def track(trackers: Sequence[keras.metrics.Metric], values: Iterable[Tensor]) -> None:
    """Let each tracker see its value of a batch."""
    for tracker, value in zip(trackers, values, strict=True):
        tracker.update_state(value)
