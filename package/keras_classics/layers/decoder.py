"""The recurrent decoder: from an encoding and the tokens so far to the next token's logits."""

from __future__ import annotations

import keras
from keras import layers, ops

from keras_classics.core.errors import check_choice, explain
from keras_classics.core.registration import registered
from keras_classics.layers.attention import StepwiseAdditiveAttention
from keras_classics.layers.cells import recurrent_layer
from keras_classics.layers.loop import over_time
from keras_classics.layers.scheduled_sampling import ScheduledSampler


@registered
class RecurrentDecoder(keras.layers.Layer):
    """A recurrent network with output feedback, conditioned on an encoding.

    Calling it trains: `(target_in (batch, time), encoded) -> logits (batch, time, vocabulary)`.
    Decoding needs only `initial_state(encoded)` and `step(token, state) -> (logits, state)`, which
    everything in `kc.decoding` accepts. A state is a dict; every tensor in it has the batch first.

    Without attention `encoded` is a vector `(batch, features)`. With attention it is a map
    `(batch, height, width, features)` or `(batch, positions, features)`: the state starts from its
    mean, each step reads the map where the previous state looks, and the logits are made from
    token, state and context together (the deep output of Show, Attend and Tell).

    Args:
        vocabulary_size: Number of token ids.
        units: Width of the recurrent state.
        cell: `"gru"` (the course's), `"gru_reset_after"`, `"lstm"` or `"elman"`.
        attention: `None` or `"additive"`.
        embedding_size: Width of the token embedding; `units` by default.
        start_from: How a vector enters: `"initial_state"` sets the first state through a tanh
            layer; `"first_input"` feeds it once, before the first token (Show and Tell).
        dropout: Rate on token embeddings and on what the logits are made of, in training.
        attention_penalty: Weight of Xu's penalty `mean_i (1 - sum_t alpha_ti)^2`, which asks every
            position to be looked at once.
        pad: Id of padding, left out of that penalty.
        seed: Seed of scheduled sampling.

    Raises:
        ValueError: An argument is not admitted, or `encoded` has the wrong number of axes.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int = 512,
        cell: str = "gru",
        attention: str | None = None,
        embedding_size: int | None = None,
        start_from: str = "initial_state",
        dropout: float = 0.0,
        attention_penalty: float = 0.0,
        pad: int = 0,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_choice("attention", attention, (None, "additive"))
        check_choice("start_from", start_from, ("initial_state", "first_input"))
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.cell = cell
        self.attention = attention
        self.embedding_size = embedding_size or units
        self.start_from = start_from
        self.dropout = dropout
        self.attention_penalty = attention_penalty
        self.pad = pad
        self.seed = seed

        policy = {"dtype": self.dtype_policy}
        self.embedding = layers.Embedding(
            vocabulary_size, self.embedding_size, name="embedding", **policy
        )
        self.recurrence = recurrent_layer(cell, units, name="recurrence", **policy)
        self.sampler = ScheduledSampler(seed, name="sampler")
        self.dropping = layers.Dropout(dropout, seed=seed, name="dropping", **policy)
        self.output_layer = layers.Dense(vocabulary_size, name="output", **policy)
        if start_from == "first_input":
            self.entry = layers.Dense(self.embedding_size, name="entry", **policy)
        else:
            self.entries = [
                layers.Dense(units, "tanh", name=f"entry_{number}", **policy)
                for number in range(len(self._state_sizes))
            ]
        if attention:
            self.attending = StepwiseAdditiveAttention(
                units, gated=True, name="attention", **policy
            )
            self.state_readout = layers.Dense(self.embedding_size, name="state_readout", **policy)
            self.context_readout = layers.Dense(
                self.embedding_size, use_bias=False, name="context_readout", **policy
            )

    @property
    def _state_sizes(self) -> list[int]:
        sizes = self.recurrence.cell.state_size
        return [sizes] if isinstance(sizes, int) else list(sizes)

    def build(self, target_in_shape, encoded_shape):
        """Weights of all parts."""
        self._check_rank(encoded_shape)
        features, hidden = encoded_shape[-1], (None, self.units)
        read = features if self.attention else 0
        self.embedding.build(target_in_shape)
        self.recurrence.build((None, None, self.embedding_size + read))
        self.sampler.build()
        for entry in [self.entry] if self.start_from == "first_input" else self.entries:
            entry.build((None, features))
        if self.attention:
            self.attending.build((None, None, features), hidden)
            self.state_readout.build(hidden)
            self.context_readout.build((None, features))
        self.output_layer.build((None, self.embedding_size if self.attention else self.units))

    def call(self, target_in, encoded, training=False):
        """Logits for every position, by teacher forcing or scheduled sampling."""
        state = self.initial_state(encoded)
        fed = self.sampler.choose(target_in, self.step, state) if training else target_in
        embedded = self.dropping(self.embedding(fed), training=training)
        if not self.attention:
            hidden = self.recurrence(embedded, initial_state=state["cell"], training=training)
            return self.output_layer(self.dropping(hidden, training=training))
        hidden, context, weights = self._attend_over_time(embedded, state)
        if self.attention_penalty and training:
            self._penalise(weights, target_in)
        readout = self._readout(embedded, hidden, context)
        return self.output_layer(self.dropping(readout, training=training))

    def initial_state(self, encoded) -> dict:
        """State before the first token.

        Args:
            encoded: The encoding of a batch; see the class.

        Returns:
            `"cell"`: the recurrent states, each `(batch, units)`; with attention also `"memory"`
            (never changed by `step`) and `"alignment"`, the last attention weights.
        """
        self._check_rank(encoded.shape)
        encoded = ops.cast(encoded, self.compute_dtype)
        memory = None
        if self.attention:
            memory = ops.reshape(encoded, (ops.shape(encoded)[0], -1, encoded.shape[-1]))
            encoded = ops.mean(memory, axis=1)
        state = {"cell": self._enter(encoded)}
        if self.attention:
            state["memory"] = self.attending.remember(memory)
            state["alignment"] = ops.zeros_like(memory[:, :, 0])
        return state

    def step(self, token, state: dict) -> tuple:
        """Feed one token.

        Args:
            token: Ids `(batch,)`.
            state: What `initial_state` or the previous `step` returned.

        Returns:
            Logits `(batch, vocabulary)` and the next state.
        """
        embedded = self.embedding(token)
        if not self.attention:
            hidden, cell = self._advance(embedded, state["cell"])
            return self.output_layer(hidden), {"cell": cell}
        hidden, cell, context, weights = self._attend(embedded, state["cell"], state["memory"])
        logits = self.output_layer(self._readout(embedded, hidden, context))
        return logits, {"cell": cell, "memory": state["memory"], "alignment": weights}

    def _enter(self, vector) -> list:
        if self.start_from == "initial_state":
            return [entry(vector) for entry in self.entries]
        batch = ops.shape(vector)[0]
        zeros = [ops.zeros((batch, size), dtype=vector.dtype) for size in self._state_sizes]
        first = self.entry(vector)
        if self.attention:
            first = ops.concatenate([first, ops.zeros_like(vector)], axis=-1)
        return self._advance(first, zeros)[1]

    def _advance(self, inputs, states: list) -> tuple:
        hidden, states = self.recurrence.cell(inputs, states)
        return hidden, list(states)

    def _attend(self, embedded, states: list, memory: dict) -> tuple:
        context, weights = self.attending.attend(states[0], memory)
        inputs = ops.concatenate([embedded, context], axis=-1)
        hidden, states = self._advance(inputs, states)
        return hidden, states, context, weights

    def _attend_over_time(self, embedded, state: dict) -> tuple:
        def step(inputs, states):
            hidden, states, context, weights = self._attend(inputs, states, state["memory"])
            return ops.concatenate([hidden, context, weights], axis=-1), states

        outputs = over_time(step, embedded, state["cell"])
        # Slices, because a split needs the static width, which the loop loses in an export.
        end = self.units + state["memory"]["values"].shape[-1]
        return outputs[..., : self.units], outputs[..., self.units : end], outputs[..., end:]

    def _readout(self, embedded, hidden, context):
        return embedded + self.state_readout(hidden) + self.context_readout(context)

    def _penalise(self, weights, target_in):
        real = ops.cast(target_in != self.pad, weights.dtype)[:, :, None]
        looked_at = ops.sum(weights * real, axis=1)
        self.add_loss(self.attention_penalty * ops.mean(ops.square(1.0 - looked_at)))

    def _check_rank(self, shape):
        allowed = (3, 4) if self.attention else (2,)
        if len(shape) in allowed:
            return
        given = f"An encoding of shape {tuple(shape)} was given"
        if self.attention:
            raise ValueError(
                explain(
                    given,
                    "(batch, height, width, features) or (batch, positions, features) with "
                    "attention",
                    "Use an encoder without pooling, or attention=None.",
                )
            )
        raise ValueError(
            explain(
                given,
                "(batch, features) without attention",
                "Use an encoder with pooling='avg' or a dense end, or attention='additive'.",
            )
        )

    def compute_output_shape(self, target_in_shape, encoded_shape):
        """Logits for every position."""
        return (*target_in_shape, self.vocabulary_size)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "cell": self.cell,
            "attention": self.attention,
            "embedding_size": self.embedding_size,
            "start_from": self.start_from,
            "dropout": self.dropout,
            "attention_penalty": self.attention_penalty,
            "pad": self.pad,
            "seed": self.seed,
        }
