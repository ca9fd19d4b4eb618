"""Language models of one token after another, such as characters.

A stack of recurrent layers reads tokens and says after each what comes next; as in Karpathy's
char-rnn (2015; Karpathy, Johnson, Li, "Visualizing and understanding recurrent networks", ICLR 2016
workshop, arXiv:1506.02078), which feeds one-hot vectors and starts all matrices uniform in
plus/minus 0.08. States go in and come out by name, so that text of any length is read in pieces:
`kc.training.TruncatedBPTT` carries them in training, `kc.decoding` in writing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate

import keras
import numpy as np
from keras import layers, ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_rate, check_whole
from keras_classics.core.graphs.variables import value_of
from keras_classics.core.types import Count, Name, Tensor
from keras_classics.layers.recurrent.by_name import by_layer, recurrent_layer, state_sizes
from keras_classics.layers.recurrent.constant_products import CellStep, constant_products
from keras_classics.layers.recurrent.loop import over_time
from keras_classics.layers.recurrent.one_hot import OneHot


@checked
def language_model(
    vocabulary_size: int,
    units: int = 128,
    depth: int = 2,
    cell: str = "lstm",
    *,
    embedding_size: int | None = None,
    dropout: float = 0.0,
    tie_embeddings: bool = False,
    initial_range: float | None = None,
    seed: int | None = None,
    name: Name = "language_model",
) -> keras.Model:
    """Build a recurrent language model.

    Args:
        vocabulary_size: Number of token ids.
        units: Width of each recurrent layer.
        depth: Number of recurrent layers, one on the other.
        cell: `"lstm"`, `"gru"`, `"elman"` or another that `kc.layers.recurrent_layer` knows.
        embedding_size: Width of a learned embedding; None feeds one-hot vectors, as char-rnn does.
        dropout: Rate on the way out of every recurrent layer, in training.
        tie_embeddings: Make the logits with the embedding's matrix, transposed, without bias
            (Press, Wolf, EACL 2017, arXiv:1608.05859); `embedding_size` must then be `units`.
        initial_range: Start all matrices uniform between this and its negative; None for Keras's
            initialisers.
        seed: Seed of the initial matrices under `initial_range`, and of dropout.
        name: Name of the model.

    Returns:
        A functional model from `{"tokens": (batch, time) ids, "states": [(batch, width), ...]}` to
        `{"logits": (batch, time, vocabulary_size), "states": [...]}`; the states from the lowest
        layer up, those of an LSTM as output and cell.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.language_model(50, units=16, depth=1)
        states = [np.zeros((2, 16)), np.zeros((2, 16))]  # output and cell of the LSTM
        answer = model({"tokens": np.zeros((2, 5), "int32"), "states": states})
        answer["logits"].shape  # (2, 5, 50)
        trainer = kc.training.TruncatedBPTT(model, batch_size=2, k1=5)  # keeps the states
        ```
    """
    vocabulary_size = check_whole("vocabulary_size", vocabulary_size, 2)
    units, depth = check_whole("units", units), check_whole("depth", depth)
    dropout = check_rate("dropout", dropout)
    if embedding_size is not None:
        embedding_size = check_whole("embedding_size", embedding_size)
    if tie_embeddings:
        check_choice("embedding_size", embedding_size, (units,), "Tied embeddings have its width.")

    seeds = np.random.default_rng(seed)

    def uniform(*names: str) -> dict:
        if initial_range is None:
            return {}
        kind = partial(keras.initializers.RandomUniform, -initial_range, initial_range)
        return {name: kind(seed=int(seeds.integers(2**31))) for name in names}

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    reading = OneHot(vocabulary_size, name="one_hot")
    if embedding_size:
        kind = layers.ReversibleEmbedding if tie_embeddings else layers.Embedding
        drawing = uniform("embeddings_initializer")
        reading = kind(vocabulary_size, embedding_size, name="embedding", **drawing)
    x = reading(tokens)
    states: list[Tensor] = []
    following: list[Tensor] = []
    for level in range(1, depth + 1):
        layer = recurrent_layer(
            cell,
            units,
            return_state=True,
            name=f"recurrent_{level}",
            **uniform("kernel_initializer", "recurrent_initializer"),
        )
        own = [
            keras.Input((size,), name=f"state_{level}_{number}")
            for number, size in enumerate(state_sizes(layer), 1)
        ]
        x, *moved = layer(x, initial_state=own)
        states, following = states + own, following + moved
        if dropout:
            x = layers.Dropout(dropout, seed=seed, name=f"dropout_{level}")(x)
    if tie_embeddings:
        logits = reading(x, reverse=True)
    else:
        drawing = uniform("kernel_initializer")
        # Not in half precision: what follows is a softmax.
        full = keras.config.dtype_policy().variable_dtype
        logits = layers.Dense(vocabulary_size, dtype=full, name="logits", **drawing)(x)
    return keras.Model(
        {"tokens": tokens, "states": states},
        {"logits": logits, "states": following},
        name=name,
    )


@checked
def split_language_model(model: keras.Model) -> LanguageDecoder:
    """Return the steps of a language model, sharing its weights; works on a loaded file.

    Args:
        model: From `language_model`.

    Returns:
        What has `first_states(batch)` and `step(token, state)`, with the weights of the model.

    Raises:
        InputError: It is another kind of model.

    Example:
        ```python
        model = kc.models.language_model(50, units=16, depth=1)
        decoder = kc.models.split_language_model(model)
        write = kc.decoding.CompiledSearch(
            decoder, "sample", jit_compile=False, start=1, end=None, pad=-1, max_length=20, seed=1
        )
        write(decoder.first_states(batch=1)).ids.shape  # (1, 20)
        ```
    """
    names = {layer.name for layer in model.layers}
    if not {"tokens", "recurrent_1"} <= names:
        raise InputError(
            f"The model {model.name!r} was given, which has no layer 'recurrent_1'",
            "a model of kc.models.language_model",
            "Give the language model itself, not what it is part of.",
        )
    return LanguageDecoder(model)


class LanguageDecoder:
    """A language model one token at a time, as everything in `kc.decoding` takes it.

    Args:
        model: From `language_model`.

    Example:
        ```python
        decoder = kc.models.LanguageDecoder(kc.models.language_model(50, units=16, depth=1))
        states = decoder.first_states(batch=2)
        logits, states = decoder.step(np.array([1, 1]), states)
        logits.shape  # (2, 50)
        ```
    """

    @checked
    def __init__(self, model: keras.Model) -> None:
        names = {layer.name for layer in model.layers}
        levels = sum(name.startswith("recurrent_") for name in names)
        self.model = model
        self.reading = model.get_layer("one_hot" if "one_hot" in names else "embedding")
        self.stack = [model.get_layer(f"recurrent_{level}") for level in range(1, levels + 1)]
        self.output_layer = model.get_layer("logits") if "logits" in names else None

    @property
    def variables(self) -> list[keras.Variable]:
        """Those of the model."""
        return self.model.variables

    @property
    def state_widths(self) -> list[int]:
        """Width of each state, from the lowest layer up."""
        return [size for layer in self.stack for size in state_sizes(layer)]

    @property
    def state_names(self) -> list[tuple[int, int]]:
        """Of each state its layer, counted from 1, and its place among the layer's, from 0."""
        sizes = ((level, state_sizes(layer)) for level, layer in enumerate(self.stack, 1))
        return [(level, place) for level, own in sizes for place in range(len(own))]

    @checked
    def first_states(self, batch: Count) -> list[Tensor]:
        """Zeros `(batch, width)`: the states before any token."""
        return [ops.zeros((batch, width)) for width in self.state_widths]

    @checked
    def initial_state(self, states: Sequence[Tensor]) -> list[Tensor]:
        """Start from states: `first_states`, or those that reading some text has left.

        Args:
            states: One tensor `(batch, width)` for each state.
        """
        dtype = self.stack[0].compute_dtype
        return [ops.cast(state, dtype) for state in states]

    @checked
    def step(self, token: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Feed one token.

        Args:
            token: Ids `(batch,)`.
            state: What `initial_state` or the previous `step` returned.

        Returns:
            Logits `(batch, vocabulary)` and the next state.
        """
        return self._advance(self.reading(token), list(state))

    @checked
    def prepared_step(self, fed: int | None = None) -> Callable[..., tuple[Tensor, list[Tensor]]]:
        """The function `step`, with products that no step changes multiplied now.

        They are what the tokens give to the lowest layer, where that is an LSTM or a GRU: of
        one-hot vectors the rows of its kernel, of an embedding a table as
        `kc.layers.RecurrentDecoder.prepared_step` makes it.

        Args:
            fed: How many ids the search that wants it will feed, over all its rows and steps; None
                where the function serves all searches to come. The weights must not change in
                between.
        """
        one_hot = isinstance(self.reading, OneHot)
        vectors = None if one_hot else value_of(self.reading.embeddings)
        products = constant_products(self.stack[0], vectors, fed, self.model.count_params())
        if products is None:
            return self.step

        def step(token: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
            return self._advance(None, list(state), first=products.cell(token))

        return step

    @checked
    def record(
        self, tokens: Tensor, states: Sequence[Tensor], held: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Read text and keep every state of every step.

        Args:
            tokens: Ids `(batch, time)`.
            states: The states at the start, each `(batch, width)`.
            held: Values `(all states,)` that states are held at after every step, and outputs with
                them; NaN leaves one free. The unit then tells nobody anything about the text.

        Returns:
            Logits `(batch, time, vocabulary)` and states `(batch, time, all states)`.
        """

        def step(inputs: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
            logits, state = self._advance(inputs, state, held)
            return ops.concatenate([ops.cast(logits, state[0].dtype), *state], axis=-1), state

        policy = self.stack[0].dtype_policy
        found = over_time(step, self.reading(tokens), self.initial_state(states), dtype=policy)
        width = sum(self.state_widths)
        return found[..., :-width], found[..., -width:]

    def _advance(
        self,
        inputs: Tensor | None,
        states: Sequence[Tensor],
        held: Tensor | None = None,
        first: CellStep | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        moved: list[Tensor] = []
        place = 0
        for layer, own in by_layer(self.stack, states):
            step = layer.cell if first is None or moved else first
            inputs, own = step(inputs, own)
            if held is not None:
                # A cell's output is its first state.
                inputs = _hold(inputs, held, place)
                *starts, place = accumulate(state_sizes(layer), initial=place)
                own = [_hold(state, held, at) for state, at in zip(own, starts, strict=True)]
            moved += list(own)
        if self.output_layer is None:
            return self.reading(inputs, reverse=True), moved
        return self.output_layer(inputs), moved


def _hold(values: Tensor, held: Tensor, start: int) -> Tensor:
    wanted = ops.cast(held[start : start + values.shape[-1]], values.dtype)
    return ops.where(ops.isnan(wanted), values, wanted)
