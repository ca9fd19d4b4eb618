"""ResNeXt: the grouped convolution is the paper's sum over branches."""

import keras
import numpy as np

import keras_classics as kc


def test_grouped_block_is_the_sum_of_explicit_branches():
    model = kc.models.ResNeXt50_32x4d(
        repeats=(2,), width=0.5, include_top=False, input_shape=(32, 32, 3)
    )
    draw = np.random.default_rng(0)

    def inside(name):
        return keras.Model(model.input, model.get_layer(name).output)

    for depth in (1, 2, 3):
        norm = model.get_layer(f"stage1_block2_norm{depth}")
        norm.set_weights([draw.uniform(0.5, 1.5, w.shape) for w in norm.weights])

    def normalized(x, depth, channels):
        gamma, beta, mean, variance = (
            w[channels] for w in model.get_layer(f"stage1_block2_norm{depth}").get_weights()
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    pictures = draw.normal(size=(2, 32, 32, 3)).astype("float32")
    x = np.asarray(inside("stage1_block1_out")(pictures))
    kernels = [model.get_layer(f"stage1_block2_conv{d}").get_weights()[0] for d in (1, 2, 3)]
    groups, width = 32, 2
    assert kernels[1].shape == (3, 3, width, groups * width)
    total = 0.0
    for group in range(groups):
        own = slice(group * width, (group + 1) * width)
        branch = keras.ops.conv(x, kernels[0][..., own])
        branch = np.maximum(normalized(branch, 1, own), 0)
        branch = keras.ops.conv(branch, kernels[1][..., own], padding="same")
        branch = np.maximum(normalized(branch, 2, own), 0)
        total = total + keras.ops.conv(branch, kernels[2][:, :, own])
    expected = np.maximum(normalized(total, 3, slice(None)) + x, 0)
    result = np.asarray(inside("stage1_out")(pictures))
    assert np.linalg.norm(result - expected) < 1e-5 * np.linalg.norm(expected)


def test_a_block_of_32_groups_of_4_costs_what_a_bottleneck_of_64_does():
    def weights(model):
        return sum(model.get_layer(f"stage1_block2_conv{d}").count_params() for d in (1, 2, 3))

    assert weights(kc.models.ResNet50(repeats=(2,), include_top=False)) == 69_632
    assert weights(kc.models.ResNeXt50_32x4d(repeats=(2,), include_top=False)) == 70_144


def test_only_the_3x3_convolution_has_the_stride():
    model = kc.models.ResNeXt50_32x4d(repeats=(1, 1), include_top=False)
    strides = [model.get_layer(f"stage2_block1_conv{d}").strides for d in (1, 2, 3)]
    assert strides == [(1, 1), (2, 2), (1, 1)]
