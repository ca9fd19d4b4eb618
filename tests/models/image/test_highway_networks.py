"""Highway networks: gates that start closed, the plain layers between."""

import keras
import numpy as np
import pytest

import keras_classics as kc


@pytest.mark.parametrize(
    ("name", "bias"),
    [("highway_10_mnist", -1), ("highway_20_mnist", -2), ("highway_50_mnist", -3)],
)
def test_deeper_networks_start_more_closed(name, bias):
    model = kc.create_model(name)
    gates = [layer.transform[1] for layer in model.layers if isinstance(layer, kc.layers.Highway)]
    assert len(gates) == kc.card(name).depth - 1
    assert {float(value) for gate in gates for value in np.asarray(gate)} == {bias}


def test_a_deep_network_with_closed_gates_is_its_first_layer():
    model = kc.models.Highway100MNIST(transform_bias=-1000.0, include_top=False)
    first = keras.Model(model.input, model.get_layer("stem_dense").output)
    digits = np.random.default_rng(0).uniform(size=(3, 784)).astype("float32")
    np.testing.assert_array_equal(model(digits), first(digits))


def test_the_cifar_network_for_100_classes_has_the_papers_count():
    model = kc.models.Highway19CIFAR(classes=100)
    assert kc.analysis.trainable_parameters(model) == 2_265_928


def test_maps_of_the_mnist_network_are_24_12_6_and_3_wide():
    model = kc.models.HighwayConv10MNIST()
    names = ("stage1_conv", "stage1_out", "stage2_out", "stage3_out")
    assert [model.get_layer(name).output.shape[1] for name in names] == [24, 12, 6, 3]


def test_smallest_sizes_are_true():
    for name in ("highway_19_cifar", "highway_conv_10_mnist"):
        smallest, channels = kc.card(name).smallest_size, kc.card(name).input_shape[-1]
        model = kc.create_model(name, input_shape=(smallest, smallest, channels), width=0.1)
        size = {layer.name: layer.output.shape for layer in model.layers}
        assert size["stage3_highway1"][1] >= 1
        assert 0 not in size["predictions"]


def test_a_free_carry_gate_adds_a_third_kernel():
    coupled, free = kc.models.Highway10MNIST(), kc.models.Highway10MNIST(carry_gate=True)
    assert free.count_params() - coupled.count_params() == 9 * (50 * 50 + 50)
