"""The decoder's equations in NumPy, for every way in, every attention and every readout."""

import numpy as np
import pytest

from keras_classics.layers import RecurrentDecoder

TOKENS = np.array([[1, 3, 5, 2], [1, 8, 2, 0]])
UNITS, EMBEDDING, FEATURES = 4, 3, 6


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


MAP = normal(2, 2, 3, FEATURES)
VECTOR = normal(2, FEATURES, seed=1)
MASKED = {
    "memory": normal(2, 5, FEATURES),
    "mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool),
    "states": normal(2, 2 * UNITS, seed=1),
}
NARROW = {**MASKED, "memory": MASKED["memory"][..., :UNITS]}

FORMS = [
    ({}, VECTOR),
    ({"depth": 2, "readout": "maxout"}, VECTOR),
    ({"start_from": "first_input", "readout": "summed"}, VECTOR),
    ({"start_from": "states", "depth": 2, "readout": "concatenated"}, MASKED["states"]),
    ({"feed_context": True, "depth": 2, "readout": "concatenated"}, VECTOR),
    ({"feed_context": True, "readout": "summed"}, VECTOR),
    ({"feed_context": True, "start_from": "first_input", "readout": "maxout"}, VECTOR),
    ({"attention": "additive"}, MAP),
    ({"attention": "additive", "start_from": "first_input", "readout": "state"}, MAP),
    ({"attention": "additive", "gated": False, "depth": 2, "readout": "maxout",
      "start_from": "states"}, MASKED),
    ({"attention": "luong_dot", "readout": "concatenated"}, NARROW),
    ({"attention": "luong_general", "depth": 2, "input_feeding": False}, MASKED),
    ({"attention": "luong_concat", "start_from": "first_input", "readout": "summed"}, MASKED),
    ({"tie_embeddings": True, "embedding_size": UNITS}, VECTOR),
    ({"tie_embeddings": True, "attention": "additive"}, MAP),
]  # fmt: skip


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Equations:
    """What the papers say of a decoder of Elman cells with these weights."""

    def __init__(self, decoder, kept):
        self.decoder, self.kept = decoder, kept
        self.weights = {w.path.split("/", 1)[1]: np.asarray(w) for w in decoder.weights}
        self.units = decoder.units

    def dense(self, name, x):
        return x @ self.weights[f"{name}/kernel"] + self.weights.get(f"{name}/bias", 0)

    def through(self, x, hidden):
        """One step through all layers; dropout stands between them."""
        for level in range(self.decoder.depth):
            cell = f"recurrence{f'_{level}' if level else ''}/simple_rnn_cell"
            x = x * self.kept if level else x
            recurrent = hidden[level] @ self.weights[f"{cell}/recurrent_kernel"]
            x = hidden[level] = np.tanh(self.dense(cell, x) + recurrent)
        return x

    def attend(self, query):
        kind = self.decoder.attention
        if kind in ("additive", "luong_concat"):
            compared = self.dense("attention/key", self.memory)
            compared = np.tanh(compared + self.dense("attention/query", query)[:, None])
            energies = self.dense("attention/score", compared)[..., 0]
        else:
            general = kind == "luong_general"
            keys = self.dense("attention/key", self.memory) if general else self.memory
            energies = np.einsum("bpd,bd->bp", keys, query)
        shares = np.where(self.mask, np.exp(energies), 0)
        context = np.einsum("bp,bpd->bd", shares / shares.sum(1, keepdims=True), self.memory)
        gated = kind == "additive" and self.decoder.gated
        return sigmoid(self.dense("attention/gate", query)) * context if gated else context

    def start(self, vector, width):
        decoder, zeros = self.decoder, np.zeros((len(vector), self.units))
        if decoder.start_from == "states":
            return np.split(vector, decoder.depth, axis=1)
        if decoder.start_from == "initial_state":
            return [np.tanh(self.dense(f"entry_{n}", vector)) for n in range(decoder.depth)]
        hidden = [zeros] * decoder.depth
        # Dropout belongs to the tokens' way, and the vector's is another.
        kept, self.kept = self.kept, 1
        entered = np.concatenate([self.dense("entry", vector), np.zeros((len(vector), width))], 1)
        self.through(entered, hidden)
        self.kept = kept
        return hidden

    def logits(self, tokens, encoded):
        decoder, luong = self.decoder, self.decoder.attention not in (None, "additive")
        vector, fed, context = encoded, np.zeros((len(tokens), 0)), None
        if isinstance(encoded, dict):
            self.memory, self.mask, vector = (encoded[k] for k in ("memory", "mask", "states"))
        elif decoder.attention:
            self.memory = encoded.reshape(len(encoded), -1, encoded.shape[-1])
            self.mask, vector = True, self.memory.mean(axis=1)
        if luong and decoder.input_feeding:
            fed = np.zeros((len(tokens), self.units))
        elif decoder.feed_context:
            fed = context = vector
        width = self.memory.shape[-1] if decoder.attention == "additive" else fed.shape[1]
        hidden, logits = self.start(vector, width), []
        for token in tokens.T:
            word = self.weights["embedding/embeddings"][token] * self.kept
            if decoder.attention == "additive":
                fed = context = self.attend(hidden[-1])
            top = self.through(np.concatenate([word, fed], axis=1), hidden)
            if luong:
                context = self.attend(top)
                top = np.tanh(self.dense("attentional", np.concatenate([context, top], axis=1)))
                fed = top if decoder.input_feeding else fed
            logits.append(self.said(self.read(word, top, context) * self.kept))
        return np.stack(logits, axis=1)

    def read(self, word, top, context):
        readout = self.decoder.readout
        if readout == "state":
            return top
        if readout == "summed":
            total = word + self.dense("state_readout", top)
            return total if context is None else total + self.dense("context_readout", context)
        parts = [top, word] if context is None else [top, context, word]
        together = np.concatenate(parts, axis=1)
        if readout == "concatenated":
            return together
        pieces = self.dense("pieces", together)
        return np.maximum(pieces[:, ::2], pieces[:, 1::2])

    def said(self, readout):
        if self.decoder.tie_embeddings:
            return readout @ self.weights["embedding/embeddings"].T
        return self.dense("output", readout)


def made(arguments, encoded):
    """A decoder of Elman cells with weights of which none is zero."""
    decoder = RecurrentDecoder(
        9, UNITS, "elman", **{"embedding_size": EMBEDDING, "dropout": 0.5, **arguments}
    )
    decoder(TOKENS, encoded)
    for number, weight in enumerate(decoder.trainable_weights):
        weight.assign(0.7 * normal(*weight.shape, seed=number))
    return decoder


@pytest.mark.parametrize(("arguments", "encoded"), FORMS)
def test_every_option_is_the_papers_equation(arguments, encoded):
    decoder = made(arguments, encoded)
    expected = Equations(decoder, kept=1).logits(TOKENS, encoded)
    np.testing.assert_allclose(decoder(TOKENS, encoded), expected, atol=1e-5)


@pytest.mark.parametrize(("arguments", "encoded"), FORMS)
def test_dropout_is_on_words_between_layers_and_on_the_readout(arguments, encoded):
    decoder = made(arguments, encoded)
    # As if everything that is kept were scaled up by two, and all were kept.
    decoder.dropping.call = lambda x, training=False: 2 * x if training else x
    expected = Equations(decoder, kept=2).logits(TOKENS, encoded)
    np.testing.assert_allclose(decoder(TOKENS, encoded, training=True), expected, atol=1e-4)
    assert decoder.dropping.rate == 0.5
