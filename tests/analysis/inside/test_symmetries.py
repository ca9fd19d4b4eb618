"""Weight-space symmetries: how many there are, and that the network stays the same."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from keras_classics.analysis.inside import symmetries
from keras_classics.layers import recurrent_layer

FEATURES, UNITS = 3, 4
X = np.random.default_rng(9).normal(size=(5, FEATURES))
SEQUENCES = np.random.default_rng(9).normal(size=(5, 6, FEATURES))
CELLS = [
    ("elman", {}),
    ("lstm", {}),
    ("lstm_peephole", {}),
    ("lstm_coupled", {"peepholes": True}),
    ("lstm_no_forget", {}),
    ("gru", {}),
    ("gru_course", {}),
    ("gru_reset_after", {}),
]


def built(layer, width):
    """A layer with random weights, biases included, in double precision."""
    layer.build((None, width) if isinstance(layer, keras.layers.Dense) else (None, None, width))
    draws = np.random.default_rng(width)
    layer.set_weights([draws.normal(size=weight.shape) for weight in layer.weights])
    return layer


def dense(width, units, activation):
    return built(keras.layers.Dense(units, activation, dtype="float64"), width)


@pytest.mark.parametrize(
    ("units", "number"),
    [(1, 2), (2, 8), (3, 48), (4, 384), (5, 3840), (8, 10_321_920), (10, 3_715_891_200)],
)
def test_numbers_are_the_references(units, number):
    assert symmetries.count(units) == number
    if units <= 4:
        assert len(set(symmetries.every(units))) == number


def test_layers_multiply():
    assert symmetries.count(3, 2) == 48 * 8


def test_three_units_have_48_different_sets_of_weights():
    hidden, output = dense(FEATURES, 3, "tanh"), dense(3, 2, None)
    start = [hidden.get_weights(), output.get_weights()]
    expected = np.asarray(output(hidden(X)))
    found = set()
    for symmetry in symmetries.every(3):
        hidden.set_weights(start[0])
        output.set_weights(start[1])
        symmetries.apply(symmetry, hidden, [output])
        np.testing.assert_allclose(output(hidden(X)), expected, rtol=0, atol=1e-12)
        found.add(b"".join(w.tobytes() for w in hidden.get_weights() + output.get_weights()))
    assert len(found) == 48


@pytest.mark.parametrize(("cell", "options"), CELLS, ids=str)
def test_recurrent_layers_have_the_same_group(cell, options):
    layer = built(recurrent_layer(cell, UNITS, dtype="float64", **options), FEATURES)
    above = built(recurrent_layer("gru", 2, dtype="float64"), UNITS)
    output = dense(UNITS, 2, None)
    start = np.random.default_rng(0).normal(size=(5, UNITS))
    states = [start] * len(layer.state_size)
    before = [
        np.asarray(reader(layer(SEQUENCES, initial_state=states))) for reader in (above, output)
    ]
    weights = layer.get_weights()
    for seed in range(3):
        symmetry = symmetries.draw(UNITS, seed)
        symmetries.apply(symmetry, layer, [above, output])
        states = [symmetry.moved(state) for state in states]
        hidden = layer(SEQUENCES, initial_state=states)
        for reader, expected in zip((above, output), before, strict=True):
            np.testing.assert_allclose(reader(hidden), expected, rtol=0, atol=1e-12)
    assert not np.array_equal(layer.get_weights()[0], weights[0])


def test_flipped_signs_of_an_lstm_change_not_a_bit():
    layer, output = built(recurrent_layer("lstm", UNITS), FEATURES), dense(UNITS, 2, None)
    hidden = ops.convert_to_numpy(layer(SEQUENCES))
    before = ops.convert_to_numpy(output(hidden))
    flip = symmetries.Symmetry((0, 1, 2, 3), (1, -1, -1, 1))
    symmetries.apply(flip, layer, [output])
    flipped = ops.convert_to_numpy(layer(SEQUENCES))
    np.testing.assert_array_equal(flipped, hidden * [1, -1, -1, 1])
    np.testing.assert_array_equal(output(flipped), before)


def test_draws_are_seeded_and_cover_the_group():
    assert symmetries.draw(5, 1) == symmetries.draw(5, 1)
    assert len({symmetries.draw(2, seed) for seed in range(100)}) == 8


def test_units_without_an_odd_activation_keep_their_signs():
    hidden, output = dense(FEATURES, 3, "relu"), dense(3, 2, None)
    before, weights = np.asarray(output(hidden(X))), hidden.get_weights()
    with pytest.raises(kc.InputError, match="relu, which is not odd"):
        symmetries.apply(symmetries.Symmetry((0, 2, 1), (1, -1, 1)), hidden, [output])
    np.testing.assert_array_equal(hidden.get_weights()[0], weights[0])
    symmetries.apply(symmetries.Symmetry((2, 0, 1), (1, 1, 1)), hidden, [output])
    np.testing.assert_allclose(output(hidden(X)), before, atol=1e-12)


@pytest.mark.parametrize(
    ("units", "layer", "reader", "message"),
    [
        (4, dense(FEATURES, 3, "tanh"), dense(3, 2, None), "of 4 units was given.*one of 3 units"),
        (3, dense(FEATURES, 3, "tanh"), dense(5, 2, None), "reads 5 values"),
        (3, keras.layers.Flatten(), dense(3, 2, None), "is a Flatten"),
        (3, recurrent_layer("jordan", 3), dense(3, 2, None), "is a OutputFeedbackCell"),
    ],
    ids=["units", "reader", "flatten", "jordan"],
)
def test_what_does_not_fit_is_explained(units, layer, reader, message):
    with pytest.raises(kc.InputError, match=message):
        symmetries.apply(symmetries.draw(units, 0), layer, [reader])
