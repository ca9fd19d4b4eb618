"""Trunks for the road: counts of the reference, the classifiers' own layers, enlarged pictures."""

import inspect

import keras
import numpy as np
import pytest

import keras_classics as kc

PICTURES = np.random.default_rng(0).normal(size=(2, 30, 50, 3)).astype("float32")
SMALL = {"input_shape": (30, 50, 3), "width": 0.1}


@pytest.mark.parametrize(
    ("until", "scale", "parameters", "billions"),
    [
        ("conv3", 1.0, 1_227_520, 4.93),
        ("conv4", 1.0, 1_891_456, 6.17),
        ("conv5", 1.0, 2_334_080, 7.00),
        ("conv3", 2.0, 1_227_520, 19.54),
        ("conv4", 2.0, 1_891_456, 24.40),
        ("conv5", 2.0, 2_334_080, 27.64),
    ],
)
def test_counts_of_alexnets_trunk(until, scale, parameters, billions):
    model = kc.models.road_backbone("alexnet", until=until, scale=scale)
    assert kc.analysis.trainable_parameters(model) == parameters
    assert round(kc.analysis.multiply_adds(model) / 1e9, 2) == billions
    assert model.input_shape == (None, 375, 1242, 3)
    height, width = (side * scale / 16 for side in (375, 1242))
    assert model.output_shape[1:3] == (np.ceil(height), np.ceil(width))


def test_squeezenets_trunk_is_all_but_its_classifier():
    model = kc.models.road_backbone("squeezenet")
    classifier = 512 * 1000 + 1000
    count = kc.card("squeezenet_1_0").parameters - classifier
    assert kc.analysis.trainable_parameters(model) == count
    assert model.output_shape == (None, 46, 154, 512)


@pytest.mark.parametrize(
    ("until", "layer"),
    [("fire2", "stage1_block1_out"), ("fire7", "stage2_block3_out"), ("fire9", "stage3_out")],
)
def test_a_trunk_is_the_beginning_of_the_classifier(until, layer):
    whole = kc.models.SqueezeNet1_0(input_shape=(30, 50, 3), width=0.1)
    trunk = kc.models.road_backbone("squeezenet", until=until, scale=1, **SMALL)
    for each in trunk.layers:
        each.set_weights(whole.get_layer(each.name).get_weights())
    expected = keras.Model(whole.input, whole.get_layer(layer).output)
    np.testing.assert_array_equal(trunk(PICTURES), expected(PICTURES))
    assert sum(x.name.endswith("branch1_conv") for x in trunk.layers) == int(until[-1]) - 1


def test_alexnets_weights_fit_its_trunk():
    whole = kc.models.AlexNet(input_shape=(67, 67, 3), width=0.1, dense_units=8)
    trunk = kc.models.RoadAlexNet(**SMALL)
    for layer in trunk.layers:
        if layer.weights:
            layer.set_weights(whole.get_layer(layer.name).get_weights())
    assert sum(bool(layer.weights) for layer in trunk.layers) == 5


@pytest.mark.parametrize("trunk", ["alexnet", "squeezenet"])
def test_scale_enlarges_the_picture_first(trunk):
    enlarging = kc.models.road_backbone(trunk, scale=1.5, **SMALL)
    plain = kc.models.road_backbone(trunk, scale=1, **SMALL | {"input_shape": (45, 75, 3)})
    plain.set_weights(enlarging.get_weights())
    enlarged = keras.ops.image.resize(PICTURES, (45, 75), interpolation="bilinear")
    np.testing.assert_allclose(enlarging(PICTURES), plain(enlarged), atol=1e-5)


def test_the_catalogues_trunk_takes_enlarged_pictures_and_has_no_classifier():
    parameters = inspect.signature(kc.models.RoadAlexNet).parameters
    assert parameters["include_top"].default is False
    assert parameters["classes"].default is None
    model = kc.models.RoadAlexNet()
    assert not any(isinstance(layer, keras.layers.Dense) for layer in model.layers)
    same = kc.models.road_backbone("alexnet", scale=2.0)
    assert model.output_shape == same.output_shape == (None, 47, 156, 256)


def test_pooling_weights_and_an_input_tensor(tmp_path):
    model = kc.models.RoadAlexNet(**SMALL)
    model.save_weights(tmp_path / "road.weights.h5")
    image = keras.Input((None, None, 3))
    pooled = kc.models.road_backbone(
        scale=1,
        width=0.1,
        input_tensor=keras.layers.Rescaling(1.0)(image),
        pooling="max",
        weights=None,
    )
    pooled.set_weights(model.get_weights())
    expected = np.max(model(PICTURES), axis=(1, 2))
    np.testing.assert_allclose(pooled(PICTURES), expected, atol=1e-6)
    again = kc.models.RoadAlexNet(**SMALL, weights=tmp_path / "road.weights.h5")
    np.testing.assert_array_equal(again(PICTURES), model(PICTURES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"include_top": True}, "include_top=True.*it is a trunk"),
        ({"classes": 4}, "classes=4.*it is a trunk"),
        ({"until": "pool5"}, "until='pool5'.*'conv3', 'conv4', 'conv5'"),
        ({"scale": 0.0}, "scale=0.0"),
        ({"scale": 2.0, "input_shape": (None, None, 3)}, "a known height and width"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kc.models.RoadAlexNet(**arguments)


def test_an_unknown_trunk_is_refused():
    with pytest.raises(ValueError, match="trunk='vgg'.*'alexnet', 'squeezenet'"):
        kc.models.road_backbone("vgg")
