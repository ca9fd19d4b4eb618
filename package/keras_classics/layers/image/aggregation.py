"""Where several paths of a graph meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_rate
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor


@registered
class WeightedAggregation(keras.layers.Layer):
    """Sum of inputs, each times the sigmoid of its own learned scalar.

    Xie, Kirillov, Girshick, He, "Exploring randomly wired neural networks for image recognition",
    ICCV 2019 (arXiv:1904.01569). The scalars start at 0, so each input counts half. Inputs: a list
    of tensors of one shape `(batch, ...)`, the edges of the graph; output of the same shape. A
    single input has no weight and passes.

    With `edge_dropout`, each training step leaves out one input, drawn uniformly, with that
    probability: the paper removes one edge of a node, never all of them, and only where there are
    two or more. The draw is one for the whole batch; what stays is not scaled up, and inference
    uses all inputs.

    Args:
        edge_dropout: Probability that one input is left out of a training step; the paper has 0.1
            in its regular regime.
        seed: Seed of the draws.

    Raises:
        InputError: `edge_dropout` is no probability below 1, or the input no list.
    """

    @checked
    def __init__(self, edge_dropout: float = 0.0, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.edge_dropout = check_rate("edge_dropout", edge_dropout, "Use 0 to keep every edge.")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """One scalar an edge, none for a single edge."""
        if not isinstance(input_shape[0], tuple | list):
            raise InputError(
                f"A tensor of shape {tuple(input_shape)} was given to {self.name!r}",
                "a list of tensors of one shape",
                "Put the tensor in a list.",
            )
        self.edges = len(input_shape)
        if self.edges > 1:
            self.edge_weights = self.add_weight((self.edges,), "zeros", name="edge_weights")

    def call(self, inputs: Sequence[Tensor], training: bool | None = None) -> Tensor:
        """Weigh and add up."""
        if self.edges == 1:
            return inputs[0]
        factors = ops.sigmoid(self.edge_weights)
        if training and self.edge_dropout:
            factors = factors * ops.cast(self._kept(), factors.dtype)
        # Term by term: stacking would hold all inputs a second time.
        terms = zip(ops.unstack(factors), inputs, strict=True)
        return sum(factor * tensor for factor, tensor in terms)

    def _kept(self) -> Tensor:
        """Ones, but a zero for the edge that this step leaves out, if any."""
        # Below edge_dropout the draw falls on an edge, all equally often; above, past the last.
        draw = keras.random.uniform((), seed=self.seed_generator) / self.edge_dropout
        left_out = ops.floor(draw * self.edges)
        return ops.arange(self.edges, dtype="float32") != left_out

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """That of any input."""
        return input_shape[0]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "edge_dropout": self.edge_dropout, "seed": self.seed}
