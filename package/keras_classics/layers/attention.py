"""Attention that is asked one step at a time."""

from __future__ import annotations

import keras
from keras import layers, ops

from keras_classics.core.registration import registered


@registered
class StepwiseAdditiveAttention(keras.layers.Layer):
    """Additive (soft) attention of a recurrent decoder (Bahdanau 2015; Xu 2015).

    `e_i = v . tanh(a_i W_a + h W_h + b)`, `alpha = softmax(e)`, `context = sum_i alpha_i a_i`.
    The products with the memory are made once (`remember`); each step pays only for its own query
    (`attend`).

    Args:
        units: Width of the comparison.
        gated: Multiply the context by `sigmoid(h w + b)`, as Show, Attend and Tell does.
    """

    def __init__(self, units: int, gated: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.gated = gated
        self.key = layers.Dense(units, use_bias=False, name="key", dtype=self.dtype_policy)
        self.query = layers.Dense(units, name="query", dtype=self.dtype_policy)
        self.score = layers.Dense(1, use_bias=False, name="score", dtype=self.dtype_policy)
        if gated:
            self.gate = layers.Dense(1, "sigmoid", name="gate", dtype=self.dtype_policy)

    def build(self, memory_shape, query_shape):
        """Weights of the four small maps."""
        self.key.build(memory_shape)
        self.query.build(query_shape)
        self.score.build((None, None, self.units))
        if self.gated:
            self.gate.build(query_shape)

    def remember(self, memory) -> dict:
        """Prepare a memory `(batch, positions, features)` for all steps."""
        return {"values": memory, "keys": self.key(memory)}

    def attend(self, query, memory: dict):
        """One step.

        Args:
            query: `(batch, features)`.
            memory: What `remember` returned.

        Returns:
            Context `(batch, features)` and weights `(batch, positions)`, which sum to 1.
        """
        compared = ops.tanh(memory["keys"] + self.query(query)[:, None, :])
        energies = ops.squeeze(self.score(compared), axis=-1)
        weights = ops.softmax(energies, axis=-1)
        context = ops.squeeze(ops.matmul(weights[:, None, :], memory["values"]), axis=1)
        return (self.gate(query) * context if self.gated else context), weights

    def call(self, memory, query):
        """Context and weights for one query over a fresh memory."""
        return self.attend(query, self.remember(memory))

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units, "gated": self.gated}
