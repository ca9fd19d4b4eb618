"""Detectors made of the papers' classifiers, and of any other network."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.errors import InputError
from support import undrawn


@pytest.mark.parametrize(("name", "cells"), [("vgg_16", 7), ("zfnet", 6), ("alexnet", 6)])
def test_a_whole_picture_as_a_region_is_read_as_the_classifier_reads_it(name, cells):
    source = kc.create_model(name, width=0.125, classes=5)
    model = kc.models.region_detector(source, 3)
    pooling, side = model.get_layer("region_pooling"), source.input_shape[1]
    assert pooling.stride == 16 and pooling.size == (cells, cells)
    image = np.random.default_rng(0).normal(size=(1, side, side, 3)).astype("float32")
    given = {"image": image, "boxes": np.float32([[[0, 0, side, side]]])}
    found, expected = (
        np.asarray(keras.Model(each.inputs, each.get_layer("head_dense2").output)(asked)).ravel()
        for each, asked in ((model, given), (source, [image]))
    )
    # But for pools of 3, which overlap, and borders.
    assert np.corrcoef(found, expected)[0, 1] > 0.85
    features = kc.models.rcnn_features(source)
    assert [each.shape[1] for each in features.outputs] == [
        4096,
        cells**2 * source.get_layer("head_flatten").input.shape[-1],
    ]
    vector, last = features(image)
    np.testing.assert_allclose(np.ravel(vector), expected, atol=1e-5)


def test_behind_a_pyramid_dense_layers_learn_anew_and_the_convolutions_stay():
    source = kc.create_model("alexnet", width=0.125, classes=5)
    model = kc.models.region_detector(source, 3, "spp_net")
    assert model.get_layer("region_pooling").levels == (1, 2, 3, 6)
    assert model.get_layer("region_vector").output.shape[-1] == 50 * 32
    assert {each.path.split("/")[0] for each in model.trainable_weights} == {
        "head_dense1", "head_dense2", "classes", "head_offsets",
    }  # fmt: skip
    # Its second layer would fit, but what stands before it is new.
    for number, same in ((1, False), (2, False)):
        kernels = [each.get_layer(f"head_dense{number}").kernel for each in (model, source)]
        assert np.array_equal(*kernels) == same
    grid = kc.models.region_detector(source, 3, "spp_net", levels=(6,))
    assert np.array_equal(
        grid.get_layer("head_dense1").kernel, source.get_layer("head_dense1").kernel
    )


def test_a_classifier_without_dense_layers_is_told_the_way():
    with pytest.raises(InputError, match="as_map=True"):
        kc.models.region_detector(kc.create_model("resnet_20_cifar", width=0.25), 3)
    with pytest.raises(InputError, match="as_map=True"):
        kc.models.rcnn_features(kc.create_model("resnet_20_cifar", width=0.25))
    with pytest.raises(InputError, match="'spp_net'"):
        kc.models.region_detector(kc.create_model("resnet_20_cifar", width=0.25), 3, "yolo")


FAMILIES = {
    "densenet_40_k12_cifar": (32, 4), "squeezenet_1_1": (64, 16), "resnet_18": (64, 32),
    "resnet_20_cifar": (32, 4), "vgg_a": (64, 32), "nin_cifar": (32, 4), "maxout_cifar": (32, 8),
    "simpnet_300k_cifar": (32, 4), "highway_19_cifar": (32, 4), "lenet_5_modern": (32, 4),
}  # fmt: skip


def test_any_family_is_a_backbone_whose_stride_is_known():
    boxes = np.float32([[[0, 0, 30, 30], [3, 5, 20, 19]]])
    with undrawn():
        for name, (side, stride) in FAMILIES.items():
            own = {} if name.startswith(("squeezenet", "densenet")) else {"width": 0.1}
            backbone = kc.models.picture_encoder(name, side, as_map=True, **own)
            model = kc.models.fast_rcnn(backbone, 2, bins=2, units=(4,))
            assert model.get_layer("region_pooling").stride == stride, name
    image = np.zeros((1, 32, 32, 3), "float32")
    assert model({"image": image, "boxes": boxes})["offsets"].shape == (1, 2, 2, 4)
