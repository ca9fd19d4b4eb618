"""Costs of layers, by formulas by hand; what is not counted is refused by name."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc


def on(shape, *steps):
    x = symbol = keras.Input(shape)
    for step in steps:
        x = step(x)
    return keras.Model(symbol, x)


def attention(query, value):
    symbols = keras.Input(query), keras.Input(value)
    return keras.Model(symbols, layers.MultiHeadAttention(2, 5, 6)(*symbols))


def dot():
    symbols = keras.Input((7, 3)), keras.Input((9, 3))
    return keras.Model(symbols, layers.Dot(axes=2)(symbols))


def plain_attention():
    symbols = [keras.Input((7, 3)), keras.Input((9, 3))]
    return keras.Model(symbols, layers.Attention()(symbols))


def shared():
    dense, pair = layers.Dense(5, name="dense"), (keras.Input((4,)), keras.Input((4,)))
    return keras.Model(pair, layers.Add()([dense(each) for each in pair]))


def shared_encoder():
    image = keras.Input((None, None, 3))
    encoder = keras.Model(image, layers.Conv2D(4, 3)(layers.Conv2D(2, 3, strides=2)(image)))
    pair = keras.Input((9, 9, 3)), keras.Input((11, 9, 3))
    pooled = [layers.GlobalAveragePooling2D()(encoder(each)) for each in pair]
    return keras.Model(pair, layers.Add()(pooled))


# Models and their multiply-adds; T is the number of steps.
T = 7
BY_HAND = {
    "LSTM": (lambda: on((T, 3), layers.LSTM(5)), T * 4 * 5 * (3 + 5)),
    "GRU, three gates, two biases": (lambda: on((T, 3), layers.GRU(5)), T * 3 * 5 * (3 + 5)),
    "SimpleRNN": (lambda: on((T, 3), layers.SimpleRNN(5)), T * 5 * (3 + 5)),
    "Bidirectional": (
        lambda: on((T, 3), layers.Bidirectional(layers.LSTM(5, return_sequences=True))),
        2 * T * 4 * 5 * (3 + 5),
    ),
    "states too": (lambda: on((T, 3), lambda x: layers.LSTM(5, return_state=True)(x)[0]),
                   T * 4 * 5 * (3 + 5)),
    "stacked cells": (
        lambda: on((T, 3), layers.RNN([layers.LSTMCell(5), layers.GRUCell(2)])),
        T * (4 * 5 * (3 + 5) + 3 * 2 * (5 + 2)),
    ),
    "fast LSTM": (lambda: on((T, 3), kc.layers.LSTM(5)), T * 4 * 5 * (3 + 5)),
    "course GRU": (
        lambda: on((T, 3), layers.RNN(kc.layers.CourseGRUCell(5))), T * 3 * 5 * (3 + 5)
    ),
    # Peepholes multiply element by element.
    "peepholes": (
        lambda: on((T, 3), layers.RNN(kc.layers.LSTMVariantCell(5, peepholes=True))),
        T * 4 * 5 * (3 + 5),
    ),
    # f (i + u) to the factors, f u and i u from them.
    "multiplicative": (
        lambda: on((T, 3), layers.RNN(kc.layers.MultiplicativeRNNCell(5, factors=6))),
        T * (6 * (3 + 5) + 6 * 5 + 3 * 5),
    ),
    "highway": (
        lambda: on((T, 3), layers.RNN(kc.layers.RecurrentHighwayCell(5, depth=3))),
        T * (2 * 3 * 5 + 3 * 2 * 5 * 5),
    ),
    "EinsumDense": (
        lambda: on((T, 3), layers.EinsumDense("abc,cde->abde", (T, 4, 2))), T * 3 * 4 * 2
    ),
    "EinsumDense of any rank": (
        lambda: on((T, 3), layers.EinsumDense("...x,xy->...y", 4)), T * 3 * 4
    ),
    "self-attention": (
        lambda: on((T, 3), lambda x: layers.MultiHeadAttention(2, 5)(x, x)),
        3 * T * 3 * 10 + T * T * (10 + 10) + T * 10 * 3,
    ),
    "attention": (
        lambda: attention((7, 3), (9, 4)),
        7 * 3 * 10 + 9 * 4 * 10 + 9 * 4 * 12 + 7 * 9 * (10 + 12) + 7 * 12 * 3,
    ),
    "plain attention": (plain_attention, 7 * 9 * 3 + 7 * 9 * 3),
    "Dot": (dot, 7 * 9 * 3),
    "TimeDistributed": (
        lambda: on((T, 8, 8, 3), layers.TimeDistributed(layers.Conv2D(4, 3))), T * 6 * 6 * 27 * 4
    ),
    "SpectralNormalization": (
        lambda: on((3,), layers.SpectralNormalization(layers.Dense(4))), 12
    ),
    "Conv1D, grouped": (lambda: on((T, 4), layers.Conv1D(6, 3, groups=2)), 5 * 3 * 2 * 6),
    "Conv2DTranspose": (lambda: on((5, 5, 3), layers.Conv2DTranspose(4, 3, strides=2)), 25 * 27 * 4),
    "matmul": (lambda: on((T, 3), lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1)))), T * T * 3),
    "einsum": (lambda: on((T, 3), lambda x: ops.einsum("bti,bsi->bts", x, x)), T * T * 3),
    "called twice": (shared, 2 * 4 * 5),
    # Maps of 4 x 4 and 5 x 4, then 2 x 2 and 3 x 2.
    "an encoder of any size called twice": (
        shared_encoder, (16 + 20) * 27 * 2 + (4 + 6) * 18 * 4
    ),
    "nothing": (
        lambda: on(
            (T,), layers.Embedding(9, 4), layers.LayerNormalization(), layers.PReLU(),
            layers.Dropout(0.5), layers.GlobalAveragePooling1D(),
        ),
        0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_multiply_adds_are_those_of_the_formula(name):
    build, expected = BY_HAND[name]
    assert kc.analysis.multiply_adds(build()) == expected


class Own(keras.layers.Layer):
    """A layer of a user's that multiplies."""

    def call(self, x):
        return ops.matmul(x, ops.transpose(x, (0, 2, 1)))


class Counted(Own):
    """The same, which says so."""

    def multiply_adds(self, input_shape, output_shape):
        return input_shape[-1] * output_shape[1] * output_shape[2]


REFUSED = {
    "'mine', a Own": lambda: on((T, 3), Own(name="mine")),
    "'maps', a ConvLSTM2D": lambda: on((T, 8, 8, 3), layers.ConvLSTM2D(4, 3, name="maps")),
    "'decoder', a RecurrentDecoder": lambda: kc.models.captioner(
        on((8,), layers.Dense(4)), 9, units=4
    ),
    "a GroupedQueryAttention": lambda: on(
        (T, 4), lambda x: layers.GroupQueryAttention(2, 4, 2)(x, x)
    ),
    "a Conv, multiplies": lambda: on((8, 3), lambda x: ops.conv(x, np.ones((3, 3, 2), "float32"))),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_not_counted_is_refused_by_name(message):
    model = REFUSED[message]()
    if "decoder" in message:
        message = "unknown size"
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.multiply_adds(model)


def test_the_remedy_is_a_method_of_the_layer():
    assert kc.analysis.multiply_adds(on((T, 3), Counted())) == T * T * 3


def test_unknown_sizes_and_channels_first_are_refused():
    with pytest.raises(kc.InputError, match="the length of sequences"):
        kc.analysis.multiply_adds(on((None, 3), layers.LSTM(5)))
    model = on((3, 8, 8), layers.Conv2D(4, 3, data_format="channels_first"))
    with pytest.raises(kc.InputError, match="channels first"):
        kc.analysis.multiply_adds(model)


def test_a_shared_layer_is_one_row_whose_parameters_count_once():
    (row,) = (row for row in kc.analysis.costs(shared()) if row.name == "dense")
    assert (row.calls, row.parameters, row.activations, row.multiply_adds) == (2, 25, 10, 40)
    assert kc.analysis.weight_bytes(shared()) == 4 * 25


def test_binary_weights_within_nested_models_take_a_bit():
    binary = kc.layers.BinaryConv2D(4, 3, use_bias=False)
    inner = on((6, 6, 3), binary)
    model = on((6, 6, 3), inner, layers.Flatten(), layers.Dense(2))
    rest = model.count_params() - 108
    assert kc.analysis.weight_bytes(model) == 108 / 8 + 4 * rest
    # Read again at the top, they count once all the same.
    image = keras.Input((6, 6, 3))
    twice = keras.Model(image, layers.Add()([inner(image), binary(image)]))
    assert kc.analysis.weight_bytes(twice) == 108 / 8 + 4 * (twice.count_params() - 108)
