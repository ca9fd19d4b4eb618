"""SqueezeNet: sizes of the feature maps, and the bypass around every second fire module."""

import keras
import pytest

import keras_classics as kc


@pytest.mark.parametrize(
    ("name", "sides"),
    [("squeezenet_1_0", [109, 54, 27, 13]), ("squeezenet_1_1", [111, 55, 27, 13])],
)
def test_feature_maps_have_the_authors_sizes(name, sides):
    model = kc.create_model(name)
    names = ("stem_conv", "stage1_out", "stage2_out", "stage3_out")
    assert [model.get_layer(layer).output.shape[1] for layer in names] == sides


@pytest.mark.parametrize("name", ["squeezenet_1_0", "squeezenet_1_1"])
def test_bypass_adds_four_sums_and_no_parameters(name):
    plain, bypassed = kc.create_model(name), kc.create_model(name, bypass=True)
    assert plain.count_params() == bypassed.count_params()
    fires = [x.name.removesuffix("_conv") for x in plain.layers if x.name.endswith("branch1_conv")]
    assert len(fires) == 8
    sums = [layer for layer in bypassed.layers if isinstance(layer, keras.layers.Add)]
    assert [layer.output.shape[-1] for layer in sums] == [128, 256, 384, 512]
    assert not any(isinstance(layer, keras.layers.Add) for layer in plain.layers)
