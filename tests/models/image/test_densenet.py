"""DenseNet: what is concatenated, what a transition keeps, the stem's two readings."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def test_the_released_stem_gives_the_other_count():
    model = kc.models.DenseNet40_k12CIFAR(stem_filters=24)
    assert kc.analysis.trainable_parameters(model) == 1_059_298


@pytest.mark.parametrize("name", ["densenet_121", "densenet_40_k12_cifar"])
def test_a_block_keeps_all_earlier_maps_in_order(name):
    model = kc.create_model(name, repeats=(3,), include_top=False, input_shape=(32, 32, 3))
    stem = "stem_pool" if name == "densenet_121" else "stem_conv"
    names = (stem, "stage1_block1_out", "stage1_block2_out", "stage1_out")
    inside = keras.Model(model.input, [model.get_layer(name).output for name in names])
    maps = list(map(np.asarray, inside(np.random.default_rng(0).normal(size=(1, 32, 32, 3)))))
    for before, after in zip(maps, maps[1:], strict=False):
        assert after.shape[-1] - before.shape[-1] == kc.card(name).growth
        np.testing.assert_array_equal(after[..., : before.shape[-1]], before)


def test_transitions_halve_the_channels_only_in_the_bc_form():
    bc = kc.models.DenseNetBC100_k12CIFAR(repeats=(3, 1))
    basic = kc.models.DenseNet40_k12CIFAR(repeats=(3, 1))
    assert bc.get_layer("stage1_conv").filters == (24 + 3 * 12) // 2
    assert basic.get_layer("stage1_conv").filters == 16 + 3 * 12


def test_dropout_follows_every_convolution_but_the_first():
    model = kc.models.DenseNetBC100_k12CIFAR(repeats=(2, 1), dropout=0.2)
    kinds = [type(layer) for layer in model.layers]
    assert kinds.count(keras.layers.Dropout) == kinds.count(keras.layers.Conv2D) - 1


def test_the_smallest_picture_leaves_one_pixel():
    for name in ("densenet_121", "densenet_40_k12_cifar"):
        smallest = kc.card(name).smallest_size
        repeats = (1,) * len(kc.card(name).repeats)
        shape = (smallest, smallest, 3)
        model = kc.create_model(name, include_top=False, input_shape=shape, repeats=repeats)
        assert model.output_shape[1:3] == (1, 1)
