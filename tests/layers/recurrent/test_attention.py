"""Attention is the papers' formula, blind to padding, and decoders use it as their papers do."""

import numpy as np
import pytest
from keras import ops

from keras_classics.layers import (
    RecurrentDecoder,
    ReverseSequence,
    StepwiseAdditiveAttention,
    StepwiseDotAttention,
)
from support import check_layer

MASK = np.array([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0], [0] * 7], bool)
LAYERS = {
    "additive": lambda: StepwiseAdditiveAttention(4),
    "dot": lambda: StepwiseDotAttention(4, projected=False),
    "general": lambda: StepwiseDotAttention(4),
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def softmax(energy):
    shares = np.exp(energy - energy.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("kind", LAYERS)
def test_padding_weighs_nothing_and_changes_nothing(kind):
    layer, memory, query = LAYERS[kind](), normal(3, 7, 4), normal(3, 4, seed=1)
    layer(memory, query)
    context, weights = layer.attend(ops.convert_to_tensor(query), layer.remember(memory, MASK))
    weights = np.asarray(weights)
    assert np.all(weights[~MASK] == 0)
    np.testing.assert_allclose(weights.sum(axis=1), [1, 1, 0], rtol=1e-6)
    alone, shares = layer(memory[1:2, :3], query[1:2])
    np.testing.assert_allclose(context[1:2], alone, rtol=1e-5)
    np.testing.assert_allclose(weights[1:2, :3], shares, rtol=1e-5)


@pytest.mark.parametrize("projected", [False, True])
def test_multiplicative_attention_is_the_papers_formula(projected):
    layer, memory, query = StepwiseDotAttention(4, projected), normal(2, 7, 4), normal(2, 4, seed=1)
    context, weights = layer(memory, query)
    keys = memory @ np.asarray(layer.key.kernel) if projected else memory
    expected = softmax(np.einsum("bd,bpd->bp", query, keys))
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    np.testing.assert_allclose(context, np.einsum("bp,bpd->bd", expected, memory), rtol=1e-4)


def test_dot_attention_refuses_another_width():
    with pytest.raises(ValueError, match="memory of 3 features .* 4 features"):
        StepwiseDotAttention(4, projected=False)(normal(2, 7, 3), normal(2, 4))


def encoding(features=6, states=4):
    return {
        "memory": normal(2, 5, features),
        "mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool),
        "states": normal(2, states, seed=1),
    }


def loop(decoder, tokens, encoded, one_step):
    """Logits by a NumPy loop; `one_step(x, h, fed, attend)` is what the paper says of one step."""
    names = {weight.path.split("/", 1)[1]: np.asarray(weight) for weight in decoder.weights}
    hidden, fed, logits = encoded["states"], np.zeros((2, 4)), []

    def attend(energy):
        weights = softmax(np.where(encoded["mask"], energy, -np.inf))
        return np.einsum("bp,bpd->bd", weights, encoded["memory"])

    for time in range(tokens.shape[1]):
        x = names["embedding/embeddings"][tokens[:, time]]
        hidden, fed, read = one_step(names, x, hidden, fed, attend)
        logits.append(read @ names["output/kernel"] + names["output/bias"])
    return np.stack(logits, axis=1)


def elman(names, x, h):
    cell = "recurrence/simple_rnn_cell/"
    products = x @ names[cell + "kernel"] + h @ names[cell + "recurrent_kernel"]
    return np.tanh(products + names[cell + "bias"])


def compared(names, memory, h):
    queried = h @ names["attention/query/kernel"] + names["attention/query/bias"]
    keys = memory @ names["attention/key/kernel"]
    return (np.tanh(keys + queried[:, None]) @ names["attention/score/kernel"])[..., 0]


def test_bahdanaus_decoder_looks_from_the_previous_state():
    decoder = RecurrentDecoder(
        9, 4, "elman", "additive", start_from="states", gated=False, readout="concatenated"
    )
    tokens, encoded = np.array([[1, 3, 5], [1, 8, 2]]), encoding()

    def one_step(names, x, h, fed, attend):
        c = attend(compared(names, encoded["memory"], h))
        h = elman(names, np.concatenate([x, c], axis=1), h)
        return h, fed, np.concatenate([h, c, x], axis=1)

    logits = decoder(tokens, encoded)
    np.testing.assert_allclose(logits, loop(decoder, tokens, encoded, one_step), atol=1e-5)


@pytest.mark.parametrize("input_feeding", [True, False])
@pytest.mark.parametrize("score", ["dot", "general", "concat"])
def test_luongs_decoder_looks_from_the_present_state(score, input_feeding):
    decoder = RecurrentDecoder(
        9, 4, "elman", f"luong_{score}", start_from="states", input_feeding=input_feeding
    )
    encoded = encoding(4 if score == "dot" else 6)
    tokens, memory = np.array([[1, 3, 5], [1, 8, 2]]), encoded["memory"]

    def one_step(names, x, h, fed, attend):
        h = elman(names, np.concatenate([x, fed], axis=1) if input_feeding else x, h)
        keys = memory @ names["attention/key/kernel"] if score == "general" else memory
        energy = (
            compared(names, memory, h) if score == "concat"
            else np.einsum("bd,bpd->bp", h, keys)
        )  # fmt: skip
        fed = np.tanh(np.concatenate([attend(energy), h], axis=1) @ names["attentional/kernel"])
        return h, fed, fed

    logits = decoder(tokens, encoded)
    np.testing.assert_allclose(logits, loop(decoder, tokens, encoded, one_step), atol=1e-5)


def test_reversal_leaves_padding_where_it_is():
    ids = np.array([[5, 6, 7, 8], [5, 6, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(
        ReverseSequence()(ids), [[8, 7, 6, 5], [6, 5, 0, 0], [0, 0, 0, 0]]
    )
    features = normal(3, 4, 2)
    turned = np.asarray(ReverseSequence()(features, mask=ids != 0))
    np.testing.assert_array_equal(turned[0], features[0, ::-1])
    np.testing.assert_array_equal(turned[1], features[1, [1, 0, 2, 3]])
    np.testing.assert_array_equal(turned[2], features[2])
    np.testing.assert_array_equal(check_layer(ReverseSequence(), features), features[:, ::-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attention": "dot"}, "luong_dot"),
        ({"readout": "deep"}, "'maxout'"),
        ({"attention": "luong_dot", "feed_context": True}, "feed_context=True"),
        ({"start_from": "states", "depth": 2}, "width 4 was given. Allowed: width 8"),
        ({"tie_embeddings": True, "embedding_size": 3}, "width 4 was given. Allowed: width 3"),
    ],
)
def test_decoder_says_what_fits(arguments, message):
    with pytest.raises(ValueError, match=message):
        RecurrentDecoder(9, 4, **arguments)(np.ones((2, 3), "int32"), normal(2, 4))
