"""Attention that is asked one step at a time."""

from __future__ import annotations

from typing import Any, TypeAlias

import keras
from keras import layers, ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor

# What is attended to: `"values"`, `"keys"` and, where there is one, the `"mask"`.
Memory: TypeAlias = dict[str, Tensor]
ATTENTIONS = ("additive", "luong_dot", "luong_general", "luong_concat")


def stepwise_attention(
    kind: str, units: int, *, gated: bool, **arguments: Any
) -> keras.layers.Layer:
    """A layer of this module by the name of its score.

    Luong's concat score `v . tanh([a_i; h] W)` is the additive one: a product with two vectors side
    by side is a sum of two products.

    Args:
        kind: One of `ATTENTIONS`.
        units: Width of the comparison.
        gated: Whether `"additive"` has the gate of Show, Attend and Tell.
        **arguments: Passed to the layer.
    """
    if kind in ("luong_dot", "luong_general"):
        return StepwiseDotAttention(units, projected=kind == "luong_general", **arguments)
    return StepwiseAdditiveAttention(units, gated=gated and kind == "additive", **arguments)


def attention_weights(energies: Tensor, memory: Memory) -> Tensor:
    """Softmax of energies `(batch, positions)` over the positions the memory's mask admits.

    What is masked weighs exactly 0, and where everything is masked all weights are 0.
    """
    if "mask" not in memory:
        return ops.softmax(energies, axis=-1)
    # Far below any energy, yet finite in half precision: a row masked whole gives no NaN.
    weights = ops.softmax(ops.where(memory["mask"], energies, -3e4), axis=-1)
    return ops.where(memory["mask"], weights, 0.0)


def attended(weights: Tensor, memory: Memory) -> Tensor:
    """The context `(batch, features)`: the memory's values under these weights."""
    return ops.squeeze(ops.matmul(weights[:, None, :], memory["values"]), axis=1)


def _at_least_single(tensor: Tensor) -> Tensor:
    return ops.cast(tensor, keras.backend.result_type(tensor.dtype, "float32"))


def remembered(values: Tensor, keys: Tensor, mask: Tensor | None) -> Memory:
    """What `attend` reads; the mask, bool `(batch, positions)`, only where there is one."""
    return {"values": values, "keys": keys, **({} if mask is None else {"mask": mask})}


@registered
class StepwiseAdditiveAttention(keras.layers.Layer):
    """Additive (soft) attention of a recurrent decoder (Bahdanau 2015; Xu 2015).

    `e_i = v . tanh(a_i W_a + h W_h + b)`, `alpha = softmax(e)`, `context = sum_i alpha_i a_i`.
    The products with the memory are made once (`remember`); each step pays only for its own query
    (`attend`).

    Args:
        units: Width of the comparison.
        gated: Multiply the context by `sigmoid(h w + b)`, as Show, Attend and Tell does.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, units: int, gated: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units = check_whole("units", units)
        self.gated = gated
        self.key = layers.Dense(units, use_bias=False, name="key", dtype=self.dtype_policy)
        self.query = layers.Dense(units, name="query", dtype=self.dtype_policy)
        self.score = layers.Dense(1, use_bias=False, name="score", dtype=self.dtype_policy)
        if gated:
            self.gate = layers.Dense(1, "sigmoid", name="gate", dtype=self.dtype_policy)

    def build(self, memory_shape: Shape, query_shape: Shape) -> None:
        """Weights of the four small maps."""
        self.key.build(memory_shape)
        self.query.build(query_shape)
        self.score.build((None, None, self.units))
        if self.gated:
            self.gate.build(query_shape)

    def remember(self, memory: Tensor, mask: Tensor | None = None) -> Memory:
        """Prepare a memory `(batch, positions, features)` for all steps.

        Args:
            memory: What will be attended to.
            mask: bool `(batch, positions)`, False where nothing may be; None admits everything.
        """
        return remembered(memory, self.key(memory), mask)

    def attend(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """One step.

        Args:
            query: `(batch, features)`.
            memory: What `remember` returned.

        Returns:
            Context `(batch, features)` and weights `(batch, positions)`, which sum to 1.
        """
        compared = ops.tanh(memory["keys"] + self.query(query)[:, None, :])
        weights = attention_weights(ops.squeeze(self.score(compared), axis=-1), memory)
        context = attended(weights, memory)
        return (self.gate(query) * context if self.gated else context), weights

    def call(self, memory: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Context and weights for one query over a fresh memory."""
        return self.attend(query, self.remember(memory))

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units, "gated": self.gated}


@registered
class StepwiseDotAttention(keras.layers.Layer):
    """Multiplicative attention of a recurrent decoder (Luong, Pham, Manning, EMNLP 2015).

    `e_i = h . a_i` (dot) or `e_i = h . (a_i W)` (general), then as `StepwiseAdditiveAttention`.

    Args:
        units: Width of the query.
        projected: Whether the memory is projected first (general) or must have the query's width.

    Raises:
        InputError: The query is not `units` wide, or the memory is not and is not projected.
    """

    @checked
    def __init__(self, units: int, projected: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units = check_whole("units", units)
        self.projected = projected
        if projected:
            self.key = layers.Dense(units, use_bias=False, name="key", dtype=self.dtype_policy)

    def build(self, memory_shape: Shape, query_shape: Shape) -> None:
        """The projection, where there is one."""
        if query_shape[-1] != self.units:
            raise InputError(
                f"A query of {query_shape[-1]} features was given to {self.name!r}",
                f"{self.units}, its units",
                f"Make the attention with units={query_shape[-1]}.",
            )
        if self.projected:
            self.key.build(memory_shape)
        elif memory_shape[-1] != self.units:
            raise InputError(
                f"A memory of {memory_shape[-1]} features was given for the score 'luong_dot'",
                f"{self.units} features, as many as the state that is compared with them",
                "Use 'luong_general', or encoder and decoder of the same width.",
            )

    def remember(self, memory: Tensor, mask: Tensor | None = None) -> Memory:
        """Prepare a memory for all steps, as `StepwiseAdditiveAttention.remember`."""
        keys = self.key(memory) if self.projected else memory
        # Of products of large features half precision would make infinite energies.
        return remembered(memory, _at_least_single(keys), mask)

    def attend(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """One step, as `StepwiseAdditiveAttention.attend`."""
        query = _at_least_single(query)
        energies = ops.squeeze(ops.matmul(memory["keys"], query[:, :, None]), axis=-1)
        weights = ops.cast(attention_weights(energies, memory), memory["values"].dtype)
        return attended(weights, memory), weights

    def call(self, memory: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Context and weights for one query over a fresh memory."""
        return self.attend(query, self.remember(memory))

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units, "projected": self.projected}
