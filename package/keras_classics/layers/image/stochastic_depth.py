"""Drop-path of residual networks (stochastic depth): branches left out at random in training."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, is_number
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor

MODES = ("batch", "row")
RESCALES = ("test", "train")


@registered
class StochasticDepth(keras.layers.Layer):
    """Drops a whole residual branch at random, so that training sees shallower networks.

    Huang, Sun, Liu, Sedra, Weinberger, "Deep networks with stochastic depth", ECCV 2016. Stands at
    the end of the branch, before the sum. Input and output `(batch, ...)`.

    Args:
        survival: Probability that the branch is kept.
        mode: `"batch"` draws once for the whole mini-batch, as in the paper; `"row"` once for
            each example, as most later code does.
        rescale: `"test"` multiplies by `survival` at inference, as in the paper; `"train"`
            divides by it while training, and inference is the identity.
        seed: Seed of the draws.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        x = keras.Input((8, 8, 16))
        branch = keras.layers.Conv2D(16, 3, padding="same")(x)
        y = keras.layers.Add()([x, kc.layers.StochasticDepth(0.8)(branch)])
        model = keras.Model(x, y)
        ```
    """

    @checked
    def __init__(
        self,
        survival: float = 0.5,
        mode: str = "batch",
        rescale: str = "test",
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not is_number(survival) or not 0 < float(survival) <= 1:
            raise InputError(
                f"survival={survival!r} was given",
                "a probability above 0 and at most 1",
                "Use 1 to keep every branch.",
            )
        check_choice("mode", mode, MODES)
        check_choice("rescale", rescale, RESCALES)
        self.survival = float(survival)
        self.mode = mode
        self.rescale = rescale
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Keep or drop while training; scale where `rescale` says."""
        if not training:
            return inputs * self.survival if self.rescale == "test" else inputs
        rows = ops.shape(inputs)[0] if self.mode == "row" else 1
        shape = (rows, *(1,) * (len(inputs.shape) - 1))
        draws = keras.random.uniform(shape, seed=self.seed_generator)
        kept = ops.cast(draws < self.survival, inputs.dtype)
        return inputs * (kept / self.survival if self.rescale == "train" else kept)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Same as the input's."""
        return input_shape

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "survival": self.survival,
            "mode": self.mode,
            "rescale": self.rescale,
            "seed": self.seed,
        }
