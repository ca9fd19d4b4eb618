"""Maxout networks against the authors' configurations."""

import keras
import numpy as np
import pytest

import keras_classics as kc


@pytest.mark.parametrize(
    ("ceil_mode", "sides", "parameters"),
    [(True, [16, 7, 5], 16_247_830), (False, [15, 6, 4], 11_927_830)],
)
def test_rounding_of_pooling_decides_sizes_and_count(ceil_mode, sides, parameters):
    model = kc.models.MaxoutCIFAR(ceil_mode=ceil_mode)
    outs = [model.get_layer(f"stage{k}_out").output.shape[1] for k in (1, 2, 3)]
    assert outs == sides
    assert kc.analysis.trainable_parameters(model) == parameters


def test_kernels_start_between_plus_and_minus_five_thousandths():
    for model in (kc.models.MaxoutMNIST(), kc.models.MaxoutCIFAR(width=0.2, units=50)):
        kernels = np.concatenate([w.numpy().ravel() for w in model.weights if w.name == "kernel"])
        assert np.abs(kernels).max() <= 0.005
        assert np.std(kernels) == pytest.approx(0.01 / np.sqrt(12), rel=0.02)


def test_training_limits_the_norm_of_each_piece():
    initializer = keras.initializers.RandomNormal(stddev=1.0, seed=1)
    model = kc.models.MaxoutCIFAR(
        width=0.1, units=10, input_shape=(8, 8, 3), kernel_initializer=initializer
    )
    model.compile(keras.optimizers.SGD(1e-6), "sparse_categorical_crossentropy")
    model.train_on_batch(np.ones((2, 8, 8, 3)), np.zeros(2))
    limits = {"stage1_conv": 0.9, "stage2_conv": 1.9365, "stage3_conv": 1.9365, "head_dense": 1.9}
    for name, limit in limits.items():
        kernel = np.asarray(model.get_layer(name).kernel)
        norms = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), axis=0)
        np.testing.assert_allclose(norms, limit, rtol=1e-5)


def test_one_piece_is_a_linear_network():
    model = kc.models.MaxoutMNIST(pieces=1, classifier_activation=None)
    a, b = np.random.default_rng(0).normal(size=(2, 4, 784)).astype("float32")
    middle = (np.asarray(model(a)) + np.asarray(model(b))) / 2
    np.testing.assert_allclose(model((a + b) / 2), middle, rtol=1e-3, atol=1e-7)
