"""The recurrent decoder: from an encoding and the tokens so far to the next token's logits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any, TypeAlias

import keras
from keras import layers, ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_rate, check_whole
from keras_classics.core.graphs.variables import value_of
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor
from keras_classics.layers.image.maxout import Maxout
from keras_classics.layers.recurrent.attention import ATTENTIONS, stepwise_attention
from keras_classics.layers.recurrent.by_name import (
    by_layer,
    recurrent_layer,
    state_sizes,
    step_through,
)
from keras_classics.layers.recurrent.constant_products import (
    CellStep,
    ConstantProducts,
    constant_products,
)
from keras_classics.layers.recurrent.encodings import check_encoding, check_width
from keras_classics.layers.recurrent.loop import over_time
from keras_classics.layers.recurrent.scheduled_sampler import ScheduledSampler

# A dictionary of tensors, or of lists of them, see `initial_state`.
State: TypeAlias = dict[str, Any]
Step: TypeAlias = Callable[[Tensor, State], tuple[Tensor, State]]
Encoded: TypeAlias = Tensor | dict[str, Tensor]
READOUTS = ("state", "summed", "concatenated", "maxout")


@registered
class RecurrentDecoder(keras.layers.Layer):
    """A recurrent network with output feedback, conditioned on an encoding.

    Calling it trains: `(target_in (batch, time), encoded) -> logits (batch, time, vocabulary)`.
    Decoding needs only `initial_state(encoded)` and `step(token, state) -> (logits, state)`, which
    everything in `kc.decoding` accepts. A state is a dict; every tensor in it has the batch first.

    Without attention `encoded` is a vector `(batch, features)`. With attention it is a map
    `(batch, height, width, features)` or `(batch, positions, features)`, whose mean starts the
    state; or, as the encoder of a translator gives it, a dict of that `"memory"`, its `"mask"`
    (bool `(batch, positions)`, True where there is something) and the `"states"`
    `(batch, features)` that start the decoder's.

    Additive attention (Bahdanau, Cho, Bengio, ICLR 2015, arXiv:1409.0473) looks from the previous
    state and feeds the context with the token. Luong's (EMNLP 2015, arXiv:1508.04025) looks from
    the present state `h` and goes on with the attentional state `tanh([context; h] W)`.

    Args:
        vocabulary_size: Number of token ids.
        units: Width of the recurrent state.
        cell: A key of `kc.layers.RECURRENT_LAYERS`: `"gru"` (the course's), `"gru_reset_after"`,
            `"lstm"`, `"elman"`, `"lstm_peephole"`, `"multiplicative"`, `"highway"`, ...
        attention: `None`, `"additive"`, `"luong_dot"`, `"luong_general"` or `"luong_concat"`.
        embedding_size: Width of the token embedding; `units` by default.
        start_from: How a vector enters: `"initial_state"` sets the first state through a tanh
            layer; `"first_input"` feeds it once, before the first token (Show and Tell);
            `"states"` takes it apart into the first states, as it is (Sutskever 2014).
        dropout: Rate on token embeddings, between recurrent layers and on what the logits are made
            of, in training.
        attention_penalty: Weight of Xu's penalty `mean_i (1 - sum_t alpha_ti)^2`, which asks every
            position to be looked at once.
        pad: Id of padding, left out of that penalty.
        seed: Seed of scheduled sampling.
        depth: Number of recurrent layers, one on the other.
        feed_context: Without attention, feed the vector with every token and read it out (Cho et
            al., EMNLP 2014, arXiv:1406.1078).
        input_feeding: With Luong's attention, feed the attentional state with the next token.
        gated: With additive attention, scale the context by the gate of Show, Attend and Tell.
        readout: What the logits are a linear map of: the `"state"` (Luong's attentional state);
            `"summed"`, embedding plus projections of state and context (the deep output of Show,
            Attend and Tell); all three `"concatenated"`; or a `"maxout"` of that (two pieces, as
            wide as the embedding, as Cho's and Bahdanau's). By default `"summed"` with additive
            attention and `"state"` otherwise.
        tie_embeddings: Make the logits with the embedding's matrix, transposed, without bias.

    Raises:
        InputError: An argument is not admitted, or `encoded` does not fit.

    Example:
        ```python
        decoder = kc.layers.RecurrentDecoder(50, units=16)
        encoded, words = np.zeros((2, 32)), np.ones((2, 7), "int32")
        decoder(words, encoded).shape  # (2, 7, 50)
        state = decoder.initial_state(encoded)
        logits, state = decoder.step(np.array([1, 1]), state)  # (2, 50)
        ```
    """

    # What `core.graphs.model_ends` asks: the layer multiplies, or adds up, and does nothing after.
    linear_output = True

    @checked
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
        *,
        depth: int = 1,
        feed_context: bool = False,
        input_feeding: bool = True,
        gated: bool = True,
        readout: str | None = None,
        tie_embeddings: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("attention", attention, (None, *ATTENTIONS))
        check_choice("start_from", start_from, ("initial_state", "first_input", "states"))
        check_choice("readout", readout, (None, *READOUTS))
        check_choice("feed_context", feed_context, (False,) if attention else (False, True))
        self.vocabulary_size = check_whole("vocabulary_size", vocabulary_size)
        self.units = units = check_whole("units", units)
        self.cell = cell
        self.attention = attention
        self.embedding_size = check_whole("embedding_size", embedding_size or units)
        self.start_from = start_from
        self.dropout = check_rate("dropout", dropout)
        self.attention_penalty = attention_penalty
        self.pad = pad
        self.seed = seed
        self.depth = check_whole("depth", depth)
        self.feed_context = feed_context
        self.input_feeding = input_feeding
        self.gated = gated
        self.readout = readout or ("summed" if attention == "additive" else "state")
        self.tie_embeddings = tie_embeddings

        self._looks_after = attention not in (None, "additive")
        self._feeds_back = self._looks_after and input_feeding

        policy = {"dtype": self.dtype_policy}
        embedding = layers.ReversibleEmbedding if tie_embeddings else layers.Embedding
        self.embedding = embedding(
            self.vocabulary_size, self.embedding_size, name="embedding", **policy
        )
        self.recurrence = recurrent_layer(cell, units, name="recurrence", **policy)
        self.upper = [
            recurrent_layer(cell, units, name=f"recurrence_{level}", **policy)
            for level in range(1, self.depth)
        ]
        self.sampler = ScheduledSampler(seed, name="sampler")
        self.dropping = layers.Dropout(self.dropout, seed=seed, name="dropping", **policy)
        if not tie_embeddings:
            self.output_layer = layers.Dense(self.vocabulary_size, name="output", **policy)
        if start_from == "first_input":
            self.entry = layers.Dense(self.embedding_size, name="entry", **policy)
        elif start_from == "initial_state":
            self.entries = [
                layers.Dense(units, "tanh", name=f"entry_{number}", **policy)
                for number in range(len(self._state_sizes))
            ]
        if attention:
            self.attending = stepwise_attention(
                attention, units, gated=gated, name="attention", **policy
            )
        if self._looks_after:
            self.attentional = layers.Dense(
                units, "tanh", use_bias=False, name="attentional", **policy
            )
        if self.readout == "summed":
            self.state_readout = layers.Dense(self.embedding_size, name="state_readout", **policy)
            if attention or feed_context:
                self.context_readout = layers.Dense(
                    self.embedding_size, use_bias=False, name="context_readout", **policy
                )
        if self.readout == "maxout":
            self.pieces = layers.Dense(2 * self.embedding_size, name="pieces", **policy)
            self.maxout = Maxout(2, name="maxout", **policy)

    @property
    def _stack(self) -> list[keras.layers.RNN]:
        return [self.recurrence, *self.upper]

    @property
    def _state_sizes(self) -> list[int]:
        return [size for layer in self._stack for size in state_sizes(layer)]

    @property
    def _reads_context(self) -> bool:
        return bool(self.attention or self.feed_context)

    def build(self, target_in_shape: Shape, encoded_shape: Any) -> None:
        """Weights of all parts."""
        check_encoding(encoded_shape, attended=bool(self.attention))
        whole = isinstance(encoded_shape, dict)
        given: dict[str, Any] = encoded_shape if whole else {"states": encoded_shape}
        features = given["states"][-1]
        read = given.get("memory", given["states"])[-1] if self._reads_context else 0
        self.embedding.build(target_in_shape)
        self.fed_width = read
        if self.attention:
            self.attending.build((None, None, read), (None, self.units))
        if self._looks_after:
            self.attentional.build((None, read + self.units))
            self.fed_width = self.units if self.input_feeding else 0
        width = self.embedding_size + self.fed_width
        for layer in self._stack:
            layer.build((None, None, width))
            width = self.units
        self.sampler.build()
        self._build_entry(features)
        self._build_readout(read)

    def _build_entry(self, features: int) -> None:
        if self.start_from == "states":
            check_width("an encoding for start_from='states'", features, sum(self._state_sizes))
            return
        for entry in [self.entry] if self.start_from == "first_input" else self.entries:
            entry.build((None, features))

    def _build_readout(self, read: int) -> None:
        width = self.embedding_size
        if self.readout == "summed":
            self.state_readout.build((None, self.units))
            if self._reads_context:
                self.context_readout.build((None, read))
        elif self.readout == "state":
            width = self.units
        else:
            width = self.units + read + self.embedding_size
        if self.readout == "maxout":
            self.pieces.build((None, width))
            self.maxout.build((None, 2 * self.embedding_size))
            width = self.embedding_size
        if self.tie_embeddings:
            check_width("a readout for tie_embeddings=True", width, self.embedding_size)
        else:
            self.output_layer.build((None, width))

    def call(self, target_in: Tensor, encoded: Encoded, training: bool = False) -> Tensor:
        """Logits for every position, by teacher forcing or scheduled sampling."""
        state = self.initial_state(encoded)
        fed = self.sampler.choose(target_in, self.step, state) if training else target_in
        embedded = self.dropping(self.embedding(fed), training=training)
        if self.attention:
            hidden, context, weights = self._attend_over_time(embedded, state, training)
            if self.attention_penalty and training:
                self._penalise(weights, target_in)
        else:
            hidden, context = self._run(embedded, state, training)
        readout = self._read_out(embedded, hidden, context)
        return self._logits(self.dropping(readout, training=training))

    def initial_state(self, encoded: Encoded) -> State:
        """State before the first token.

        Args:
            encoded: The encoding of a batch; see the class.

        Returns:
            `"cell"`: the recurrent states from the lowest layer up, each `(batch, units)`, and
            under input feeding the attentional state. `"memory"`, never changed by `step`: what is
            attended to, or the vector that is fed with every token. With attention `"alignment"`,
            the last attention weights `(batch, positions)`.
        """
        shape = keras.tree.map_structure(lambda tensor: tensor.shape, encoded)
        check_encoding(shape, attended=bool(self.attention))
        if not self.attention:
            vector = ops.cast(encoded, self.compute_dtype)
            state = {"cell": self._enter(vector)}
            return {**state, "memory": {"context": vector}} if self.feed_context else state
        if isinstance(encoded, dict):
            memory = ops.cast(encoded["memory"], self.compute_dtype)
            mask, vector = encoded["mask"], ops.cast(encoded["states"], self.compute_dtype)
        else:
            encoded = ops.cast(encoded, self.compute_dtype)
            memory = ops.reshape(encoded, (ops.shape(encoded)[0], -1, encoded.shape[-1]))
            mask, vector = None, ops.mean(memory, axis=1)
        return {
            "cell": self._enter(vector),
            "memory": self.attending.remember(memory, mask),
            "alignment": ops.zeros_like(memory[:, :, 0]),
        }

    def step(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """Feed one token.

        Args:
            token: Ids `(batch,)`.
            state: What `initial_state` or the previous `step` returned.

        Returns:
            Logits `(batch, vocabulary)` and the next state.
        """
        return self._step(token, state, None)

    def prepared_step(self, fed: int | None = None) -> Step:
        """The function `step`, with products that no step changes multiplied now.

        They are the embeddings times the input kernel of the lowest layer, where that is an LSTM or
        a GRU: a table of `vocabulary_size` times 4 (LSTM) or 3 times `units` numbers, made where
        `fed` is at least the size of the vocabulary; without `fed`, where the table has no more
        numbers than the decoder.

        Args:
            fed: How many ids the search that wants it will feed, over all its rows and steps; None
                where the function serves all searches to come. The weights must not change in
                between.
        """
        vectors = value_of(self.embedding.embeddings)
        products = constant_products(self.recurrence, vectors, fed, self.count_params())
        return self.step if products is None else partial(self._step, products=products)

    def _step(
        self, token: Tensor, state: State, products: ConstantProducts | None
    ) -> tuple[Tensor, State]:
        embedded = self.embedding(token)
        hidden, context, weights, cell = self._advance(
            embedded,
            state["cell"],
            state.get("memory", {}),
            first=None if products is None else products.cell(token),
        )
        logits = self._logits(self._read_out(embedded, hidden, context))
        state = {**state, "cell": cell}
        return logits, ({**state, "alignment": weights} if self.attention else state)

    def _enter(self, vector: Tensor) -> list[Tensor]:
        def zeros(width: int) -> Tensor:
            return ops.zeros((ops.shape(vector)[0], width), dtype=vector.dtype)

        if self.start_from == "initial_state":
            cell = [entry(vector) for entry in self.entries]
        elif self.start_from == "states":
            ends = accumulate(self._state_sizes)
            cell = [vector[:, end - self.units : end] for end in ends]
        else:
            first = ops.concatenate([self.entry(vector), zeros(self.fed_width)], axis=-1)
            _, cell = step_through(self._stack, first, [zeros(size) for size in self._state_sizes])
        return [*cell, zeros(self.units)] if self._feeds_back else cell

    def _advance(
        self,
        embedded: Tensor,
        cell: list[Tensor],
        memory: State,
        between: Tensor | None = None,
        first: CellStep | None = None,
    ) -> tuple[Tensor, Tensor | None, Tensor | None, list[Tensor]]:
        """One step: hidden state, context, attention weights and the states after it."""

        def through(beside: Tensor | None) -> tuple[Tensor, list[Tensor]]:
            fed = _joined(embedded, beside) if first is None else beside
            return step_through(self._stack, fed, cell, between, first)

        if not self.attention:
            context = memory.get("context")
            hidden, cell = through(context)
            return hidden, context, None, cell
        if not self._looks_after:
            top = by_layer(self._stack, cell)[-1][1][0]
            context, weights = self.attending.attend(top, memory)
            hidden, cell = through(context)
            return hidden, context, weights, cell
        *cell, fed = cell if self._feeds_back else (*cell, None)
        hidden, cell = through(fed)
        context, weights = self.attending.attend(hidden, memory)
        hidden = self.attentional(_joined(context, hidden))
        return hidden, context, weights, [*cell, hidden] if self._feeds_back else cell

    def _run(self, embedded: Tensor, state: State, training: bool) -> tuple[Tensor, Tensor | None]:
        context = None
        if self.feed_context:
            vector = state["memory"]["context"]
            shape = (*ops.shape(embedded)[:2], vector.shape[-1])
            context = ops.broadcast_to(vector[:, None, :], shape)
        hidden = _joined(embedded, context)
        for level, (layer, own) in enumerate(by_layer(self._stack, state["cell"])):
            hidden = self.dropping(hidden, training=training) if level else hidden
            hidden = layer(hidden, initial_state=own, training=training)
        return hidden, context

    def _attend_over_time(
        self, embedded: Tensor, state: State, training: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        memory, between = state["memory"], self.units * (self.depth - 1)
        if between and self.dropout and training:
            # Drawn out here, where a random number may be drawn on every backend.
            kept = ops.ones((*ops.shape(embedded)[:2], between), dtype=embedded.dtype)
            embedded = _joined(embedded, self.dropping(kept, training=training))

        def step(inputs: Tensor, cell: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
            token, kept = inputs[:, : self.embedding_size], inputs[:, self.embedding_size :]
            kept = kept if kept.shape[-1] else None
            hidden, context, weights, cell = self._advance(token, cell, memory, kept)
            return ops.concatenate([hidden, context, weights], axis=-1), cell

        outputs = over_time(step, embedded, state["cell"], dtype=self.dtype_policy)
        # Slices, because a split needs the static width, which the loop loses in an export.
        end = self.units + memory["values"].shape[-1]
        return outputs[..., : self.units], outputs[..., self.units : end], outputs[..., end:]

    def _read_out(self, embedded: Tensor, hidden: Tensor, context: Tensor | None) -> Tensor:
        if self.readout == "state":
            return hidden
        if self.readout == "summed":
            total = embedded + self.state_readout(hidden)
            return total if context is None else total + self.context_readout(context)
        together = _joined(_joined(hidden, context), embedded)
        return together if self.readout == "concatenated" else self.maxout(self.pieces(together))

    def _logits(self, readout: Tensor) -> Tensor:
        if self.tie_embeddings:
            return self.embedding(readout, reverse=True)
        return self.output_layer(readout)

    def _penalise(self, weights: Tensor, target_in: Tensor) -> None:
        real = ops.cast(target_in != self.pad, weights.dtype)[:, :, None]
        looked_at = ops.sum(weights * real, axis=1)
        self.add_loss(self.attention_penalty * ops.mean(ops.square(1.0 - looked_at)))

    def compute_output_shape(self, target_in_shape: Shape, encoded_shape: Any) -> Shape:
        """Logits for every position."""
        return (*target_in_shape, self.vocabulary_size)

    def get_config(self) -> Config:
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
            "depth": self.depth,
            "feed_context": self.feed_context,
            "input_feeding": self.input_feeding,
            "gated": self.gated,
            "readout": self.readout,
            "tie_embeddings": self.tie_embeddings,
        }


def _joined(first: Tensor, second: Tensor | None) -> Tensor:
    return first if second is None else ops.concatenate([first, second], axis=-1)
