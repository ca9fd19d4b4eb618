"""Losses that begin at a step: the weights, and the mean that Keras makes of them."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from keras_classics.core.graphs.gradients import value_and_gradients

BATCH, TIME, TAU = 2, 4, 3
LOSSES = np.random.default_rng(1).normal(size=(BATCH, TIME, 1)).astype("float32") ** 2


def reduced(reduction, weights):
    zeros = np.zeros_like(LOSSES)
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    return float(loss(zeros, np.sqrt(LOSSES), sample_weight=weights))


def test_steps_before_tau_weigh_nothing():
    expected = [[0, 0, 1, 1], [0, 0, 1, 1]]
    np.testing.assert_array_equal(kc.training.burn_in_weights(BATCH, TIME, TAU), expected)
    assert kc.training.burn_in_weights(BATCH, TIME, 1).all()


def test_only_one_reduction_means_over_the_steps_that_count():
    weights = kc.training.burn_in_weights(BATCH, TIME, TAU)
    total, counted = LOSSES[:, TAU - 1 :].sum(), TIME - TAU + 1
    right = total / (BATCH * counted)
    np.testing.assert_allclose(reduced("mean_with_sample_weight", weights), right, rtol=1e-6)
    np.testing.assert_allclose(
        reduced("sum_over_batch_size", weights), right * counted / TIME, rtol=1e-6
    )
    np.testing.assert_allclose(reduced("sum", weights), total, rtol=1e-6)


@pytest.mark.parametrize(
    ("reduction", "expected"), [("sum_over_batch_size", 0.5), ("mean_with_sample_weight", 1.0)]
)
def test_unit_losses_give_the_references_figures(reduction, expected):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    weights = kc.training.burn_in_weights(1, 4, 3)
    assert float(loss(np.zeros((1, 4, 1)), np.ones((1, 4, 1)), sample_weight=weights)) == expected


def test_kerass_own_mask_means_over_the_steps_that_count():
    # Steps of zeros are masked: their losses are 0, and they are not counted either.
    answers = np.array([[[0.0], [0.0], [1.0], [1.0]]], "float32")
    zeros = np.zeros_like(answers)
    loss = keras.losses.MeanSquaredError()
    assert float(loss(zeros, answers)) == 0.5
    assert float(loss(zeros, keras.layers.Masking()(answers))) == 1.0


def test_gradients_flow_through_the_burn_in():
    keras.utils.set_random_seed(0)
    layer = keras.layers.SimpleRNN(1, return_sequences=True)
    layer.build((None, TIME, 1))
    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    weights = kc.training.burn_in_weights(BATCH, TIME, TAU)
    inputs = ops.convert_to_tensor(np.ones((BATCH, TIME, 1), "float32"))
    _, (gradient,) = value_and_gradients(
        lambda x: loss(ops.ones_like(x), layer(x), sample_weight=weights), [inputs]
    )
    assert np.all(ops.convert_to_numpy(gradient) != 0)


@pytest.mark.parametrize("tau", [0, 5])
def test_no_step_that_counts_is_refused(tau):
    with pytest.raises(kc.InputError, match=f"tau={tau} was given for 4 steps. Allowed: 1 to 4"):
        kc.training.burn_in_weights(2, 4, tau)
