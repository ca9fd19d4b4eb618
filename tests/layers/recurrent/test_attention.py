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


def test_reversal_leaves_padding_where_it_is():
    ids = np.array([[5, 6, 7, 8], [5, 6, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(
        ReverseSequence()(ids), [[8, 7, 6, 5], [6, 5, 0, 0], [0, 0, 0, 0]]
    )
    sevens = np.where(ids == 0, 7, ids - 1)
    np.testing.assert_array_equal(ReverseSequence(pad=7)(sevens[1:2]), [[5, 4, 7, 7]])
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
