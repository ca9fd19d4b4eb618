"""Perceptron and multi-layer perceptron: Novikoff's bound, XOR, and the skip layer."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_classics as kc
from keras_classics.models.image.perceptron import check_labels

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([0, 1, 1, 0])


def unit(features, units=1):
    return kc.models.Perceptron(
        input_shape=(features,), classes=units, classifier_activation=kc.layers.threshold
    )


MODELS = {features: unit(features) for features in (2, 5)}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    features=st.sampled_from([2, 5]),
    margin=st.sampled_from([0.02, 0.1, 0.3]),
    rate=st.sampled_from([0.01, 1.0, 7.0]),
)
def test_corrections_stay_below_novikoffs_bound(seed, features, margin, rate):
    draw = np.random.default_rng(seed)
    direction = draw.normal(size=features + 1)
    direction /= np.linalg.norm(direction)
    x = draw.uniform(-1, 1, size=(200, features))
    inputs = np.column_stack([x, np.ones(200)])
    distance = inputs @ direction
    apart = np.abs(distance) >= margin
    x, inputs, distance = x[apart], inputs[apart], distance[apart]
    if not len(x):
        return
    model = MODELS[features]
    model.set_weights([np.zeros((features, 1)), np.zeros(1)])
    labels = (distance > 0).astype(int)
    history = kc.models.fit_perceptron(model, x, labels, rate=rate, max_epochs=10_000)
    # The margin and the greatest length that this sample really has, the bias included.
    bound = np.max(np.sum(inputs**2, axis=1)) / np.min(np.abs(distance)) ** 2
    assert history.converged
    assert 1 <= history.corrections[0] <= bound
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x))[:, 0], labels)


def test_the_rule_by_hand():
    # From zero the first example is a mistake: w = -(1, 2, 1). The second gives -(3 + 0 + 1) < 0
    # and is wrong: w = (3, 0, 1) - (1, 2, 1) = (2, -2, 0). The first now gives 2 - 4 < 0: right.
    x, labels = np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([0, 1])
    model = unit(2)
    history = kc.models.fit_perceptron(model, x, labels)
    kernel, bias = model.get_weights()
    assert kernel[:, 0].tolist() == [2, -2] and bias.tolist() == [0]
    assert history.corrections.tolist() == [2] and history.epochs == 2 and history.converged


def test_xor_never_converges_and_the_pocket_keeps_the_best():
    history = kc.models.fit_perceptron(unit(2), *XOR, max_epochs=50)
    assert not history.converged and history.epochs == 50
    model = unit(2)
    kc.models.fit_perceptron(model, *XOR, max_epochs=50, pocket=True)
    wrong = np.sum(keras.ops.convert_to_numpy(model(XOR[0]))[:, 0] != XOR[1])
    # No line gets fewer than one of the four wrong; standing still at zero gets two wrong.
    assert 1 <= wrong <= 2


def test_one_unit_a_class_separates_what_each_class_can_be_separated_from():
    corners = np.array([[0, 4], [4, -3], [-4, -3]], "float32")
    draw = np.random.default_rng(0)
    labels = np.arange(90) % 3
    x = corners[labels] + draw.uniform(-1, 1, size=(90, 2))
    model = unit(2, units=3)
    history = kc.models.fit_perceptron(model, x, labels, max_epochs=1000)
    assert history.converged and history.corrections.shape == (3,)
    np.testing.assert_array_equal(model(x), np.eye(3)[labels])


def test_one_hot_rows_are_refused():
    signs = np.array([-1, 1])
    with pytest.raises(kc.InputError, match="Labels with -1 were given.*return_inverse"):
        check_labels(signs, 2, 1)
    numbered = np.unique(signs, return_inverse=True)[1]
    np.testing.assert_array_equal(check_labels(numbered, 2, 1), [[-1], [1]])
    with pytest.raises(kc.InputError, match="not one-hot"):
        kc.models.fit_perceptron(unit(2, 3), np.zeros((4, 2)), np.eye(4, 3))


@pytest.mark.parametrize(
    ("name", "units", "parameters"),
    [
        ("mlp_mnist", (512,), 407_050),
        ("mlp_skip_mnist", (512,), 414_890),
        ("mlp_mnist", (300,), 238_510),
    ],
)
def test_mlp_counts_by_hand(name, units, parameters):
    assert kc.create_model(name, units=units).count_params() == parameters


def test_the_skip_layer_is_linear_in_the_input():
    model = kc.models.MLPSkipMNIST(classifier_activation=None)
    hidden = model.get_layer("head_dense")
    hidden.set_weights([np.zeros_like(w) for w in hidden.get_weights()])
    x = np.random.default_rng(0).normal(size=(3, 784)).astype("float32")
    (skip,) = model.get_layer("head_skip").get_weights()
    np.testing.assert_allclose(model(x), x @ skip, rtol=1e-4, atol=1e-5)
