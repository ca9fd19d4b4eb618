"""Decoders small enough to know everything about."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

START, END = 1, 2


def markov(transitions):
    """A step whose next id depends on the previous one: rows of probabilities `(ids, ids)`."""
    with np.errstate(divide="ignore"):
        table = np.log(np.asarray(transitions, "float32"))

    def step(token, state):
        return ops.take(table, token, axis=0), state

    return step


def rows_of(batch):
    """The least state there is."""
    return {"row": ops.arange(batch)}


def hand_worked():
    """The toy of the fact sheet: ids 1 start, 2 end, 3 and 4; greedy misses the best sentence."""
    transitions = np.full((5, 5), 0.2)
    transitions[1] = [0, 0, 0.4, 0.6, 0]
    transitions[3] = [0, 0, 0.3, 0.33, 0.37]
    transitions[4] = [0, 0, 1, 0, 0]
    return markov(transitions)


IDS, LENGTH = 6, 5
INSIDE = IDS - 3


def random_trees(count, seed=0, scale=1.5):
    """`count` unrelated toys as one batch: every beginning has its own random distribution.

    Ids 0 pad, 1 start, 2 end and three more, at most five ids long. Which toy and which beginning
    a row stands for is told by its state alone, so a state that does not follow its beam shows.
    """
    nodes = sum(INSIDE**depth for depth in range(LENGTH))
    logits = np.random.default_rng(seed).normal(0.0, scale, (count, nodes, IDS)).astype("float32")
    logits[:, :, :END] = -np.inf
    table = logits.reshape(-1, IDS)

    def step(token, state):
        (node,), toy = state["path"]["node"], state["toy"]
        child = ops.minimum(node * INSIDE + ops.maximum(token, END) - END, nodes - 1)
        logits = ops.take(table, toy[:, 0] * nodes + child, axis=0)
        return logits, {"path": {"node": [child]}, "toy": toy}

    state = {
        "path": {"node": [ops.zeros((count,), "int32")]},
        "toy": ops.arange(count, dtype="int32")[:, None],
    }
    return step, state


def attentive(batch, positions=3, seed=0):
    """A random tree whose steps also look at `positions`, by the token and what was seen so far."""
    tree, state = random_trees(batch, seed)
    generator = np.random.default_rng(seed + 1)
    looks = generator.normal(0.0, 2.0, (IDS, positions)).astype("float32")
    shown = generator.normal(0.0, 1.0, (batch, positions)).astype("float32")

    def step(token, state):
        logits, inner = tree(token, state["inner"])
        energies = ops.take(looks, token, axis=0) + state["memory"] - state["alignment"]
        weights = ops.softmax(energies, axis=-1)
        return logits, {"inner": inner, "alignment": weights, "memory": state["memory"]}

    return step, {
        "inner": state,
        "alignment": ops.zeros((batch, positions)),
        "memory": ops.convert_to_tensor(shown),
    }


class TinyDecoder(keras.layers.Layer):
    """Embedding, GRU and attention over a memory: a decoder layer as models have it."""

    def __init__(self, vocabulary, units=8):
        super().__init__()
        self.traced = 0
        self.embedding = keras.layers.Embedding(vocabulary, units)
        self.cell = keras.layers.GRUCell(units)
        self.readout = keras.layers.Dense(vocabulary)

    def build(self, encoded_shape):
        units = encoded_shape[-1]
        self.embedding.build(None)
        self.cell.build((None, units))
        self.readout.build((None, 2 * units))
        self.built = True

    def initial_state(self, encoded):
        return {
            "cell": [ops.mean(encoded, axis=1)],
            "alignment": ops.zeros_like(encoded[..., 0]),
            "memory": encoded,
        }

    def step(self, token, state):
        self.traced += 1
        hidden, cell = self.cell(self.embedding(token), state["cell"])
        weights = ops.softmax(ops.sum(state["memory"] * hidden[:, None], axis=-1), axis=-1)
        context = ops.sum(state["memory"] * weights[..., None], axis=1)
        logits = self.readout(ops.concatenate([hidden, context], axis=-1))
        return logits, {"cell": list(cell), "alignment": weights, "memory": state["memory"]}


def tiny_decoder(vocabulary=12, units=8, seed=0):
    """A `TinyDecoder` whose weights are the same on every backend."""
    layer = TinyDecoder(vocabulary, units)
    layer.build((None, None, units))
    reweigh(layer, seed)
    return layer


def reweigh(layer, seed):
    """Give a layer other weights."""
    generator = np.random.default_rng(seed)
    for variable in layer.weights:
        variable.assign(generator.normal(0.0, 1.0, variable.shape).astype("float32"))


def encodings(batch=4, positions=5, units=8, seed=0):
    """What a `TinyDecoder` attends to."""
    return np.random.default_rng(seed).normal(size=(batch, positions, units)).astype("float32")


def sentences(ids, pad=0):
    """Rows of ids as lists, without padding."""
    return [[int(i) for i in row if i != pad] for row in ops.convert_to_numpy(ids)]
