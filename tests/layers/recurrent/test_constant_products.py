"""Products that no step changes: the same logits with and without, and made where they pay."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc

ROWS, WORDS, UNITS = 3, 11, 4
DRAW = np.random.default_rng(6)


def decoder_of(attention=None, words=WORDS, **options):
    decoder = kc.layers.RecurrentDecoder(words, UNITS, attention=attention, **options)
    shape = (ROWS, 2, UNITS) if attention else (ROWS, UNITS)
    decoder.build((ROWS, 1), shape)
    for weight in decoder.weights:
        weight.assign(DRAW.normal(size=weight.shape))
    return decoder, ops.convert_to_tensor(DRAW.normal(size=shape).astype("float32"))


def said(step, state, tokens):
    """Logits and states of all steps."""
    found = []
    for column in tokens.T:
        logits, state = step(ops.convert_to_tensor(column), state)
        found += [logits, *keras.tree.flatten(state)]
    return [ops.convert_to_numpy(each) for each in found]


def check_same(decoder, state, *, words=WORDS):
    prepared = decoder.prepared_step(fed=words)
    assert prepared != decoder.step
    tokens = DRAW.integers(0, words, (ROWS, 3)).astype("int32")
    pairs = said(decoder.step, state, tokens), said(prepared, state, tokens)
    for expected, found in zip(*pairs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("cell", ["gru", "gru_reset_after", "lstm"])
@pytest.mark.parametrize(
    "options",
    [
        {"depth": 2},
        {"feed_context": True, "start_from": "first_input", "readout": "summed"},
        {"attention": "additive", "embedding_size": 6},
        {"attention": "luong_dot", "embedding_size": 3},
        {"attention": "luong_general", "input_feeding": False, "tie_embeddings": True},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_steps_say_the_same(cell, options):
    decoder, encoded = decoder_of(cell=cell, **options)
    check_same(decoder, decoder.initial_state(encoded))


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_steps_compute_in_the_layers_type(dtype):
    decoder, encoded = decoder_of(cell="lstm", dtype=dtype)
    state = decoder.initial_state(encoded)
    token = ops.zeros((ROWS,), "int32")
    logits, following = decoder.prepared_step(fed=WORDS)(token, state)
    expected, theirs = decoder.step(token, state)
    for one, other in zip(
        keras.tree.flatten((logits, following)), keras.tree.flatten((expected, theirs)), strict=True
    ):
        assert one.dtype == other.dtype
        one, other = (ops.convert_to_numpy(ops.cast(each, "float64")) for each in (one, other))
        np.testing.assert_allclose(one, other, atol=1e-12 if dtype == "float64" else 0.2)


@pytest.mark.parametrize("options", [{}, {"embedding_size": 4, "tie_embeddings": True}])
def test_language_models_say_the_same(options):
    model = kc.models.language_model(WORDS, UNITS, 2, **options)
    decoder = kc.models.split_language_model(model)
    check_same(decoder, decoder.initial_state(decoder.first_states(ROWS)))


def test_a_table_is_made_where_the_search_feeds_as_many_ids():
    decoder, _ = decoder_of(cell="gru")
    assert decoder.prepared_step(fed=WORDS - 1) == decoder.step
    assert decoder.prepared_step(fed=WORDS) != decoder.step


def test_one_hot_vectors_need_no_table():
    decoder = kc.models.split_language_model(kc.models.language_model(WORDS, UNITS))
    assert decoder.prepared_step(fed=0) != decoder.step


def test_for_good_a_table_is_made_where_it_does_not_double_the_memory():
    # The table takes 12 numbers for an id, the decoder 9 (embedding, output kernel and bias), and
    # without the vocabulary 134: they meet between 44 ids and 45.
    decoder, _ = decoder_of(cell="gru", words=44)
    assert decoder.count_params() == 9 * 44 + 134
    assert decoder.prepared_step() != decoder.step
    larger, _ = decoder_of(cell="gru", words=45)
    assert larger.prepared_step() == larger.step


def test_other_cells_and_activations_keep_their_step():
    for decoder in (decoder_of(cell="elman")[0], decoder_of(cell="lstm_peephole")[0]):
        assert decoder.prepared_step(fed=10**6) == decoder.step
    decoder, _ = decoder_of(cell="lstm")
    decoder.recurrence.cell.activation = keras.activations.relu
    assert decoder.prepared_step(fed=10**6) == decoder.step
