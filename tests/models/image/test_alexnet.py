"""AlexNet: its groups are two networks side by side, its biases start positive, its order can turn."""

import keras
import numpy as np
import pytest

import keras_classics as kc

SMALL = {"width": 0.1, "dense_units": 8, "input_shape": (67, 67, 3), "classes": 4}


def test_a_grouped_convolution_is_two_on_half_of_the_channels():
    model = kc.models.AlexNet(**SMALL, kernel_initializer="he_normal")
    layer = model.get_layer("stage2_conv1")
    x = np.random.default_rng(0).normal(size=(2, 7, 7, layer.input.shape[-1])).astype("float32")
    kernels, biases = np.split(layer.kernel, 2, axis=-1), np.split(layer.bias, 2)
    halves = [
        keras.ops.conv(half, kernel, padding="same") + bias
        for half, kernel, bias in zip(np.split(x, 2, axis=-1), kernels, biases, strict=True)
    ]
    np.testing.assert_allclose(layer(x), np.concatenate(halves, axis=-1), atol=1e-5)


@pytest.mark.parametrize(("arguments", "value"), [({}, 1.0), ({"bias_value": 0.1}, 0.1)])
def test_biases_of_the_papers_layers_start_positive(arguments, value):
    model = kc.models.AlexNet(**SMALL, **arguments)
    positive = {
        layer.name
        for layer in model.layers
        if layer.weights and np.allclose(layer.bias, value)
    }  # fmt: skip
    assert positive == {
        "stage2_conv1", "stage3_conv2", "stage3_conv3", "head_dense1", "head_dense2",
    }  # fmt: skip


def test_kernels_start_with_a_deviation_of_a_hundredth():
    kernel = kc.models.AlexNet(**SMALL | {"width": 1.0}).get_layer("stage3_conv1").kernel
    assert np.std(kernel) == pytest.approx(0.01, rel=0.01)


def kinds(model, prefix):
    return [type(layer).__name__ for layer in model.layers if layer.name.startswith(prefix)]


def test_caffenet_pools_before_it_normalizes():
    paper, caffe = (kc.models.AlexNet(**SMALL, order=order) for order in ("paper", "caffenet"))
    for stage in ("stage1", "stage2"):
        rest = ["LocalResponseNormalization", "MaxPooling2D"]
        assert kinds(paper, stage)[-2:] == rest
        assert kinds(caffe, stage)[-2:] == rest[::-1]
    assert "LocalResponseNormalization" not in kinds(paper, "stage3")


def test_dropout_follows_the_dense_layers_and_in_2014_precedes_them():
    assert kinds(kc.models.AlexNet(**SMALL), "head") == ["Flatten", *["Dense", "Dropout"] * 2]
    assert kinds(kc.models.AlexNetOWT(**SMALL), "head") == ["Flatten", *["Dropout", "Dense"] * 2]


def test_a_wrong_order_is_refused():
    with pytest.raises(ValueError, match="order='caffe'.*'paper', 'caffenet'"):
        kc.models.AlexNet(order="caffe")
