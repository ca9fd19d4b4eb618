"""Delta-orthogonal networks: the reference's counts, and gradients as long below as above."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.initializers import critical_point

DIGITS = np.random.default_rng(6).normal(size=(4, 12, 12, 1)).astype("float32")


def small(**arguments):
    keras.utils.set_random_seed(2)
    return kc.models.DeltaOrthogonal1250MNIST(
        input_shape=(12, 12, 1), **{"width": 0.25, "depth": 6, **arguments}
    )


def test_parameters_for_cifar_are_the_references():
    model = kc.models.DeltaOrthogonal1250MNIST(input_shape=(32, 32, 3))
    assert kc.analysis.trainable_parameters(model) == 11_579_722


def test_the_deepest_is_a_handful_of_layers():
    model = kc.models.DeltaOrthogonal10000MNIST()
    assert kc.analysis.trainable_parameters(model) == 92_499_146
    assert len(model.layers) < 12


@pytest.mark.parametrize("padding", ["circular", "same"])
def test_stacked_is_the_same_network(padding):
    stacked, single = small(padding=padding), small(padding=padding, stacked=False)
    weights = stacked.get_weights()
    at = next(i for i, weight in enumerate(weights) if weight.ndim == 5)
    kernels, biases = weights[at : at + 2]
    pairs = [weight for pair in zip(kernels, biases, strict=True) for weight in pair]
    single.set_weights([*weights[:at], *pairs, *weights[at + 2 :]])
    np.testing.assert_allclose(stacked(DIGITS), single(DIGITS), atol=1e-6)
    losses = []
    for model in (stacked, single):
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        losses.append([model.train_on_batch(DIGITS, np.arange(4)) for _ in range(3)])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_it_starts_on_the_critical_line():
    model = small(depth=200)
    sigma_w, sigma_b = critical_point("tanh", 1 / 200)
    kernel, bias = map(np.asarray, model.get_layer("stage1_conv").weights)
    lengths = np.linalg.norm(kernel[:, 1, 1], axis=-1)
    np.testing.assert_allclose(lengths, sigma_w, rtol=1e-5)
    assert bias.std() == pytest.approx(sigma_b, rel=0.1)


def gradient_lengths(model):
    """Length of the gradient of each stacked kernel."""
    import tensorflow as tf

    kernel = model.get_layer("stage1_conv").kernel.value
    with tf.GradientTape() as tape:
        loss = keras.losses.sparse_categorical_crossentropy(np.arange(4), model(DIGITS))
    return np.linalg.norm(tape.gradient(loss, kernel).numpy().reshape(kernel.shape[0], -1), axis=1)


def test_gradients_are_as_long_in_the_first_of_200_layers_as_in_the_last():
    lengths = gradient_lengths(small(depth=200, width=0.5))
    assert 0.5 < lengths[0] / lengths[-1] < 2


def test_gradients_vanish_where_the_start_is_not_critical():
    model = small(depth=200, width=0.5)
    kernel = model.get_layer("stage1_conv").kernel
    kernel.assign(kernel * 0.9)
    lengths = gradient_lengths(model)
    assert lengths[0] / lengths[-1] < 1e-3


def test_the_exported_network_predicts_the_same(tmp_path):
    import tensorflow as tf

    model = small()
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(DIGITS), model(DIGITS), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"activation": "gelu"}, "activation='gelu'"), ({"depth": 0}, "depth=0"),
     ({"padding": "zero"}, "padding='zero'")],
)  # fmt: skip
def test_what_is_not_admitted_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)
