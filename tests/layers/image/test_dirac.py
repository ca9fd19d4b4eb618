"""Dirac convolutions and NCReLU against their definitions."""

import keras
import numpy as np
import pytest

from keras_classics.layers import DiracConv2D, NCReLU
from support import check_layer

MAPS = np.random.default_rng(5).normal(size=(2, 6, 6, 4)).astype("float32")


@pytest.mark.parametrize(
    "layer",
    [DiracConv2D(4), DiracConv2D(6, 5, scale="layer", alpha=0.5, beta=0.5), NCReLU()],
    ids=lambda layer: layer.name,
)
def test_contract(layer):
    check_layer(layer, MAPS)


@pytest.mark.parametrize("filters", [2, 4, 6])
def test_without_its_kernel_the_layer_is_the_identity_on_the_channels_both_have(filters):
    result = np.asarray(DiracConv2D(filters, alpha=1.0, beta=0.0)(MAPS))
    shared = min(4, filters)
    np.testing.assert_array_equal(result[..., :shared], MAPS[..., :shared])
    assert not result[..., shared:].any()


@pytest.mark.parametrize("scale", ["channel", "layer"])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_kernel_is_the_papers_formula(scale, size):
    layer = DiracConv2D(3, size, scale=scale)
    layer.build(MAPS.shape)
    draw = np.random.default_rng(0)
    kernel = draw.normal(size=(size, size, 4, 3)).astype("float32")
    alpha, beta = draw.normal(size=(2, 3) if scale == "channel" else 2).astype("float32")
    layer.set_weights([kernel, alpha, beta])
    expected = np.empty_like(kernel)
    for target in range(3):
        own = (np.broadcast_to(alpha, 3)[target], np.broadcast_to(beta, 3)[target])
        identity = np.zeros((size, size, 4))
        identity[size // 2, size // 2, target] = 1
        unit = kernel[..., target] / np.linalg.norm(kernel[..., target])
        expected[..., target] = own[0] * identity + own[1] * unit
    np.testing.assert_allclose(layer.effective_kernel(), expected, atol=1e-6)
    np.testing.assert_allclose(
        layer(MAPS), keras.ops.conv(MAPS, expected, padding="same"), atol=1e-5
    )


def test_a_filter_of_zeros_leaves_the_identity():
    layer = DiracConv2D(4)
    layer.build(MAPS.shape)
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    np.testing.assert_array_equal(layer(MAPS), MAPS)


def test_an_even_kernel_has_no_centre():
    with pytest.raises(ValueError, match="kernel_size=4.*odd"):
        DiracConv2D(3, 4)


def test_the_halves_of_ncrelu_add_up_to_the_input_and_have_one_sign():
    result = np.asarray(NCReLU()(MAPS))
    np.testing.assert_array_equal(result[..., :4] + result[..., 4:], MAPS)
    assert result[..., :4].min() == 0 and result[..., 4:].max() == 0
