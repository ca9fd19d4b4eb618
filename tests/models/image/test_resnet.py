"""ResNet and VGG: strides, shortcuts and twins."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def test_stride_in_moves_multiply_adds_not_parameters():
    first, second = kc.models.ResNet50(), kc.models.ResNet50(stride_in="3x3")
    assert first.count_params() == second.count_params()
    assert kc.analysis.multiply_adds(second) == 4_089_184_256


@pytest.mark.parametrize(
    ("name", "arguments", "parameters"),
    [
        ("resnet_34", {"shortcut": "A"}, 21_623_848),
        ("resnet_20_cifar", {"shortcut": "B"}, 272_474),
        ("resnet_110_cifar", {"shortcut": "B"}, 1_730_714),
        ("resnet_50", {"conv_bias": True}, 25_583_592),
        ("resnet_101", {"conv_bias": True}, 44_601_832),
        ("vgg_d", {"batch_norm": True}, 138_365_992),
        ("vgg_e", {"batch_norm": True}, 143_678_248),
    ],
)
def test_options_change_the_count_as_computed(name, arguments, parameters):
    model = kc.create_model(name, **arguments)
    assert kc.analysis.trainable_parameters(model) == parameters


def test_option_a_keeps_every_second_pixel_and_appends_zeros():
    x = np.arange(2 * 5 * 5 * 3, dtype="float32").reshape(2, 5, 5, 3)
    y = np.asarray(kc.layers.ZeroPaddedShortcut(7, 2)(x))
    assert y.shape == (2, 3, 3, 7)
    np.testing.assert_array_equal(y[..., :3], x[:, ::2, ::2])
    assert not y[..., 3:].any()


def test_a_block_whose_branch_is_zero_passes_its_input():
    model = kc.models.ResNet20CIFAR(repeats=(2,), include_top=False)
    model.get_layer("stage1_block2_norm2").gamma.assign(np.zeros(16))
    # "out" is the rectified sum, and the input of the block was already rectified.
    inside = keras.Model(
        model.input,
        [model.get_layer("stage1_block1_out").output, model.get_layer("stage1_out").output],
    )
    before, after = inside(np.random.default_rng(0).normal(size=(1, 32, 32, 3)))
    np.testing.assert_array_equal(before, after)


def test_stochastic_depth_falls_linearly_to_the_last_block():
    model = kc.models.ResNet20CIFAR(survival=0.5, survival_mode="row", survival_rescale="train")
    layers = [x for x in model.layers if isinstance(x, kc.layers.StochasticDepth)]
    kept = [layer.survival for layer in layers]
    np.testing.assert_allclose(kept, 1 - np.arange(1, 10) / 9 * 0.5)
    assert {(layer.mode, layer.rescale) for layer in layers} == {("row", "train")}
    plain = kc.models.ResNet20CIFAR()
    assert not any(isinstance(x, kc.layers.StochasticDepth) for x in plain.layers)
    assert model.count_params() == plain.count_params()


def test_stochastic_depth_scales_the_branch_at_inference():
    model = kc.models.ResNet20CIFAR(repeats=(2,), survival=0.5, include_top=False)
    inside = keras.Model(
        model.input,
        [
            model.get_layer(name).output
            for name in ("stage1_block1_out", "stage1_block2_norm2", "stage1_out")
        ],
    )
    x, branch, out = map(np.asarray, inside(np.random.default_rng(0).normal(size=(1, 32, 32, 3))))
    np.testing.assert_allclose(out, np.maximum(x + 0.5 * branch, 0), atol=1e-6)


def test_a_plain_network_cannot_drop_its_blocks():
    with pytest.raises(ValueError, match="no shortcut"):
        kc.models.Plain20CIFAR(survival=0.5)
