"""Binary AlexNets: how much of them is binary, the order of their layers, the authors' form."""

import numpy as np
import pytest

import keras_classics as kc

SMALL = {"width": 0.1, "dense_units": 8, "input_shape": (63, 63, 3), "classes": 4}


@pytest.mark.parametrize("name", ["bwn_alexnet", "xnor_alexnet"])
def test_weights_and_multiply_adds_that_are_binary_take_a_bit(name):
    model = kc.create_model(name)
    binary = [row for row in kc.analysis.costs(model) if row.binary_weights]
    assert [row.kind for row in binary] == ["BinaryConv2D"] * 6
    assert sum(row.binary_weights for row in binary) == 58_236_928
    assert sum(row.multiply_adds for row in binary) == 1_025_744_896
    saved = 4 * model.count_params() - kc.analysis.weight_bytes(model)
    assert saved == 58_236_928 * 4 * (1 - 1 / 32)


def kinds(model, prefix):
    return [type(layer).__name__ for layer in model.layers if layer.name.startswith(prefix)]


def test_binary_inputs_are_normalized_before_and_pooled_after():
    model = kc.models.XNORAlexNet(**SMALL)
    assert kinds(model, "stage2") == ["BatchNormalization", "BinaryConv2D", "MaxPooling2D"]
    assert kinds(model, "head") == [
        *["BatchNormalization", "BinaryConv2D"] * 2, "BatchNormalization", "ReLU", "Flatten",
    ]  # fmt: skip


def test_binary_weights_keep_the_usual_order():
    model = kc.models.BWNAlexNet(**SMALL)
    usual = ["BinaryConv2D", "BatchNormalization", "ReLU"]
    assert kinds(model, "stage2") == [*usual, "MaxPooling2D"]
    assert kinds(model, "head") == [*["Dropout", *usual] * 2, "Flatten"]


@pytest.mark.parametrize("name", ["bwn_alexnet", "xnor_alexnet"])
def test_first_convolution_and_classifier_are_real(name):
    model = kc.create_model(name, **SMALL)
    for layer, kind in (("stage1_conv1", "Conv2D"), ("predictions", "Dense")):
        assert type(model.get_layer(layer)).__name__ == kind


def test_options_reach_every_binary_layer():
    options = {"estimator": "swish_sign", "input_scale": False, "center_clamp": True}
    model = kc.models.XNORAlexNet(**SMALL, **options)
    binary = [layer for layer in model.layers if isinstance(layer, kc.layers.BinaryConv2D)]
    assert len(binary) == 6
    for layer in binary:
        assert options.items() <= layer.get_config().items()


def test_packed_layers_give_the_networks_features():
    model = kc.models.XNORAlexNet(**SMALL)
    draw = np.random.default_rng(0)
    for name in ("stage2_conv1", "stage3_conv2", "head_conv1"):
        layer = model.get_layer(name)
        x = draw.normal(size=(2, *layer.input.shape[1:])).astype("float32")
        np.testing.assert_allclose(kc.compression.PackedLayer.of(layer)(x), layer(x), atol=1e-5)


@pytest.mark.parametrize("name", ["bwn_alexnet", "xnor_alexnet"])
def test_a_wrong_estimator_is_refused(name):
    with pytest.raises(ValueError, match="estimator='sign'.*'clipped_identity'"):
        kc.create_model(name, estimator="sign", **SMALL)
