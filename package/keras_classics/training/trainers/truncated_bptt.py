"""Truncated backpropagation through time: text in windows, states carried from one to the next.

Williams, Peng, "An efficient gradient-based algorithm for on-line training of recurrent network
trajectories", Neural Computation 2(4), 1990: BPTT(h; h'), an update every h' steps (`k1`) with
gradients that reach h steps back (`k2`).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.graphs.variables import value_of
from keras_classics.core.registration import registered
from keras_classics.core.replicas import rows_of_all_replicas, rows_of_replica
from keras_classics.core.types import Config, Count, Tensor
from keras_classics.core.window_numbers import check_windows
from keras_classics.training.trainers.nested_networks import as_config, with_networks


@registered
class TruncatedBPTT(keras.Model):
    """Trains a model with explicit states by truncated backpropagation through time, under `fit`.

    Input is what `kc.data.text_windows` gives: `"tokens"` `(batch_size, k2)`, of which the last
    `k1` are new, and `"reset"` `(batch_size, k2 / k1)`, true where a row must start from zero
    states before that segment of `k1` tokens. Output are the logits of the new tokens,
    `(batch_size, k1, vocabulary)`. With `k1 = k2` windows lie side by side; a greater `k2` reads
    older tokens again from the state stored before them, so that every loss has between `k2 - k1 +
    1` and `k2` steps of gradient, at `k2 / k1` times the cost.

    The states are non-trainable variables, one set for training and another for evaluation and
    prediction: validation neither sees nor disturbs training's. Assigning them cuts the gradient.
    They are in every checkpoint that keeps the model's variables, as `kc.training.fit` does. Of
    several replicas each reads and writes its own rows of the states, and keeps those of all. What
    is worth saving in the end is `network`, which shares the trained weights.

    Args:
        network: A model from `{"tokens", "states"}` to `{"logits", "states"}`, such as
            `kc.models.language_model`.
        batch_size: Rows, each a stream of its own.
        k1: Steps between two updates.
        k2: Steps the gradient reaches back, a multiple of `k1`, which it is by default.

    Raises:
        InputError: `k2` is no multiple of `k1`, or a number is below 1.

    Example:
        ```python
        tokens = np.random.default_rng(0).integers(0, 20, 400)
        windows = kc.data.text_windows([tokens], batch_size=4, k1=10)
        model = kc.models.language_model(20, units=8, depth=1)
        trainer = kc.training.TruncatedBPTT(model, batch_size=4, k1=10)
        trainer.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        trainer.fit(windows.batches(), steps_per_epoch=windows.steps, shuffle=False, verbose=0)
        ```
    """

    @checked
    def __init__(
        self,
        network: keras.Model,
        batch_size: Count,
        k1: int = 50,
        k2: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        k2 = k2 or k1
        check_windows(batch_size, k1, k2)
        self.network = network
        self.batch_size = batch_size
        self.k1 = k1
        self.k2 = k2
        self.carried_in_training = self._carried("training")
        self.carried_in_evaluation = self._carried("evaluation")
        self.built = True

    def _carried(self, purpose: str) -> list[keras.Variable]:
        shapes = [state.shape[1:] for state in self.network.input["states"]]
        return [
            self.add_weight(
                (self.batch_size, *shape),
                initializer="zeros",
                trainable=False,
                autocast=False,
                name=f"{purpose}_state_{number}",
            )
            for number, shape in enumerate(shapes, 1)
        ]

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Read a window from the carried states; carry on those after its first segment."""
        carried = self.carried_in_training if training else self.carried_in_evaluation
        states = [rows_of_replica(value_of(variable)) for variable in carried]
        outputs: dict[str, Any] = {}
        following: list[Tensor] = []
        # On JAX, data reach a first call as arrays, which no layer takes together with tensors.
        ids = ops.convert_to_tensor(inputs["tokens"])
        for segment in range(self.k2 // self.k1):
            reset = ops.cast(inputs["reset"][:, segment, None], "bool")
            states = [ops.where(reset, ops.zeros_like(state), state) for state in states]
            tokens = ids[:, segment * self.k1 : (segment + 1) * self.k1]
            outputs = self.network({"tokens": tokens, "states": states}, training=training)
            states = outputs["states"]
            following = following or states
        for variable, state in zip(carried, following, strict=True):
            # All rows on every replica: a checkpoint goes on with any number of them.
            variable.assign(rows_of_all_replicas(ops.stop_gradient(state)))
        return outputs["logits"]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            "network": as_config(self.network),
            "batch_size": self.batch_size,
            "k1": self.k1,
            "k2": self.k2,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config) -> TruncatedBPTT:
        """Build the network too."""
        return cls(**with_networks(config, ["network"]))
