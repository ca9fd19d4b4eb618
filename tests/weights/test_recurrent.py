"""Recurrent weights: PyTorch computes what Keras does, in both directions."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.layers import recurrent_layer

torch = pytest.importorskip("torch")

KINDS = {
    "SimpleRNN": ("RNN", keras.layers.SimpleRNN),
    "LSTM": ("LSTM", keras.layers.LSTM),
    "GRU": ("GRU", keras.layers.GRU),
    "hoisted LSTM": ("LSTM", kc.layers.LSTM),
    "hoisted GRU": ("GRU", kc.layers.GRU),
}
UNITS, FEATURES = 4, 3
X = np.random.default_rng(6).normal(size=(2, 5, FEATURES)).astype("float32")


def stack(kind, count, *, bidirectional=False, **options):
    layers, width = [], FEATURES
    for _ in range(count):
        layer = KINDS[kind][1](UNITS, return_sequences=True, **options)
        layer = keras.layers.Bidirectional(layer) if bidirectional else layer
        layer.build((None, None, width))
        # Biases unlike zero, so that one in the wrong place is noticed.
        draws = np.random.default_rng(count)
        layer.set_weights([draws.normal(size=w.shape, scale=0.5) for w in layer.weights])
        layers.append(layer)
        width = UNITS * (1 + bidirectional)
    return layers


def read(layers):
    value = X
    for layer in layers:
        value = layer(value)
    return np.asarray(value)


def torch_twin(kind, count, *, bidirectional=False, use_bias=True):
    return getattr(torch.nn, KINDS[kind][0])(
        FEATURES, UNITS, count, batch_first=True, bidirectional=bidirectional, bias=use_bias
    )


FORMS = [(1, {}), (2, {}), (2, {"bidirectional": True}), (1, {"use_bias": False})]


@pytest.mark.parametrize(("count", "options"), FORMS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_keras_to_torch(kind, count, options):
    layers, twin = stack(kind, count, **options), torch_twin(kind, count, **options)
    state = kc.weights.torch_recurrent_state(layers)
    twin.load_state_dict({name: torch.from_numpy(values) for name, values in state.items()})
    output = twin(torch.from_numpy(X))[0].detach().numpy()
    np.testing.assert_allclose(read(layers), output, atol=1e-6)


@pytest.mark.parametrize(("count", "options"), FORMS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_torch_to_keras(kind, count, options):
    layers, twin = stack(kind, count, **options), torch_twin(kind, count, **options)
    kc.weights.load_torch_recurrent(layers, twin.state_dict())
    output = twin(torch.from_numpy(X))[0].detach().numpy()
    np.testing.assert_allclose(read(layers), output, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_is_the_same(kind):
    (layer,) = stack(kind, 1, bidirectional=True)
    before = layer.get_weights()
    kc.weights.load_torch_recurrent(layer, kc.weights.torch_recurrent_state(layer))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_torch_has_two_biases_for_kerass_one():
    layer = keras.layers.LSTM(512)
    layer.build((None, None, 512))
    state = kc.weights.torch_recurrent_state(layer)
    assert layer.count_params() == 2_099_200
    assert sum(values.size for values in state.values()) == 4 * 512 * (512 + 512 + 2)


def test_the_courses_gru_is_kerass_with_the_update_gate_negated():
    plain = recurrent_layer("gru", UNITS, dtype="float64")
    course = recurrent_layer("gru_course", UNITS, dtype="float64")
    plain.build(X.shape)
    course.build(X.shape)
    plain.set_weights([np.random.default_rng(2).normal(size=w.shape) for w in plain.weights])
    course.set_weights(kc.weights.flip_update_gate(plain.get_weights()))
    np.testing.assert_allclose(course(X), plain(X), atol=1e-15)
    back = kc.weights.flip_update_gate(course.get_weights())
    for old, new in zip(plain.get_weights(), back, strict=True):
        np.testing.assert_array_equal(new, old)


def test_what_does_not_fit_is_refused_and_changes_nothing():
    layers = stack("LSTM", 1)
    before = layers[0].get_weights()
    for twin in (
        torch_twin("LSTM", 2),
        torch_twin("GRU", 1),
        torch_twin("LSTM", 1, use_bias=False),
    ):
        with pytest.raises(kc.InputError, match="The state has.*Build layers like the state's"):
            kc.weights.load_torch_recurrent(layers, twin.state_dict())
    for old, new in zip(before, layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.GRU(2, reset_after=False), r"a GRU\(reset_after=False\)"),
        (keras.layers.Dense(2), "is a Dense"),
        (keras.layers.LSTM(2), "has no weights yet"),
    ],
)
def test_other_layers_are_refused(layer, message):
    with pytest.raises(kc.InputError, match=message):
        kc.weights.torch_recurrent_state(layer)
